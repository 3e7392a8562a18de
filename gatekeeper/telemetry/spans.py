"""Spans of time and what a series says of each: from raw samples of a gauge or a counter. Pure.

A span is (after_ms, until_ms, rate). The spans of one list follow each other and do not overlap.

A sample of a gauge stands for the time since the sample before it, and for no longer than `sample_ms` (it is a mean
over the exporter's collect interval). The first sample of a series stands for nothing: it mixes in the time before.

A counter says what happened between two of its values, however far apart they are. It says so only
- where it has been refreshed: a value that is printed twice is one value;
- where it was not set back: what a reset hides is not covered;
- inside of the window, or over at most two `sample_ms` across its edge: a pod of the same name may have done the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import lt

import msgspec

from gatekeeper.domain.units import ceil_div
from gatekeeper.domain.usage import HZ_PER_MHZ
from gatekeeper.telemetry.exporters.family import Gauge

MS_PER_S = 1_000
# No accelerator runs faster (NVIDIA's highest SM clock is below 3,500 MHz); above this a reading is no clock.
CLOCK_MHZ_MAX = 10_000
CYCLES_PER_MS_MAX = CLOCK_MHZ_MAX * HZ_PER_MHZ // MS_PER_S
_NO_READING = -1.0
_ERROR_MAX = 0.0005

Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked about: (begins_ms, through_ms], and how long a sample can stand for."""

    begins_ms: int
    through_ms: int
    sample_ms: int

    @property
    def first_ms(self) -> int:
        """From here on samples are read: two before the window can still say something of it."""
        return self.begins_ms - 2 * self.sample_ms

    @property
    def last_ms(self) -> int:
        """Up to here: one sample after the window can still say something of it."""
        return self.through_ms + self.sample_ms

    def cut(self, after_ms: int, until_ms: int) -> tuple[int, int]:
        """The part of a span that lies inside."""
        return max(after_ms, self.begins_ms), min(until_ms, self.through_ms)

    def __contains__(self, at_ms: int) -> bool:
        return self.begins_ms < at_ms <= self.through_ms


class Samples(msgspec.Struct, frozen=True):
    """Raw samples of one time series, oldest first, one for each time. There are millions, hence a struct."""

    at_ms: tuple[int, ...]
    values: Sequence[float]

    @classmethod
    def of(cls, at_ms: Sequence[int], values: Sequence[float]) -> Samples:
        """Samples in any order and any number of times; where one time has several values, the higher counts, and
        none where one of them is no number."""
        if all(map(lt, at_ms, at_ms[1:])):
            return cls(tuple(at_ms), values)
        found: dict[int, float] = {}
        for at, value in zip(at_ms, values, strict=True):
            known = found.get(at, 0.0)
            found[at] = max(known, value) if known >= 0 and value >= 0 else _NO_READING  # false for NaN
        return cls(tuple(sorted(found)), [found[at] for at in sorted(found)])

    def within(self, window: Window) -> Samples:
        """Only those that a window reads."""
        if not self.at_ms or (window.first_ms < self.at_ms[0] and self.at_ms[-1] <= window.last_ms):
            return self
        kept = [
            pair for pair in zip(self.at_ms, self.values, strict=True) if window.first_ms < pair[0] <= window.last_ms
        ]
        return Samples(tuple(at for at, _ in kept), [value for _, value in kept])


def whole(amount: float) -> int:
    """A finite amount of at least 0, rounded up, but not for what is only the error of a binary fraction
    (0.07 x 10^6): the same as `ceil(round(amount, 3))`, several times as fast."""
    units = int(amount)
    return units + 1 if amount - units >= _ERROR_MAX else units


def of_gauge(samples: Samples, gauge: Gauge, megahertz: Mapping[int, int] | None, window: Window) -> list[Span]:
    """What a gauge says.

    Args:
        megahertz: clock by time, for a gauge that is multiplied with it; a sample without one says nothing.
    """
    spans: list[Span] = []
    begins, through, longest = window.begins_ms, window.through_ms, window.sample_ms
    per_unit, highest = gauge.per_unit, gauge.highest
    clock = 1
    previous: int | None = None
    for at, value in zip(samples.at_ms, samples.values, strict=True):
        if previous is not None and at > begins and 0 <= value <= highest:  # false for NaN
            after, until = max(previous, at - longest, begins), min(at, through)
            if megahertz is not None:
                clock = megahertz.get(at, 0)
            if after < until and clock:
                spans.append((after, until, whole(value * per_unit) * clock))
        previous = at
    return spans


def of_counter(active: Samples, elapsed: Mapping[int, float | None], window: Window) -> list[Span]:
    """What a counter of active cycles says, in Hz: its increase over the time, with the cycles elapsed as witness.

    The witness tells a refresh from a repeated value, and a reset even where the counter has since passed its old
    value: at the highest clock it could not have come as far as it had been. A clock that is impossible, or more
    cycles active than elapsed, is no reading: they may sum over units that the other averages over.
    """
    spans: list[Span] = []
    begins, through, longest = window.begins_ms, window.through_ms, 2 * window.sample_ms
    since, cycles_then, passed_then = 0, math.nan, math.nan
    for at, cycles in zip(active.at_ms, active.values, strict=True):
        passed = elapsed.get(at)
        if passed is None or not 0 <= cycles < math.inf or not 0 <= passed < math.inf:  # true for NaN
            continue
        ran, more, lasted = passed - passed_then, cycles - cycles_then, at - since
        if ran == 0 and more == 0:
            continue  # The exporter printed the same reading again.
        if 0 <= more <= ran <= CYCLES_PER_MS_MAX * lasted < passed_then:  # false for the first one
            after, until = since, at
            ours = begins <= since and at <= through
            if not ours:
                after, until = window.cut(since, at)
            if after < until and (ours or lasted <= longest):
                spans.append((after, until, ceil_div(math.ceil(more) * MS_PER_S, lasted)))
        since, cycles_then, passed_then = at, cycles, passed
    return spans


def claimed(samples: Samples, window: Window) -> list[Span]:
    """When a series says that its pod had the device, the time before its first sample included; rates are 0."""
    spans: list[Span] = []
    previous: int | None = None
    for at in samples.at_ms:
        earliest = at - window.sample_ms
        after, until = window.cut(earliest if previous is None else max(previous, earliest), at)
        if after < until:
            spans.append((after, until, 0))
        previous = at
    return spans


def highest(many: Iterable[list[Span]]) -> list[Span]:
    """The spans that any list covers, each with the highest of their rates."""
    found: list[Span] = []
    for spans in many:
        found = _higher(found, spans) if found and spans else found or spans
    return found


def _higher(one: list[Span], other: list[Span]) -> list[Span]:
    if len(one) == len(other) and all(mine[:2] == its[:2] for mine, its in zip(one, other, strict=True)):
        return [max(pair) for pair in zip(one, other, strict=True)]  # the same scrapes, as a rule
    edges = sorted({edge for span in (*one, *other) for edge in span[:2]})
    merged: list[Span] = []
    here = there = 0
    for index in range(len(edges) - 1):
        after, until = edges[index], edges[index + 1]
        while here < len(one) and one[here][1] <= after:
            here += 1
        while there < len(other) and other[there][1] <= after:
            there += 1
        rate = -1
        if here < len(one) and one[here][0] <= after:
            rate = one[here][2]
        if there < len(other) and other[there][0] <= after:
            rate = max(rate, other[there][2])
        if rate >= 0:
            merged.append((after, until, rate))
    return merged


def without(spans: list[Span], taken: list[Span]) -> list[Span]:
    """What is left of spans outside of those that are taken."""
    left: list[Span] = []
    first = 0
    for after, until, rate in spans:
        while first < len(taken) and taken[first][1] <= after:
            first += 1
        index, begins = first, after
        while index < len(taken) and taken[index][0] < until:
            if begins < taken[index][0]:
                left.append((begins, taken[index][0], rate))
            begins = max(begins, taken[index][1])
            index += 1
        if begins < until:
            left.append((begins, until, rate))
    return left
