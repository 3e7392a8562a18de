"""From the raw samples of a pod's devices to one observation for each of them. Pure.

Whatever no sample stands for is not covered, and counts at the worst case: gaps, restarts, blanks, the end. Raw samples
are read, and not a mean made by Prometheus, because a subquery takes samples up to 5 minutes old.

Activity and clock belong together by scrape: the same device and the same timestamp. Several series of one device (two
exporters, two containers of a pod, a gauge and a counter) are one device, and the highest of them counts at each
moment: a series that says less than another cannot lower the count. Times in which another pod had the device, or the
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
        covered = spans.highest(_said(reading, family, measure, window))
        if claims:
            covered = spans.without(covered, claims)
        covered_ms = sum(until - after for after, until, _ in covered)
        if covered_ms >= MS_PER_S:
            done = sum((until - after) * rate for after, until, rate in covered)
            return Observation(str(device), ceil_div(done, covered_ms), covered_ms // MS_PER_S, measure=measure)
    return Observation(str(device), 0, 0, exclusive=not claims, measure=family.measures[0])


def _said(reading: _Reading, family: Family, measure: Measure, window: Window) -> list[list[Span]]:
    """What each series of a device says in this measure."""
    cycles = measure is Measure.TENSOR_CYCLES
    found: list[list[Span]] = []
    for gauge in family.gauges:
        if gauge.measure is measure:
            megahertz = reading.megahertz if cycles else None
            found += [
                spans.of_gauge(each.samples.within(window), gauge, megahertz, window)
                for each in reading.own
                if each.name == gauge.name
            ]
    if cycles and family.cycles:
        active, elapsed = family.cycles
        counters = [each for each in reading.own if each.name == active]
        if counters:
            witness = _witness(
                [each for each in reading.together if each.name == elapsed and each.device == reading.device]
            )
            found += [spans.of_counter(each.samples.within(window), witness, window) for each in counters]
    return found


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
