"""The engine: jobs ask, run their leases, are metered and ask again, in the order of a virtual clock.

Nothing here decides. The gate answers, the meter books, and the timeline is read back from the ledger.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.run import undeclared_run_id
from gatekeeper.domain.usage import PodFacts, Usage
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.gate import Gang, Gate
from gatekeeper.meter import Due, Meter
from gatekeeper.ports import Stores
from gatekeeper.simulate.scenario import JobSpec, LoadedScenario

# A settlement of each running job at least this often; the picture gets a point each time.
SETTLE_EVERY = timedelta(hours=12)
# How long a refused customer waits before it tries again, and how often.
TRY_AGAIN = timedelta(days=1)
TRIES = 2


class VirtualClock:
    """A clock that stands where the engine puts it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The virtual time."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Go forward."""
        self._now = max(self._now, moment)


@dataclass(frozen=True, slots=True)
class Point:
    """Totals of one run at one moment."""

    at: datetime
    run_id: str
    carried_in_tflop: int
    settled: Usage
    pending_tflop: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer was told about one of its jobs."""

    at: datetime
    job: str
    run_id: str
    decision: Decision


@dataclass(slots=True)
class Timeline:
    """What happened, in order."""

    points: list[Point] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    leases: list[Reservation] = field(default_factory=list)

    @property
    def runs(self) -> list[str]:
        """Runs that held a lease, in order of appearance."""
        return list(dict.fromkeys(point.run_id for point in self.points))

    def last_of(self, run_id: str) -> Point:
        """Totals of a run at the end."""
        return next(point for point in reversed(self.points) if point.run_id == run_id)


@dataclass(slots=True)
class _Job:
    spec: JobSpec
    wanted_until: datetime
    attempt: int = 0
    refusals: int = 0


class Engine:
    """Plays one scenario. Customers are enrolled and namespaces bound before."""

    def __init__(
        self, scenario: LoadedScenario, *, stores: Stores, gate: Gate, meter: Meter, clock: VirtualClock
    ) -> None:
        self._scenario, self._stores, self._gate, self._meter, self._clock = scenario, stores, gate, meter, clock
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.timeline = Timeline()

    def play(self) -> Iterator[datetime]:
        """Run to the end; yields the virtual time now and then, for a progress bar."""
        starts = self._scenario.starts
        for spec in self._scenario.spec.jobs:
            begin = starts + timedelta(days=spec.starts_day)
            job = _Job(spec, min(self._scenario.ends, begin + timedelta(days=spec.wants_days)))
            self._at(begin, lambda job=job: self._ask(job))  # type: ignore[misc]
        while self._events:
            moment, _, act = heapq.heappop(self._events)
            self._clock.move_to(moment)
            act()
            yield moment

    def _at(self, moment: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), act))

    def _ask(self, job: _Job) -> None:
        now = self._clock.now()
        if now >= job.wanted_until:
            return
        job.attempt += 1
        pod = self._pod(job)
        early = self._gate.consider(self._owner(job, pod), dry_run=False)
        if early.durable is not None:
            early.durable.result()
        self._tell(job, early.decision)
        release = (
            self._gate.release(Gang(self._owner(job, pod).ref, (pod,))) if early.decision.verdict.lets_start else None
        )
        if release is None or not release.lets_start:
            job.refusals += 1
            if job.refusals < TRIES:
                self._at(now + TRY_AGAIN, lambda: self._ask(job))
            return
        job.refusals = 0
        for reservation in release.reservations:
            self.timeline.leases.append(reservation)
            self._point(reservation.run_id)
            ends = min(now + timedelta(seconds=reservation.lease_s), job.wanted_until)
            self._settle_until(job, reservation, now, ends)

    def _settle_until(self, job: _Job, reservation: Reservation, started: datetime, ends: datetime) -> None:
        """Plan the settlements of one lease: every so often while it runs, and its end."""
        late = timedelta(seconds=self._meter.times.delay_s + 2)  # the meter books only what is older than its delay
        facts = PodFacts(
            namespace=job.spec.namespace,
            name=f"{job.spec.name}-{job.attempt}",
            devices=reservation.devices,
            products={key: self._scenario.product_of(key) for key in reservation.devices},
            started_at=started,
        )

        def settle() -> None:
            self._meter.settle([Due(reservation.id, facts, self._clock.now())])
            self._point(reservation.run_id)

        def end() -> None:
            self._meter.settle([Due(reservation.id, replace(facts, ended_at=ends))])
            self._point(reservation.run_id)

        moment = started + SETTLE_EVERY
        while moment < ends:
            self._at(moment + late, settle)
            moment += SETTLE_EVERY
        self._at(ends + late, end)
        pause = max(timedelta(minutes=job.spec.between_leases_min), late)
        self._at(ends + pause, lambda: self._ask(job))

    def _pod(self, job: _Job) -> Workload:
        """All pods of a job as one: they start together, so they are decided on together."""
        name = f"{job.spec.name}-{job.attempt}"
        ref = WorkloadRef(self._scenario.spec.cluster, job.spec.namespace, "Pod", name, f"{job.spec.namespace}.{name}")
        return Workload(ref, {job.spec.resource: Count(job.spec.devices, job.spec.devices)})

    def _owner(self, job: _Job, pod: Workload) -> Workload:
        ref = WorkloadRef(pod.ref.cluster, pod.ref.namespace, job.spec.kind, pod.ref.name, f"{pod.ref.uid}.owner")
        return Workload(ref, pod.devices)

    def _tell(self, job: _Job, decision: Decision) -> None:
        """Keep what is new to the customer: a warning counts once, a refusal each time."""
        same = [each for each in self.timeline.told if each.job == job.spec.name]
        if same and decision.verdict in (Verdict.ALLOW, Verdict.WARN) and same[-1].decision.verdict is decision.verdict:
            return
        self.timeline.told.append(
            Told(self._clock.now(), job.spec.name, job.spec.run or undeclared_run_id(job.spec.customer), decision)
        )

    def _point(self, run_id: str) -> None:
        account = self._stores.read(lambda reader: reader.account(run_id))
        point = Point(self._clock.now(), run_id, account.carried_in_tflop, account.settled, account.pending_tflop)
        self.timeline.points.append(point)
