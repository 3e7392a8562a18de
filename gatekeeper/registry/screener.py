"""Screening parties against the lists that are loaded, inside whatever transaction wrote the parties.

`Screened` stands before the store of every use case that writes customers: what it writes is screened before it is
durable, so there is no moment at which a new name counts and nobody looked at it. Without lists it costs one read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from gatekeeper.domain.list_entry import ListVersion
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.screening import Hit, identity_sha256
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.found import keep
from gatekeeper.registry.indexed import Indexed
from gatekeeper.registry.kyc_record import owners_of
from gatekeeper.registry.namesakes import Names
from gatekeeper.registry.proposal import Proposal
from gatekeeper.registry.sight import above

T = TypeVar("T")
_OF_CUSTOMERS = (
    RecordType.CUSTOMER_DRAFTED,
    RecordType.CUSTOMER_ENROLLED,
    RecordType.CUSTOMER_SUBMITTED,
    RecordType.CUSTOMER_APPROVED,
)


class Screener:
    """Keeps the lists indexed and everybody's names for one process, and compares parties with the lists."""

    def __init__(self) -> None:
        self._indexed = Indexed.of((), ())
        self.names = Names()

    def indexed(self, reader: Reader) -> Indexed:
        """The lists as the reader sees them; indexed anew where they are others than before."""
        versions, indexed = tuple(reader.lists()), self._indexed
        if versions != indexed.versions:
            # Returned is what this reader sees, though another thread may keep that of an older one meanwhile.
            self._indexed = indexed = Indexed.of(versions, reader.list_entries())
        return indexed

    def has(self, versions: tuple[ListVersion, ...]) -> bool:
        """Whether these versions are the ones that are indexed."""
        return self._indexed.versions == versions

    def screen(self, tx: Transaction, parties: Iterable[Party], now: datetime, *, why: str) -> list[Hit]:
        """Compare some parties, and put on record what is new about it; the new hits."""
        indexed = self.indexed(tx)
        if not indexed.versions:
            return []
        return keep(tx, [(each, indexed.hits(each, now)) for each in parties], indexed, now, why=why)


class _NotIndexed(Exception):
    """Customers changed, and the lists would have to be indexed while everybody waits for the writer."""


class Screened:
    """`gatekeeper.ports.Stores` that screens the customers whom a transaction wrote, before it is durable."""

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        self._stores = stores
        self._clock = clock
        self._screener = screener

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work and screen what it wrote, as one transaction. The work may be run, undone, and run again."""
        try:
            return self._stores.transact(self._with_screening(work, may_index=False))
        except _NotIndexed:
            self._stores.read(self._screener.indexed)
            return self._stores.transact(self._with_screening(work, may_index=True))

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same without waiting."""
        return self._stores.submit(self._with_screening(work, may_index=True))

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        return self._stores.read(work)

    def _with_screening(self, work: Callable[[Transaction], T], *, may_index: bool) -> Callable[[Transaction], T]:
        def screened(tx: Transaction) -> T:
            begin = tx.log_size()
            result = work(tx)
            new = tx.records(types=_OF_CUSTOMERS, begin=begin)
            customers = {str(json.loads(leaf)["facts"]["customer"]) for _, leaf in new}
            versions = tuple(tx.lists()) if customers else ()
            if versions:
                if not may_index and not self._screener.has(versions):
                    raise _NotIndexed
                self._screener.screen(tx, parties_of(tx, customers), self._clock.now(), why="customers")
            return result

        return screened


def parties_of(reader: Reader, customer_ids: Iterable[str] | None = None) -> list[Party]:
    """The parties of customers with all their owners, as stored and as they wait for approval; of these, or of all.

    A party whose proposed name or country differs from the stored one comes twice.
    """
    named = None if customer_ids is None else set(customer_ids)
    if named is None:
        customers, stored = reader.customers(), reader.parties()
    else:
        customers = [known for each in sorted(named) if (known := reader.customer(each)) is not None]
        stored = above(reader, {each.party_id for each in customers})
    proposals = reader.proposals(named)
    found: dict[str, Party] = {}
    for customer in customers:
        for party in owners_of(stored, customer.party_id).values():
            found[identity_sha256(party)] = party
        text = proposals.get(customer.id)
        for party in Proposal.from_text(text).record.parties if text else ():
            found[identity_sha256(party)] = party
    return list(found.values())
