"""A graph that is kept: the tiers of all parties on a day, and after a change only those of whom it can concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import LEVELS, Holdings
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import Tier, TierTable


class TierGraph:
    """All parties of a registry on one day, by one table."""

    def __init__(self, parties: Mapping[str, Party], table: TierTable, as_of: date) -> None:
        self._parties = dict(parties)
        self._held = Holdings(self._parties, self._parties, table, as_of)
        self._settled = Settled(self._held)
        self._below: dict[int, set[int]] = {}
        for number, owners in enumerate(self._held.above):
            for owner in owners:
                self._below.setdefault(owner, set()).add(number)

    def tier(self, party_id: str) -> Tier:
        """The tier of a party; unresolved where nobody has a record of it."""
        number = self._held.numbers.get(party_id)
        return Tier.UNRESOLVED if number is None else LEVELS[self._settled.level[number]]

    def change(self, parties: Iterable[Party], removed: Iterable[str] = ()) -> dict[str, tuple[Tier, Tier]]:
        """Put changed parties in and take removed ones out; returns whose tier moved, from what to what.

        Only the changed ones and what they own over any steps, before or after, are looked at again.
        """
        changed = {each.id: each for each in parties}
        gone = set(removed)
        self._parties.update(changed)
        for each in gone:
            self._parties.pop(each, None)
        numbers = [self._read(each) for each in sorted(changed.keys() | gone)]
        affected = self._owned_by(numbers)
        level = self._settled.level
        was = {each: level[each] for each in affected if each < len(level)}
        self._settled.settle(affected)
        return {
            self._held.ids[each]: (LEVELS[before], LEVELS[level[each]])
            for each, before in was.items()
            if before != level[each]
        }

    def _read(self, party_id: str) -> int:
        """Take in what a party says now; returns its number."""
        held = self._held
        known = held.numbers.get(party_id)
        for owner in held.above[known] if known is not None else ():
            self._below[owner].discard(known or 0)
        first = len(held.ids)
        held.replace(party_id)
        number = held.numbers[party_id]
        for each in {number, *range(first, len(held.ids))}:
            for owner in held.above[each]:
                self._below.setdefault(owner, set()).add(each)
        return number

    def _owned_by(self, numbers: Iterable[int]) -> set[int]:
        found = set(numbers)
        waiting = list(found)
        # Owners that were named for the first time have no level yet.
        found |= set(range(len(self._settled.level), len(self._held.ids)))
        while waiting:
            fresh = self._below.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return found
