"""Corporate groups: the parties whose budgets pool, because somebody controls them together.

Tied are a party and its parents, a branch and its head office, and a party and whoever owns half of it: one owner, or
the members of one group together, so that a holding that is split over two subsidiaries is not a smaller one. An upper
bound counts, and an unknown share as half. Shares tie through companies and persons; a state's companies are not one
group for being the state's, but whom a record names as parent ties, state or not.

Dates do not untie: whoever held half on any day that the record tells of is tied, until two people take the interest
out of the record. So the passing of a day makes no group smaller, and a verifier needs no calendar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from gatekeeper.domain.interest import Interest
from gatekeeper.domain.ownership import HALF
from gatekeeper.domain.party import Party, PartyKind


def corporate_groups(parties: Mapping[str, Party], wanted: Iterable[str]) -> Iterator[frozenset[str]]:
    """The groups of the wanted parties, each once; the graph is walked once for all of them."""
    ties = _Ties(parties)
    members = ties.members()
    seen: set[str] = set()
    for party_id in wanted:
        if party_id not in seen:
            group = frozenset(members.get(ties.group(party_id), (party_id,)))
            seen |= group
            yield group


class _Ties:
    """Groups that grow: each party names another of its group, up to one that stands for all."""

    def __init__(self, parties: Mapping[str, Party]) -> None:
        self._parties = parties
        self._above: dict[str, str] = {}
        self._assets: dict[str, list[str]] = {}
        waiting: list[str] = []
        for party in parties.values():
            for each in (*party.parents, *([party.branch_of] if party.branch_of else ())):
                self._tie(party.id, each)
            for interest in party.interests:
                if self._ties_by_share(interest.owner):
                    self._assets.setdefault(interest.owner, []).append(party.id)
            if party.interests:
                waiting.append(party.id)
        # Assets of owners that were tied so far stand with those who stand for them.
        for owner in [each for each in self._assets if self.group(each) != each]:
            self._assets.setdefault(self.group(owner), []).extend(self._assets.pop(owner))
        while waiting:
            waiting += self._tie_by_shares(self._parties[waiting.pop()])

    def group(self, party_id: str) -> str:
        """Who stands for the group of a party."""
        top = party_id
        while (above := self._above.get(top, top)) != top:
            top = above
        while (above := self._above.get(party_id, top)) != top:
            self._above[party_id] = top
            party_id = above
        return top

    def members(self) -> dict[str, list[str]]:
        """Groups of more than one party, by who stands for them."""
        found: dict[str, list[str]] = {}
        for each in self._above:
            found.setdefault(self.group(each), []).append(each)
        for top, others in found.items():
            others.append(top)
        return found

    def _ties_by_share(self, owner: str) -> bool:
        party = self._parties.get(owner)
        return party is None or party.kind is not PartyKind.STATE

    def _tie(self, party_id: str, other: str) -> list[str]:
        """Make two groups one; returns the assets that may be held by half from now on."""
        small, large = self.group(party_id), self.group(other)
        if small == large:
            return []
        if len(self._assets.get(small, ())) > len(self._assets.get(large, ())):
            small, large = large, small
        self._above[small] = large
        again = self._assets.pop(small, [])
        if again:
            self._assets.setdefault(large, []).extend(again)
        return again

    def _tie_by_shares(self, party: Party) -> list[str]:
        """Tie a party to the groups that hold half of it; returns the assets to look at again."""
        own, again = self.group(party.id), list[str]()
        holding: dict[str, list[Interest]] = {}
        for each in party.interests:
            top = self.group(each.owner)
            if top != own and self._ties_by_share(each.owner):
                holding.setdefault(top, []).append(each)
        for held in holding.values():
            if _hold_half(held):
                again += self._tie(party.id, held[0].owner)
        return again


def _hold_half(interests: list[Interest]) -> bool:
    """Whether some interests come to half on any day."""
    steps: list[tuple[date, int]] = []
    for each in interests:
        most = max(HALF, each.least) if each.most is None else each.most
        steps.append((each.begins or date.min, most))
        if each.ends is not None:
            steps.append((each.ends, -most))
    total = 0
    for _, step in sorted(steps):
        total += step
        if total >= HALF:
            return True
    return False
