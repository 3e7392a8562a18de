"""Metered operations of devices, each as low, best and high, and what they are counted from.

    best   tensor activity x SM clock x FLOP per clock at the declared format
    high   cycles counted, or tensor activity x the chip's highest clock, at its fastest format plus a margin, and the
           vector units at their peak all the time, because tensor activity does not show them; or the worst rate
           where counters are missing
    low    best without recomputation, and nothing where counters are missing

What is known of the chip decides what counters can bound: a mean over the interval bounds `high`; a reading of a
moment (the clock; activity of older chips), a share of the peak or of busy time, and what a runtime says of itself
give `best` alone.

Blocking rests on high, alerts on best; low is for reports only. Sources and errors of the method:
tensor activity x clock follows model FLOP within 2 points on matrix products and within about 10 % per run
(arXiv 2605.20799); the margin and the share for missing counters are engineering choices, docs/decisions/0003.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP, ceil_div
from gatekeeper.domain.usage import HZ_PER_MHZ, PPM, Measure, Observation, Usage, total

# Margin of `high` over the counters, percent: model error of tensor activity x clock.
MARGIN_PERCENT = 110
# `low` takes recomputed activations out: 3 of 4 passes at most are model FLOP.
WITHOUT_RECOMPUTE_PERCENT = 75
# `best` where counters are missing, percent of the peak: above what all but 3 of 54 published runs reached.
UNMETERED_PERCENT = 50
# Nearly all that is ever counted; a member of an enum costs more to find than to compare.
_CYCLES = Measure.TENSOR_CYCLES


def one_per_device(observations: Iterable[Observation]) -> list[Observation]:
    """One observation for each device, however often and in whatever order it was named: the worst of what was said."""
    found: dict[str, Observation] = {}
    for each in observations:
        known = found.get(each.device)
        found[each.device] = each if known is None else _worse(known, each)
    return list(found.values())


def metered(
    device: Device, observation: Observation | None, *, interval_s: int, declared: Format = Format.BF16
) -> Usage:
    """Operations of one device over one interval, by what its counters say; the worst case for all they do not cover.

    Counters that are impossible (negative, faster than the chip can be) or shared say nothing.
    """
    return metered_all(device, [observation], interval_s=interval_s, declared=declared)


def metered_all(
    device: Device, observations: Iterable[Observation | None], *, interval_s: int, declared: Format = Format.BF16
) -> Usage:
    """The same of many devices of one kind, together: what it rests on is worked out once for all of them."""
    factors = _Factors.of(device, declared)
    low = best = high = 0
    uncovered: Counter[int] = Counter()
    for each in observations:
        covered_s = min(each.covered_s, interval_s) if each is not None and _believed(factors, each) else 0
        if covered_s != interval_s:
            uncovered[interval_s - covered_s] += 1
        if covered_s and each is not None:
            more_low, more_best, more_high = _by_counters(factors, each, covered_s)
            low, best, high = low + more_low, best + more_best, high + more_high
    missing = (
        unmetered(device, interval_s=each_s, declared=declared).times(count) for each_s, count in uncovered.items()
    )
    return total([Usage(low, best, high), *missing]) if uncovered else Usage(low, best, high)


def _believed(of: _Factors, seen: Observation) -> bool:
    """Whether the counters of a device can be believed."""
    highest = of.most_hz if seen.measure is _CYCLES else _highest_share(of, seen.measure)
    possible = 0 <= seen.rate <= highest and 0 <= seen.activity_ppm <= PPM and seen.counted_hz >= 0
    return possible and seen.exclusive and seen.covered_s >= 0


def unmetered(device: Device, *, interval_s: int, declared: Format = Format.BF16) -> Usage:
    """Operations of one device over an interval for which there are no counters."""
    if interval_s < 0:
        raise InvalidInput(f"An interval cannot last {interval_s} s.")
    best = _tflop(device, _peak(device, declared) * UNMETERED_PERCENT * interval_s, 100)
    return Usage(0, best, device.worst_tflop_per_s * interval_s)


def _highest_share(of: _Factors, measure: Measure) -> int:
    """Above this a reading that is none of cycles is no reading."""
    return of.worst * GFLOP_PER_TFLOP if measure is Measure.FLOP_RATE else PPM


def _peak(device: Device, declared: Format) -> int:
    """Peak of the whole chip at the declared format in GFLOP/s; a format that it lacks counts as its fastest one."""
    chip = device.chip
    return chip.peak_gflop_per_s.get(declared) or chip.peak_gflop_per_s[chip.fastest]


def _tflop(device: Device, gflop: int, divisor: int = 1) -> int:
    """The device's share of what its whole chip would do (GFLOP / divisor), in TFLOP, rounded down."""
    return gflop * device.part.numerator // (divisor * device.part.denominator * GFLOP_PER_TFLOP)


@dataclass(frozen=True, slots=True)
class _Factors:
    """What the rates that counters say of a device are multiplied by and divided by, one counted second at a time.

    Attributes:
        peak, plain: of the whole chip, GFLOP/s: at the declared format, and without what no format of it hides.
        worst: TFLOP/s that the device cannot exceed.
        most_hz: a rate of cycles above it is no reading.
        most_mhz: the highest clock; activity in millionths x `most_mhz` is in Hz.
        best, low, per: a rate of cycles x seconds x `best` // `per` is in TFLOP; `low` and `high` over 100 x `per`.
        high, vector: `high` by cycles is at the fastest format plus a margin; `vector` are the vector units beside it,
            for each second. None where cycles do not bound it.
    """

    device: Device
    peak: int
    plain: int
    worst: int
    most_hz: int
    most_mhz: int
    best: int
    low: int
    per: int
    high: int | None
    vector: int

    @classmethod
    def of(cls, device: Device, declared: Format) -> _Factors:
        """The factors of a device.

        Whether the activity of a part is one of the part or of the whole chip is said nowhere: for `high` the chip's
        peak holds for both, and the part's worst rate bounds it. Work on the vector units leaves no trace in tensor
        activity, so they count as busy all the time.
        """
        chip, share, of_whole = device.chip, device.part.numerator, device.part.denominator
        peak = _peak(device, declared)
        plain = min(peak, chip.peak_gflop_per_s[Format.BF16])
        return cls(
            device=device,
            peak=peak,
            plain=plain,
            worst=device.worst_tflop_per_s,
            most_hz=chip.max_clock_mhz * HZ_PER_MHZ,
            most_mhz=chip.max_clock_mhz,
            best=peak * share,
            low=plain * WITHOUT_RECOMPUTE_PERCENT * share,
            per=chip.boost_clock_mhz * HZ_PER_MHZ * GFLOP_PER_TFLOP * of_whole,
            high=chip.peak_gflop_per_s[chip.fastest] * MARGIN_PERCENT * of_whole if chip.mean_activity else None,
            vector=chip.max_clock_mhz * HZ_PER_MHZ * chip.vector_gflop_per_s * 100 * share,
        )


def _by_counters(of: _Factors, seen: Observation, covered_s: int) -> tuple[int, int, int]:
    """Low, best and high of one device by what its counters say of so many seconds."""
    counted, high = seen.rate * covered_s, of.worst * covered_s
    if seen.measure is _CYCLES:
        best = counted * of.best // of.per
        low = counted * of.low // (of.per * 100)
        if of.high is not None:
            most = max(seen.rate, seen.activity_ppm * of.most_mhz + seen.counted_hz) * covered_s
            # Nothing exceeds the worst rate, so the margin does not either.
            high = min(high, ceil_div(most * of.high + covered_s * of.vector, of.per * 100))
    elif seen.measure is Measure.PEAK_SHARE:
        best = _tflop(of.device, counted * of.peak, PPM)
        low = _tflop(of.device, counted * of.plain * WITHOUT_RECOMPUTE_PERCENT, PPM * 100)
    elif seen.measure is Measure.BUSY_SHARE:
        best, low = _tflop(of.device, counted * of.peak * UNMETERED_PERCENT, PPM * 100), 0
    else:
        best = counted // GFLOP_PER_TFLOP
        low = best * WITHOUT_RECOMPUTE_PERCENT // 100
    return min(low, best, high), min(best, high), high


def _worse(one: Observation, other: Observation) -> Observation:
    """What two readings of one device say together; of two kinds nobody knows which to believe, so they say nothing."""
    alike = one.measure is other.measure
    return Observation(
        one.device,
        _larger(one.rate, other.rate),
        min(one.covered_s, other.covered_s) if alike else 0,
        one.exclusive and other.exclusive,
        min(one.measure, other.measure),
        _larger(one.activity_ppm, other.activity_ppm),
        _larger(one.counted_hz, other.counted_hz),
    )


def _larger(one: int, other: int) -> int:
    """The larger of two readings; -1, so that both say nothing, where one of them is impossible."""
    return -1 if min(one, other) < 0 else max(one, other)
