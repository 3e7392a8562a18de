"""The observation of a device as almost all are: one series of each metric, all of the pod, scraped together. Pure.

samples.py says what is observed; this is the same for the ordinary case, in one pass and without spans, at a fifth of
the cost. Whatever is not ordinary is left to it: another pod, parts of a device, two exporters, a missed scrape, a
reset, a blank.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import mul

from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import Measure, Observation
from gatekeeper.telemetry.exporters.family import Family, Gauge
from gatekeeper.telemetry.series import Pod, Series
from gatekeeper.telemetry.spans import CLOCK_MHZ_MAX, CYCLES_PER_MS_MAX, MS_PER_S, Window, whole

Values = Sequence[float]


@dataclass(frozen=True, slots=True)
class _Steps:
    """From sample to sample: which samples (after the first of them), for how long, and how much of it is asked about.

    Attributes:
        samples: where they stand in their series.
        lasted_ms, counted_ms: of each step.
        covered_ms: what is asked about of all steps together.
    """

    samples: slice
    lasted_ms: Sequence[int]
    counted_ms: Sequence[int]
    covered_ms: int


def observation(pod: Pod, together: Sequence[Series], family: Family, window: Window) -> Observation | None:
    """What samples.py observes of a device with these series; None where that must say it itself."""
    first = together[0]
    at_ms, device = first.samples.at_ms, first.device
    values: dict[str, Values] = {}
    for each in together:
        if each.name in values or each.pod != pod or each.device != device or each.samples.at_ms != at_ms:
            return None
        values[each.name] = each.samples.values
    steps = _steps(at_ms, window)
    said = _said(values, family, steps) if steps else None
    if steps is None or said is None:
        return None
    measure = family.gauges[0].measure
    rates, shares = said
    rate = ceil_div(sum(map(mul, rates, steps.counted_ms)), steps.covered_ms)
    activity_ppm = 0
    if measure is Measure.TENSOR_CYCLES:
        activity_ppm = ceil_div(sum(map(mul, shares, steps.counted_ms)), steps.covered_ms)
    return Observation(str(device), rate, steps.covered_ms // MS_PER_S, measure=measure, activity_ppm=activity_ppm)


@lru_cache(maxsize=1_024)  # one for all devices of a node
def _steps(at_ms: tuple[int, ...], window: Window) -> _Steps | None:
    """The steps up to the end of a window, where all of those inside are of samples that follow each other in time."""
    first = bisect_right(at_ms, window.first_ms)
    last = bisect_right(at_ms, window.last_ms)
    lasted: list[int] = []
    counted: list[int] = []
    for since, at in pairwise(at_ms[first:last]):
        if since >= window.through_ms:
            break
        after, until = window.cut(since, at)
        if after < until and at - since > window.sample_ms:
            return None
        lasted.append(at - since)
        counted.append(max(0, until - after))
    covered = sum(counted)
    if covered < MS_PER_S or not any(at in window for at in at_ms[first:last]):
        return None
    return _Steps(slice(first, first + len(lasted) + 1), lasted, counted, covered)


def _said(values: Mapping[str, Values], family: Family, steps: _Steps) -> tuple[Iterable[int], Iterable[int]] | None:
    """The rate of each step, the highest that is said of it, in the family's first measure; and the share that its
    gauge says."""
    measure = family.gauges[0].measure
    gauges = [each for each in family.gauges if each.measure is measure and each.name in values]
    if len(gauges) != 1:
        return None
    (gauge,) = gauges
    cycles = measure is Measure.TENSOR_CYCLES
    if cycles and family.clock not in values:
        return None
    activity = values[gauge.name][steps.samples]
    said = _of_gauge(activity, values[family.clock][steps.samples] if cycles else [1] * len(activity), gauge)
    if said is None or not cycles or family.cycles is None or family.cycles[0] not in values:
        return said
    active, elapsed = family.cycles
    if elapsed not in values:
        return None
    counted = _of_counter(values[active][steps.samples], values[elapsed][steps.samples], steps.lasted_ms)
    return None if counted is None else (map(max, said[0], counted), said[1])


def _of_gauge(values: Values, clock: Values, gauge: Gauge) -> tuple[Iterable[int], list[int]] | None:
    """Rates after the first sample, and the shares in them; None where a value is no reading."""
    shares: list[int] = []
    per_unit, highest = gauge.per_unit, gauge.highest
    for value, megahertz in zip(values, clock, strict=True):
        if not (0 <= value <= highest and 0 < megahertz <= CLOCK_MHZ_MAX):  # false for NaN
            return None
        shares.append(whole(value * per_unit))
    del shares[0]
    return map(mul, shares, map(math.ceil, clock[1:])), shares


def _of_counter(active: Values, elapsed: Values, lasted_ms: Sequence[int]) -> list[int] | None:
    """Rates after the first sample; None where a step is not a plain increase. See spans.py for each condition."""
    rates: list[int] = []
    cycles_then, passed_then = active[0], elapsed[0]
    if not cycles_then >= 0:  # true for NaN
        return None
    for cycles, passed, lasted in zip(active[1:], elapsed[1:], lasted_ms, strict=True):
        more, ran = cycles - cycles_then, passed - passed_then
        if not (0 <= more <= ran <= CYCLES_PER_MS_MAX * lasted < passed_then and ran > 0):
            return None
        rates.append(ceil_div(math.ceil(more) * MS_PER_S, lasted))
        cycles_then, passed_then = cycles, passed
    return rates
