"""What is read at each scrape, as metric families: the books, the controller as it is seen, and what is configured."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.sight import Sight, Waits
from gatekeeper.domain.customer import Standing
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.policy import ActivePack
from gatekeeper.metrics import families
from gatekeeper.metrics.books import EXPIRING_WITHIN_DAYS, Books
from gatekeeper.metrics.families import Family
from gatekeeper.metrics.runs import RunFigures
from gatekeeper.ports import Clock

# What a gated pod waits for besides what it was told: others hold it too, or nobody has answered it yet.
OTHER_GATES, NO_ANSWER = "other_gates", "no_answer"
WAITS_FOR = (*(each.value for each in Waits), OTHER_GATES, NO_ANSWER)
_OPEN = tuple(each for each in ReservationState if each not in (ReservationState.SETTLED, ReservationState.VOIDED))
Rows = Iterable[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What stays the same while the process runs."""

    packs: tuple[ActivePack, ...]
    telemetry: bool


class ServiceCollector(Collector):
    """Yields all gauges. Never fails and never waits long: what cannot be had is left out."""

    def __init__(
        self,
        facts: Facts,
        clock: Clock,
        *,
        books: Callable[[], Books | None],
        sight: Callable[[], Sight | None],
        signed_s_ago: Callable[[], float],
    ) -> None:
        self._facts, self._clock = facts, clock
        self._books, self._sight, self._signed_s_ago = books, sight, signed_s_ago

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: a registry would otherwise collect once only to learn the names."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Everything as it is now."""
        books, sight, now = self._books(), self._sight(), self._clock.now()
        yield _gauge(families.UP_TO_DATE, [((), books is not None)])
        yield from _of_facts(self._facts)
        yield _gauge(families.LOG_CHECKPOINT_AGE, [((), self._signed_s_ago())])
        if sight is not None:
            yield from _of_controller(sight)
            yield from _of_gate(sight, now)
        if books is not None:
            yield from _of_runs(books)
            yield from _of_people(books, self._facts)
            yield _gauge(families.LOG_RECORDS, [((), books.records)])
            yield _gauge(families.LOG_UNSIGNED, [((), books.unsigned)])
            yield from _of_reservations(books)
        if books is not None and sight is not None:
            yield from _of_meter(books, sight, now)


def _gauge(family: Family, rows: Rows) -> GaugeMetricFamily:
    made = GaugeMetricFamily(family.full_name, family.help, labels=family.labels)
    for labels, value in rows:
        made.add_metric(labels, float(value))
    return made


def _of_facts(facts: Facts) -> Iterator[GaugeMetricFamily]:
    yield _gauge(families.BUILD_INFO, [((version("compute-gatekeeper"), platform.python_version()), 1)])
    packs = [
        ((each.pack.id, each.pack.version.isoformat(), each.mode.value, each.pack.legal_status.value), 1.0)
        for each in facts.packs
    ]
    yield _gauge(families.POLICY_PACK_INFO, packs)
    yield _gauge(families.TELEMETRY_CONFIGURED, [((), facts.telemetry)])


def _of_controller(sight: Sight) -> Iterator[GaugeMetricFamily]:
    if sight.passed_s_ago is not None:
        yield _gauge(families.PASS_AGE, [((), sight.passed_s_ago)])
    each = sight.informers
    yield _gauge(families.INFORMER_SYNCED, [((it.collection,), it.synced) for it in each])
    yield _gauge(families.INFORMER_IN_SIGHT, [((it.collection,), it.in_sight_s) for it in each])
    yield _gauge(families.INFORMER_SILENT, [((it.collection,), it.silent_s) for it in each])


def _of_gate(sight: Sight, now: datetime) -> Iterator[GaugeMetricFamily]:
    count, oldest = dict.fromkeys(WAITS_FOR, 0), dict.fromkeys(WAITS_FOR, 0.0)
    ends: list[float] = []
    for pod in sight.state.pods.values():
        if pod.gated and not pod.deleting and not pod.ended:
            why = _why(pod, sight)
            count[why] += 1
            oldest[why] = max(oldest[why], (now - pod.created_at).total_seconds())
        elif pod.started_at is not None and pod.deadline_s is not None and not pod.ended:
            ends.append((pod.started_at - now).total_seconds() + pod.deadline_s)
    yield _gauge(families.GATED_PODS, [((why,), number) for why, number in count.items()])
    yield _gauge(families.GATED_OLDEST, [((why,), age_s) for why, age_s in oldest.items()])
    if ends:
        yield _gauge(families.LEASE_SOONEST_END, [((), min(ends))])


def _why(pod: PodState, sight: Sight) -> str:
    if not pod.only_ours:
        return OTHER_GATES
    told = sight.waits.get(pod.uid)
    return told.value if told else NO_ANSWER


def _of_runs(books: Books) -> Iterator[GaugeMetricFamily]:
    def rows(value: Callable[[RunFigures], float], runs: Sequence[RunFigures] = books.runs) -> Rows:
        return [((each.account.run_id, each.customer), value(each)) for each in runs]

    limited = [each for each in books.runs if each.limit_tflop]
    yield _gauge(families.RUN_LIMIT, rows(lambda each: each.limit_tflop or 0, limited))
    told = [((each.account.run_id, each.customer, pack), due) for each in books.runs for pack, due in each.notices]
    yield _gauge(families.RUN_NOTICE, told)
    yield _gauge(families.RUN_CARRIED_IN, rows(lambda each: each.account.carried_in_tflop))
    yield _gauge(families.RUN_SETTLED_LOW, rows(lambda each: each.account.settled.low_tflop))
    yield _gauge(families.RUN_SETTLED_BEST, rows(lambda each: each.account.settled.best_tflop))
    yield _gauge(families.RUN_SETTLED_HIGH, rows(lambda each: each.account.settled.high_tflop))
    yield _gauge(families.RUN_PENDING, rows(lambda each: each.account.pending_tflop))
    yield _gauge(families.RUN_SYNTHETIC_DATA, rows(lambda each: each.extra_tflop, limited))
    yield _gauge(families.RUN_USED_RATIO, (row for each in limited for row in _used(each)))
    yield _gauge(families.RUN_HEADROOM_RATIO, rows(_headroom, limited))
    yield _gauge(families.RUNS_LEFT_OUT, [((), books.runs_left_out)])


def _used(each: RunFigures) -> Rows:
    limit_tflop, labels = each.limit_tflop or 1, (each.account.run_id, each.customer)
    yield (*labels, "best"), each.pool_best_tflop / limit_tflop
    yield (*labels, "high"), each.pool_high_tflop / limit_tflop


def _headroom(each: RunFigures) -> float:
    limit_tflop = each.limit_tflop or 1
    return max(0, limit_tflop - each.pool_used_tflop) / limit_tflop


def _of_people(books: Books, facts: Facts) -> Iterator[GaugeMetricFamily]:
    unresolved = [((each.pack.id,), books.unresolved.get(each.pack.id, 0)) for each in facts.packs]
    yield _gauge(families.CUSTOMERS_UNRESOLVED, unresolved)
    yield _gauge(families.OVERRIDES, [((), books.overrides)])
    yield _gauge(families.CUSTOMERS, [((each.value,), books.standings.get(each, 0)) for each in Standing])
    expiring = [((str(days),), books.expiring.get(days, 0)) for days in EXPIRING_WITHIN_DAYS]
    yield _gauge(families.APPROVALS_EXPIRING, expiring)
    if books.soonest_expiry_s is not None:
        yield _gauge(families.APPROVAL_SOONEST_EXPIRY, [((), books.soonest_expiry_s)])


def _of_reservations(books: Books) -> Iterator[GaugeMetricFamily]:
    count: dict[ReservationState, int] = dict.fromkeys(_OPEN, 0)
    for state, _ in books.booked_until.values():
        count[state] += 1
    yield _gauge(families.RESERVATIONS_OPEN, [((state.value,), number) for state, number in count.items()])


def _of_meter(books: Books, sight: Sight, now: datetime) -> Iterator[GaugeMetricFamily]:
    """How far the meter is behind the pods that the cluster shows; a pod that vanished is told of apart.

    Only of those that hold budget: the others are booked every few hours, and vanish without holding anything.
    """
    behind, vanished, pods = timedelta(), 0, sight.state.pods
    for uid, (state, until) in books.booked_until.items():
        if state is not ReservationState.PENDING:
            continue
        pod = pods.get(uid) or sight.state.departed.get(uid)
        vanished += pod is None
        booked_until = until or (pod.started_at if pod else None)
        if pod is not None and booked_until is not None:
            behind = max(behind, now - booked_until)
    yield _gauge(families.METER_BEHIND, [((), behind.total_seconds())])
    yield _gauge(families.RESERVATIONS_WITHOUT_POD, [((), vanished)])
