"""How a level or a listing spreads among the members of one circle of owners.

In rounds: whoever is reached counts from the next round on, so that a round says who came before whom and no member is
ever explained by itself. Once no share passes by itself any more, linear look-through is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.look_through import LookThrough

Control = Mapping[int, Sequence[int]]


@dataclass(slots=True)
class Spread:
    """Whom something reached.

    Attributes:
        rounds: member -> the round in which it was reached.
        through: member -> its share by look-through, where that is what reached it.
        unsettled: members whose share by look-through could not be worked out.
    """

    rounds: dict[int, int] = field(default_factory=dict)
    through: dict[int, int] = field(default_factory=dict)
    unsettled: set[int] = field(default_factory=set)


class Inside:
    """A circle: its members, and what they own and control of each other; branches are a part of control."""

    def __init__(self, held: Holdings, members: Sequence[int]) -> None:
        self.members = frozenset(members)
        self.controlled: dict[int, list[int]] = {}
        self.branches: dict[int, list[int]] = {}
        order = sorted(members, key=lambda each: held.ids[each])
        self._rank = {each: rank for rank, each in enumerate(order)}
        self._owners: dict[int, list[tuple[int, int]]] = {each: [] for each in order}
        self._assets: dict[int, list[tuple[int, int]]] = {each: [] for each in order}
        for each in order:
            for owner, most in held.shares[each]:
                if owner in self.members:
                    self._owners[each].append((owner, most))
                    self._assets[owner].append((each, most))
            for owner in self.members.intersection(held.control[each]):
                self.controlled.setdefault(owner, []).append(each)
                if held.is_branch[each]:
                    self.branches.setdefault(owner, []).append(each)

    def spread(self, seeds: set[int], direct: Mapping[int, int], share: int | None, control: Control) -> Spread:
        """Whom something reaches that begins at some members: through control wholly, through shares by a rule.

        Args:
            direct: what owners outside of the circle that count own of each member.
            share: from which share on it passes; None where shares do not count.
        """
        found, wave, number, direct = Spread(), set(seeds), 0, dict(direct)
        look = LookThrough(self._owners, self._assets)
        touched = {each for each in self.members if direct[each]}
        if share is not None:
            wave |= {each for each in touched if direct[each] >= share}
        while True:
            while wave:
                found.rounds |= dict.fromkeys(wave, number)
                fresh = {asset for each in wave for asset in control.get(each, ())}
                if share is not None:
                    raised = self._count(wave, direct)
                    touched |= raised
                    fresh |= {each for each in raised if direct[each] >= share}
                wave, number = fresh - found.rounds.keys(), number + 1
            if share is None:
                return found
            risen = look.settle(direct, found.rounds, sorted(touched, key=self._rank.__getitem__))
            if not look.settled:
                found.unsettled = {each for each in self.members if look.share[each] and each not in found.rounds}
                return found
            wave = {each for each in risen if look.share[each] >= share}
            if not wave:
                return found
            found.through |= {each: look.share[each] for each in wave}
            touched = set()

    def _count(self, wave: set[int], direct: dict[int, int]) -> set[int]:
        """Let what some members own count in full from now on; returns what they own."""
        raised: set[int] = set()
        for each in wave:
            for asset, most in self._assets[each]:
                direct[asset] += most
                raised.add(asset)
        return raised
