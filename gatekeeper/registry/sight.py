"""One record among many: a store in which only the parties and customers are seen that the record can touch.

A change of a party moves only what is owned by it, and the tier of that rests only on its own owners. So a record is
shown these alone: everybody below the parties that it changes, and everybody above all of them. An approver sees more:
whoever may leave a corporate group with them, and whose waiting record says something else of them. The answers are the
same as with all of them in sight, which a test compares. `books` does the same for many records, over what it keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.books import Books
from gatekeeper.registry.consequences import may_untie
from gatekeeper.registry.kyc_record import KycRecord, in_order
from gatekeeper.registry.proposal import Proposal, at_odds


class Sight:
    """`gatekeeper.ports.Transaction` over another one. What it does not answer itself, that one does."""

    def __init__(self, tx: Transaction, customer_id: str, record: KycRecord | None) -> None:
        self._tx = tx
        customer, text = tx.customer(customer_id), tx.proposal(customer_id)
        told = [*(record.parties if record else ()), *(Proposal.from_text(text).record.parties if text else ())]
        known = tx.some_parties({each.id for each in told})
        changed = {each.id for each in told if each.id not in known or in_order(known[each.id]) != each}
        seeds = {each for party in told for each in (party.id, *party.owners)} | _below(tx, changed)
        if customer is not None:
            seeds.add(customer.party_id)
        self._others: dict[str, str] = {}
        if record is None and changed:
            differ = [each for each in told if each.id in changed]
            self._others = at_odds(tx.proposals(), customer_id, differ, _below(tx, changed))
            seeds |= {each for text in self._others.values() for each in Proposal.from_text(text).named}
            if may_untie(known, differ):
                seeds |= _tied_to(tx, changed)
        self._parties = above(tx, seeds)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transaction's own."""
        return getattr(self._tx, name)

    def parties(self) -> dict[str, Party]:
        """The parties in sight."""
        return self._parties

    def holders(self, leis: Iterable[str]) -> dict[str, str]:
        """Of some LEIs the party that has each, in sight or not."""
        asked = set(leis)
        return {each.lei: each.id for each in self._tx.parties().values() if each.lei in asked}

    def customers(self) -> list[Customer]:
        """The customers whose party is in sight, by id."""
        return self._tx.customers_of(self._parties)

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        """What waits for some customers; None: for those that an approval concerns."""
        return self._others if customer_ids is None else self._tx.proposals(customer_ids)

    def put_party(self, party: Party) -> None:
        """Store a party, new or changed."""
        self._parties[party.id] = party
        self._tx.put_party(party)


def sight_of(tx: Reader, customer_id: str, record: KycRecord | None = None) -> Transaction:
    """A transaction, or a reader of whom nobody wants to write, in which only this is seen: what a customer's record
    can touch, the one that waits, and one that is to be applied."""
    whole = cast("Transaction", tx)
    if isinstance(tx, Books):  # it was told what to look at
        return whole
    return cast("Transaction", Sight(whole, customer_id, record))


def above(reader: Reader, ids: Iterable[str]) -> dict[str, Party]:
    """Some parties and all their known owners, by id."""
    found, asked, waiting = dict[str, Party](), set[str](), set(ids)
    while waiting:
        asked |= waiting
        fresh = reader.some_parties(waiting)
        found |= fresh
        waiting = {owner for each in fresh.values() for owner in each.owners} - asked
    return dict(sorted(found.items()))


def _tied_to(reader: Reader, ids: Iterable[str]) -> set[str]:
    """All parties that any line of owners connects with some."""
    found = set(ids)
    waiting = set(found)
    while waiting:
        owners = {owner for each in reader.some_parties(waiting).values() for owner in each.owners}
        waiting = (owners | reader.owned_by(waiting)) - found
        found |= waiting
    return found


def _below(reader: Reader, ids: Iterable[str]) -> set[str]:
    found = set(ids)
    waiting = found
    while waiting:
        waiting = reader.owned_by(waiting) - found
        found |= waiting
    return found
