"""Trails: from a party up to where its level begins, one owner after the other, and never in a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import OPEN, THREE
from gatekeeper.domain.way import Way


@dataclass(frozen=True, slots=True)
class _Wave:
    """Members of a circle that look-through reached at once: their first, their level, the round, by which rule."""

    circle: int
    level: int
    round: int
    listed: bool


@dataclass(frozen=True, slots=True)
class _Link:
    """A party on a trail: of its level or of the list rule; `wave` where it only stands between, by look-through."""

    number: int
    listed: bool
    wave: _Wave | None = None


class Trails:
    """Trails of settled holdings. Of several ways up the same one is always taken: by control, then the most owned.

    A member of a circle is explained by members that were reached before it. Only look-through leads over members that
    were not; so a way may come by a party again, and what lies between is cut out.
    """

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._held = settled.held
        self._ways: dict[_Link, Way] = {}
        self._hops: dict[_Wave, dict[int, int | None]] = {}
        self._members: dict[int, list[int]] = {}
        for number, first in settled.circle.items():
            self._members.setdefault(first, []).append(number)
        through = (*settled.by_level.through, *settled.by_list.through)
        self._looked_through = {settled.circle[each] for each in through}

    def trail(self, number: int, *, listed: bool) -> Way:
        """The party and all above it up to where its level, or else its place under the list rule, begins."""
        return self._way(_Link(number, listed))

    def above(self, number: int, owner: int, *, listed: bool) -> Way | None:
        """The party, and the trail of one of its owners; None where that comes by the party again."""
        trail = self.trail(owner, listed=listed)
        way = self._cut(number, trail)
        return way if way.above is trail else None

    def through(self, member: int, *, listed: bool) -> Way:
        """From a member of a circle that look-through reached up to where its level begins, which may be a share of a
        member of which nobody has said who owns it."""
        return self._way(_Link(member, listed, self._wave(member, listed=listed)))

    def _way(self, link: _Link) -> Way:
        known, passed = self._ways, list[_Link]()
        each: _Link | None = link
        while each is not None and each not in known:
            passed.append(each)
            each = self._next(each)
        way = known[each] if each is not None else None
        for each in reversed(passed):
            known[each] = way = self._cut(each.number, way)
        return known[link]

    def _cut(self, number: int, way: Way | None) -> Way:
        """The way, begun at a party; where it comes by that one again, from there."""
        circle, rest = self._settled.circle.get(number), way
        if circle in self._looked_through:
            while rest is not None and self._settled.circle.get(rest.number) == circle:
                if rest.number == number:
                    return rest
                rest = rest.above
        return Way(number, way)

    def _next(self, link: _Link) -> _Link | None:
        """Who stands above a party on its trail; None where the trail ends."""
        if link.wave is None:
            return self._listed(link) if link.listed else self._levelled(link)
        owner = self._hops_of(link.wave).get(link.number)
        if owner is None:
            return None
        return _Link(owner, link.listed, None if self._counts(owner, link.wave) else link.wave)

    def _levelled(self, link: _Link) -> _Link | None:
        settled, held, number = self._settled, self._held, link.number
        level = settled.level[number]
        begins = held.listed[number] or (held.own[number] == level and not held.is_branch[number])
        if begins or (level == OPEN and not settled.rooted[number]):
            return None
        control = [each for each in held.control[number] if settled.level[each] == level]
        control = [each for each in control if settled.before(each, number)]
        if control:
            return _Link(min(control, key=self._id), listed=False)
        if level == THREE and settled.listed[number]:
            return self._listed(link)
        if number in settled.by_level.through:
            return self._next(replace(link, wave=self._wave(number, listed=False)))
        if number in settled.unsettled:
            return None
        return self._largest(link, lambda each: settled.level[each] == level and settled.before(each, number))

    def _listed(self, link: _Link) -> _Link | None:
        settled, held, number = self._settled, self._held, link.number
        if held.listed[number]:
            return None
        if held.is_branch[number]:
            return _Link(held.control[number][0], link.listed)
        if number in settled.by_list.through:
            return self._next(replace(link, wave=self._wave(number, listed=True)))
        return self._largest(link, lambda each: settled.listed[each] and settled.listed_before(each, number))

    def _largest(self, link: _Link, fits: Callable[[int], bool]) -> _Link | None:
        """The owner that fits and holds the most."""
        owners = [each for each in self._held.shares[link.number] if fits(each[0])]
        return _Link(min(owners, key=lambda each: (-each[1], self._id(each[0])))[0], link.listed) if owners else None

    def _wave(self, member: int, *, listed: bool) -> _Wave:
        settled = self._settled
        rounds = settled.by_list.rounds if listed else settled.by_level.rounds
        return _Wave(settled.circle[member], settled.level[member], rounds[member], listed)

    def _counts(self, owner: int, wave: _Wave) -> bool:
        """Whether an owner counted before the members of a wave were reached."""
        settled = self._settled
        inside = settled.circle.get(owner) == wave.circle
        if wave.listed:
            return settled.listed[owner] and (not inside or settled.by_list.rounds.get(owner, 0) < wave.round)
        if not inside or settled.level[owner] != wave.level:
            return settled.level[owner] >= wave.level
        return settled.by_level.rounds.get(owner, 0) < wave.round

    def _hops_of(self, wave: _Wave) -> dict[int, int | None]:
        """Member that did not count yet -> the next owner on the way to the nearest one that did; where there is none,
        to the nearest member that hides its owners, and None for that one."""
        if wave not in self._hops:
            members = [each for each in self._members[wave.circle] if not self._counts(each, wave)]
            hops: dict[int, int | None] = {}
            for each in members:
                owners = (owner for owner, most in self._held.shares[each] if most and self._counts(owner, wave))
                if (nearest := min(owners, key=self._id, default=None)) is not None:
                    hops[each] = nearest
            assets = self._assets(members)
            self._spread(hops, list(hops), assets)
            if wave.level <= OPEN and not wave.listed:
                hiding = [each for each in members if each not in hops and self._held.undisclosed[each]]
                hops |= dict.fromkeys(hiding)
                self._spread(hops, hiding, assets)
            self._hops[wave] = hops
        return self._hops[wave]

    def _spread(self, hops: dict[int, int | None], first: Iterable[int], assets: dict[int, list[int]]) -> None:
        """Lead on from what is known to what it owns, nearest first."""
        waiting = sorted(first, key=self._id)
        while waiting:
            fresh = []
            for each in waiting:
                for asset in assets[each]:
                    if asset not in hops:
                        hops[asset] = each
                        fresh.append(asset)
            waiting = sorted(fresh, key=self._id)

    def _assets(self, members: Iterable[int]) -> dict[int, list[int]]:
        """Member -> members that it owns some of."""
        found: dict[int, list[int]] = {each: [] for each in members}
        for each in found:
            for owner, most in self._held.shares[each]:
                if most and owner in found:
                    found[owner].append(each)
        return found

    def _id(self, number: int) -> str:
        return self._held.ids[number]
