"""From the raw samples of a pod's devices to one observation for each of them. Pure.

Whatever no sample stands for is not covered, and counts at the worst case: gaps, restarts, blanks, the end. Raw samples
are read, and not a mean made by Prometheus, because a subquery takes samples up to 5 minutes old.

Activity and clock belong together by scrape: the same device and the same timestamp. Several series of one device (two
exporters, two containers of a pod, a gauge and a counter) are one device, and the highest of them counts at each
moment: a series that says less than another cannot lower the count. A clock is a reading of a moment, so activity is
handed on without it too, again the highest at each moment, and beside it the cycles of the time in which only counters
speak: domain/counting.py bounds by these. Times in which another pod had the device, or the
GPU that it is a part of, are not covered. Of several measures the first that says anything is taken, in the order of
the family; what it does not cover is not filled up with another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import Measure, Observation
from gatekeeper.telemetry import regular, spans
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.series import NOBODY, Device, Pod, Series
from gatekeeper.telemetry.spans import CLOCK_MHZ_MAX, MS_PER_S, Span, Window


def observations(pod: Pod, many: Iterable[Series], family: Family, window: Window) -> list[Observation]:
    """One observation for each device that has a sample under the pod's name inside the window, ordered by device.

    Args:
        many: all series of the family for the pod's devices, under any name; samples around the window are needed.
    """
    by_uuid: dict[str, list[Series]] = {}
    for each in many:
        by_uuid.setdefault(each.device.uuid, []).append(each)
    found: list[tuple[str, Observation]] = []
    for together in by_uuid.values():
        found += ((str(each.device), each) for each in _of_one(pod, together, family, window))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _of_one(pod: Pod, together: Sequence[Series], family: Family, window: Window) -> list[Observation]:
    """Observations of the parts of one physical device that the pod had."""
    ordinary = regular.observation(pod, together, family, window)
    return [ordinary] if ordinary else of_any(pod, together, family, window)


def of_any(pod: Pod, together: Sequence[Series], family: Family, window: Window) -> list[Observation]:
    """The same, whatever the series are like."""
    claiming = family.claiming
    own: dict[Device, list[Series]] = {}
    others: list[Series] = []
    for each in together:
        if each.name in claiming:
            if each.pod == pod:
                own.setdefault(each.device, []).append(each)
            elif each.pod != NOBODY:
                others.append(each)
    megahertz = _clock([each for each in together if each.name == family.clock]) if family.clock else None
    return [
        _observation(_Reading(device, mine, others, together, megahertz), family, window)
        for device, mine in own.items()
        if any(at in window for one in mine for at in one.samples.at_ms)
    ]


@dataclass(frozen=True, slots=True)
class _Reading:
    device: Device
    own: Sequence[Series]
    others: Sequence[Series]
    together: Sequence[Series]
    megahertz: Mapping[int, int] | None


def _observation(reading: _Reading, family: Family, window: Window) -> Observation:
    device = reading.device
    taken = [
        spans.claimed(each.samples.within(window), window)
        for each in reading.others
        if device.overlaps(each.device, parts=family.parts)
    ]
    claims = spans.highest(taken)
    for measure in family.measures:
        said = [spans.without(each, claims) for each in _said(reading, family, measure, window)]
        covered_ms = sum(until - after for after, until, _ in said[0])
        if covered_ms >= MS_PER_S:
            rate, activity_ppm, counted_hz = (
                ceil_div(sum((until - after) * share for after, until, share in each), covered_ms) for each in said
            )
            covered_s = covered_ms // MS_PER_S
            return Observation(
                str(device),
                rate,
                covered_s,
                measure=measure,
                activity_ppm=activity_ppm,
                counted_hz=counted_hz,
            )
    return Observation(str(device), 0, 0, exclusive=not claims, measure=family.measures[0])


def _said(
    reading: _Reading, family: Family, measure: Measure, window: Window
) -> tuple[list[Span], list[Span], list[Span]]:
    """What all series of a device say in this measure: the highest rate of each moment that any of them covers; the
    tensor activity that gauges say of it; and the cycles counted where no gauge speaks."""
    if measure is not Measure.TENSOR_CYCLES:
        return spans.highest(_gauges(reading, family, measure, window, None)), [], []
    megahertz = reading.megahertz or {}
    gauges = _gauges(reading, family, measure, window, megahertz)
    counted = spans.highest(_counters(reading, family, window))
    activity = spans.highest(_gauges(reading, family, measure, window, dict.fromkeys(megahertz, 1)))
    return spans.highest([*gauges, counted]), activity, spans.without(counted, activity)


def _gauges(
    reading: _Reading, family: Family, measure: Measure, window: Window, megahertz: Mapping[int, int] | None
) -> list[list[Span]]:
    """What each gauge of a device says in this measure."""
    return [
        spans.of_gauge(each.samples.within(window), gauge, megahertz, window)
        for gauge in family.gauges
        if gauge.measure is measure
        for each in reading.own
        if each.name == gauge.name
    ]


def _counters(reading: _Reading, family: Family, window: Window) -> list[list[Span]]:
    """What each counter of active cycles of a device says."""
    if not family.cycles:
        return []
    active, elapsed = family.cycles
    counters = [each for each in reading.own if each.name == active]
    if not counters:
        return []
    witness = _witness([each for each in reading.together if each.name == elapsed and each.device == reading.device])
    return [spans.of_counter(each.samples.within(window), witness, window) for each in counters]


def _clock(many: Sequence[Series]) -> dict[int, int]:
    """Timestamp -> MHz, rounded up, the highest that was said. A clock is the GPU's, so its parts share it."""
    found: dict[int, int] = {}
    for each in many:
        said = zip(each.samples.at_ms, each.samples.values, strict=True)
        megahertz = {at: math.ceil(value) for at, value in said if 0 < value <= CLOCK_MHZ_MAX}  # false for NaN
        for at in found.keys() & megahertz.keys():
            megahertz[at] = max(megahertz[at], found[at])
        found = found | megahertz if found else megahertz
    return found


def _witness(many: Sequence[Series]) -> dict[int, float | None]:
    """Timestamp -> cycles elapsed; None where two series say two things of the same moment."""
    found: dict[int, float | None] = {}
    for each in many:
        said: dict[int, float | None] = dict(zip(each.samples.at_ms, each.samples.values, strict=True))
        for at in found.keys() & said.keys():
            said[at] = said[at] if said[at] == found[at] else None
        found = found | said if found else said
    return found
