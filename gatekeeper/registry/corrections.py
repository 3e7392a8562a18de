"""Use cases on corrections: propose one, and approve one that lowers something or raises it by very much."""

from __future__ import annotations

from gatekeeper.domain.correction import Correction, corrected
from gatekeeper.domain.errors import Conflict, NotFound, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.domain.run import named_run, undeclared_run_id
from gatekeeper.facts import new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.facts import corrected_facts, correction_facts
from gatekeeper.registry.people import By, acting


class CorrectionRegistry:
    """Use cases on corrections, over one store."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def correct(
        self, run_id: str, *, by: By, reason: str, low_tflop: int = 0, best_tflop: int = 0, high_tflop: int = 0
    ) -> Correction:
        """Propose a signed correction of what a run has used. One that lowers nothing takes effect at once,
        up to RAISED_ALONE_MAX_TFLOP.

        Raises:
            Conflict: it would leave less than nothing, or low, best and high out of order.
            InvalidInput: it changes nothing, or has no reason. NotFound: no such run.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Correction:
            customer_id = customer_of(tx, run_id)
            correction = Correction(
                id=f"c{tx.log_size()}",  # the number of its own record: nothing else can be called so
                run_id=run_id,
                low_tflop=low_tflop,
                best_tflop=best_tflop,
                high_tflop=high_tflop,
                reason=reason,
                proposed_by=actor.name,
                proposed_at=now,
            )
            corrected(tx.account(run_id), correction)
            tx.put_correction(correction)
            facts = correction_facts(correction, customer_id)
            tx.append(new_record(RecordType.CORRECTION_PROPOSED, actor, now, facts))
            if correction.in_effect:
                self._book(tx, correction, actor)
            return correction

        return self._stores.transact(work)

    def approve_correction(self, correction_id: str, *, by: By, seen: Correction | None = None) -> Correction:
        """Approve a correction that waits; it takes effect.

        Raises:
            NotPermitted: by the person who proposed it, or it is in effect already. NotFound: no such correction.
            Conflict: the run's totals do not allow it any more, or it is not the one that was looked at.
        """
        actor = acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Correction:
            proposed = tx.correction(correction_id)
            if proposed is None:
                raise NotFound(f"There is no correction {correction_id!r:.80}.", hint="See `gatekeeper run show RUN`.")
            if seen is not None and seen != proposed:
                raise Conflict(f"Correction {correction_id} is not what {actor.name} looked at.", hint="Look again.")
            approved = proposed.approve(by=actor.name)
            # The record first: it says who was the first hand, where the database would only say that there is one.
            self._book(tx, approved, actor)
            tx.put_correction(approved)
            return approved

        return self._stores.transact(work)

    def reject_correction(self, correction_id: str, *, by: By) -> Correction:
        """Drop a correction that waits: what is booked stays. One person does it, whoever proposed it.

        Raises:
            NotPermitted: it is in effect already. NotFound: no such correction.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Correction:
            waiting = tx.correction(correction_id)
            if waiting is None:
                raise NotFound(f"There is no correction {correction_id!r:.80}.", hint="See `gatekeeper run show RUN`.")
            if waiting.in_effect:
                raise NotPermitted(f"Correction {correction_id} is in effect.", hint="Correct it the other way round.")
            tx.drop_correction(correction_id)
            facts = correction_facts(waiting, customer_of(tx, waiting.run_id))
            tx.append(new_record(RecordType.CORRECTION_REJECTED, actor, now, facts))
            return waiting

        return self._stores.transact(work)

    def _book(self, tx: Transaction, correction: Correction, actor: Actor) -> None:
        account = corrected(tx.account(correction.run_id), correction)
        tx.put_account(account)
        facts = corrected_facts(correction, customer_of(tx, correction.run_id), account)
        tx.append(new_record(RecordType.USAGE_CORRECTED, actor, self._clock.now(), facts))


def customer_of(reader: Reader, run_id: str) -> str:
    """Whose a run is, declared or not.

    Raises:
        NotFound: no such run.
    """
    run = reader.run(named_run(run_id) or run_id)
    if run is not None:
        return run.customer_id
    for customer in reader.customers():
        if undeclared_run_id(customer.id) == run_id:
            return customer.id
    raise NotFound(f"There is no run {run_id!r:.80}.", hint="See `gatekeeper run list`.")
