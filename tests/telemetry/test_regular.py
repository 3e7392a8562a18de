"""The short way for ordinary devices: wherever it answers, it answers what the long way does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.domain.usage import Observation
from gatekeeper.telemetry import regular, samples
from gatekeeper.telemetry.exporters import NVIDIA, TPU
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.series import NOBODY, Device, Pod, Series
from gatekeeper.telemetry.spans import Samples, Window, whole

OURS, THEIRS = ("lab", "trainer-0"), ("other-lab", "theirs")
GPU, PART = Device("GPU-1"), Device("GPU-1", "3")
GAUGE = NVIDIA.gauges[0].name
ACTIVE, ELAPSED = "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL", "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL"
SAMPLE_MS = 30_000
MHZ = 1_000_000


@dataclass(frozen=True, slots=True)
class Scraped:
    """Series of one device, and what is asked about."""

    many: Sequence[Series]
    window: Window
    family: Family = field(default=NVIDIA)

    def shortly(self) -> Observation | None:
        return regular.observation(OURS, self.many, self.family, self.window)

    def thoroughly(self) -> list[Observation]:
        return samples.of_any(OURS, self.many, self.family, self.window)


# What can happen to an ordinary device: to one sample, from one sample on, or to a whole series.
ODD_VALUES = (math.nan, math.inf, -1.0, 0.0, 1.0000001, 1_344.5, 10_001.0, 7.5e14)
ODD_GAPS_MS = (1, -1, SAMPLE_MS, SAMPLE_MS + 1, 7 - SAMPLE_MS)
JUMPS = (10.0**14, -(10.0**14), 0.5)


class Gpu:
    """Samples of a device on their way to becoming series; each method is one thing that happens to it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        shares = draw(st.lists(st.floats(0, 1), min_size=3, max_size=16))
        self.at_ms = [SAMPLE_MS * index for index in range(len(shares))]
        ran = SAMPLE_MS * draw(st.sampled_from([1_500_000, 1_234_567.8]))
        busier = draw(st.sampled_from([0.5, 0.9999999, 1.0]))
        booted = draw(st.sampled_from([10.0**15, 10.0**15, 2.9e11]))
        self.values: dict[str, list[float]] = {
            GAUGE: shares,
            NVIDIA.clock: [draw(st.sampled_from([1_500.0, 1_344.5]))] * len(shares),
            ACTIVE: list(accumulate(share * busier * ran for share in shares)),
            ELAPSED: [booted + ran * index for index in range(len(shares))],
        }
        self.named: dict[str, tuple[Device, Pod]] = dict.fromkeys(self.values, (GPU, OURS))
        self.more: list[Series] = []

    def _name(self) -> str:
        return self.draw(st.sampled_from(sorted(self.values)))

    def _index(self) -> int:
        return self.draw(st.integers(0, len(self.at_ms) - 1))

    def says_something_odd(self) -> None:
        self.values[self._name()][self._index()] = self.draw(st.sampled_from(ODD_VALUES))

    def is_late(self) -> None:
        index, late_ms = self._index(), self.draw(st.sampled_from(ODD_GAPS_MS))
        self.at_ms[index:] = [at + late_ms for at in self.at_ms[index:]]

    def repeats_itself(self) -> None:
        index = self._index()
        for name in self.draw(st.sampled_from([[ACTIVE, ELAPSED], [ACTIVE], [ELAPSED]])):
            if index and name in self.values:
                self.values[name][index] = self.values[name][index - 1]

    def jumps(self) -> None:
        index, jump = self._index(), self.draw(st.sampled_from(JUMPS))
        for name in self.draw(st.sampled_from([[ACTIVE, ELAPSED], [ACTIVE], [ELAPSED]])):
            if name in self.values:
                self.values[name][index:] = [value + jump for value in self.values[name][index:]]

    def loses_a_series(self) -> None:
        if len(self.values) > 1:
            del self.values[self._name()]

    def loses_its_counters(self) -> None:
        if len(self.values) > 2:
            self.values.pop(ACTIVE, None)
            self.values.pop(ELAPSED, None)

    def is_named_for_another(self) -> None:
        other = self.draw(st.sampled_from([(GPU, THEIRS), (GPU, NOBODY), (PART, OURS)]))
        for name in self.draw(st.sampled_from([[self._name()], sorted(self.values)])):
            self.named[name] = other

    def has_one_more(self) -> None:
        name = self.draw(st.sampled_from([self._name(), NVIDIA.gauges[1].name]))
        device, pod = self.draw(st.sampled_from([(GPU, OURS), (GPU, THEIRS), (GPU, NOBODY), (PART, OURS)]))
        value = self.draw(st.sampled_from([0.0, 0.5, 1.0]))
        self.more.append(Series(name, device, pod, Samples.of(self.at_ms, [value for _ in self.at_ms])))

    def has_other_times(self) -> None:
        late = [at + 1_000 for at in self.at_ms]
        name = self._name()
        self.more.append(Series(name, *self.named[name], Samples.of(late, self.values.pop(name))))

    def series(self) -> list[Series]:
        some = [Series(name, *self.named[name], Samples.of(self.at_ms, values)) for name, values in self.values.items()]
        return self.draw(st.permutations(some + self.more))


HAPPENS = (
    Gpu.says_something_odd,
    Gpu.is_late,
    Gpu.repeats_itself,
    Gpu.jumps,
    Gpu.loses_a_series,
    Gpu.loses_its_counters,
    Gpu.is_named_for_another,
    Gpu.has_one_more,
    Gpu.has_other_times,
)


@st.composite
def scraped(draw: st.DrawFn) -> Scraped:
    """Ordinary devices, and devices to which one thing or two have happened."""
    gpu = Gpu(draw)
    begins_ms = gpu.at_ms[0] + draw(st.sampled_from([0, 1, 29_000, 59_999, 60_000, 60_001, 95_000, 125_000]))
    lasts_ms = draw(st.sampled_from([1, 999, 1_000, 15_000, 60_000, 100_001, 300_000]))
    for happens in draw(st.lists(st.sampled_from(HAPPENS), max_size=2)):
        if gpu.values:
            happens(gpu)
    return Scraped(gpu.series(), Window(begins_ms, begins_ms + lasts_ms, SAMPLE_MS))


@pytest.mark.slow
@settings(max_examples=1_000)
@given(scraped())
def test_where_the_short_way_answers_it_says_what_the_long_way_says(case: Scraped) -> None:
    found = case.shortly()
    assert found is None or [found] == case.thoroughly()


WINDOW = Window(300_000, 600_000, SAMPLE_MS)


def ordinary(*, share: float = 0.4, without: str = "") -> list[Series]:
    """A device that has always done the same, scraped every 30 s, a second after the full minute."""
    at_ms = tuple(range(1_000, 700_000, SAMPLE_MS))
    values = {
        GAUGE: [share for _ in at_ms],
        NVIDIA.clock: [1_500.0 for _ in at_ms],
        ACTIVE: [at * 1_500_000 * share for at in at_ms],
        ELAPSED: [10.0**15 + at * 1_500_000 for at in at_ms],
    }
    return [Series(name, GPU, OURS, Samples(at_ms, said)) for name, said in values.items() if name != without]


@pytest.mark.parametrize("counted", [True, False])
def test_an_ordinary_device_is_answered_the_short_way(counted: bool) -> None:
    many = ordinary()[: None if counted else 2]
    case = Scraped(many, WINDOW)
    assert case.shortly() == Observation("GPU-1", 600 * MHZ, 300, activity_ppm=400_000)
    assert [case.shortly()] == case.thoroughly()


def test_so_is_one_of_another_exporter() -> None:
    at_ms = tuple(range(1_000, 700_000, SAMPLE_MS))
    many = [Series(TPU.gauges[0].name, Device("tpu-0"), OURS, Samples(at_ms, [22.0 for _ in at_ms]))]
    case = Scraped(many, WINDOW, TPU)
    assert case.shortly() is not None
    assert [case.shortly()] == case.thoroughly()


@pytest.mark.parametrize("name", [GAUGE, NVIDIA.clock, ACTIVE, ELAPSED])
@pytest.mark.parametrize("named", [(GPU, THEIRS), (GPU, NOBODY), (PART, OURS), (GPU, OURS)])
def test_a_device_with_one_more_series_is_looked_at_thoroughly(name: str, named: tuple[Device, Pod]) -> None:
    many = ordinary()
    for more in ([*many, Series(name, *named, many[0].samples)], [Series(name, *named, many[0].samples), *many]):
        assert Scraped(more, WINDOW).shortly() is None


@pytest.mark.parametrize("name", [GAUGE, NVIDIA.clock, ACTIVE, ELAPSED])
@pytest.mark.parametrize("named", [(GPU, THEIRS), (GPU, NOBODY), (PART, OURS)])
def test_so_is_one_of_which_a_series_names_somebody_else(name: str, named: tuple[Device, Pod]) -> None:
    many = [Series(name, *named, each.samples) if each.name == name else each for each in ordinary()]
    assert Scraped(many, WINDOW).shortly() is None


@pytest.mark.parametrize("missing", [NVIDIA.clock, ELAPSED, GAUGE])
def test_so_is_one_of_which_a_series_is_missing(missing: str) -> None:
    assert Scraped(ordinary(without=missing), WINDOW).shortly() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in (GAUGE, NVIDIA.clock, ACTIVE, ELAPSED) for value in (math.nan, math.inf, -1.0)),
        (GAUGE, 1.0000001),
        (NVIDIA.clock, 0.0),
        (NVIDIA.clock, 10_000.1),
        (ACTIVE, 0.0),
        (ELAPSED, 0.0),
    ],
)
@pytest.mark.parametrize("index", [8, 12, 20])  # just before the window; inside; at its end
def test_so_is_one_that_says_something_impossible(name: str, value: float, index: int) -> None:
    many = {each.name: each for each in ordinary()}
    said = [*many[name].samples.values]
    said[index] = value
    many[name] = Series(name, GPU, OURS, Samples(many[name].samples.at_ms, said))
    assert Scraped([*many.values()], WINDOW).shortly() is None


def test_so_is_one_that_counts_from_below_zero() -> None:
    many = {each.name: each for each in ordinary()}
    at_ms, counted = many[ACTIVE].samples.at_ms, many[ACTIVE].samples.values
    many[ACTIVE] = Series(ACTIVE, GPU, OURS, Samples(at_ms, [each - counted[8] - 1 for each in counted]))
    assert Scraped([*many.values()], WINDOW).shortly() is None


@given(st.floats(0, 1e18) | st.integers(0, 10**9).map(lambda it: it / 10**6 * 10**6))
@example(0.0005)
@example(math.nextafter(0.0005, 0))
@example(0.07 * 1e6)
@example(2.0**43 + 2.0**-9)
@example(1e15 + 0.125)
def test_an_amount_is_rounded_up_but_for_the_error_of_a_binary_fraction(amount: float) -> None:
    assert whole(amount) == math.ceil(round(amount, 3))
