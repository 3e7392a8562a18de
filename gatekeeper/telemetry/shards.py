"""How many pods' intervals become few questions, each with a bounded answer. Pure.

Intervals that mostly cover each other are asked about together. A shard is up to 100 pods of such a group: few enough
for the server to look their names up, and for one failure to concern few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.domain.units import require_utc
from gatekeeper.domain.usage import PodInterval
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.promql import ALTERNATIVES_MAX, is_plain
from gatekeeper.telemetry.series import Pod
from gatekeeper.telemetry.spans import Window

PODS_MAX = 100
# An answer about several pods should stay below this; one that cannot is asked for pod by pod. Small, because four of
# them are read at once, and what leaves the cache of a core costs a sixth more.
ANSWER_BYTES = 1024 * 1024
# As Prometheus prints them: the labels of a series, and a sample.
_SERIES_BYTES, _SAMPLE_BYTES = 700, 32
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Shard:
    """Intervals that one question is asked about, by pod, and the window that holds them all."""

    window: Window
    by_pod: Mapping[Pod, Sequence[PodInterval]]


def shards(asked: Iterable[PodInterval], sample_ms: int) -> Iterator[Shard]:
    """All intervals that last some time, in shards. A name that is not plain gets a shard of its own."""
    for group in _groups(each for each in asked if each.begins_at < each.through):
        spans = [window_of(each, sample_ms) for each in group]
        window = Window(min(each.begins_ms for each in spans), max(each.through_ms for each in spans), sample_ms)
        by_pod: dict[Pod, list[PodInterval]] = {}
        for each in sorted(group, key=lambda each: (each.namespace, each.pod)):
            by_pod.setdefault((each.namespace, each.pod), []).append(each)
        plain = [pod for pod in by_pod if all(map(is_plain, pod))]
        for start in range(0, len(plain), PODS_MAX):
            yield Shard(window, {pod: by_pod[pod] for pod in plain[start : start + PODS_MAX]})
        yield from (Shard(window, {pod: by_pod[pod]}) for pod in by_pod if not all(map(is_plain, pod)))


def _groups(asked: Iterable[PodInterval]) -> Iterator[list[PodInterval]]:
    """Intervals whose cover is at most twice as long as the shortest of them, so that little is read for nothing."""
    group: list[PodInterval] = []
    shortest, ends = timedelta.max, _EPOCH
    for each in sorted(asked, key=lambda each: (each.begins_at, each.through)):
        lasts, last = min(shortest, each.through - each.begins_at), max(ends, each.through)
        if group and last - group[0].begins_at > 2 * lasts:
            yield group
            group, lasts, last = [], each.through - each.begins_at, each.through
        group.append(each)
        shortest, ends = lasts, last
    if group:
        yield group


def window_of(asked: PodInterval, sample_ms: int) -> Window:
    """The window of one interval."""
    return Window(_ms(asked.begins_at), _ms(asked.through), sample_ms)


def by_devices(devices: Mapping[Pod, Iterable[str]], most: int) -> Iterator[list[Pod]]:
    """Pods whose devices are asked about together: at most `most`, or those of one pod."""
    together: list[Pod] = []
    ids: set[str] = set()
    for pod, mine in devices.items():
        joined = ids.union(mine)
        if together and len(joined) > most:
            yield together
            together, joined = [], set(mine)
        together.append(pod)
        ids = joined
    if together:
        yield together


def devices_at_once(family: Family, window: Window, answer_bytes_max: int) -> int:
    """About how many devices an answer can speak of; samples may come twice as often as they must."""
    samples = 2 * (window.last_ms - window.first_ms) // window.sample_ms
    each = len(family.names) * (_SERIES_BYTES + _SAMPLE_BYTES * samples)
    return max(1, min(ALTERNATIVES_MAX, min(ANSWER_BYTES, answer_bytes_max) // each))


def _ms(moment: datetime) -> int:
    return (require_utc(moment) - _EPOCH) // timedelta(milliseconds=1)
