"""Trails: from a party up to where its level begins, one owner after the other, and never in a circle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import OPEN, THREE
from gatekeeper.domain.way import Way, extended

# Owners up to one that counts; whether the way ends there, at a share of which nobody has said who owns it.
_Step = tuple[tuple[int, ...], bool]
_BEGINS: _Step = ((), True)


class Trails:
    """Trails of settled holdings. Of several ways up the same one is always taken: by control, then the most owned.

    A member of a circle is explained only by members that were reached before it.
    """

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._held = settled.held
        self._trails: dict[tuple[int, bool], Way] = {}

    def trail(self, number: int, *, listed: bool) -> Way:
        """The party and all above it up to where its level, or else its place under the list rule, begins."""
        known, steps = self._trails, list[tuple[int, tuple[int, ...]]]()
        each, above = number, None
        while (each, listed) not in known:
            owners, ends = self._listed(each) if listed else self._levelled(each)
            steps.append((each, owners))
            if ends:
                break
            each = owners[-1]
        else:
            above = known[each, listed]
        for each, owners in reversed(steps):
            # The last owner of a step begins what was found of it, unless the way ends with it.
            above = extended(owners[:-1] if above is not None else owners, above)
            known[each, listed] = above = Way(each, above)
        return known[number, listed]

    def through(self, member: int, *, listed: bool) -> Way | None:
        """From above a member of a circle that look-through reached up to where its level begins; None where that is
        a share of the member itself of which nobody has said who owns it."""
        owners, ends = self._through(member, listed=listed)
        return extended(owners, None) if ends else extended(owners[:-1], self.trail(owners[-1], listed=listed))

    def _through(self, member: int, *, listed: bool) -> _Step:
        """The nearest owner that counts, with who stands between; else the nearest member that hides its owners."""
        settled, held = self._settled, self._held
        level, came, waiting = settled.level[member], {member: member}, deque([member])
        hiding: list[int] = []
        while waiting:
            each = waiting.popleft()
            if held.undisclosed[each] and level <= OPEN and not listed:
                hiding.append(each)
            for owner in sorted((owner for owner, most in held.shares[each] if most), key=self._id):
                if owner in came:
                    continue
                came[owner] = each
                if self._counts(owner, member, listed=listed):
                    return _climbed(came, owner), False
                if settled.circle.get(owner) == settled.circle[member]:
                    waiting.append(owner)
        if not hiding:
            raise AssertionError(f"{self._id(member)} has its level through a circle from nowhere")
        return _climbed(came, hiding[0]), True

    def _counts(self, owner: int, member: int, *, listed: bool) -> bool:
        settled = self._settled
        if listed:
            return settled.listed[owner] and settled.listed_before(owner, member)
        return settled.level[owner] >= settled.level[member] and settled.before(owner, member)

    def _levelled(self, number: int) -> _Step:
        settled, held = self._settled, self._held
        level = settled.level[number]
        begins = held.listed[number] or (held.own[number] == level and not held.is_branch[number])
        if begins or (level == OPEN and not settled.rooted[number]):
            return _BEGINS
        control = [each for each in held.control[number] if settled.level[each] == level]
        control = [each for each in control if settled.before(each, number)]
        if control:
            return (min(control, key=self._id),), False
        if level == THREE and settled.listed[number]:
            return self._listed(number)
        if number in settled.by_level.through:
            return self._through(number, listed=False)
        if number in settled.unsettled:
            return _BEGINS
        return self._largest(number, lambda each: settled.level[each] == level and settled.before(each, number))

    def _listed(self, number: int) -> _Step:
        settled, held = self._settled, self._held
        if held.listed[number]:
            return _BEGINS
        if held.is_branch[number]:
            return held.control[number], False
        if number in settled.by_list.through:
            return self._through(number, listed=True)
        return self._largest(number, lambda each: settled.listed[each] and settled.listed_before(each, number))

    def _largest(self, number: int, fits: Callable[[int], bool]) -> _Step:
        """The owner that fits and holds the most."""
        owners = [each for each in self._held.shares[number] if fits(each[0])]
        return ((min(owners, key=lambda each: (-each[1], self._id(each[0])))[0],), False) if owners else _BEGINS

    def _id(self, number: int) -> str:
        return self._held.ids[number]


def _climbed(came: dict[int, int], last: int) -> tuple[int, ...]:
    """The way up to the last one, without who stands at its foot."""
    way: list[int] = []
    while came[last] != last:
        way.append(last)
        last = came[last]
    return tuple(reversed(way))
