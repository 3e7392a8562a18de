"""Screening parties against the lists that are loaded, inside whatever transaction wrote the parties.

`Screened` stands before the store of every use case that writes customers: what it writes is screened before it is
durable, so there is no moment at which a new name counts and nobody looked at it. Without lists it costs one read.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from gatekeeper.domain.errors import Conflict
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
# Who is written may be another one each time that the work is done again; lists change once a day.
TRIES = 5
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
        self._owed: dict[str, Party] = {}
        self._comparing = threading.Lock()
        self.names = Names()

    def indexed(self, reader: Reader) -> Indexed:
        """The lists as the reader sees them; indexed anew where they are others than before."""
        versions, indexed = tuple(reader.lists()), self._indexed
        if versions != indexed.versions:
            # Returned is what this reader sees, though another thread may keep that of an older one meanwhile.
            self._indexed = indexed = Indexed.of(versions, reader.list_entries())
        return indexed

    def owes(self, reader: Reader, parties: Iterable[Party], now: datetime) -> bool:
        """Whether some parties have yet to be compared, or the lists to be indexed; who it is, is noted."""
        owed = list(parties)
        if tuple(reader.lists()) == self._indexed.versions:
            indexed = self._indexed
            owed = [each for each in owed if not indexed.knows(each, now)]
            if not owed:
                return False
        self._owed.update((identity_sha256(each), each) for each in owed)
        return True

    def catch_up(self, stores: Stores, now: datetime) -> None:
        """Index the lists, and compare whom works noted that could not be stored yet. Nobody waits for the writer
        meanwhile; and one at a time, since more would only share one interpreter."""
        indexed = stores.read(self.indexed)  # first: it fails where a transaction is open, which would be held up
        with self._comparing:
            for key in list(self._owed):
                party = self._owed.pop(key, None)
                if party is not None:
                    indexed.hits(party, now)

    def screen(self, tx: Transaction, parties: Iterable[Party], now: datetime, *, why: str) -> list[Hit]:
        """Compare some parties, and put on record what is new about it; the new hits."""
        indexed = self.indexed(tx)
        if not indexed.versions:
            return []
        return keep(tx, [(each, indexed.hits(each, now)) for each in parties], indexed, now, why=why)


class _Owed(Exception):
    """Names would have to be compared, or lists indexed, while everybody waits for the writer."""


class Screened:
    """`gatekeeper.ports.Stores` that screens the customers whom a transaction wrote, before it is durable.

    Names are compared beside the writer, however long that takes: a work that wrote names which nobody has compared is
    undone, they are compared, and it is run again.
    """

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        self._stores = stores
        self._clock = clock
        self._screener = screener

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work and screen what it wrote, as one transaction. The work may be run, undone, and run again.

        Raises:
            Conflict: whom it writes changed again and again while they were compared; nothing was done.
        """
        for _ in range(TRIES):
            try:
                return self._stores.transact(self._with_screening(work, may_compare=False))
            except _Owed:
                self._screener.catch_up(self._stores, self._clock.now())
        raise Conflict(
            "Lists or parties change faster than their names can be compared; nothing was changed.",
            hint="Do it again in a moment.",
        )

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same for works beside the writer (`rehearsal`): what they write is compared at once."""
        return self._stores.submit(self._with_screening(work, may_compare=True))

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        return self._stores.read(work)

    def _with_screening(self, work: Callable[[Transaction], T], *, may_compare: bool) -> Callable[[Transaction], T]:
        def screened(tx: Transaction) -> T:
            begin = tx.log_size()
            result = work(tx)
            new = tx.records(types=_OF_CUSTOMERS, begin=begin)
            customers = {str(json.loads(leaf)["facts"]["customer"]) for _, leaf in new}
            if customers and tx.lists():
                parties, now = parties_of(tx, customers), self._clock.now()
                if not may_compare and self._screener.owes(tx, parties, now):
                    raise _Owed
                self._screener.screen(tx, parties, now, why="customers")
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
