"""Grounds: why a party is in its tier, before it is put into words; of each party only the strictest are kept.

What is kept of a party is put together from what is kept of those that control it: so a whole group costs about what
its parties cost, however long its chains are. Within a circle of owners each member is looked at for itself, because
nobody may be a reason of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import ONE, THREE
from gatekeeper.domain.telling import Fact, facts_of
from gatekeeper.domain.trails import Trails
from gatekeeper.domain.way import Way

# A group of ten thousand has as many reasons; nobody reads more than the strictest.
REASONS_MAX = 20


@dataclass(frozen=True, slots=True)
class Ground:
    """One of them.

    Attributes:
        way: from the party that it is a ground of, one that controls whom is asked about or that one itself, up to
            where it begins.
        place: as how many-th ground of that party it was found.
        fact: what that party is by itself; None where its owners bring it a level by their shares.
        most: the share of the owner that does; total: what such owners hold together.
    """

    level: int
    code: str
    way: Way
    place: int
    fact: Fact | None
    most: int = 0
    total: int = 0

    @property
    def listed(self) -> bool:
        """Whether it is by the list rule."""
        return self.code.startswith("listed.")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a party: its grounds, strictest first, then shortest, each with the whole way; `more` were left
    out, or more than that where several chains of control meet; `listed`: whether any begins at a party on a list."""

    grounds: tuple[tuple[Ground, Way], ...]
    more: int
    listed: bool


# Level, length, depth, rank, code, place: strictest first, then shortest, then as the parties were reached.
_Order = tuple[int, int, int, int, str, int]
_Found = tuple[_Order, Ground, int, Way]


class Grounds:
    """Grounds of settled holdings."""

    def __init__(self, settled: Settled) -> None:
        self._settled, self._held = settled, settled.held
        self._trails = Trails(settled)
        self._kept: dict[int, Kept] = {}

    def of(self, number: int) -> Kept:
        """What is kept of a party; never nothing."""
        waiting = [number]
        while waiting:
            each = waiting[-1]
            came = self._reached(each)
            unknown = [owner for owner in came if owner not in self._kept and not self._beside(owner, each)]
            if unknown and each not in self._kept:
                waiting += unknown
                continue
            waiting.pop()
            if each not in self._kept:
                self._kept[each] = self._collect(each, came)
        return self._kept[number]

    def _beside(self, owner: int, number: int) -> bool:
        """Whether an owner is the party itself or in one circle with it."""
        circle = self._settled.circle
        return owner == number or (number in circle and circle.get(owner) == circle[number])

    def _reached(self, start: int) -> dict[int, tuple[int, int]]:
        """Who controls a party: its circle over any number of steps, and the first outside of it -> (whom they control,
        steps), nearest first."""
        ids, control = self._held.ids, self._held.control
        came, waiting = {start: (start, 0)}, [start]
        for each in waiting:  # grows while it is read: breadth first
            for owner in sorted(control[each], key=ids.__getitem__) if len(control[each]) > 1 else control[each]:
                if owner not in came:
                    came[owner] = (each, came[each][1] + 1)
                    if self._beside(owner, start):
                        waiting.append(owner)
        return came

    def _collect(self, start: int, came: Mapping[int, tuple[int, int]]) -> Kept:
        """The strictest of its own grounds and of those that are kept of who controls it."""
        found: dict[tuple[int, int], _Found] = {}
        more, own, listed = 0, 0, False
        for rank, (number, (below, depth)) in enumerate(came.items()):
            beside = self._beside(number, start)
            if beside:
                grounds = [(each, each.way) for each in self._open_to(start, number, came)]
                own += len(grounds)
                listed = listed or any(self._held.listed[way.last] for _, way in grounds)
            else:
                grounds = list(self._kept[number].grounds)
                more = max(more, self._kept[number].more + len(grounds))
                listed = listed or self._kept[number].listed
            for place, (ground, way) in enumerate(grounds):
                length, code = depth + way.length, ground.code if beside else ""
                order = (-ground.level, length, length - ground.way.length, rank, code, place)
                key = ground.way.number, ground.place
                if key not in found or order < found[key][0]:
                    found[key] = order, self._above(below, ground, way) if depth else ground, number, way
        least = heapq.nsmallest(REASONS_MAX, found.values(), key=lambda each: each[0])
        kept = tuple((ground, self._from(start, number, way, came)) for _, ground, number, way in least)
        return Kept(kept, max(len(found), own + more) - len(kept), listed)

    def _above(self, below: int, ground: Ground, way: Way) -> Ground:
        """The ground of a party, as one of whom it controls."""
        if way is not ground.way or ground.code != "hq.own":
            return ground
        return replace(ground, code="branch.head_office" if self._held.is_branch[below] else "hq.owner")

    def _from(self, start: int, number: int, way: Way, came: Mapping[int, tuple[int, int]]) -> Way:
        """The way of a ground, begun at who is asked about."""
        while number != start:
            number = came[number][0]
            way = Way(number, way)
        return way

    def _open_to(self, start: int, number: int, came: Mapping[int, tuple[int, int]]) -> Iterator[Ground]:
        """Grounds of a party in the circle of who is asked about. What begins at somebody on the way up is a reason
        there, and nobody's owner is its own reason."""
        passed = set[int]()
        each = number
        while each != start:
            each = came[each][0]
            passed.add(each)
        for ground in self._own(number):
            if ground.fact is not None or not passed or not ground.way.passes(passed):
                yield ground

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
                way = Way(number, trails.trail(owner, listed=True))
                yield Ground(THREE, "listed.ownership", way, 0, None, most, listed)
            elif house is not None and totals[level] >= house and settled.before(owner, number):
                way = Way(number, trails.trail(owner, listed=False))
                yield Ground(level, "house.ownership", way, 0, None, most, totals[level])
        for spread, code, is_list in (
            (settled.by_list, "listed.look_through", True),
            (settled.by_level, "house.look_through", False),
        ):
            if number in spread.through:
                way = Way(number, trails.through(number, listed=is_list))
                yield Ground(settled.level[number], code, way, 0, None, 0, spread.through[number])

    def _largest_first(self, number: int) -> list[tuple[int, int]]:
        """Who owns a party, each once with all that it owns of it."""
        shares: dict[int, int] = {}
        for owner, most in self._held.shares[number]:
            shares[owner] = shares.get(owner, 0) + most
        return sorted(shares.items(), key=lambda each: (-each[1], self._held.ids[each[0]]))
