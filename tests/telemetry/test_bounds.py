"""What counters say bounds what was done: whatever the clock shows at the moment at which it is read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.counting import metered
from gatekeeper.domain.usage import HZ_PER_MHZ, Observation
from gatekeeper.telemetry.exporters import NVIDIA
from gatekeeper.telemetry.samples import observations
from gatekeeper.telemetry.series import Series
from tests.domain.test_usage import H100
from tests.telemetry.test_samples import ACTIVE, BOOTED, ELAPSED, OURS, TENSOR, counters, gauge, series, window

SCRAPE_S = 30
MOST_MHZ = H100.chip.max_clock_mhz
FASTEST_GFLOP_PER_S = H100.chip.peak_gflop_per_s[H100.chip.fastest]


@dataclass(frozen=True, slots=True)
class Load:
    """What a device did from second 0 on, in spells of (seconds, activity from 0 to 1, clock in MHz) of each scrape."""

    scrapes: list[list[tuple[int, float, float]]]

    @property
    def ends_s(self) -> int:
        return SCRAPE_S * len(self.scrapes)

    @property
    def active(self) -> list[float]:
        """Cycles active by scrape."""
        return [sum(lasts * share * mhz for lasts, share, mhz in each) * HZ_PER_MHZ for each in self.scrapes]

    @property
    def elapsed(self) -> list[float]:
        """Cycles elapsed by scrape."""
        return [sum(lasts * mhz for lasts, _, mhz in each) * HZ_PER_MHZ for each in self.scrapes]

    @property
    def done_tflop(self) -> float:
        """Operations at the fastest format."""
        return sum(self.active) / (H100.chip.boost_clock_mhz * HZ_PER_MHZ) * FASTEST_GFLOP_PER_S / 1_000

    def activity(self, *, by_cycles: bool) -> list[float]:
        """The true mean of each scrape: over its time, or over its cycles."""
        if by_cycles:
            return [min(1.0, mine / all_) for mine, all_ in zip(self.active, self.elapsed, strict=True)]
        return [min(1.0, sum(lasts * share for lasts, share, _ in each) / SCRAPE_S) for each in self.scrapes]

    def counters(self) -> list[Series]:
        """Its cycle counters."""
        at = [SCRAPE_S * 1_000 * index for index in range(len(self.scrapes) + 1)]
        active, elapsed = accumulate(self.active, initial=0.0), accumulate(self.elapsed, initial=float(BOOTED))
        return [
            series(ACTIVE, list(zip(at, active, strict=True))),
            series(ELAPSED, list(zip(at, elapsed, strict=True))),
        ]


def gauges(activity: dict[int, float], clock_mhz: dict[int, float]) -> list[Series]:
    """Gauge and clock by the number of the scrape; scrape 0 is at second 0."""
    both = ((TENSOR, activity), (NVIDIA.clock, clock_mhz))
    return [series(name, [(SCRAPE_S * 1_000 * at, value) for at, value in said.items()]) for name, said in both]


def high_tflop(many: list[Series], ends_s: int) -> int:
    """What is counted at most from second 0 on."""
    found = observations(OURS, many, NVIDIA, window(0, ends_s * 1_000))
    return metered(H100, found[0] if found else None, interval_s=ends_s).high_tflop


@st.composite
def loads(draw: st.DrawFn) -> Load:
    """Any load within what the chip can do."""

    def spells() -> list[tuple[int, float, float]]:
        busy_s = draw(st.integers(0, SCRAPE_S))
        shares, clocks = st.sampled_from([0.0, 1.0]) | st.floats(0, 1), st.sampled_from([345.0, MOST_MHZ * 1.0])
        one, other = ((draw(shares), draw(clocks | st.floats(345, MOST_MHZ))) for _ in range(2))
        return [(busy_s, *one), (SCRAPE_S - busy_s, *other)]

    return Load([spells() for _ in range(draw(st.integers(1, 8)))])


def test_a_load_that_pauses_whenever_the_clock_is_read_is_not_counted_low() -> None:
    busy_s, idle_mhz = 28, 345
    load = Load([[(busy_s, 1.0, 1_830.0), (SCRAPE_S - busy_s, 0.0, idle_mhz)]] * 16)
    share = busy_s / SCRAPE_S
    read = gauges(dict.fromkeys(range(17), share), dict.fromkeys(range(17), float(idle_mhz)))
    assert high_tflop(read, load.ends_s) >= load.done_tflop


@given(loads(), st.booleans(), st.data())
def test_high_is_never_below_what_was_done_whatever_the_clock_readings_say(
    load: Load, by_cycles: bool, data: st.DataObject
) -> None:
    every = range(len(load.scrapes) + 1)
    said = [0.0, *load.activity(by_cycles=by_cycles)]
    printed = data.draw(st.sets(st.sampled_from(every)) | st.just(set(every)), "scrapes with gauges")
    read = data.draw(st.fixed_dictionaries(dict.fromkeys(every, st.integers(1, MOST_MHZ))), "clock readings")
    many = gauges({at: said[at] for at in sorted(printed)}, {at: float(mhz) for at, mhz in read.items()})
    if data.draw(st.booleans(), "cycle counters"):
        many += load.counters()
    assert high_tflop(many, load.ends_s) >= load.done_tflop


def most_cycles(many: list[Series]) -> int:
    """The cycles that bound what was done in the time that is covered."""
    found: list[Observation] = observations(OURS, many, NVIDIA, window())
    return sum(max(each.rate, each.activity_ppm * MOST_MHZ + each.counted_hz) * each.covered_s for each in found)


@given(gauge(), gauge(), counters(), st.integers(1, MOST_MHZ), st.integers(1, MOST_MHZ))
def test_readings_together_never_bound_lower_than_each_alone(
    one: Series, other: Series, counted: list[Series], one_mhz: int, other_mhz: int
) -> None:
    clock = [
        series(NVIDIA.clock, [(at, float(mhz)) for at in each.samples.at_ms])
        for each, mhz in ((one, one_mhz), (other, other_mhz))
    ]
    alone = (most_cycles([one, *clock]), most_cycles([other, *clock]), most_cycles(counted))
    # Rounding: up to one second less is covered, and each mean is rounded up by less than 1 ppm and 1 Hz.
    least = 2 * MOST_MHZ * HZ_PER_MHZ
    assert most_cycles([one, other, *counted, *clock]) + least >= max(alone)


def test_the_highest_activity_counts_though_another_has_the_higher_product_with_its_clock() -> None:
    at_s = range(0, 541, SCRAPE_S)
    busy = [(TENSOR, 0.9, 0), (NVIDIA.clock, 345.0, 0)]
    fast = [(TENSOR, 0.5, 7), (NVIDIA.clock, 1_980.0, 7)]
    many = [series(name, [((at + late) * 1_000, value) for at in at_s]) for name, value, late in (*busy, *fast)]
    (seen,) = observations(OURS, many, NVIDIA, window())
    assert (seen.rate, seen.activity_ppm) == (990 * HZ_PER_MHZ, 900_000)
