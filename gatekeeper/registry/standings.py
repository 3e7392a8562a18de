"""Use cases on customers that only make things stricter, and so need one person: suspend, reject, close.

The ways back need two: one asks to lift a suspension (`requests`) and another approves that, a rejected record is
applied again and approved, and one that was rejected for good is first reopened by somebody else than who rejected it.
A closed account has no way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gatekeeper.domain.customer import REASON_CHARACTERS_MAX, Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Right, same_person
from gatekeeper.domain.record import JsonValue, RecordType, decode
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.facts import customer_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.plan import waiting_for
from gatekeeper.registry.requests import without_request
from gatekeeper.registry.review import existing


class StandingRegistry(Desk):
    """Use cases on the standing of customers, over one store."""

    def suspend(self, customer_id: str, *, by: By, reason: str) -> Customer:
        """Suspend a customer: from now on nothing of it starts, and what runs is stopped.

        Raises:
            InvalidInput: no reason. NotPermitted: closed, or nothing of it can run. NotFound: no such customer.
        """

        def suspended(tx: Transaction, before: Customer, who: str) -> Customer:
            after = before.suspend(by=who, reason=reason)
            without_request(tx, customer_id)
            return after

        return self._tighten(customer_id, by, RecordType.CUSTOMER_SUSPENDED, suspended)

    def close(self, customer_id: str, *, by: By, reason: str) -> Customer:
        """Close an account for good: nothing of it starts any more, what runs is stopped, and nobody opens it again.

        Raises:
            InvalidInput: no reason. NotPermitted: closed already. NotFound: no such customer.
        """
        return self._tighten(
            customer_id, by, RecordType.CUSTOMER_CLOSED, lambda _, each, who: each.close(by=who, reason=reason)
        )

    def reject(self, customer_id: str, *, by: By, reason: str, final: bool = False, comment: str = "") -> Customer:
        """Reject what waits. A first record may be applied again unless this is final; of a customer that was approved
        before, the change is dropped and what is in effect stays.

        Args:
            reason: for the provider's own people. comment: what the customer is told.

        Raises:
            InvalidInput: no reason. NotPermitted: nothing waits, or a change is to be rejected for good.
            NotFound: no such customer.
        """

        def rejected(tx: Transaction, before: Customer, who: str) -> Customer:
            after = before.reject(by=who, reason=reason, final=final, comment=comment)
            if waiting_for(tx, customer_id) is None:
                raise NotPermitted(f"Nothing of customer {customer_id} waits for approval.")
            if after.standing is not Standing.REJECTED:
                tx.put_proposal(customer_id, None)
            return after

        said: dict[str, JsonValue] = {"reason": reason, "final": final, "comment": comment}
        return self._tighten(customer_id, by, RecordType.CUSTOMER_REJECTED, rejected, said)

    def reopen(self, customer_id: str, *, by: By, reason: str) -> Customer:
        """Let a record be applied again that was rejected for good. It is in effect only once a third act, of a second
        person, approves it.

        Raises:
            NotPermitted: by the person who rejected it, or it was not rejected for good. InvalidInput: no reason.
            NotFound: no such customer.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)
        if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"This needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")

        def work(tx: Transaction) -> Customer:
            before = existing(tx, customer_id)
            if not before.final:
                raise NotPermitted(f"Customer {customer_id} is {before.standing.value}, and not rejected for good.")
            rejected_by = _who_rejected(tx, customer_id)
            if same_person(rejected_by, actor.name):
                raise NotPermitted(
                    f"{actor.name} rejected customer {customer_id} for good and so cannot reopen it.",
                    hint="Ask a second person.",
                )
            reopened = replace(before, final=False, version=before.version + 1)
            tx.put_customer(reopened)
            facts = {**customer_facts(reopened), "rejected_by": rejected_by, "reason": reason}
            tx.append(new_record(RecordType.CUSTOMER_REOPENED, actor, now, facts))
            return reopened

        return self._stores.transact(work)

    def _tighten(
        self,
        customer_id: str,
        by: By,
        kind: RecordType,
        change: Callable[[Transaction, Customer, str], Customer],
        said: dict[str, JsonValue] | None = None,
    ) -> Customer:
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Customer:
            before = existing(tx, customer_id)
            after = change(tx, before, actor.name)
            tx.put_customer(after)
            facts = {**customer_facts(after), "before": before.standing.value, **(said or {"reason": after.reason})}
            tx.append(new_record(kind, actor, now, facts))
            return after

        return self._stores.transact(work)


def _who_rejected(reader: Reader, customer_id: str) -> str:
    """Who rejected a customer last, by the log, which nobody changes."""
    names = [
        decode(leaf).actor.name
        for _, leaf in reader.records(types=(RecordType.CUSTOMER_REJECTED,), customer=customer_id)
    ]
    return names[-1]
