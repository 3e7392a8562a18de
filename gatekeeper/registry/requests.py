"""Use cases on customers: the first of two people asks to lift a suspension, or says that a record was verified again.

Nothing takes effect: the request waits as a proposal does, and another person approves it. Whoever suspended a customer
has not asked for anything by that, and a later suspension drops what was asked before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gatekeeper.domain.customer import NOTICE_WINDOW, REASON_CHARACTERS_MAX, Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Right
from gatekeeper.domain.record import RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.desk import Desk
from gatekeeper.registry.facts import customer_facts
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.plan import in_effect, waiting_for
from gatekeeper.registry.proposal import Ask, Proposal, base_of, with_author
from gatekeeper.registry.review import existing
from gatekeeper.registry.sight import sight_of

_VERIFIED = "verified again, unchanged"


class RequestRegistry(Desk):
    """Use cases on requests that a second person decides on, over one store."""

    def reinstate(self, customer_id: str, *, by: By, reason: str) -> Customer:
        """Ask that a suspension be lifted. A change that waits is decided on together with it.

        Raises:
            InvalidInput: no reason. NotPermitted: it is not suspended, or that was asked already.
            NotFound: no such customer.
        """
        if not reason.strip():
            raise InvalidInput("To lift a suspension needs a reason.")

        def check(customer: Customer, _: Proposal | None) -> None:
            if customer.standing is not Standing.SUSPENDED:
                raise NotPermitted(f"Customer {customer_id} is {customer.standing.value}, and not suspended.")

        return self._ask(customer_id, by, Ask.REINSTATE, reason, check)

    def renew(self, customer_id: str, *, by: By, reason: str = "") -> Customer:
        """Say that a record was verified again and stands as it is, from 60 days before its approval ends.

        Args:
            reason: how it was verified.

        Raises:
            NotPermitted: it is too early, it is not approved, a change waits, or that was asked already.
            NotFound: no such customer.
        """
        now = self._clock.now()

        def check(customer: Customer, waiting: Proposal | None) -> None:
            standing = customer.standing_at(now)
            if standing is Standing.APPROVED and customer.expires_at is not None:
                raise NotPermitted(
                    f"The approval of customer {customer_id} is not near its end.",
                    hint=f"It can be renewed from {customer.expires_at - NOTICE_WINDOW:%Y-%m-%d} on.",
                )
            if standing not in (Standing.EXPIRING, Standing.EXPIRED):
                raise NotPermitted(f"Customer {customer_id} is {standing.value}: there is no approval to renew.")
            if waiting is not None and not waiting.unchanged:
                raise NotPermitted(
                    f"A change of customer {customer_id} waits: approving it renews the approval too.",
                    hint="Approve the change, or reject it first.",
                )

        return self._ask(customer_id, by, Ask.RENEW, reason or _VERIFIED, check)

    def _ask(self, customer_id: str, by: By, ask: Ask, reason: str, check: _Check) -> Customer:
        now, actor = self._clock.now(), acting(by, Right.EDIT)
        if len(reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"A reason has at most {REASON_CHARACTERS_MAX:,} characters.")

        def work(tx: Transaction) -> Customer:
            tx = sight_of(tx, customer_id)
            customer, waiting = existing(tx, customer_id), waiting_for(tx, customer_id)
            check(customer, waiting)
            _check_not_asked(tx, waiting, ask)
            asked = _proposal(tx, customer, waiting, actor.name)
            tx.put_proposal(customer_id, replace(asked, ask=ask, reason=reason).to_text())
            facts = {**customer_facts(customer), "reason": reason, "requested_by": actor.name}
            tx.append(new_record(_RECORDS[ask], actor, now, facts))
            return customer

        return self._stores.transact(work)


_Check = Callable[[Customer, Proposal | None], None]
_RECORDS = {Ask.REINSTATE: RecordType.CUSTOMER_REINSTATEMENT, Ask.RENEW: RecordType.CUSTOMER_RENEWAL}


def without_request(tx: Transaction, customer_id: str) -> None:
    """Drop what was asked for a customer before; a change that was to be decided on with it waits on."""
    waiting = waiting_for(tx, customer_id)
    if waiting is None or waiting.ask is Ask.CHANGE:
        return
    kept = None if waiting.unchanged else replace(waiting, ask=Ask.CHANGE, reason="")
    tx.put_proposal(customer_id, kept.to_text() if kept else None)


def _check_not_asked(reader: Reader, waiting: Proposal | None, ask: Ask) -> None:
    if waiting is None:
        return
    customer_id, stale = waiting.record.customer_id, waiting.moved(reader.parties())
    if stale and not waiting.unchanged:
        raise NotPermitted(
            f"Party {stale[0]} has changed since {waiting.prepared_by} wrote the change that waits.",
            hint="Reject the change, or apply it again, first.",
        )
    if waiting.ask is ask and not stale:
        raise NotPermitted(
            f"{waiting.prepared_by} asked for that already.",
            hint=f"Another person approves it: gatekeeper customer approve {customer_id}",
        )


def _proposal(reader: Reader, customer: Customer, waiting: Proposal | None, by: str) -> Proposal:
    """The change that waits, or the record as it holds."""
    if waiting is not None and waiting.ask is Ask.CHANGE:
        return replace(waiting, prepared_by=by, authors=with_author(waiting.authors, by))
    parties = reader.parties()
    record = in_effect(customer, parties)
    if record is None:
        raise NotPermitted(f"Nothing of customer {customer.id} is in effect.", hint="Apply its file.")
    return Proposal(record, by, base=base_of(record, parties), unchanged=True)
