"""Metered operations of devices, each as low, best and high, and what they are counted from.

    best   tensor activity x SM clock x FLOP per clock at the declared format
    high   the same at the chip's fastest format plus a margin, and the vector units at their peak all the time,
           because tensor activity does not show them; or the worst rate where counters are missing
    low    best without recomputation, and nothing where counters are missing

What is known of the chip decides what counters can bound: a mean over the interval bounds `high`; a reading of a
moment (older chips), a share of the peak or of busy time, and what a runtime says of itself give `best` alone.

Blocking rests on high, alerts on best; low is for reports only. Sources and errors of the method:
tensor activity x clock follows model FLOP within 2 points on matrix products and within about 10 % per run
(arXiv 2605.20799); the margin and the share for missing counters are engineering choices, docs/decisions/0003.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP, ceil_div, checked_tflop, require_utc

HZ_PER_MHZ = 1_000_000
PPM = 1_000_000
# Margin of `high` over the counters, percent: model error of tensor activity x clock.
MARGIN_PERCENT = 110
# `low` takes recomputed activations out: 3 of 4 passes at most are model FLOP.
WITHOUT_RECOMPUTE_PERCENT = 75
# `best` where counters are missing, percent of the peak: above what all but 3 of 54 published runs reached.
UNMETERED_PERCENT = 50


@dataclass(frozen=True, slots=True)
class Usage:
    """An amount of operations with its bounds, whole TFLOP; low <= best <= high always."""

    low_tflop: int = 0
    best_tflop: int = 0
    high_tflop: int = 0

    def __post_init__(self) -> None:
        checked_tflop(self.high_tflop)
        if not 0 <= self.low_tflop <= self.best_tflop <= self.high_tflop:
            raise InvalidInput(f"Usage must satisfy 0 <= low <= best <= high: {self}.")

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.low_tflop + other.low_tflop,
            self.best_tflop + other.best_tflop,
            self.high_tflop + other.high_tflop,
        )

    def times(self, count: int) -> Usage:
        """The usage of `count` devices that did the same."""
        return Usage(self.low_tflop * count, self.best_tflop * count, self.high_tflop * count)


class Measure(StrEnum):
    """What the rate of an observation counts."""

    TENSOR_CYCLES = "tensor_cycles"  # Hz: tensor activity (0..1) x clock
    PEAK_SHARE = "peak_share"  # parts per million of the peak at the declared format
    BUSY_SHARE = "busy_share"  # parts per million of the time with any work: says busy, not how busy
    FLOP_RATE = "flop_rate"  # GFLOP/s that the runtime says it executed


@dataclass(frozen=True, slots=True)
class Observation:
    """What counters said of one device over part of an interval.

    Attributes:
        device: UUID of the device.
        rate: mean over the covered time, in the unit of `measure`.
        covered_s: seconds of the interval that the mean rests on.
        exclusive: no other pod was given the device in this interval.
    """

    device: str
    rate: int
    covered_s: int
    exclusive: bool = True
    measure: Measure = Measure.TENSOR_CYCLES


@dataclass(frozen=True, slots=True)
class PodInterval:
    """What counters are asked about: the devices of one pod over (begins_at, through], UTC."""

    namespace: str
    pod: str
    begins_at: datetime
    through: datetime

    def __post_init__(self) -> None:
        require_utc(self.begins_at)
        require_utc(self.through)


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """What a run used on one day (UTC) on one kind of device; entries of the same key add up.

    Attributes:
        device: name of the device in the catalogue; "unknown" where nobody could tell.
        device_s: seconds of all these devices together, metered or not.
    """

    run_id: str
    day: date
    device: str
    device_s: int
    usage: Usage

    def __post_init__(self) -> None:
        if not self.run_id or not self.device or self.device_s < 0:
            raise InvalidInput(f"Usage of a day needs a run, a device and a time of at least 0 s: {self}.")

    def plus(self, other: DailyUsage) -> DailyUsage:
        """Both together; they are of one run, day and device."""
        return replace(self, device_s=self.device_s + other.device_s, usage=self.usage + other.usage)


# Name of a kind of device where nobody can tell which it is.
UNKNOWN_DEVICE = "unknown"


@dataclass(frozen=True, slots=True)
class DeviceUsage:
    """What the devices of one kind did over an interval, together.

    Attributes:
        device: name of the device in the catalogue; "unknown" where nobody could tell.
        device_s: seconds of all these devices together, metered or not.
    """

    device: str
    device_s: int
    usage: Usage

    def __post_init__(self) -> None:
        if not self.device or self.device_s < 0:
            raise InvalidInput(f"Usage by device needs a device and a time of at least 0 s: {self}.")


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the cluster says of a pod that has started; nothing in it is written by a tenant.

    Attributes:
        namespace, name: as counters name the pod.
        devices: resource key -> how many the pod was given.
        products: resource key -> product name, from the label of the node it runs on; missing or empty = unknown.
        started_at: when the node started its first container, UTC.
        ended_at: when the node saw its last container gone; None while it runs.
        countable: `devices` is all that the pod can use: no claims, no environment variables.
    """

    namespace: str
    name: str
    devices: Mapping[str, int]
    products: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None = None
    countable: bool = True

    def __post_init__(self) -> None:
        if not self.namespace or not self.name:
            raise InvalidInput("A metered pod needs its namespace and name.")
        if any(count < 0 for count in self.devices.values()):
            raise InvalidInput(f"Pod {self.namespace}/{self.name} cannot have a negative number of devices.")
        require_utc(self.started_at)
        if self.ended_at is not None:
            require_utc(self.ended_at)

    @property
    def given(self) -> dict[str, int]:
        """`devices` without the keys of which the pod was given none."""
        return {key: count for key, count in self.devices.items() if count}

    @property
    def products_given(self) -> set[str]:
        """Names of what the pod was given; an empty one where a node does not say."""
        return {self.products.get(key, "") for key in self.given}

    @property
    def all_known(self) -> bool:
        """Whether number and make of all its devices are known."""
        return self.countable and bool(self.given) and "" not in self.products_given


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
    covered_s = 0
    if observation is not None and observation.exclusive:
        plausible = 0 <= observation.rate <= _highest_rate(device, observation.measure) and observation.covered_s >= 0
        covered_s = min(observation.covered_s, interval_s) if plausible else 0
    if not covered_s or observation is None:
        return unmetered(device, interval_s=interval_s, declared=declared)
    seen = _by_counters(device, observation, covered_s, declared)
    if covered_s == interval_s:
        return seen
    return seen + unmetered(device, interval_s=interval_s - covered_s, declared=declared)


def unmetered(device: Device, *, interval_s: int, declared: Format = Format.BF16) -> Usage:
    """Operations of one device over an interval for which there are no counters."""
    if interval_s < 0:
        raise InvalidInput(f"An interval cannot last {interval_s} s.")
    best = _tflop(device, _peak(device, declared) * UNMETERED_PERCENT * interval_s, 100)
    return Usage(0, best, device.worst_tflop_per_s * interval_s)


def total(usages: Iterable[Usage]) -> Usage:
    """Sum of usages; the order does not matter."""
    low = best = high = 0
    for usage in usages:
        low, best, high = low + usage.low_tflop, best + usage.best_tflop, high + usage.high_tflop
    return Usage(low, best, high)


def _highest_rate(device: Device, measure: Measure) -> int:
    """Above this a reading is no reading."""
    if measure is Measure.TENSOR_CYCLES:
        return device.chip.max_clock_mhz * HZ_PER_MHZ
    return device.worst_tflop_per_s * GFLOP_PER_TFLOP if measure is Measure.FLOP_RATE else PPM


def _peak(device: Device, declared: Format) -> int:
    """Peak of the whole chip at the declared format in GFLOP/s; a format that it lacks counts as its fastest one."""
    chip = device.chip
    return chip.peak_gflop_per_s.get(declared) or chip.peak_gflop_per_s[chip.fastest]


def _tflop(device: Device, gflop: int, divisor: int = 1) -> int:
    """The device's share of what its whole chip would do (GFLOP / divisor), in TFLOP, rounded down."""
    return gflop * device.part.numerator // (divisor * device.part.denominator * GFLOP_PER_TFLOP)


def _by_counters(device: Device, seen: Observation, covered_s: int, declared: Format) -> Usage:
    peak = _peak(device, declared)
    plain = min(peak, device.chip.peak_gflop_per_s[Format.BF16])
    worst = device.worst_tflop_per_s * covered_s
    match seen.measure:
        case Measure.TENSOR_CYCLES:
            at_boost_hz = device.chip.boost_clock_mhz * HZ_PER_MHZ
            best = _tflop(device, seen.rate * covered_s * peak, at_boost_hz)
            low = _tflop(device, seen.rate * covered_s * plain * WITHOUT_RECOMPUTE_PERCENT, at_boost_hz * 100)
            high = _bounded(device, seen.rate, covered_s) if device.chip.mean_activity else worst
        case Measure.PEAK_SHARE:
            best = _tflop(device, seen.rate * covered_s * peak, PPM)
            low, high = _tflop(device, seen.rate * covered_s * plain * WITHOUT_RECOMPUTE_PERCENT, PPM * 100), worst
        case Measure.BUSY_SHARE:
            best = _tflop(device, seen.rate * covered_s * peak * UNMETERED_PERCENT, PPM * 100)
            low, high = 0, worst
        case Measure.FLOP_RATE:
            best = seen.rate * covered_s // GFLOP_PER_TFLOP
            low, high = best * WITHOUT_RECOMPUTE_PERCENT // 100, worst
    return Usage(min(low, best, high), min(best, high), min(high, worst))


def _bounded(device: Device, busy_hz: int, covered_s: int) -> int:
    """`high` by tensor activity that is a mean: at the fastest format plus a margin, and the vector units beside it.

    Whether the activity of a part is one of the part or of the whole chip is said nowhere: the chip's peak holds for
    both, and the part's worst rate bounds it. Nothing exceeds the worst rate, so the margin does not either.
    """
    chip = device.chip
    part = device.part
    tensor = busy_hz * covered_s * chip.peak_gflop_per_s[chip.fastest] * MARGIN_PERCENT * part.denominator
    # Work on the vector units leaves no trace in tensor activity, so they count as busy all the time.
    vector = chip.max_clock_mhz * HZ_PER_MHZ * covered_s * chip.vector_gflop_per_s * 100 * part.numerator
    by_counters = ceil_div(
        tensor + vector, 100 * part.denominator * chip.boost_clock_mhz * HZ_PER_MHZ * GFLOP_PER_TFLOP
    )
    return min(by_counters, device.worst_tflop_per_s * covered_s)


def _worse(one: Observation, other: Observation) -> Observation:
    """What two readings of one device say together; of two kinds nobody knows which to believe, so they say nothing."""
    negative = min(one.rate, other.rate) < 0  # Impossible, so the pair says nothing.
    alike = one.measure is other.measure
    return Observation(
        one.device,
        -1 if negative else max(one.rate, other.rate),
        min(one.covered_s, other.covered_s) if alike else 0,
        one.exclusive and other.exclusive,
        min(one.measure, other.measure),
    )
