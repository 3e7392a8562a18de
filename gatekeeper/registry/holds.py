"""Use cases on legal holds: one person places one, two lift it. While one holds, nothing of the customer is erased."""

from __future__ import annotations

from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.retention import LegalHold
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.life_facts import hold_facts, lift_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.review import existing


class HoldRegistry(Desk):
    """Use cases on legal holds, over one store."""

    def hold(self, customer_id: str, *, by: By, reason: str) -> LegalHold:
        """Place a legal hold. It makes things stricter, so one person may; a customer may have several.

        Raises:
            InvalidInput: no reason. NotFound: no such customer. Conflict: there is nothing left to hold.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> LegalHold:
            existing(tx, customer_id)
            erased = tx.erasure(customer_id)
            if erased is not None and not erased.waits:
                raise Conflict(f"Customer {customer_id} was erased on {erased.approved_at:%Y-%m-%d}.")
            placed = LegalHold(f"h{tx.log_size()}", customer_id, reason.strip(), actor.name, now)
            tx.put_legal_hold(placed)
            tx.append(new_record(RecordType.HOLD_PLACED, actor, now, hold_facts(placed)))
            return placed

        return self._stores.transact(work)

    def ask_to_lift(self, hold_id: str, *, by: By, reason: str) -> LegalHold:
        """Ask that a legal hold be lifted: another person approves it.

        Raises:
            InvalidInput: no reason. NotPermitted: it was lifted, or that was asked already. NotFound: no such hold.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> LegalHold:
            asked = existing_hold(tx, hold_id).ask_to_lift(by=actor.name, reason=reason, now=now)
            tx.put_legal_hold(asked)
            tx.append(new_record(RecordType.HOLD_LIFT_REQUESTED, actor, now, lift_facts(asked)))
            return asked

        return self._stores.transact(work)

    def approve_lift(self, hold_id: str, *, by: By, seen: LegalHold | None = None) -> LegalHold:
        """Lift a legal hold, as another person asked for.

        Args:
            seen: what the approver looked at; None only where nobody could look before.

        Raises:
            NotPermitted: by who asked for it, or nobody did. NotFound: no such hold.
            Conflict: it is not what was looked at.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> LegalHold:
            hold = existing_hold(tx, hold_id)
            if seen is not None and seen != hold:
                raise Conflict(f"Legal hold {hold_id} is not what {actor.name} looked at.", hint="Look again.")
            lifted = hold.lift(by=actor.name, now=now)
            tx.put_legal_hold(lifted)
            tx.append(new_record(RecordType.HOLD_LIFTED, actor, now, lift_facts(lifted)))
            return lifted

        return self._stores.transact(work)

    def reject_lift(self, hold_id: str, *, by: By) -> LegalHold:
        """Drop the request to lift a hold. One person does it: it holds as before.

        Raises:
            NotPermitted: nobody asked for it. NotFound: no such hold.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> LegalHold:
            hold = existing_hold(tx, hold_id)
            kept = hold.keep()
            tx.put_legal_hold(kept)
            tx.append(new_record(RecordType.HOLD_LIFT_REJECTED, actor, now, lift_facts(hold)))
            return kept

        return self._stores.transact(work)

    def legal_holds(self, customer_id: str | None = None) -> list[LegalHold]:
        """Those of one customer or of all, lifted ones too, oldest first.

        Raises:
            NotFound: no such customer.
        """

        def work(reader: Reader) -> list[LegalHold]:
            if customer_id is not None:
                existing(reader, customer_id)
            return reader.legal_holds(customer_id)

        return self._stores.read(work)


def existing_hold(reader: Reader, hold_id: str) -> LegalHold:
    """The hold.

    Raises:
        NotFound: there is none of this id.
    """
    found = next((each for each in reader.legal_holds() if each.id == hold_id), None)
    if found is None:
        raise NotFound(f"There is no legal hold {hold_id!r:.80}.", hint="List them: gatekeeper customer holds")
    return found
