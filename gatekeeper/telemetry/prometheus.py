"""Device counters from Prometheus: the series of every vendor's exporter, asked over the HTTP API.

A tenant can run an exporter too, so only series with the *trusted* labels count: give all that your own scrape sets
and no tenant can (with Prometheus Operator, `job` alone is a name that a tenant's ServiceMonitor may choose; add
`namespace`, and do not let tenants' monitors relabel). A second safeguard is in samples.py: of two series of one
device the higher counts.

Two questions for each shard of pods: which devices their exporter names, and the raw samples of those devices under
whatever name. A shard that fails concerns its own pods only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.usage import Observation, PodInterval
from gatekeeper.telemetry import answers, promql
from gatekeeper.telemetry.exporters import FAMILIES
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.questions import Questions, TooMuch
from gatekeeper.telemetry.samples import observations
from gatekeeper.telemetry.series import Pod, Series
from gatekeeper.telemetry.shards import Shard, by_devices, devices_at_once, shards, window_of
from gatekeeper.telemetry.source import PrometheusSource
from gatekeeper.telemetry.spans import MS_PER_S, Window

# No node has more; a pod that seems to have more has counters that cannot be trusted, and its worst case is booked.
DEVICES_MAX = 256

T = TypeVar("T")
Answer = tuple[PodInterval, list[Observation] | Unavailable]


class Prometheus:
    """`Counters` over Prometheus' HTTP API. Safe to share between threads."""

    def __init__(self, source: PrometheusSource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Raises InvalidInput where the CA file holds no certificates."""
        self._source = source
        self._questions = Questions(source, monotonic=monotonic)

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[Answer]:
        """One observation for each device that the exporter says a pod had in its interval.

        Ask when samples up to `sample_s` after the interval can have arrived. Answers come shard by shard, and no
        more than a few shards are held at a time.
        """
        yield from ((each, []) for each in asked if each.begins_at >= each.through)
        todo = shards(asked, self._source.sample_s * MS_PER_S)
        for first in islice(todo, 1):  # alone, so that a server that is down is asked once
            yield from self._shard(first)
        many = list(islice(todo, self._source.at_once))
        if not many:
            return
        with ThreadPoolExecutor(self._source.at_once, thread_name_prefix="prometheus") as threads:
            under_way: deque[Future[list[Answer]]] = deque(threads.submit(self._shard, each) for each in many)
            while under_way:
                answered = under_way.popleft().result()
                under_way.extend(threads.submit(self._shard, each) for each in islice(todo, 1))
                yield from answered

    def _shard(self, shard: Shard) -> list[Answer]:
        """Answers for all intervals of a shard: from the first family that names devices of their pod."""
        found: list[Answer] = []
        left = list(shard.by_pod)
        for family in FAMILIES:
            if not left:
                break
            named = self._each(left, partial(self._devices, family, shard.window))
            answered = {pod: each for pod, each in named.items() if isinstance(each, Unavailable) or each}
            for pod, result in self._observed(family, shard, answered).items():
                found += zip(shard.by_pod[pod], result, strict=True)
            left = [pod for pod in left if pod not in answered]
        return found + [(each, []) for pod in left for each in shard.by_pod[pod]]

    def _observed(
        self, family: Family, shard: Shard, named: Mapping[Pod, list[str] | Unavailable]
    ) -> dict[Pod, Sequence[list[Observation] | Unavailable]]:
        """For each pod the answers to its intervals."""
        found: dict[Pod, Sequence[list[Observation] | Unavailable]] = {}
        devices: dict[Pod, list[str]] = {}
        for pod, each in named.items():
            count = len(shard.by_pod[pod])
            if isinstance(each, Unavailable):
                found[pod] = [each] * count
            elif len(each) > DEVICES_MAX:
                found[pod] = [[Observation(uuid, rate=0, covered_s=0) for uuid in each]] * count
            else:
                devices[pod] = each
        most = devices_at_once(family, shard.window, self._source.answer_bytes_max)
        for pods in by_devices(devices, most):
            read = self._each(pods, partial(self._read, family, shard, devices))
            for pod, result in read.items():
                found[pod] = [result] * len(shard.by_pod[pod]) if isinstance(result, Unavailable) else result
        return found

    def _each(self, pods: list[Pod], ask: Callable[[list[Pod]], Mapping[Pod, T]]) -> dict[Pod, T | Unavailable]:
        """The result of a question for each pod, asked about fewer of them where the answer is too large."""
        try:
            return dict(ask(pods))
        except TooMuch as error:
            if len(pods) == 1:
                return {pods[0]: error}
            middle = len(pods) // 2
            return self._each(pods[:middle], ask) | self._each(pods[middle:], ask)
        except Unavailable as error:
            return dict.fromkeys(pods, error)

    def _devices(self, family: Family, window: Window, pods: list[Pod]) -> dict[Pod, list[str]]:
        """Ids of the devices that the family's series name for each pod."""
        trust = self._source.trust(family)
        namespace, name = family.pod_labels(honor_labels=trust.honor_labels)
        equal, one_of = dict(trust.labels), {}
        if all(promql.is_plain(each) for pod in pods for each in pod):
            one_of = {namespace: {each for each, _ in pods}, name: {each for _, each in pods}}
        else:  # a name that is no Kubernetes name is alone in its shard
            equal |= zip((namespace, name), pods[0], strict=True)
        try:
            selected = promql.samples(family.claiming, equal=equal, one_of=one_of, span_ms=_span_ms(window))
        except InvalidInput:  # nobody can be called so
            return {pod: [] for pod in pods}
        body = self._questions.ask(promql.named_by((family.device[0], namespace, name), selected), window.last_ms)
        found: dict[Pod, set[str]] = {pod: set() for pod in pods}
        for row in answers.labels(body):
            pod = (row.get(namespace, ""), row.get(name, ""))
            uuid, _ = family.device_of(row)
            if pod in found and promql.is_plain(uuid):
                found[pod].add(uuid)
        return {pod: sorted(uuids) for pod, uuids in found.items()}

    def _read(
        self, family: Family, shard: Shard, devices: Mapping[Pod, list[str]], pods: list[Pod]
    ) -> dict[Pod, list[list[Observation]]]:
        """Observations of pods, interval by interval, from the raw samples of their devices."""
        trust = self._source.trust(family)
        window = shard.window
        uuids = {uuid for pod in pods for uuid in devices[pod]}
        selected = promql.samples(
            family.names, equal=trust.labels, one_of={family.device[0]: uuids}, span_ms=_span_ms(window)
        )
        body = self._questions.ask(selected, window.last_ms)
        by_uuid: dict[str, list[Series]] = {}
        for each in answers.series(body, family, family.pod_labels(honor_labels=trust.honor_labels)):
            by_uuid.setdefault(each.device.uuid, []).append(each)
        found: dict[Pod, list[list[Observation]]] = {}
        for pod in pods:
            many = [each for uuid in devices[pod] for each in by_uuid.get(uuid, ())]
            found[pod] = [
                observations(pod, many, family, window_of(each, window.sample_ms)) for each in shard.by_pod[pod]
            ]
        return found


def _span_ms(window: Window) -> int:
    return window.last_ms - window.first_ms
