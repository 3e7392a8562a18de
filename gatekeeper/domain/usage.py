"""Metered operations of devices, each as low, best and high, and what they are counted from.

    best   tensor activity x SM clock x FLOP per clock at the declared format
    high   the same at the chip's fastest format plus a margin, and the vector units at their peak all the time,
           because tensor activity does not show them; or the worst rate where counters are missing
    low    best without recomputation, and nothing where counters are missing

Blocking rests on high, alerts on best; low is for reports only. Sources and errors of the method:
tensor activity x clock follows model FLOP within 2 points on matrix products and within about 10 % per run
(arXiv 2605.20799); the margin and the share for missing counters are engineering choices, docs/decisions/0003.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.domain.accelerators import Accelerator, Format
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP, ceil_div, checked_tflop, require_utc

HZ_PER_MHZ = 1_000_000
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


@dataclass(frozen=True, slots=True)
class Observation:
    """What counters said of one device over part of an interval.

    Attributes:
        device: UUID of the device.
        busy_hz: mean of tensor activity (0..1) x SM clock, in Hz.
        covered_s: seconds of the interval that the mean rests on.
        exclusive: no other pod was given the device in this interval.
    """

    device: str
    busy_hz: int
    covered_s: int
    exclusive: bool = True


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
    chip: Accelerator, observation: Observation | None, *, interval_s: int, declared: Format = Format.BF16
) -> Usage:
    """Operations of one device over one interval, by what its counters say; the worst case for all they do not cover.

    Counters that are impossible (negative, faster than the chip's highest clock) or shared say nothing.
    """
    covered_s = 0
    if observation is not None and observation.exclusive:
        plausible = 0 <= observation.busy_hz <= chip.max_clock_mhz * HZ_PER_MHZ and observation.covered_s >= 0
        covered_s = min(observation.covered_s, interval_s) if plausible else 0
    usage = unmetered(chip, interval_s=interval_s - covered_s, declared=declared)
    if covered_s and observation is not None:
        usage += _by_counters(chip, observation.busy_hz, covered_s, declared)
    return usage


def unmetered(chip: Accelerator, *, interval_s: int, declared: Format = Format.BF16) -> Usage:
    """Operations of one device over an interval for which there are no counters."""
    if interval_s < 0:
        raise InvalidInput(f"An interval cannot last {interval_s} s.")
    peak = _peak(chip, declared)
    best = peak * interval_s * UNMETERED_PERCENT // (100 * GFLOP_PER_TFLOP)
    return Usage(0, best, chip.worst_tflop_per_s * interval_s)


def total(usages: Iterable[Usage]) -> Usage:
    """Sum of usages; the order does not matter."""
    result = Usage()
    for usage in usages:
        result += usage
    return result


def _peak(chip: Accelerator, declared: Format) -> int:
    """Peak at the declared format in GFLOP/s; a format that the chip lacks counts as its fastest one."""
    return chip.peak_gflop_per_s.get(declared) or chip.peak_gflop_per_s[chip.fastest]


def _by_counters(chip: Accelerator, busy_hz: int, covered_s: int, declared: Format) -> Usage:
    cycles = busy_hz * covered_s
    per_tflop = chip.boost_clock_mhz * HZ_PER_MHZ * GFLOP_PER_TFLOP
    declared_peak = _peak(chip, declared)
    plain_peak = min(declared_peak, chip.peak_gflop_per_s[Format.BF16])
    tensor = cycles * chip.peak_gflop_per_s[chip.fastest] * MARGIN_PERCENT
    # Work on the vector units leaves no trace in tensor activity, so they count as busy all the time.
    vector = chip.max_clock_mhz * HZ_PER_MHZ * covered_s * chip.vector_gflop_per_s * 100
    high = ceil_div(tensor + vector, 100 * per_tflop)
    best = cycles * declared_peak // per_tflop
    low = cycles * plain_peak * WITHOUT_RECOMPUTE_PERCENT // (100 * per_tflop)
    ceiling = chip.worst_tflop_per_s * covered_s  # Nothing exceeds the worst rate, so the margin does not either.
    return Usage(low, best, min(high, ceiling))


def _worse(one: Observation, other: Observation) -> Observation:
    negative = min(one.busy_hz, other.busy_hz) < 0  # Impossible, so the pair says nothing.
    return Observation(
        one.device,
        -1 if negative else max(one.busy_hz, other.busy_hz),
        min(one.covered_s, other.covered_s),
        one.exclusive and other.exclusive,
    )
