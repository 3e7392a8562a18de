"""Use cases on runs: declare and approve one, and end a classification."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.domain.binding import wanted_binding
from gatekeeper.domain.customer import Binding
from gatekeeper.domain.errors import Conflict, InvalidInput
from gatekeeper.domain.join import Join
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.particulars import NOTHING_SAID, Particulars
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.run import Purpose, Run, RunState
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Stores, Transaction
from gatekeeper.registry.facts import binding_facts, joined_facts, reclassified_facts, run_facts
from gatekeeper.registry.lineages import check_known, check_trains
from gatekeeper.registry.namespaces import check_idle, check_open_account, existing_run
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing

REASON_CHARACTERS_MAX = 2_000


class RunRegistry:
    """Use cases on runs, over one store and in one cluster."""

    def __init__(self, stores: Stores, clock: Clock, cluster: str) -> None:
        self._stores = stores
        self._clock = clock
        self._cluster = cluster

    def declare_run(
        self,
        run_id: str,
        customer_id: str,
        *,
        by: By,
        title: str,
        carried_in_tflop: int = 0,
        carried_in_source: str = "",
        purpose: Purpose = Purpose.TRAINING,
        namespaces: tuple[str, ...] = (),
        parameters: int = 0,
        tokens: int = 0,
        lineage: Lineage | None = None,
        particulars: Particulars = NOTHING_SAID,
    ) -> Run:
        """Declare a run of a customer; it is used once a second person has approved it.

        Declaring a run again that nobody has approved yet replaces the declaration.

        Args:
            purpose: anything but training is the provider's classification of what runs in `namespaces`, and does
                not count.
            namespaces: what the approval binds to the run.
            lineage: what the model rests on; allowances of packs rest on it once it is approved.
            particulars: who stands for it, and what is planned. A base run becomes one model with this one.

        Raises:
            Conflict: approved already with other content, or of another customer, or a namespace is another's.
            InvalidInput: the declaration contradicts itself. NotFound: no such customer. NotPermitted: it is closed.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        run = Run(
            id=run_id,
            customer_id=customer_id,
            title=title,
            declared_by=actor.name,
            carried_in_tflop=carried_in_tflop,
            carried_in_source=carried_in_source,
            purpose=purpose,
            namespaces=tuple(sorted(namespaces)),
            parameters=parameters,
            tokens=tokens,
            lineage=lineage,
            particulars=particulars,
        )

        def work(tx: Transaction) -> Run:
            check_open_account(existing(tx, customer_id))
            check_known(tx, run)
            self._bindings(tx, run)
            before = tx.run(run_id)
            if before is not None:
                if _says_the_same(before, run):
                    return before
                _check_replaceable(before, run)
            tx.put_run(run)
            facts = {**run_facts(run, self._cluster), "replaces": before is not None}
            tx.append(new_record(RecordType.RUN_DECLARED, actor, now, facts))
            return run

        return self._stores.transact(work)

    def approve_run(self, run_id: str, *, by: By, seen: Run | None = None) -> Run:
        """Approve a declared run.

        From now on what it carries in counts against its limit, and what starts in the namespaces that it names is
        booked on it; where it is no training, that counts no more. What runs there already stays where it was booked.

        Args:
            seen: the declaration that the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by the person who declared it, or approved already. NotFound: no such run.
            Conflict: it is not the declaration that was looked at, or a namespace belongs to another customer.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Run:
            declared = existing_run(tx, run_id)
            if seen is not None and seen != declared:
                raise Conflict(
                    f"Run {run_id} is not the declaration that {actor.name} looked at.",
                    hint="Look at it again, and approve what it says now.",
                )
            check_open_account(existing(tx, declared.customer_id))
            check_known(tx, declared)
            run = declared.approve(by=actor.name)
            bindings = self._bindings(tx, run)
            for binding, _ in bindings:
                check_idle(tx, binding)
            facts = {**run_facts(run, self._cluster), "declared_by": run.declared_by}
            # The record first: it says who was the first hand, where the database would only say that there is one.
            tx.append(new_record(RecordType.RUN_APPROVED, actor, now, facts))
            tx.put_run(run)
            tx.put_account(replace(tx.account(run_id), carried_in_tflop=run.carried_in_tflop))
            if run.particulars.base_run:
                reason = f"declared as the base of run {run_id}"
                self._join(tx, Join(run.particulars.base_run, run_id, reason, actor.name, now), actor)
            for binding, before in bindings:
                bound = binding_facts(binding, before, proposed_by=run.declared_by, approved_by=actor.name)
                tx.put_binding(binding)
                tx.drop_proposed_binding(binding.cluster, binding.namespace)
                tx.append(new_record(RecordType.NAMESPACE_BOUND, actor, now, bound))
            return run

        return self._stores.transact(work)

    def hand_over(self, run_id: str, into: str, *, by: By, reason: str) -> None:
        """A checkpoint of one run goes on as another: both are one model from now on, and stand under one limit.

        It only adds up, for both and whoever's they are, so one person does it; nobody takes it back.

        Raises:
            NotPermitted: one of them is not an approved run of training. NotFound: no such run.
            InvalidInput: they are the same, or no reason is given.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)
        join = Join(run_id, into, reason, actor.name, now)
        self._stores.transact(lambda tx: self._join(tx, join, actor))

    def _join(self, tx: Transaction, join: Join, actor: Actor) -> None:
        one, other = existing_run(tx, join.one), existing_run(tx, join.other)
        for run in (one, other):
            check_trains(run)
        if {join.one, join.other} in [{each.one, each.other} for each in tx.joins()]:
            return
        tx.put_join(join)
        tx.append(new_record(RecordType.RUN_JOINED, actor, join.joined_at, joined_facts(join, one, other)))

    def reclassify_run(self, run_id: str, *, by: By, reason: str) -> Run:
        """End the classification of a run: all that was used under it counts from now on as undeclared training.

        It can only make things stricter, so one person does it. The way back is a new classification.

        Raises:
            NotPermitted: it is not an approved classification. NotFound: no such run. InvalidInput: no reason.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)
        if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"This needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")

        def work(tx: Transaction) -> Run:
            before = existing_run(tx, run_id)
            run = before.withdraw()
            tx.put_run(run)
            facts = reclassified_facts(before, run, reason)
            tx.append(new_record(RecordType.RUN_RECLASSIFIED, actor, now, facts))
            return run

        return self._stores.transact(work)

    def _bindings(self, tx: Transaction, run: Run) -> list[tuple[Binding, Binding | None]]:
        """What the approval of a run binds, each with what held before.

        Raises:
            Conflict: a namespace belongs to another customer.
        """
        found = []
        for name in run.namespaces:
            before = tx.binding(self._cluster, name)
            if before is not None and before.customer_id != run.customer_id:
                raise Conflict(
                    f"Namespace {name} belongs to customer {before.customer_id}, not to {run.customer_id}.",
                    hint=f"Bind it first: gatekeeper namespace bind {name} {run.customer_id}",
                )
            if before is not None and not before.holds:
                raise Conflict(
                    f"Namespace {name} is not the one that was bound: it was deleted and made anew.",
                    hint=f"Look who made it, and bind it again first: gatekeeper namespace renew {name}",
                )
            found.append((wanted_binding(before, run.customer_id, run.id, (self._cluster, name)), before))
        return found


def _says_the_same(before: Run, run: Run) -> bool:
    """Whether a declaration repeats what stands there, whoever repeats it and whether or not it is approved."""
    if run.purpose is not before.purpose:
        return False
    return replace(run, declared_by=before.declared_by, state=before.state, approved_by=before.approved_by) == before


def _check_replaceable(before: Run, run: Run) -> None:
    if before.customer_id != run.customer_id or before.state is not RunState.DECLARED:
        raise Conflict(
            f"Run {run.id} of customer {before.customer_id} is {before.state.value} with other content.",
            hint="Declare the new one under another id.",
        )
