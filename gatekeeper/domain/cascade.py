"""The cascade: the level of every party of some holdings as the least fixpoint of its own place and its owners'.

Not multiplication: an owner that is itself half owned counts with its full share (OFAC FAQ 401). Owners come before
what they own, so that each party is looked at once; only the members of a circle are worked out together, level by
level from the strictest, in rounds, and by linear look-through beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.domain.circles import circles
from gatekeeper.domain.holdings import ONE, OPEN, THREE, TWO, Holdings
from gatekeeper.domain.ownership import HALF
from gatekeeper.domain.spread import Inside, Spread


class Settled:
    """The level of every party of holdings, and what a reason for it needs.

    Attributes:
        level: place in LEVELS by number.
        listed: whether the list rule reaches it: it is listed, or listed parties own it.
        rooted: whether it has a way up to somebody whom nobody owns; what has none is a circle that hangs in the air.
        circle: number of a member -> the smallest number in its circle.
        by_level: how the level came to the members of a circle; by_list: the same for lists.
    """

    def __init__(self, held: Holdings) -> None:
        self.held = held
        self.level: list[int] = []
        self.listed: list[bool] = []
        self.rooted: list[bool] = []
        self.circle: dict[int, int] = {}
        self.by_level = Spread()
        self.by_list = Spread()
        self.settle(range(len(held.ids)))

    def settle(self, numbers: Iterable[int]) -> None:
        """Work out some parties; all that they own must be among them, all others are known."""
        held, wanted = self.held, numbers if isinstance(numbers, range) else set(numbers)
        more = len(held.ids) - len(self.level)
        self.level += [ONE] * more
        self.listed += [False] * more
        self.rooted += [True] * more
        for members in circles(wanted, held.above, wanted):
            if len(members) > 1:
                self._circle(members)
            else:
                self._alone(members[0])

    def _alone(self, number: int) -> None:
        """A party outside of all circles: its owners are known."""
        held, level = self.held, self.level
        self.circle.pop(number, None)
        found, rooted = held.own[number], held.rooted[number]
        for owner in held.control[number]:
            found = max(found, level[owner])
        if not rooted:
            rooted = any(self.rooted[owner] for owner in held.above[number])
            if not rooted and found < OPEN:
                found = OPEN
        self.rooted[number] = rooted
        listed = held.listed[number]
        if held.shares[number]:
            if held.list_share is not None and not listed:
                listed = sum([most for each, most in held.shares[number] if self.listed[each]]) >= held.list_share
            if found < THREE:
                found = THREE if listed else max(found, self._by_shares(number))
        elif held.is_branch[number]:
            listed = listed or self.listed[held.control[number][0]]
        self.listed[number], level[number] = listed, found

    def _by_shares(self, number: int) -> int:
        share = self.held.house_share
        if share is None:
            return ONE
        total, sums = 0, [0, 0, self.held.undisclosed[number], 0]
        for owner, most in self.held.shares[number]:
            sums[self.level[owner]] += most
        for level in (THREE, OPEN, TWO):
            total += sums[level]
            if total >= share:
                return level
        return ONE

    @property
    def unsettled(self) -> set[int]:
        """Members of circles whose share by look-through could not be worked out."""
        return self.by_level.unsettled | self.by_list.unsettled

    def before(self, owner: int, member: int) -> bool:
        """Whether an owner had its level before what it owns, so that it can explain it."""
        if not self._in_one_circle(owner, member):
            return True
        if self.level[owner] != self.level[member]:
            return self.level[owner] > self.level[member]
        return self.by_level.rounds.get(owner, 0) < self.by_level.rounds.get(member, 0)

    def listed_before(self, owner: int, member: int) -> bool:
        """The same for what the list rule reaches."""
        rounds = self.by_list.rounds
        return not self._in_one_circle(owner, member) or rounds.get(owner, 0) < rounds.get(member, 0)

    def _in_one_circle(self, owner: int, member: int) -> bool:
        return member in self.circle and self.circle.get(owner) == self.circle[member]

    def totals(self, number: int) -> list[int]:
        """By level: what owners of that level or a stricter one own of a party; what is undisclosed is unresolved.

        Members of its own circle that were reached only later are left out: they explain nothing.
        """
        totals = [0, 0, self.held.undisclosed[number], 0]
        for owner, most in self.held.shares[number]:
            if self.before(owner, number):
                totals[self.level[owner]] += most
        for level in (OPEN, TWO, ONE):
            totals[level] += totals[level + 1]
        return totals

    def listed_total(self, number: int) -> int:
        """What owners that the list rule reaches own of a party, but for members of its circle reached only later."""
        shares = self.held.shares[number]
        return sum(most for each, most in shares if self.listed[each] and self.listed_before(each, number))

    def undisclosed_level(self, number: int) -> int | None:
        """The level that a party has only because a share of it is undisclosed; None where that changes nothing."""
        rest, share = self.held.undisclosed[number], self.held.house_share
        totals = self.totals(number)
        if share is not None:
            if totals[THREE] >= share:
                return None
            for level in (OPEN, TWO):
                if totals[level] >= share:
                    return level if totals[level] - rest < share or rest >= HALF else None
        return OPEN if rest >= HALF else None

    def _circle(self, members: list[int]) -> None:
        """The members of a circle: their owners outside of it are known."""
        held = self.held
        inside = Inside(held, members)
        rooted = any(held.rooted[each] for each in members) or any(
            self.rooted[owner] for each in members for owner in held.above[each] if owner not in inside.members
        )
        self._forget(inside.members, rooted)
        self._spread_lists(inside)
        own = {each: self._apart(each, inside, ONE if rooted else OPEN) for each in members}
        reached: set[int] = set()
        late = {each for each in members if each in self.by_list.unsettled}
        for level in (THREE, OPEN, TWO):
            direct = {each: self._outside(each, inside, level) for each in members}
            seeds = reached | {each for each in members if own[each] >= level} | (late if level == OPEN else set())
            found, begin = inside.spread(seeds, direct, held.house_share, inside.controlled), 0
            while True:
                self._note(level, begin, found, reached)
                late |= found.unsettled
                self.by_level.unsettled |= found.unsettled
                if level == THREE or not found.unsettled:
                    break
                # What could be half is taken for half, and goes on from there: this is the worst of it at this level.
                begin += len(members) + 1
                found = inside.spread(reached | found.unsettled, direct, held.house_share, inside.controlled)

    def _apart(self, member: int, inside: Inside, floor: int) -> int:
        """The level that a member has without the shares in it and without the other members."""
        level = THREE if self.listed[member] else max(floor, self.held.own[member])
        return max(level, *(self.level[each] for each in self.held.control[member] if each not in inside.members), ONE)

    def _note(self, level: int, begin: int, found: Spread, reached: set[int]) -> None:
        """Write down whom a level reached now."""
        for each, number in found.rounds.items():
            if each in reached:
                continue
            self.level[each] = level
            self.by_level.rounds[each] = begin + number
            if each in found.through:
                self.by_level.through[each] = found.through[each]
        reached.update(found.rounds)

    def _forget(self, members: frozenset[int], rooted: bool) -> None:
        """Begin a circle anew."""
        first = min(members)
        for each in members:
            self.circle[each], self.rooted[each] = first, rooted
            self.level[each], self.listed[each] = ONE, False
            for spread in (self.by_level, self.by_list):
                spread.rounds.pop(each, None)
                spread.through.pop(each, None)
                spread.unsettled.discard(each)

    def _outside(self, member: int, inside: Inside, level: int) -> int:
        """What owners outside of the circle, of a level or a stricter one, own of a member."""
        total = self.held.undisclosed[member] if level <= OPEN else 0
        for owner, most in self.held.shares[member]:
            if owner not in inside.members and self.level[owner] >= level:
                total += most
        return total

    def _spread_lists(self, inside: Inside) -> None:
        held = self.held
        direct = {
            each: sum(most for owner, most in held.shares[each] if owner not in inside.members and self.listed[owner])
            for each in inside.members
        }
        seeds = {each for each in inside.members if held.listed[each] or self._branch_of_listed(each, inside)}
        if not seeds and not any(direct.values()):
            return
        found = inside.spread(seeds, direct, held.list_share, inside.branches)
        for each in found.rounds:
            self.listed[each] = True
        self.by_list.rounds |= found.rounds
        self.by_list.through |= found.through
        self.by_list.unsettled |= found.unsettled

    def _branch_of_listed(self, member: int, inside: Inside) -> bool:
        owners = [each for each in self.held.control[member] if each not in inside.members]
        return self.held.is_branch[member] and any(self.listed[each] for each in owners)
