"""Use cases on reservations whose pod vanished unseen: one person proposes their end, another approves it."""

from __future__ import annotations

from gatekeeper.domain.ending import ProposedEnd, check_can_be_ended
from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.ledger import Reservation, settle
from gatekeeper.domain.metering import floor_s
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import Usage
from gatekeeper.facts import new_record, settlement_facts
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.people import By, acting

NOTE = "ended by two people at its full worst case; its end was not seen"


class EndingRegistry:
    """Use cases on ends of reservations, over one store."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def propose_end(self, reservation_id: str, *, by: By, reason: str) -> ProposedEnd:
        """Propose to end a reservation whose pod is gone without its end having been seen.

        Raises:
            NotFound: no such reservation. InvalidInput: no reason.
            NotPermitted: it holds nothing, or still covers a pod that may run.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        proposed = ProposedEnd(reservation_id, reason, actor.name, now)

        def work(tx: Transaction) -> ProposedEnd:
            reservation = _existing(tx, reservation_id)
            check_can_be_ended(reservation, now)
            tx.put_proposed_end(proposed)
            facts = _proposal_facts(proposed, reservation)
            tx.append(new_record(RecordType.RESERVATION_END_PROPOSED, actor, now, facts))
            return proposed

        return self._stores.transact(work)

    def approve_end(self, reservation_id: str, *, by: By, seen: ProposedEnd | None = None) -> Reservation:
        """Approve the end of a reservation: all that it still holds is booked as used, and it holds nothing more.

        Raises:
            NotPermitted: by the person who proposed it, or as for `propose_end`. NotFound: nothing waits.
            Conflict: it is not what was looked at.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Reservation:
            proposed, reservation = existing_end(tx, reservation_id)
            if seen is not None and seen != proposed:
                raise Conflict(f"The end of {reservation_id} is not what {actor.name} looked at.", hint="Look again.")
            proposed.check_approver(actor.name)
            check_can_be_ended(reservation, now)
            begins_at = reservation.metered_until or floor_s(reservation.opened_at)
            account, ended, settlement = settle(
                tx.account(reservation.run_id),
                reservation,
                begins_at=begins_at,
                through=max(begins_at, floor_s(now)),
                usage=Usage(0, reservation.pending_tflop, reservation.pending_tflop),
                final=True,
            )
            tx.put_account(account)
            tx.put_reservation(ended)
            tx.drop_proposed_end(reservation_id)
            people = {"proposed_by": proposed.proposed_by, "approved_by": actor.name, "reason": proposed.reason}
            facts = {**settlement_facts(settlement, account), **people, "note": NOTE}
            tx.append(new_record(RecordType.RESERVATION_SETTLED, actor, now, facts))
            return ended

        return self._stores.transact(work)

    def reject_end(self, reservation_id: str, *, by: By) -> Reservation:
        """Drop an end that waits: the reservation holds what it held. One person does it, whoever proposed it.

        Raises:
            NotFound: nothing waits.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Reservation:
            proposed, reservation = existing_end(tx, reservation_id)
            tx.drop_proposed_end(reservation_id)
            facts = _proposal_facts(proposed, reservation)
            tx.append(new_record(RecordType.RESERVATION_END_REJECTED, actor, now, facts))
            return reservation

        return self._stores.transact(work)

    def waiting_ends(self) -> list[tuple[ProposedEnd, Reservation]]:
        """The ends that wait for a second person, each with its reservation."""
        return self._stores.read(
            lambda reader: [existing_end(reader, each.reservation_id) for each in reader.proposed_ends()]
        )


def existing_end(reader: Reader, reservation_id: str) -> tuple[ProposedEnd, Reservation]:
    """The end of a reservation that waits for a second person, and the reservation.

    Raises:
        NotFound: no such reservation, or nothing waits.
    """
    proposed, reservation = reader.proposed_end(reservation_id), _existing(reader, reservation_id)
    if proposed is None:
        raise NotFound(f"No end of reservation {reservation_id!r:.80} waits.", hint="Propose it first.")
    return proposed, reservation


def _existing(reader: Reader, reservation_id: str) -> Reservation:
    reservation = reader.reservation(reservation_id)
    if reservation is None:
        raise NotFound(f"There is no reservation {reservation_id!r:.80}.", hint="It is the uid of its pod.")
    return reservation


def _proposal_facts(proposed: ProposedEnd, reservation: Reservation) -> dict[str, str]:
    return {
        "reservation": proposed.reservation_id,
        "run": reservation.run_id,
        "customer": reservation.customer_id,
        "pending_tflop": str(reservation.pending_tflop),
        "reason": proposed.reason,
        "proposed_by": proposed.proposed_by,
    }
