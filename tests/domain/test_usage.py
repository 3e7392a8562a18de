"""Metered operations as low, best and high."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Accelerator, Device, Format
from gatekeeper.domain.counting import metered, metered_all, unmetered
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.usage import HZ_PER_MHZ, Measure, Observation, Usage, total

H100 = Device(
    Accelerator(
        "H100",
        ("H100",),
        {Format.TF32: 494_700, Format.BF16: 989_400, Format.FP8: 1_978_900, Format.INT8: 1_978_900},
        133_800,
        1830,
        1980,
        "test, 2026-11-22",
        mean_activity=True,
    )
)
rates = st.integers(1, 20_000_000)
devices = st.builds(
    lambda peaks, vector, boost, above, mean, part: Device(
        Accelerator("X", ("X",), peaks, vector, boost, min(boost + above, 10_000), "test", mean_activity=mean), part
    ),
    st.dictionaries(st.sampled_from(list(Format)), rates).flatmap(
        lambda peaks: rates.map(lambda rate: {**peaks, Format.BF16: rate})
    ),
    rates,
    st.integers(1, 9_000),
    st.integers(0, 1_000),
    st.booleans(),
    st.sampled_from([Fraction(1), Fraction(16, 132), Fraction(1, 8)]),
)
formats = st.sampled_from(list(Format))
intervals = st.integers(0, 100_000)
observations = st.none() | st.builds(
    Observation,
    st.just("GPU-1"),
    st.integers(-(10**9), 20 * 10**9) | st.integers(0, 1_000_000),
    st.integers(-10, 200_000),
    st.booleans(),
    st.sampled_from(Measure),
    st.integers(-10, 1_000_010),
    st.integers(-10, 20 * 10**9),
)


@given(devices, observations, intervals, formats)
def test_low_best_and_high_stand_in_order_and_under_the_worst_rate(
    device: Device, observation: Observation | None, interval_s: int, declared: Format
) -> None:
    usage = metered(device, observation, interval_s=interval_s, declared=declared)
    assert 0 <= usage.low_tflop <= usage.best_tflop <= usage.high_tflop <= device.worst_tflop_per_s * interval_s


@given(devices, st.lists(observations, max_size=4), intervals, formats)
def test_devices_count_together_what_each_counts_alone(
    device: Device, many: list[Observation | None], interval_s: int, declared: Format
) -> None:
    alone = [metered(device, each, interval_s=interval_s, declared=declared) for each in many]
    assert metered_all(device, many, interval_s=interval_s, declared=declared) == total(alone)


def test_activity_counts_at_the_highest_clock_in_high_and_at_the_clock_that_was_read_in_best() -> None:
    read = Observation("GPU-1", 345 * HZ_PER_MHZ * 4 // 10, 3600, activity_ppm=400_000)
    counted = Observation("GPU-1", 1_980 * HZ_PER_MHZ * 4 // 10, 3600)
    at_the_highest = metered(H100, counted, interval_s=3600)
    usage = metered(H100, read, interval_s=3600)
    assert usage.high_tflop == at_the_highest.high_tflop
    assert usage.best_tflop == at_the_highest.best_tflop * 345 // 1_980


def test_cycles_that_counters_saw_where_no_gauge_spoke_come_on_top_of_activity() -> None:
    half = 1_980 * HZ_PER_MHZ * 2 // 10
    both = Observation("GPU-1", 345 * HZ_PER_MHZ * 2 // 10 + half, 3600, activity_ppm=200_000, counted_hz=half)
    alone = Observation("GPU-1", 2 * half, 3600)
    assert metered(H100, both, interval_s=3600).high_tflop == metered(H100, alone, interval_s=3600).high_tflop


@given(devices, st.integers(0, 10**9), st.integers(0, 10**9), intervals, formats)
def test_more_activity_never_counts_less(
    device: Device, one: int, other: int, interval_s: int, declared: Format
) -> None:
    less, more = (
        metered(
            device,
            Observation("GPU-1", min(hz, device.chip.max_clock_mhz * HZ_PER_MHZ), interval_s),
            interval_s=interval_s,
            declared=declared,
        )
        for hz in sorted((one, other))
    )
    assert less.low_tflop <= more.low_tflop
    assert less.best_tflop <= more.best_tflop
    assert less.high_tflop <= more.high_tflop


@given(devices, observations, intervals, formats)
def test_an_hour_without_counters_is_never_cheaper_than_one_with_them(
    device: Device, observation: Observation | None, interval_s: int, declared: Format
) -> None:
    counted = metered(device, observation, interval_s=interval_s, declared=declared)
    assert unmetered(device, interval_s=interval_s, declared=declared).high_tflop >= counted.high_tflop


@given(devices, observations, intervals)
def test_what_a_tenant_declares_does_not_change_high(
    device: Device, observation: Observation | None, interval_s: int
) -> None:
    counted = {metered(device, observation, interval_s=interval_s, declared=each).high_tflop for each in Format}
    assert len(counted) == 1


def test_an_hour_of_a_busy_h100_is_counted_by_its_clock_and_format() -> None:
    busy = Observation("GPU-1", 1_830 * HZ_PER_MHZ * 40 // 100, 3600)  # 40 % tensor activity at the boost clock
    usage = metered(H100, busy, interval_s=3600)
    assert usage.best_tflop == 989_400 * 40 * 3600 // 100_000
    assert usage.low_tflop == 989_400 * 30 * 3600 // 100_000
    tensor = 1_978_900 * 44 * 3600 * 1830
    vector = 133_800 * 100 * 3600 * 1980
    assert usage.high_tflop == -(-(tensor + vector) // (100_000 * 1830))


@given(devices, st.integers(1, 10**5))
def test_a_device_busy_on_its_vector_units_alone_is_charged_their_peak(device: Device, interval_s: int) -> None:
    """FP32 and packed FP16 on CUDA cores leave tensor activity at 0, and yet train."""
    usage = metered(device, Observation("GPU-1", 0, interval_s), interval_s=interval_s)
    vector = device.chip.vector_gflop_per_s * device.chip.max_clock_mhz * device.part
    assert usage.high_tflop * 1000 * device.chip.boost_clock_mhz >= vector * interval_s
    assert usage.low_tflop == usage.best_tflop == 0


def test_an_hour_of_an_h100_on_its_vector_units_alone_costs_six_percent_of_its_worst_case() -> None:
    usage = metered(H100, Observation("GPU-1", 0, 3600), interval_s=3600)
    assert usage.high_tflop == 521_162  # 133.8 TFLOP/s x 1980 / 1830 = 144.767
    assert 0.063 < usage.high_tflop / (H100.worst_tflop_per_s * 3600) < 0.064


@given(devices, st.integers(0, 10**9), st.integers(1, 10**5))
def test_work_on_the_tensor_units_and_the_vector_units_at_once_is_never_undercounted(
    device: Device, hz: int, interval_s: int
) -> None:
    busy_hz = min(hz, device.chip.max_clock_mhz * HZ_PER_MHZ)
    usage = metered(device, Observation("GPU-1", busy_hz, interval_s), interval_s=interval_s)
    tensor = busy_hz * device.chip.peak_gflop_per_s[device.chip.fastest]
    vector = device.chip.max_clock_mhz * HZ_PER_MHZ * device.chip.vector_gflop_per_s
    together = (tensor + vector) * device.part  # where activity is that of the part; of the chip it would be less
    assert usage.high_tflop * 1000 * device.chip.boost_clock_mhz * HZ_PER_MHZ >= together * interval_s


def test_the_margin_never_lifts_high_above_what_the_device_can_do() -> None:
    flat_out = Observation("GPU-1", 1_980 * HZ_PER_MHZ, 10)
    assert metered(H100, flat_out, interval_s=10).high_tflop == H100.worst_tflop_per_s * 10


def test_missing_counters_cost_the_worst_rate_and_half_the_peak_at_best() -> None:
    assert unmetered(H100, interval_s=10) == Usage(0, 4947, 22860)
    assert metered(H100, None, interval_s=10) == Usage(0, 4947, 22860)


def test_what_counters_do_not_cover_costs_the_worst_rate() -> None:
    idle = Observation("GPU-1", 0, 6)
    assert metered(H100, idle, interval_s=10) == unmetered(H100, interval_s=4) + metered(H100, idle, interval_s=6)


@pytest.mark.parametrize(
    "observation",
    [
        Observation("GPU-1", -1, 10),
        Observation("GPU-1", 1_980 * HZ_PER_MHZ + 1, 10),
        Observation("GPU-1", 0, -1),
        Observation("GPU-1", 0, 10, exclusive=False),
        Observation("GPU-1", 0, 10, activity_ppm=-1),
        Observation("GPU-1", 0, 10, activity_ppm=1_000_001),
        Observation("GPU-1", 0, 10, counted_hz=-1),
    ],
)
def test_impossible_or_shared_counters_say_nothing(observation: Observation) -> None:
    assert metered(H100, observation, interval_s=10) == unmetered(H100, interval_s=10)


def test_counters_that_claim_more_time_than_passed_are_cut() -> None:
    idle = Observation("GPU-1", 0, 100)
    assert metered(H100, idle, interval_s=10) == metered(H100, Observation("GPU-1", 0, 10), interval_s=10)


def test_a_format_that_the_chip_lacks_counts_as_its_fastest() -> None:
    assert (
        unmetered(H100, interval_s=10, declared=Format.FP4).best_tflop
        == unmetered(H100, interval_s=10, declared=Format.FP8).best_tflop
    )


@given(st.permutations([Usage(1, 2, 3), Usage(0, 0, 5), Usage(4, 4, 4), Usage()]))
def test_a_total_does_not_depend_on_the_order(usages: list[Usage]) -> None:
    assert total(usages) == Usage(5, 6, 12)


@pytest.mark.parametrize(("low", "best", "high"), [(2, 1, 3), (0, 3, 2), (-1, 0, 0), (0, 0, 10**18 + 1)])
def test_bounds_out_of_order_are_refused(low: int, best: int, high: int) -> None:
    with pytest.raises(InvalidInput):
        Usage(low, best, high)


def test_a_negative_interval_is_refused() -> None:
    with pytest.raises(InvalidInput):
        unmetered(H100, interval_s=-1)
