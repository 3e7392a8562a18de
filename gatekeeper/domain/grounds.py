"""Grounds: why a party is in its tier, before it is put into words; of each party only the strictest are kept.

What is kept of a party is put together from what is kept of those that control it: so a whole group costs about what
its parties cost, however long its chains are. The members of a circle are put together at once: each ground spreads
from who has it, nearest first, and ends where twenty others are stricter or nearer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.circles import circles
from gatekeeper.domain.ground import Ground, Kept, Offer, each_once, offered, passes
from gatekeeper.domain.holdings import ONE, THREE
from gatekeeper.domain.telling import facts_of
from gatekeeper.domain.trails import Trails
from gatekeeper.domain.way import Way

# A group of ten thousand has as many reasons; nobody reads more than the strictest.
REASONS_MAX = 20
# Place of the ground that is told where a party has no other of its level: below all places of shares.
_ENTANGLED = -1_000_000_000


class Grounds:
    """Grounds of settled holdings."""

    def __init__(self, settled: Settled) -> None:
        self._settled, self._held = settled, settled.held
        self._trails = Trails(settled)
        self._kept: dict[int, Kept] = {}
        self._members: dict[int, list[int]] = {}
        for number, first in settled.circle.items():
            self._members.setdefault(first, []).append(number)

    def of(self, number: int) -> Kept:
        """What is kept of a party; the first of it is never milder than its level."""
        waiting = [number]
        while waiting:
            each = waiting[-1]
            if each in self._kept:
                waiting.pop()
                continue
            members = self._members.get(self._settled.circle.get(each, -1), [each])
            above = {owner for member in members for owner in self._held.control[member]}
            unknown = [owner for owner in above if owner not in self._kept and not self._beside(owner, each)]
            if unknown:
                waiting += unknown
            elif len(members) > 1:
                self._circle(members)
            else:
                self._alone(each)
        return self._kept[number]

    def _beside(self, owner: int, number: int) -> bool:
        """Whether an owner is the party itself or in one circle with it."""
        circle = self._settled.circle
        return owner == number or (number in circle and circle.get(owner) == circle[number])

    def _alone(self, number: int) -> None:
        """A party outside of all circles: the strictest of its own grounds and of those of who controls it."""
        own = list(self._own(number))
        found = each_once([*offered(own), *self._brought(number)])
        least = heapq.nsmallest(REASONS_MAX, found, key=lambda each: each[0])
        total = max(len(found), len(own) + self._most(number))
        listed = any(self._held.listed[each.way.last] for each in own) or self._lists(number)
        self._keep(number, least, total, listed=listed)

    def _keep(self, number: int, offers: list[Offer], total: int, *, listed: bool) -> None:
        """Keep some grounds of so many. Where none of them has its level, the party's own trail is one: in circles
        within circles what explains a member may lie on a way that passes it."""
        grounds = tuple((ground, way) for _, ground, way in offers)
        level = self._settled.level[number]
        if not grounds or grounds[0][0].level < level:
            way = self._trails.trail(number, listed=False)
            grounds = ((Ground(level, "ownership.entangled", way, _ENTANGLED, None), way), *grounds)
            listed = listed or self._held.listed[way.last]
        self._kept[number] = Kept(grounds, max(0, total - len(grounds)), listed)

    def _circle(self, members: Sequence[int]) -> None:
        """The members of a circle. Each ground goes from who has it to whom that controls, strictest and shortest
        first, as far as it is among the strictest there: what others bring a party is among what is kept of them."""
        own = {each: list(self._own(each)) for each in members}
        waiting = [
            (order, each, turn, ground, way)
            for each in members
            for turn, (order, ground, way) in enumerate([*offered(own[each]), *self._brought(each)])
        ]
        heapq.heapify(waiting)
        below = self._controlled(members)
        kept: dict[int, dict[tuple[int, int], Offer]] = {each: {} for each in members}
        while waiting:
            order, each, _, ground, way = heapq.heappop(waiting)
            mine, key = kept[each], (ground.way.number, ground.place)
            if key in mine or len(mine) == REASONS_MAX:
                continue
            mine[key] = order, ground, way
            for asset in below.get(each, ()):
                if key not in kept[asset] and len(kept[asset]) < REASONS_MAX and not passes(ground, asset):
                    offer = self._above(asset, each, ground, way, len(mine))
                    heapq.heappush(waiting, (offer[0], asset, len(waiting), *offer[1:]))
        totals = self._totals(members, own, below)
        for each in members:
            offers, (total, listed) = list(kept[each].values()), totals[each]
            # Who has room for more was left out of none.
            self._keep(each, offers, total if len(offers) == REASONS_MAX else 0, listed=listed)

    def _controlled(self, members: Iterable[int]) -> dict[int, list[int]]:
        """Member of a circle -> members that it controls."""
        found: dict[int, list[int]] = {}
        for each in members:
            for owner in self._held.control[each]:
                if self._beside(owner, each):
                    found.setdefault(owner, []).append(each)
        return found

    def _totals(
        self, members: Sequence[int], own: Mapping[int, Sequence[Ground]], below: Mapping[int, Sequence[int]]
    ) -> dict[int, tuple[int, bool]]:
        """Member -> at least how many grounds it has, and whether any begins at a party on a list."""
        above: dict[int, list[int]] = {each: [] for each in members}
        for owner, assets in below.items():
            for each in assets:
                above[each].append(owner)
        found: dict[int, tuple[int, bool]] = {}
        for group in circles(members, above, above):
            before = [found[owner] for each in group for owner in above[each] if owner in found]
            most = max([0, *(total for total, _ in before), *(self._most(each) for each in group)])
            listed = any(self._held.listed[ground.way.last] for each in group for ground in own[each])
            listed = listed or any(each for _, each in before) or any(map(self._lists, group))
            facts = sum(ground.fact is not None for each in group for ground in own[each])
            found |= dict.fromkeys(group, (most + facts, listed))
        return found

    def _outside(self, number: int) -> list[int]:
        """Who controls a party from outside of its circle."""
        return [owner for owner in self._held.control[number] if not self._beside(owner, number)]

    def _most(self, number: int) -> int:
        """The most grounds of one that controls a party from outside of its circle."""
        kept = (self._kept[owner] for owner in self._outside(number))
        return max((each.more + len(each.grounds) for each in kept), default=0)

    def _lists(self, number: int) -> bool:
        return any(self._kept[owner].listed for owner in self._outside(number))

    def _brought(self, number: int) -> Iterator[Offer]:
        """The grounds that are kept of those that control a party from outside of its circle."""
        for owner in self._outside(number):
            for place, (ground, way) in enumerate(self._kept[owner].grounds):
                yield self._above(number, owner, ground, way, place)

    def _above(self, number: int, owner: int, ground: Ground, way: Way, place: int) -> Offer:
        """A ground of somebody, as one of whom it controls."""
        if way is ground.way and ground.code == "hq.own":
            ground = replace(ground, code="branch.head_office" if self._held.is_branch[number] else "hq.owner")
        longer = Way(number, way)
        order = (-ground.level, longer.length, longer.length - ground.way.length, self._held.ids[owner], "", place)
        return order, ground, longer

    def _own(self, number: int) -> Iterator[Ground]:
        """What a party is by itself, and what its owners bring it by their shares."""
        for place, fact in enumerate(facts_of(self._settled, number)):
            yield Ground(fact.level, "hq.own" if fact.code == "hq" else fact.code, Way(number), place, fact)
        if self._held.shares[number]:
            # Places of facts are 0 and on, those of shares are below.
            for place, ground in enumerate(self._of_shares(number)):
                yield replace(ground, place=-1 - place)

    def _of_shares(self, number: int) -> Iterator[Ground]:
        """What owners bring a party: each that is as strict as what they bring together."""
        held, settled, trails = self._held, self._settled, self._trails
        listed, totals = settled.listed_total(number), settled.totals(number)
        by_list = held.list_share is not None and listed >= held.list_share
        house = held.house_share
        for owner, most in self._largest_first(number):
            level = settled.level[owner]
            if not most or level == ONE:
                continue
            if by_list and settled.listed[owner] and settled.listed_before(owner, number):
                if (way := trails.above(number, owner, listed=True)) is not None:
                    yield Ground(THREE, "listed.ownership", way, 0, None, most, listed)
                continue
            if house is None or totals[level] < house or not settled.before(owner, number):
                continue
            if (way := trails.above(number, owner, listed=False)) is not None:
                yield Ground(level, "house.ownership", way, 0, None, most, totals[level])
        for spread, code, is_list in (
            (settled.by_list, "listed.look_through", True),
            (settled.by_level, "house.look_through", False),
        ):
            if number in spread.through:
                way = trails.through(number, listed=is_list)
                yield Ground(settled.level[number], code, way, 0, None, 0, spread.through[number])

    def _largest_first(self, number: int) -> list[tuple[int, int]]:
        """Who owns a party, each once with all that it owns of it."""
        shares: dict[int, int] = {}
        for owner, most in self._held.shares[number]:
            shares[owner] = shares.get(owner, 0) + most
        return sorted(shares.items(), key=lambda each: (-each[1], self._held.ids[each[0]]))
