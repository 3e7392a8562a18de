"""What each measure of a counter can bound: only a mean of tensor activity lowers `high`, the others say `best`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.counting import metered, one_per_device, unmetered
from gatekeeper.domain.usage import PPM, Measure, Observation, Usage
from tests.domain.test_usage import H100, devices, formats

HOUR = 3_600
WORST = H100.worst_tflop_per_s * HOUR
MOMENT = replace(H100, chip=replace(H100.chip, mean_activity=False))
UNBOUNDING = [each for each in Measure if each is not Measure.TENSOR_CYCLES]


def hour(rate: int, measure: Measure, *, declared: Format = Format.BF16) -> Usage:
    return metered(H100, Observation("GPU-1", rate, HOUR, measure=measure), interval_s=HOUR, declared=declared)


def test_a_share_of_the_peak_is_best_and_bounds_nothing() -> None:
    peak = 989_400 * HOUR // 1_000
    assert hour(400_000, Measure.PEAK_SHARE) == Usage(peak * 3 // 10, peak * 4 // 10, WORST)


def test_busy_time_is_half_the_peak_at_best_and_bounds_nothing() -> None:
    assert hour(400_000, Measure.BUSY_SHARE) == Usage(0, 989_400 * HOUR // 1_000 * 2 // 10, WORST)
    assert hour(PPM, Measure.BUSY_SHARE) == unmetered(H100, interval_s=HOUR)


def test_what_a_runtime_says_of_itself_is_best_as_it_stands_and_bounds_nothing() -> None:
    assert hour(41_000, Measure.FLOP_RATE) == Usage(41 * HOUR * 3 // 4, 41 * HOUR, WORST)


def test_a_reading_of_a_moment_bounds_nothing_though_it_is_activity() -> None:
    seen = Observation("GPU-1", 600_000_000, HOUR)
    moment, mean = metered(MOMENT, seen, interval_s=HOUR), metered(H100, seen, interval_s=HOUR)
    assert (moment.low_tflop, moment.best_tflop) == (mean.low_tflop, mean.best_tflop)
    assert mean.high_tflop < moment.high_tflop == WORST


@pytest.mark.parametrize("measure", [Measure.PEAK_SHARE, Measure.BUSY_SHARE])
def test_more_than_all_of_it_is_no_reading(measure: Measure) -> None:
    assert hour(PPM + 1, measure) == unmetered(H100, interval_s=HOUR)


def test_more_than_the_chip_can_do_is_no_reading() -> None:
    assert hour(H100.worst_tflop_per_s * 1_000 + 1, Measure.FLOP_RATE) == unmetered(H100, interval_s=HOUR)


@given(devices, st.integers(0, PPM), st.sampled_from(UNBOUNDING), st.integers(1, 100_000), formats)
def test_no_measure_but_activity_ever_gives_budget_back(
    device: Device, rate: int, measure: Measure, seconds: int, declared: Format
) -> None:
    seen = Observation("GPU-1", rate, seconds, measure=measure)
    usage = metered(device, seen, interval_s=seconds, declared=declared)
    assert usage.high_tflop == unmetered(device, interval_s=seconds, declared=declared).high_tflop


def test_two_kinds_of_reading_of_one_device_say_nothing_together() -> None:
    cycles, busy = Observation("GPU-1", 0, HOUR), Observation("GPU-1", 0, HOUR, measure=Measure.BUSY_SHARE)
    (merged,) = one_per_device([cycles, busy])
    assert merged.covered_s == 0
    assert one_per_device([busy, cycles]) == [merged]


readings = st.builds(
    lambda rate, activity_ppm, counted_hz, covered_s: Observation(
        "GPU-1", rate, covered_s, activity_ppm=activity_ppm, counted_hz=counted_hz
    ),
    st.integers(-1, 2 * 10**9),
    st.just(0) | st.integers(-1, PPM),
    st.just(0) | st.integers(-1, 2 * 10**9),
    st.integers(0, HOUR),
)


@given(readings, readings)
def test_two_readings_of_one_device_never_count_less_than_either(one: Observation, other: Observation) -> None:
    (merged,) = one_per_device([one, other])
    assert one_per_device([other, one]) == [merged]
    together = metered(H100, merged, interval_s=HOUR).high_tflop
    assert together >= max(metered(H100, each, interval_s=HOUR).high_tflop for each in (one, other))
