"""Use cases on screening: compare everybody, or one party, with the lists again.

The lists themselves stand in `lists`, and what people say of what is found in `hits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.list_entry import ListDiff
from gatekeeper.domain.party import Party
from gatekeeper.domain.person import Right
from gatekeeper.domain.screening import Hit, identity_sha256
from gatekeeper.matching import VERSION
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.found import keep
from gatekeeper.registry.hits import HitRegistry
from gatekeeper.registry.indexed import hits_of
from gatekeeper.registry.lists import ListRegistry, Loaded
from gatekeeper.registry.namesakes import NamesakeRegistry
from gatekeeper.registry.people import By, acting
from gatekeeper.registry.screener import Screener, parties_of

# A name is compared with 20,000 entries in up to 25 ms, and a customer has a few.
CUSTOMERS_AT_ONCE = 20


class ScreeningRegistry(ListRegistry, HitRegistry, NamesakeRegistry):
    """Use cases on screening, over one store."""

    def __init__(self, stores: Stores, clock: Clock, screener: Screener) -> None:
        ListRegistry.__init__(self, stores, clock, screener)
        NamesakeRegistry.__init__(self, stores, clock, screener.names)
        self._behind: list[str] | None = None

    def screen(self, *, by: By, party_id: str | None = None) -> Loaded | None:
        """Screen everybody, or one party, again; None where no list is loaded.

        Raises:
            NotFound: no such party.
        """
        acting(by, Right.EDIT)
        return self._screen(party_id)

    def catch_up(self, enough: Callable[[], bool] = lambda: False) -> int:
        """Screen everybody again where the last screening was by another version of the comparison; new hits.

        Until that is done the hits that there are go on blocking, judged as they were, and who is written meanwhile is
        compared as it is today: nobody is milder than before, and nobody new is let by.

        Args:
            enough: asked after each group of customers; once it says so, the others are left to the next time.
        """
        if not self._stores.read(lambda reader: any(each.matcher != VERSION for each in reader.lists())):
            self._behind = None
            return 0
        if self._behind is None:
            self._behind = [each.id for each in self._stores.read(lambda reader: reader.customers())]
        new = 0
        while True:
            group, rest = self._behind[:CUSTOMERS_AT_ONCE], self._behind[CUSTOMERS_AT_ONCE:]
            new += self._screen_again(group, last=not rest)
            self._behind = rest
            if not rest:
                self._behind = None
                return new
            if enough():
                return new

    def _screen_again(self, customer_ids: Sequence[str], *, last: bool) -> int:
        """Compare some customers anew; `last`: with them all are."""
        hits, _ = self._compare(lambda reader: parties_of(reader, customer_ids), why="customers", is_everybody=last)
        return len(hits)

    def _screen(self, party_id: str | None) -> Loaded | None:
        if not self._stores.read(lambda reader: reader.lists()):
            return None
        everybody = party_id is None
        hits, parties = self._compare(lambda reader: _asked(reader, party_id), why="run", is_everybody=everybody)
        return Loaded(ListDiff((), (), ()), None, tuple(hits), parties)

    def _compare(
        self, wanted: Callable[[Reader], Sequence[Party]], *, why: str, is_everybody: bool
    ) -> tuple[list[Hit], int]:
        """Compare some parties anew, outside of the transaction that stores it: new hits, and how many parties.

        Args:
            is_everybody: with these, everybody is compared by today's version of the comparison.
        """
        now, indexed = self._clock.now(), self._stores.read(self._screener.indexed)
        found = {identity_sha256(each): indexed.hits(each, now) for each in self._stores.read(wanted)}

        def work(tx: Transaction) -> tuple[list[Hit], int]:
            current = self._screener.indexed(tx)
            computed = found if current is indexed else {}
            screened = [(each, hits_of(computed, current, each, now)) for each in wanted(tx)]
            hits = keep(tx, screened, current, now, why=why)
            for each in current.versions if is_everybody else ():
                tx.put_list(replace(each, matcher=VERSION))
            return hits, len(screened)

        return self._stores.transact(work)


def _asked(reader: Reader, party_id: str | None) -> Sequence[Party]:
    parties = parties_of(reader)
    if party_id is None:
        return parties
    asked = [each for each in parties if each.id == party_id]
    if not asked:
        raise NotFound(f"No customer is or belongs to party {party_id!r:.80}.", hint="See `gatekeeper customer list`.")
    return asked
