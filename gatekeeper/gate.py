"""Use cases on compute: consider (webhook), release (controller), void, and what must stop.

The numbers in the comments are the steps of "The life of a workload" in docs/architecture.md. Every use case reads
the clock once, decides on one consistent view, and returns only after what it decided is durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gatekeeper.clearance import Clearances
from gatekeeper.domain.deciding import decide, needs_no_budget, verdict_on_running
from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.errors import Conflict, InvalidInput
from gatekeeper.domain.ledger import Account, Pool, Reservation, ReservationState, reserve, void
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.facts import (
    clearance_facts,
    decision_facts,
    new_record,
    reservation_facts,
    void_facts,
    workload_facts,
)
from gatekeeper.inquiries import open_inquiries
from gatekeeper.ports import Clock, Stores, Transaction
from gatekeeper.snapshots import Snapshots
from gatekeeper.view import Asked, Provider, ask

CONTROLLER = Actor(ActorKind.SERVICE, "controller")
WEBHOOK = Actor(ActorKind.SERVICE, "webhook")

# The same refusal of the same object is one fact, not one for each retry of a Job controller.
REPEAT_AFTER = timedelta(seconds=60)
# Nor is it one for each minute that a pod waits at its gate: ten thousand of them would fill the disk in a day.
REPEAT_HELD_AFTER = timedelta(days=1)
REMEMBERED_REFUSALS = 50_000


@dataclass(frozen=True, slots=True)
class Considered:
    """An early answer; `durable` is done once its record is on disk (None where nothing was to be recorded)."""

    decision: Decision
    durable: Future[int] | None = None


@dataclass(frozen=True, slots=True)
class Gang:
    """Pods that start together or not at all: the owner, and each pod as a workload whose ref carries its uid."""

    owner: WorkloadRef
    pods: tuple[Workload, ...]

    def __post_init__(self) -> None:
        uids = [pod.ref.uid for pod in self.pods]
        if not uids or "" in uids or len(set(uids)) != len(uids):
            raise InvalidInput(f"A gang needs pods with a uid each: {self.owner}.")
        if {pod.ref.namespace for pod in self.pods} != {self.owner.namespace}:
            raise InvalidInput(f"A gang stays in one namespace: {self.owner}.")

    def combined(self, pods: Sequence[Workload]) -> Workload:
        """Some of its pods as one workload of the owner."""
        devices: dict[str, Count] = {}
        for pod in pods:
            for key, count in pod.devices.items():
                devices[key] = devices.get(key, Count(0, 0)) + count
        return Workload(
            ref=self.owner,
            devices=devices,
            claims=any(pod.claims for pod in pods),
            unsaid=any(pod.unsaid for pod in pods),
            unknown=any(pod.unknown for pod in pods),
            runs=tuple(sorted({run for pod in pods for run in pod.runs or ("",)})),
        )


@dataclass(frozen=True, slots=True)
class Release:
    """The answer to a gang: a decision and, where it may start on a budget, one reservation a pod."""

    decision: Decision | None
    reservations: tuple[Reservation, ...] = ()

    @property
    def lets_start(self) -> bool:
        """Whether the pods may be released."""
        return self.decision is None or self.decision.verdict.lets_start


class Gate:
    """All use cases on compute, over one store and one provider's set-up."""

    def __init__(self, stores: Stores, provider: Provider, clock: Clock) -> None:
        self._stores = stores
        self._provider = provider
        self._clock = clock
        self._snapshots = Snapshots(stores)
        self._clearances = Clearances(provider)
        self._refused: dict[tuple[str, ...], datetime] = {}
        self._refused_before: dict[tuple[str, ...], datetime] = {}

    def consider(self, workload: Workload, *, dry_run: bool) -> Considered:
        """Answer early, by a view in memory. Reserves nothing; a refusal is recorded before it is answered.

        Raises:
            Unavailable: the store does not answer.
        """
        now = self._clock.now()
        asked = ask(self._snapshots.current(), self._provider, workload, now)  # 1. who asks, and for what
        decision = decide(asked.question, self._provider.packs)
        if dry_run or not decision.worth_telling:
            return Considered(decision)
        said = _said(workload.ref, decision)
        if self._within(REPEAT_AFTER, said, now):
            return Considered(decision)
        facts = {**workload_facts(workload), "decision": decision_facts(decision), "customer": _customer_id(asked)}
        record = new_record(_EARLY_ANSWER[decision.verdict], WEBHOOK, now, facts)

        def work(tx: Transaction) -> int:
            self._inquire(tx, asked, decision, WEBHOOK, now)
            return tx.append(record)

        durable = self._stores.submit(work)
        durable.add_done_callback(lambda done: None if done.exception() else self._remember(said, now))
        return Considered(decision, durable)

    def release(self, gang: Gang) -> Release:
        """Decide whether a gang may start; hold its worst case and record why, in one transaction.

        Asking again for pods that hold a reservation gives the same reservations back. The caller lifts the gates
        only after this returned, and voids what it could not release.

        Raises:
            GatekeeperError: could not decide; nothing is held and the gates stay.
        """
        now = self._clock.now()
        self._snapshots.current()  # so that little is left to read while the write lock is held
        release = self._stores.transact(lambda tx: self._release(tx, gang, now))  # 3. reserve, then release
        if release.decision is not None and not release.lets_start:
            said = _said(gang.owner, release.decision)
            if not self._within(REPEAT_HELD_AFTER, said, now):
                self._remember(said, now)
        return release

    def void(self, reservation_id: str, *, reason: str) -> Reservation | None:
        """Give a reservation back whose pod is known never to have started; None where it has ended already."""
        now = self._clock.now()

        def work(tx: Transaction) -> Reservation | None:
            reservation = tx.reservation(reservation_id)
            if reservation is None or reservation.state is not ReservationState.PENDING:
                return None
            account, ended = void(tx.account(reservation.run_id), reservation)
            tx.put_account(account)
            tx.put_reservation(ended)
            facts = void_facts(reservation, account, reason=reason)
            tx.append(new_record(RecordType.RESERVATION_VOIDED, CONTROLLER, now, facts))
            return ended

        return self._stores.transact(work)

    def pass_by(self, workload: Workload) -> None:
        """Record that a pod which asks for no device is released without a budget, away from accelerator nodes."""
        record = new_record(RecordType.WORKLOAD_RELEASED, CONTROLLER, self._clock.now(), workload_facts(workload))
        self._stores.transact(lambda tx: tx.append(record))

    def must_stop(self, namespace: str) -> Decision | None:
        """The decision against all running work of a namespace; None where nothing asks for its stop."""
        now = self._clock.now()
        workload = self._namespace(namespace)
        asked = ask(self._snapshots.current(), self._provider, workload, now, rate_tflop_per_s=0)  # 5. stop
        return verdict_on_running(asked.question, self._provider.packs)

    def record_stop(self, workload: Workload, decision: Decision) -> None:
        """Make a stop durable before it is carried out."""
        now = self._clock.now()

        def work(tx: Transaction) -> int:
            binding = tx.binding(self._provider.cluster, workload.ref.namespace)
            customer_id = binding.customer_id if binding else None
            facts = {**workload_facts(workload), "decision": decision_facts(decision), "customer": customer_id}
            return tx.append(new_record(RecordType.WORKLOAD_STOPPED, CONTROLLER, now, facts))

        self._stores.transact(work)

    def cleared_until(self, namespace: str, *, at_most: timedelta) -> datetime | None:
        """How long the pods of a namespace need no gate; None where they need one. See `clearance`."""
        snapshot = self._snapshots.current()
        return self._clearances.until(snapshot, self._namespace(namespace), self._clock.now(), at_most)

    def record_clearance(self, namespace: str, until: datetime | None) -> None:
        """Record that a clearance is given (until a moment) or withdrawn (None), before it is.

        Raises:
            Conflict: it was to be given, and the namespace needs a gate since it was asked for.
        """
        now, cluster = self._clock.now(), self._provider.cluster

        def work(tx: Transaction) -> int:
            if until is None:
                facts = clearance_facts(cluster, namespace, None)
                return tx.append(new_record(RecordType.CLEARANCE_WITHDRAWN, CONTROLLER, now, facts))
            # Whoever reads the log compares this with the records before it: so it holds by what this transaction sees.
            view, packs = self._snapshots.within(tx), self._provider.enforcing
            asked = ask(view, self._provider, self._namespace(namespace), now, rate_tflop_per_s=0)
            if packs and (asked.customer is None or not needs_no_budget(asked.question, self._provider.packs)):
                raise Conflict(f"Namespace {namespace} needs a gate since its clearance was asked for.")
            sha256 = {each.pack.id: each.pack.sha256 for each in packs if each.asks_on(now.date())}
            facts = clearance_facts(cluster, namespace, until, customer_id=_customer_id(asked), packs=sha256)
            return tx.append(new_record(RecordType.CLEARANCE_GIVEN, CONTROLLER, now, facts))

        self._stores.transact(work)

    def _namespace(self, namespace: str) -> Workload:
        return Workload(WorkloadRef(self._provider.cluster, namespace, "Namespace", namespace))

    def _release(self, tx: Transaction, gang: Gang, now: datetime) -> Release:
        held = {pod.ref.uid: tx.reservation(pod.ref.uid) for pod in gang.pods}
        new = [pod for pod in gang.pods if held[pod.ref.uid] is None]
        kept = tuple(each for each in held.values() if each is not None)
        if any(each.state is not ReservationState.PENDING for each in kept):
            raise Conflict(
                f"A pod of {gang.owner} has a reservation that has ended, or that holds nothing: it is only metered.",
                hint="Delete the pod; its owner makes a new one.",
            )
        if not new:
            return Release(None, kept)
        asked = ask(
            self._snapshots.within(tx), self._provider, gang.combined(new), now, rate_tflop_per_s=self._rate(new)
        )
        decision = decide(asked.question, self._provider.packs)
        self._inquire(tx, asked, decision, CONTROLLER, now)
        if not decision.verdict.lets_start:
            self._record_hold(tx, gang, asked, decision, now)
            return Release(decision)
        if decision.grant is None:
            return Release(decision)  # No enforcing pack asks for a budget: the namespace is cleared instead.
        fresh = self._hold(tx, asked, decision, new, now)
        return Release(decision, (*kept, *fresh))

    def _rate(self, pods: Sequence[Workload]) -> int:
        """Worst rate of some pods: the sum of each alone, so that what is held for each adds up to the whole."""
        fleet = self._provider.fleet()
        return sum(fleet.rate_tflop_per_s(pod) for pod in pods)

    def _hold(
        self, tx: Transaction, asked: Asked, decision: Decision, pods: Sequence[Workload], now: datetime
    ) -> tuple[Reservation, ...]:
        grant, customer = decision.grant, asked.customer
        if grant is None or customer is None:
            raise InvalidInput("Nothing was granted, so nothing can be held.")
        pool, fleet = asked.pool(self._provider), self._provider.fleet()
        fresh = []
        for pod in pods:
            reservation = Reservation.open(
                id=pod.ref.uid,
                run_id=asked.run_id,
                customer_id=customer.id,
                workload=pod.ref,
                devices={key: count.least for key, count in pod.devices.items()},
                rate_tflop_per_s=fleet.rate_tflop_per_s(pod),
                lease_s=grant.lease_s,
                held_s=grant.held_s,
                opened_at=now,
            )
            account = reserve(pool, reservation)
            pool = _with_account(pool, account)
            tx.put_account(account)
            tx.put_reservation(reservation)
            facts = reservation_facts(reservation, pool, decision)
            tx.append(new_record(RecordType.RESERVATION_PENDING, CONTROLLER, now, facts))
            fresh.append(reservation)
        return tuple(fresh)

    def _inquire(self, tx: Transaction, asked: Asked, decision: Decision, by: Actor, now: datetime) -> None:
        """Open the questions that have to be answered before this, or the next of its run, goes on."""
        if asked.customer is not None and decision.inquiries:
            who = {"customer_id": asked.customer.id, "run_id": asked.run_id}
            open_inquiries(tx, decision, self._provider.packs, **who, by=by, now=now)

    def _record_hold(self, tx: Transaction, gang: Gang, asked: Asked, decision: Decision, now: datetime) -> None:
        if self._within(REPEAT_HELD_AFTER, _said(gang.owner, decision), now):
            return
        facts = {**workload_facts(asked.question.workload), "decision": decision_facts(decision)}
        tx.append(new_record(RecordType.WORKLOAD_HELD, CONTROLLER, now, {**facts, "customer": _customer_id(asked)}))

    def _within(self, span: timedelta, said: tuple[str, ...], now: datetime) -> bool:
        """Whether the same was recorded about the same object within a span."""
        last = self._refused.get(said) or self._refused_before.get(said)
        return last is not None and now - last < span

    def _remember(self, said: tuple[str, ...], now: datetime) -> None:
        """Remember what was recorded; of too much the older half is forgotten."""
        if len(self._refused) >= REMEMBERED_REFUSALS:
            self._refused, self._refused_before = {}, self._refused
        self._refused[said] = now


_EARLY_ANSWER = {
    Verdict.ALLOW: RecordType.WORKLOAD_WARNED,  # a pack that only observes had something to say
    Verdict.WARN: RecordType.WORKLOAD_WARNED,
    Verdict.HOLD: RecordType.WORKLOAD_HELD,
    Verdict.DENY: RecordType.WORKLOAD_REFUSED,
    Verdict.STOP: RecordType.WORKLOAD_REFUSED,
}


def _said(ref: WorkloadRef, decision: Decision) -> tuple[str, ...]:
    codes = (f"{reason.pack}:{reason.code}" for reason in decision.reasons)
    return (ref.namespace, ref.kind, ref.name, ref.uid, decision.verdict.value, *codes)


def _with_account(pool: Pool, account: Account) -> Pool:
    """The pool with one of its accounts replaced."""
    accounts = tuple(account if each.run_id == account.run_id else each for each in pool.accounts)
    return replace(pool, accounts=accounts)


def _customer_id(asked: Asked) -> str | None:
    return asked.customer.id if asked.customer else None
