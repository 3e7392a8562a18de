"""From raw samples to observations: what no order, cut or repetition may change."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.usage import Measure, Observation
from gatekeeper.telemetry.exporters import AMD, NVIDIA, NVIDIA_BUSY, TPU
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.samples import observations
from gatekeeper.telemetry.series import Device, Pod, Series
from gatekeeper.telemetry.spans import Samples, Window

GPU = Device("GPU-1")
OURS, THEIRS, NOBODY = ("lab", "trainer-0"), ("other-lab", "theirs"), ("", "")
ACTIVE, ELAPSED = "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL", "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL"
TENSOR = NVIDIA.gauges[0].name
SAMPLE_MS = 30_000
HERTZ_MAX = 2_000_000_000
BOOTED = 10**15  # cycles elapsed long before the window, so that no reset can hide
MHZ = 1_000_000

moments = st.lists(st.integers(0, 600_000), min_size=1, max_size=40, unique=True).map(sorted)
activity = st.floats(0, 1)
reading = st.floats(allow_nan=True, allow_infinity=True)


def series(name: str, samples: list[tuple[int, float]], *, device: Device = GPU, pod: Pod = OURS) -> Series:
    return Series(name, device, pod, Samples.of([at for at, _ in samples], [value for _, value in samples]))


@st.composite
def gauge(draw: st.DrawFn, values: st.SearchStrategy[float] = activity, pod: Pod = OURS) -> Series:
    return series(TENSOR, [(at, draw(values)) for at in draw(moments)], pod=pod)


@st.composite
def counters(draw: st.DrawFn) -> list[Series]:
    """Cycles active and elapsed of one device, with resets, blanks and repeated values."""
    found: tuple[list[tuple[int, float]], list[tuple[int, float]]] = ([], [])
    active, elapsed, last = 0.0, float(BOOTED), 0
    for at in draw(moments):
        event = draw(st.sampled_from(["runs", "runs", "runs", "repeats", "resets", "blank"]))
        ran = (at - last) * 1_500_000
        if event == "resets":
            active, elapsed = 0.0, 0.0
        elif event == "runs":
            active, elapsed, last = active + ran * draw(st.sampled_from([0.0, 0.25, 1.0])), elapsed + ran, at
        value = float("nan") if event == "blank" else active
        found[0].append((at, value))
        found[1].append((at, elapsed))
    return [series(ACTIVE, found[0]), series(ELAPSED, found[1])]


def clock_of(many: list[Series], megahertz: float = 1_500) -> list[Series]:
    return [series(NVIDIA.clock, [(at, megahertz) for at in each.samples.at_ms]) for each in many]


def window(begins_ms: int = 60_000, through_ms: int = 540_000) -> Window:
    return Window(begins_ms, through_ms, SAMPLE_MS)


def seen(many: list[Series], span: Window | None = None, family: Family = NVIDIA) -> list[Observation]:
    return observations(OURS, many, family, span or window())


def cycles(many: list[Series], span: Window | None = None) -> int:
    return sum(each.rate * each.covered_s for each in seen(many, span))


def covered_s(many: list[Series], span: Window | None = None) -> int:
    return sum(each.covered_s for each in seen(many, span))


@given(st.lists(gauge(reading), min_size=1, max_size=4), reading)
def test_no_reading_covers_more_than_the_window_or_runs_faster_than_a_clock_can(own: list[Series], mhz: float) -> None:
    for each in seen(own + clock_of(own, mhz)):
        assert 0 <= each.covered_s <= 480
        assert 0 <= each.rate <= 10_000 * MHZ


@given(st.lists(st.tuples(st.integers(0, 600_000), reading), max_size=40), st.lists(reading, max_size=40))
def test_no_counter_covers_more_than_the_window_or_runs_faster_than_a_clock_can(
    active: list[tuple[int, float]], elapsed: list[float]
) -> None:
    witness = [(at, value) for (at, _), value in zip(active, elapsed, strict=False)]
    for each in seen([series(ACTIVE, active), series(ELAPSED, witness)]):
        assert 0 <= each.covered_s <= 480
        assert 0 <= each.rate <= 10_000 * MHZ


@given(st.lists(gauge(), min_size=1, max_size=3), counters(), st.lists(gauge(pod=THEIRS), max_size=1), st.integers())
def test_no_order_or_repetition_of_series_or_samples_changes_the_observation(
    own: list[Series], counted: list[Series], others: list[Series], seed: int
) -> None:
    many = own + clock_of(own) + counted + others
    chance = random.Random(seed)
    mixed = []
    for each in many:
        pairs = list(zip(each.samples.at_ms, each.samples.values, strict=True)) * chance.choice([1, 2])
        chance.shuffle(pairs)
        mixed.append(series(each.name, pairs, device=each.device, pod=each.pod))
    mixed += chance.sample(mixed, k=len(mixed) // 2)
    chance.shuffle(mixed)
    assert seen(mixed) == seen(many)


@given(gauge(), gauge(reading), counters())
def test_another_series_of_the_same_device_never_lowers_the_cycles(
    one: Series, other: Series, counted: list[Series]
) -> None:
    clock = clock_of([one, other])
    # Rounding: up to one second less is covered, and each mean is rounded up by less than 1 Hz.
    assert cycles([one, other, *clock]) + HERTZ_MAX >= cycles([one, *clock])
    assert cycles([one, *counted, *clock]) + HERTZ_MAX >= max(cycles([one, *clock]), cycles(counted))


@given(gauge(), gauge(pod=THEIRS), counters())
def test_a_claim_of_another_pod_never_adds_cover(one: Series, claim: Series, counted: list[Series]) -> None:
    many = [one, *clock_of([one]), *counted]
    assert covered_s([*many, claim]) <= covered_s(many)


@given(gauge(), st.integers(60_001, 539_999))
def test_two_halves_of_a_window_cover_what_the_whole_covers(one: Series, cut_ms: int) -> None:
    many = [one, *clock_of([one])]
    first, second = window(through_ms=cut_ms), window(begins_ms=cut_ms)
    # Devices without a sample of their own in a half, and seconds that are not whole, are left to the worst case.
    assert covered_s(many, first) + covered_s(many, second) <= covered_s(many)
    assert cycles(many, first) + cycles(many, second) <= cycles(many) + 2 * covered_s(many) + HERTZ_MAX * 2


@given(st.lists(st.tuples(st.integers(1_000, 60_000), st.floats(0, 1)), min_size=2, max_size=30))
def test_counters_lose_no_cycle_of_the_time_that_they_cover(steps: list[tuple[int, float]]) -> None:
    at, active, elapsed = 60_000, 0, BOOTED
    mine, witness = [(at, float(active))], [(at, float(elapsed))]
    for lasted_ms, share in steps:
        at, elapsed, active = (
            at + lasted_ms,
            elapsed + 1_500_000 * lasted_ms,
            active + int(1_500_000 * lasted_ms * share),
        )
        mine.append((at, float(active)))
        witness.append((at, float(elapsed)))
    (found,) = seen([series(ACTIVE, mine), series(ELAPSED, witness)], window(60_000, at)) or [Observation("", 0, 0)]
    assert found.covered_s == (at - 60_000) // 1_000
    assert found.rate * (at - 60_000) >= active * 1_000


def steady(*at_s: int, hertz: int = 600 * MHZ, clock: int = 1_500 * MHZ, since: int = 0) -> list[Series]:
    """Counters of a device that has done the same since second 0, scraped at these seconds."""
    active = [(at * 1_000, float(hertz * (at - since))) for at in at_s]
    return [series(ACTIVE, active), series(ELAPSED, [(at * 1_000, float(BOOTED + clock * at)) for at in at_s])]


def counted(hertz: int, covered_s: int) -> Observation:
    """What cycle counters alone say."""
    return Observation("GPU-1", hertz, covered_s, counted_hz=hertz)


def test_counters_need_no_clock_and_outlive_missed_scrapes() -> None:
    assert seen(steady(*range(60, 541, 30))) == [counted(600 * MHZ, 480)]
    assert seen(steady(60, 90, 510, 540)) == [counted(600 * MHZ, 480)]


def test_a_gap_across_the_edge_is_not_covered_because_a_pod_of_the_same_name_may_have_been_there() -> None:
    assert seen(steady(0, 300, 540)) == [counted(600 * MHZ, 240)]
    assert seen(steady(40, 80, 540)) == [counted(600 * MHZ, 480)]


def test_a_value_printed_twice_is_one_value() -> None:
    refreshed = steady(*range(60, 541, 30))
    twice = [
        series(
            each.name,
            [
                (at + late, value)
                for at, value in zip(each.samples.at_ms, each.samples.values, strict=True)
                for late in (0, 15_000)
            ],
        )
        for each in refreshed
    ]
    assert seen(twice) == [counted(600 * MHZ, 480)]


def test_what_a_reset_hides_is_not_covered() -> None:
    before, after = [(60, 100), (90, 200)], [(120, 30), (150, 130)]
    active = [(at * 1_000, float(value * 10**8)) for at, value in before + after]
    elapsed = [(60_000, BOOTED + 0.0), (90_000, BOOTED + 45e9), (120_000, 10e9), (150_000, 55e9)]
    # The first span after the reset is not believed either: so soon after a boot another reset could hide.
    assert seen([series(ACTIVE, active), series(ELAPSED, elapsed)], window(60_000, 150_000)) == [
        counted(ceil(100 * 10**8, 30), 30)
    ]


def ceil(amount: int, seconds: int) -> int:
    return -(-amount // seconds)


def test_a_reset_that_the_counter_has_since_outrun_is_still_a_reset() -> None:
    # 60 s after boot, then 300 s without a scrape: a second boot in between would leave both counters higher.
    active = [(60_000, 9e10), (360_000, 30e10)]
    elapsed = [(60_000, 9e10), (360_000, 40e10)]
    assert covered_s([series(ACTIVE, active), series(ELAPSED, elapsed)]) == 0


def test_a_counter_alone_says_nothing() -> None:
    assert covered_s(steady(*range(60, 541, 30))[:1]) == 0


def test_counters_that_sum_over_the_sms_are_no_clock_and_the_gauge_still_counts() -> None:
    summed = steady(*range(30, 541, 30), hertz=132 * 600 * MHZ, clock=132 * 1_500 * MHZ)
    assert covered_s(summed) == 0
    one = series(TENSOR, [(at * 1_000, 0.4) for at in range(30, 541, 30)])
    assert seen([*summed, one, *clock_of([one])]) == [Observation("GPU-1", 600 * MHZ, 480, activity_ppm=400_000)]


def test_more_cycles_active_than_elapsed_are_no_reading() -> None:
    assert covered_s(steady(*range(60, 541, 30), hertz=1_600 * MHZ)) == 0


def test_a_paused_gauge_is_filled_up_by_counters_and_a_lower_counter_does_not_lower_it() -> None:
    one = series(TENSOR, [(at * 1_000, 0.8) for at in range(30, 301, 30)])
    found = seen([one, *clock_of([one]), *steady(*range(30, 541, 30))])
    assert found == [Observation("GPU-1", 900 * MHZ, 480, activity_ppm=400_000, counted_hz=300 * MHZ)]


def test_a_pod_on_the_whole_gpu_and_one_on_a_part_of_it_share_it() -> None:
    part = Device("GPU-1", "3")
    one = series(TENSOR, [(at * 1_000, 0.4) for at in range(30, 541, 30)], device=part)
    whole = series(TENSOR, [(at * 1_000, 0.4) for at in range(30, 541, 30)], pod=THEIRS)
    other_part = series(
        TENSOR,
        [(at * 1_000, 0.4) for at in range(30, 541, 30)],
        device=Device("GPU-1", "4"),
        pod=THEIRS,
    )
    clock = clock_of([one])
    assert [(each.covered_s, each.exclusive) for each in seen([one, other_part, *clock])] == [(480, True)]
    assert [(each.covered_s, each.exclusive) for each in seen([one, whole, *clock])] == [(0, False)]


def percent(name: str, value: float, device: Device) -> Series:
    return series(name, [(at * 1_000, value) for at in range(30, 541, 30)], device=device)


def test_of_several_measures_the_first_that_says_anything_is_taken() -> None:
    chip = Device("tpu-host-0")
    core, duty = percent("tensorcore_utilization", 22, chip), percent("duty_cycle", 90, chip)
    assert seen([duty, core], family=TPU) == [Observation("tpu-host-0", 220_000, 480, measure=Measure.PEAK_SHARE)]
    assert seen([duty], family=TPU) == [Observation("tpu-host-0", 900_000, 480, measure=Measure.BUSY_SHARE)]
    broken = percent("tensorcore_utilization", 220, chip)
    assert seen([duty, broken], family=TPU) == [Observation("tpu-host-0", 900_000, 480, measure=Measure.BUSY_SHARE)]


def test_partitions_of_a_card_are_devices_of_their_own() -> None:
    card = [Device("692409005408", str(each)) for each in (0, 1)]
    name = "gpu_prof_tensor_active_percent"
    theirs = Series(name, card[1], THEIRS, percent(name, 50, card[1]).samples)
    assert seen([percent(name, 12.5, card[0]), theirs], family=AMD) == [
        Observation("692409005408/0", 125_000, 480, measure=Measure.PEAK_SHARE)
    ]


def test_a_percentage_is_not_read_as_a_ratio() -> None:
    assert seen([percent("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 85.0, GPU)], family=NVIDIA_BUSY)[0].covered_s == 0
    assert seen([percent("DCGM_FI_DEV_GPU_UTIL", 85.0, GPU)], family=NVIDIA_BUSY)[0].rate == 850_000


def test_a_blank_of_dcgm_is_not_zero_and_not_a_jump() -> None:
    blank = float(0x7FFFFFFFFFFFFFF0)
    many = steady(*range(60, 541, 30))
    values = list(many[0].samples.values)
    values[4] = blank
    found = seen([Series(ACTIVE, GPU, OURS, Samples(many[0].samples.at_ms, values)), many[1]])
    assert found == [counted(600 * MHZ, 420)]
