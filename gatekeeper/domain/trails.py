"""Trails: from a party up to where its level begins, one owner after the other, and never in a circle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import OPEN, THREE


class Trails:
    """Trails of settled holdings. Of several ways up the same one is always taken: by control, then the most owned.

    A member of a circle is explained only by members that were reached before it.
    """

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._held = settled.held
        self._lengths: dict[tuple[int, bool], int] = {}
        self._steps: dict[tuple[int, bool], tuple[int, ...]] = {}

    def trail(self, number: int, *, listed: bool) -> list[int]:
        """The party and all above it up to where its level, or else its place under the list rule, begins."""
        found = [number]
        while step := self._step(found[-1], listed):
            found += step
        return found

    def length(self, number: int, *, listed: bool) -> int:
        """How many parties stand on a trail."""
        way = [number]
        while (way[-1], listed) not in self._lengths and (step := self._step(way[-1], listed)):
            way.append(step[-1])
        known = self._lengths.setdefault((way[-1], listed), 1)
        for each in reversed(way[:-1]):
            known += len(self._step(each, listed))
            self._lengths[each, listed] = known
        return known

    def through(self, member: int, *, listed: bool) -> list[int]:
        """From a member of a circle that look-through reached to the nearest owner that counts, the member left out."""
        settled = self._settled
        before, level = (settled.listed_before if listed else settled.before), settled.level[member]
        came: dict[int, int] = {member: member}
        waiting = deque([member])
        while waiting:
            each = waiting.popleft()
            for owner in sorted((owner for owner, most in self._held.shares[each] if most), key=self._id):
                if owner in came:
                    continue
                came[owner] = each
                if (settled.listed[owner] if listed else settled.level[owner] >= level) and before(owner, member):
                    way = [owner]
                    while came[way[-1]] != member:
                        way.append(came[way[-1]])
                    return way[::-1]
                if settled.circle.get(owner) == settled.circle[member]:
                    waiting.append(owner)
        return []

    def _step(self, number: int, listed: bool) -> tuple[int, ...]:
        known = self._steps.get((number, listed))
        if known is None:
            known = self._steps[number, listed] = tuple((self._listed if listed else self._levelled)(number))
        return known

    def _levelled(self, number: int) -> list[int]:
        settled, held = self._settled, self._held
        level = settled.level[number]
        begins = held.listed[number] or (held.own[number] == level and not held.is_branch[number])
        if begins or (level == OPEN and not settled.rooted[number]):
            return []
        control = [each for each in held.control[number] if settled.level[each] == level]
        control = [each for each in control if settled.before(each, number)]
        if control:
            return [min(control, key=self._id)]
        if level == THREE and settled.listed[number]:
            return self._listed(number)
        if number in settled.by_level.through:
            return self.through(number, listed=False)
        if number in settled.unsettled:
            return []
        return self._largest(number, lambda each: settled.level[each] == level and settled.before(each, number))

    def _listed(self, number: int) -> list[int]:
        settled, held = self._settled, self._held
        if held.listed[number]:
            return []
        if held.is_branch[number]:
            return list(held.control[number])
        if number in settled.by_list.through:
            return self.through(number, listed=True)
        return self._largest(number, lambda each: settled.listed[each] and settled.listed_before(each, number))

    def _largest(self, number: int, fits: Callable[[int], bool]) -> list[int]:
        """The owner that fits and holds the most."""
        owners = [each for each in self._held.shares[number] if fits(each[0])]
        return [min(owners, key=lambda each: (-each[1], self._id(each[0])))[0]] if owners else []

    def _id(self, number: int) -> str:
        return self._held.ids[number]
