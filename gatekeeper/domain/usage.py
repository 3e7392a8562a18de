"""Values of metering: amounts with their bounds, what counters said, and what the cluster says of a pod.

How an amount is worked out from them stands in counting.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import checked_tflop, require_utc

HZ_PER_MHZ = 1_000_000
PPM = 1_000_000


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
        activity_ppm: mean over the covered time of the tensor activity that gauges said, millionths, rounded up; 0
            where none spoke. A clock is a reading of a moment, so a rate made with it bounds nothing; this does.
        counted_hz: mean over the covered time of the cycles that were counted where no gauge spoke, rounded up.
    """

    device: str
    rate: int
    covered_s: int
    exclusive: bool = True
    measure: Measure = Measure.TENSOR_CYCLES
    activity_ppm: int = 0
    counted_hz: int = 0


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
        countable: `devices` is all that the pod can use: no claim of which nobody knows what it gave, no environment
            variables.
        exclusive: no other pod was given any of them; else counters do not say what this one did.
    """

    namespace: str
    name: str
    devices: Mapping[str, int]
    products: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None = None
    countable: bool = True
    exclusive: bool = True

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


def total(usages: Iterable[Usage]) -> Usage:
    """Sum of usages; the order does not matter."""
    low = best = high = 0
    for usage in usages:
        low, best, high = low + usage.low_tflop, best + usage.best_tflop, high + usage.high_tflop
    return Usage(low, best, high)
