"""Use cases on inquiries: one person answers, a second one approves; either says no alone, because that tightens.

The gate opens one when a decision holds (`gatekeeper/inquiries.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.inquiry import Inquiry, InquiryState
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.inquiries import put_changed
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.kyc_record import overlaid, owners_of
from gatekeeper.registry.people import By, acting


class InquiryRegistry:
    """Use cases on inquiries, over one store."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def answer_inquiry(
        self, inquiry: str, *, answer: str, licence: str, until: date, limit_tflop: int | None, by: By
    ) -> Inquiry:
        """Answer an inquiry so that the run may go on once a second person has approved. What was permitted before
        ends, until then.

        Raises:
            NotFound: there is none. InvalidInput: it says too little. NotPermitted: as for `Inquiry.answered`.
        """
        now, actor = self._clock.now(), acting(by, Right.EDIT)

        def work(tx: Transaction) -> Inquiry:
            answered = existing(tx, inquiry).answered(
                answer=answer, licence=licence, until=until, limit_tflop=limit_tflop, by=actor.name, today=now.date()
            )
            return put_changed(tx, answered, RecordType.INQUIRY_ANSWERED, actor, now)

        return self._stores.transact(work)

    def approve_inquiry(self, inquiry: str, *, by: By, seen: Inquiry) -> Inquiry:
        """Approve the answer that waits: it holds from now on, up to its day.

        Args:
            seen: what the approver looked at.

        Raises:
            NotFound: there is none. NotPermitted: by the person who answered. Conflict: it is not what was looked at.
        """
        now, actor = self._clock.now(), acting(by, Right.APPROVE)

        def work(tx: Transaction) -> Inquiry:
            found = existing(tx, inquiry)
            if found != seen:
                raise Conflict(f"Inquiry {inquiry} was answered otherwise meanwhile.", hint="Look at it again.")
            return put_changed(tx, found.approved(by=actor.name), RecordType.INQUIRY_APPROVED, actor, now)

        return self._stores.transact(work)

    def deny_inquiry(self, inquiry: str, *, answer: str, by: By) -> Inquiry:
        """Answer an inquiry with no: what runs by it is stopped. One person is enough.

        Raises:
            NotFound: there is none. InvalidInput: no reason is given.
        """
        now, actor = self._clock.now(), acting(by, Right.TIGHTEN)

        def work(tx: Transaction) -> Inquiry:
            denied = existing(tx, inquiry).denied(answer=answer, by=actor.name)
            return put_changed(tx, denied, RecordType.INQUIRY_DENIED, actor, now)

        return self._stores.transact(work)


def reopen_for(
    tx: Transaction, before: Mapping[str, Party], written: Collection[Party], actor: Actor, now: datetime
) -> None:
    """Ask again what was answered about customers that a change of parties made others, or gave other owners. What
    was answered with no stays so.

    Args:
        before: all parties before the change, and `written` those that it changed.
    """
    changed, after = {each.id for each in written}, overlaid(before, written)
    answered = (InquiryState.ANSWERED, InquiryState.APPROVED)
    for each in tx.inquiries() if changed else ():
        customer = tx.customer(each.customer_id) if each.state in answered else None
        if customer is None:
            continue
        chain = owners_of(before, customer.party_id).keys() | owners_of(after, customer.party_id).keys()
        if not changed.isdisjoint(chain):
            put_changed(tx, each.reopened(), RecordType.INQUIRY_OPENED, actor, now)


def existing(reader: Reader, inquiry: str) -> Inquiry:
    """The inquiry of this id.

    Raises:
        NotFound: there is none.
    """
    found = reader.inquiry(inquiry)
    if found is None:
        raise NotFound(f"There is no inquiry {inquiry!r:.160}.", hint="See `gatekeeper inquiry list`.")
    return found
