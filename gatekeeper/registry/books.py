"""A transaction for many records: what it holds is read once, and each record sees only the part that it can touch.

Applying a record looks at all customers and parties: for ten thousand records a hundred million looks. But a change
of a party moves only what is owned by it, and the tier of that rests only on its own owners. So a record is shown these
alone: everybody below the parties that it changes, and everybody above all of them. An approver sees more: whoever may
leave a corporate group with them, and whose waiting record says something else of them. The answers are the same, which
a test compares.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import Record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.consequences import may_untie
from gatekeeper.registry.kyc_record import KycRecord, in_order
from gatekeeper.registry.proposal import Proposal, digest

_APPENDED_AT_ONCE = 500


class Books:
    """`gatekeeper.ports.Transaction` over another one. What it does not answer itself, that one does.

    `flush` before the transaction ends: records are appended many at a time.
    """

    def __init__(self, tx: Transaction | Reader) -> None:
        self._tx = cast("Transaction", tx)  # over a reader nobody writes
        self._parties = tx.parties()
        self._stored = frozenset(self._parties)
        self._customers = {each.id: each for each in tx.customers()}
        self._owned: dict[str, set[str]] = {}
        self._accounts: dict[str, set[str]] = {}
        for party in self._parties.values():
            self._index(party)
        for customer in self._customers.values():
            self._accounts.setdefault(customer.party_id, set()).add(customer.id)
        self._holders = {each.lei: each.id for each in self._parties.values() if each.lei}
        self._proposals: dict[str, str] = tx.proposals()
        self._kept: dict[str, Proposal] = {}
        # party -> what waiting records say of it -> whose they are; "" where one only names it as an owner
        self._told: dict[str, dict[str, set[str]]] = {}
        for customer_id, text in self._proposals.items():
            self._index_proposal(customer_id, text)
        self._in_sight: dict[str, Party] = {}
        self._others: set[str] = set()
        self._waiting: list[Record] = []
        self.first_record = ""

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transaction's own."""
        return getattr(self._tx, name)

    @property
    def as_transaction(self) -> Transaction:
        """Itself, for who wants a transaction."""
        return cast("Transaction", self)

    def look_at(self, customer_id: str, record: KycRecord | None = None) -> None:
        """Show what a record of a customer can touch: the one that is applied, and the one that waits."""
        customer, kept = self._customers.get(customer_id), self._kept.get(customer_id)
        told = [*(record.parties if record else ()), *(kept.record.parties if kept else ())]
        changed = [each.id for each in told if self._differs(each)]
        seeds = {each for party in told for each in (party.id, *party.owners)} | self._below(changed)
        if customer is not None:
            seeds.add(customer.party_id)
        differs = [each for each in told if self._differs(each)]
        if record is None:
            self._others = self._who_says_otherwise(differs) - {customer_id}
            for each in self.proposals():
                seeds |= self._kept[each].named
            if may_untie(self._parties, differs):
                seeds |= self._tied_to(each.id for each in differs)
        self._in_sight = self._above(seeds)

    def parties(self) -> dict[str, Party]:
        """The parties in sight."""
        return self._in_sight

    def known(self) -> dict[str, Party]:
        """All parties, in sight or not."""
        return self._parties

    def holders(self, leis: Iterable[str]) -> dict[str, str]:
        """Of some LEIs the party that has each, in sight or not."""
        found = {each: self._holders[each] for each in leis if each in self._holders}
        return {lei: party for lei, party in found.items() if self._parties[party].lei == lei}

    def customers(self) -> list[Customer]:
        """The customers whose party is in sight, by id."""
        found = {each for party in self._in_sight for each in self._accounts.get(party, ())}
        return [self._customers[each] for each in sorted(found)]

    def customers_below(self, party_id: str) -> list[Customer]:
        """The customers that a party owns or is, by id, whose records were approved before."""
        found = {each for party in self._below([party_id]) for each in self._accounts.get(party, ())}
        return [self._customers[each] for each in sorted(found) if not self._customers[each].standing.is_first_record]

    def customer(self, customer_id: str) -> Customer | None:
        """The customer, or None."""
        return self._customers.get(customer_id)

    def party_acts(self, party_ids: Collection[str]) -> list[tuple[str, int, Record]]:
        """Every version of some parties that were there before, with the record that tells of it. What this transaction
        puts, its own two people looked at."""
        known = [each for each in party_ids if each in self._stored]
        return self._tx.party_acts(known) if known else []

    def put_customer(self, customer: Customer) -> None:
        """Store a customer, new or changed."""
        before = self._customers.get(customer.id)
        if before is not None:
            self._accounts[before.party_id].discard(customer.id)
        self._customers[customer.id] = customer
        self._accounts.setdefault(customer.party_id, set()).add(customer.id)
        self._tx.put_customer(customer)

    def proposal(self, customer_id: str) -> str | None:
        """The record of a customer that is not in effect."""
        return self._proposals.get(customer_id)

    def kept(self, customer_id: str) -> Proposal | None:
        """The same, read."""
        return self._kept.get(customer_id)

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        """What waits for some customers; None: for those that an approval concerns."""
        wanted = self._others if customer_ids is None else customer_ids
        return {each: self._proposals[each] for each in wanted if each in self._proposals}

    def put_proposal(self, customer_id: str, proposal: str | None) -> None:
        """Store what waits for a customer; None removes it."""
        self._proposals.pop(customer_id, None)
        self._kept.pop(customer_id, None)
        if proposal is not None:
            self._proposals[customer_id] = proposal
            self._index_proposal(customer_id, proposal)
        self._tx.put_proposal(customer_id, proposal)

    def put_party(self, party: Party) -> None:
        """Store a party, new or changed."""
        before = self._parties.get(party.id)
        for owner in before.owners if before else ():
            self._owned[owner].discard(party.id)
        self._parties[party.id] = self._in_sight[party.id] = party
        if party.lei:
            self._holders[party.lei] = party.id
        self._index(party)
        self._tx.put_party(party)

    def append(self, record: Record) -> int:
        """Append a record, with others that follow."""
        self.first_record = self.first_record or record.id
        self._waiting.append(record)
        index = self._tx.log_size() + len(self._waiting) - 1
        self._tx.hold_records(len(self._waiting))
        if len(self._waiting) >= _APPENDED_AT_ONCE:
            self.flush()
        return index

    def append_all(self, records: Iterable[Record]) -> list[int]:
        """Append records in their order."""
        return [self.append(each) for each in records]

    def flush(self) -> None:
        """Append what waits."""
        self._tx.append_all(self._waiting)
        self._waiting = []
        self._tx.hold_records(0)

    def _index(self, party: Party) -> None:
        for owner in party.owners:
            self._owned.setdefault(owner, set()).add(party.id)

    def _index_proposal(self, customer_id: str, text: str) -> None:
        """Who says what of a party. What is replaced stays: it names somebody to look at, and is not looked at."""
        self._kept[customer_id] = Proposal.from_text(text)
        parties = self._kept[customer_id].record.parties
        known = {each.id for each in parties}
        for each in parties:
            self._told.setdefault(each.id, {}).setdefault(digest(each), set()).add(customer_id)
            for owner in each.owners:
                if owner not in known:
                    self._told.setdefault(owner, {}).setdefault("", set()).add(customer_id)

    def _who_says_otherwise(self, parties: Iterable[Party]) -> set[str]:
        """Customers whose waiting record rests on another word of some parties, or of what these own."""
        found = set[str]()
        for party in parties:
            own = digest(party)
            for said, customers in self._told.get(party.id, {}).items():
                found |= customers if said != own else set()
            for below in self._below([party.id]) - {party.id}:
                found |= self._told.get(below, {}).get("", set())
        return found

    def _tied_to(self, ids: Iterable[str]) -> set[str]:
        """All parties that any line of owners connects with some."""
        found, waiting = set[str](), list(ids)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._owned.get(each, ())
                waiting += self._parties[each].owners if each in self._parties else ()
        return found

    def _differs(self, party: Party) -> bool:
        before = self._parties.get(party.id)
        return before is None or in_order(before) != party

    def _below(self, ids: Iterable[str]) -> set[str]:
        found, waiting = set[str](), list(ids)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self._owned.get(each, ())
        return found

    def _above(self, ids: Iterable[str]) -> dict[str, Party]:
        found, waiting = dict[str, Party](), sorted(ids)
        while waiting:
            party = self._parties.get(waiting.pop())
            if party is not None and party.id not in found:
                found[party.id] = party
                waiting += party.owners
        return found
