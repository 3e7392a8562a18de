"""From raw samples of tensor activity and SM clock to one observation per device. Pure.

A sample stands for the time since the sample before it in its series, and for no longer than `sample_ms` (a gauge is a
mean over the exporter's collect interval). The first sample of a series stands for nothing: it mixes in the time
before. So whatever no sample stands for is not covered, and counts at the worst case: gaps, restarts, blanks, the end.
Raw samples are read, and not a mean made by Prometheus, because a subquery takes samples up to 5 minutes old.

Activity and clock belong together by scrape: the same device and the same timestamp. Several series of one device (two
exporters, two containers of a pod) are one device, and the highest of them counts at each moment: a series that says
less than another cannot lower the count. Times in which another pod had the device are not covered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import Observation

MS_PER_S = 1_000
# No accelerator runs faster (NVIDIA's highest SM clock is below 3,500 MHz); above this a reading is no clock.
CLOCK_MHZ_MAX = 10_000
PPM = 1_000_000

Sample = tuple[int, float]  # milliseconds since 1970, value


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU by its UUID, and the instance on it where it is partitioned (MIG)."""

    uuid: str
    instance: str = ""

    def __str__(self) -> str:
        return f"{self.uuid}/{self.instance}" if self.instance else self.uuid


@dataclass(frozen=True, slots=True)
class Series:
    """Raw samples of one time series, oldest first."""

    device: Device
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked about: (begins_ms, through_ms], and how long a sample can stand for."""

    begins_ms: int
    through_ms: int
    sample_ms: int

    def cut(self, after_ms: int, until_ms: int) -> tuple[int, int]:
        """The part of a span that lies inside."""
        return max(after_ms, self.begins_ms), min(until_ms, self.through_ms)


def observations(
    own: Iterable[Series], clocks: Iterable[Series], others: Iterable[Series], window: Window
) -> list[Observation]:
    """One observation for each device that has a sample of the pod inside the window, ordered by device.

    Args:
        own: tensor activity (0..1) of the pod's devices, under the pod's name.
        clocks: SM clock in MHz of these GPUs, under any name.
        others: tensor activity of the same devices under the names of other pods.
        window: the interval; samples of up to two `sample_ms` around it are used.
    """
    megahertz = _highest_clock(clocks)
    shared = _grouped(others)
    return [
        _observation(device, series, megahertz.get(device.uuid, {}), shared.get(device, []), window)
        for device, series in sorted(_grouped(own).items(), key=lambda each: str(each[0]))
        if any(window.begins_ms < at <= window.through_ms for one in series for at, _ in one.samples)
    ]


def _grouped(many: Iterable[Series]) -> dict[Device, list[Series]]:
    found: dict[Device, list[Series]] = {}
    for each in many:
        found.setdefault(each.device, []).append(each)
    return found


def _highest_clock(clocks: Iterable[Series]) -> dict[str, dict[int, int]]:
    """GPU -> timestamp -> MHz, rounded up. Clocks are the GPU's, so instances on it share them."""
    found: dict[str, dict[int, int]] = {}
    for each in clocks:
        at_times = found.setdefault(each.device.uuid, {})
        for at, value in each.samples:
            if 0 < value <= CLOCK_MHZ_MAX:  # false for NaN
                at_times[at] = max(at_times.get(at, 0), math.ceil(value))
    return found


def _observation(
    device: Device, own: list[Series], megahertz: Mapping[int, int], others: list[Series], window: Window
) -> Observation:
    moments: list[tuple[int, int, int, int]] = []  # time, 0 = ends / 1 = begins, series, Hz
    for index, one in enumerate(own):
        for after, until, hertz in _spans(one, megahertz, window):
            moments += [(until, 0, index, 0), (after, 1, index, hertz)]
    for index, one in enumerate(others, start=len(own)):
        for after, until in _claims(one, window):
            moments += [(until, 0, index, 0), (after, 1, index, 0)]
    cycles_k, covered_ms = _sweep(sorted(moments), len(own))
    covered_s = covered_ms // MS_PER_S
    busy_hz = ceil_div(cycles_k, covered_ms) if covered_ms else 0
    return Observation(str(device), busy_hz, covered_s, exclusive=not (others and covered_s == 0))


def _spans(series: Series, megahertz: Mapping[int, int], window: Window) -> Iterator[tuple[int, int, int]]:
    """(after, until, Hz) for each sample that says something."""
    previous: int | None = None
    for at, activity in series.samples:
        if previous is not None and 0 <= activity <= 1 and at in megahertz:  # false for NaN
            after, until = window.cut(max(previous, at - window.sample_ms), at)
            if after < until:
                yield after, until, _ppm(activity) * megahertz[at]
        previous = at


def _ppm(activity: float) -> int:
    """Parts per million, rounded up, but not for what is only the error of a binary fraction (0.07 x 10^6)."""
    return math.ceil(round(activity * PPM, 3))


def _claims(series: Series, window: Window) -> Iterator[tuple[int, int]]:
    """(after, until) for each sample under another pod's name, the first one included."""
    previous = 0
    for at, _ in series.samples:
        after, until = window.cut(max(previous, at - window.sample_ms), at)
        if after < until:
            yield after, until
        previous = at


def _sweep(moments: list[tuple[int, int, int, int]], own_count: int) -> tuple[int, int]:
    """(sum of Hz x ms, ms) over the times that a series of our own covers and none of another pod does."""
    active: dict[int, int] = {}
    claimed: set[int] = set()
    cycles_k = covered_ms = last = 0
    for at, begins, index, hertz in moments:
        if active and not claimed:
            cycles_k += max(active.values()) * (at - last)
            covered_ms += at - last
        last = at
        if index >= own_count:
            (claimed.add if begins else claimed.discard)(index)
        elif begins:
            active[index] = hertz
        else:
            active.pop(index, None)
    return cycles_k, covered_ms
