"""Tier of a party on a day: worst over itself and its owners, each reason with the path that explains it.

Three tests, worst wins: the headquarters of the party and of every parent, whatever they own; listed parties that own
half; owners of a stricter tier that own half. What each of them finds is a reason of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.headquarters import by_headquarters_alone
from gatekeeper.domain.holdings import LEVELS, ONE, OPEN, THREE, Holdings
from gatekeeper.domain.interest import WHOLE, percent_text
from gatekeeper.domain.party import Party
from gatekeeper.domain.telling import Fact, facts_of, named, tied, told
from gatekeeper.domain.tier import Tier, TierFinding, TierReason, TierTable
from gatekeeper.domain.trails import Trails

# A group of ten thousand has as many reasons; nobody reads more than the strictest.
REASONS_MAX = 20
# More parties than a customer's record may hold; of longer paths both ends are kept.
PATH_MAX = 256


def resolve(parties: Mapping[str, Party], party_id: str, table: TierTable, as_of: date) -> TierFinding:
    """Tier of one party on a day, from it and all its owners.

    Order-independent and safe with circles. Owners that only own each other have no ultimate parent, which leaves the
    tier unresolved however clean the circle looks.
    """
    found = by_headquarters_alone(parties, party_id, table, as_of)
    return found or Resolver(Settled(Holdings(parties, (party_id,), table, as_of))).finding(party_id)


def resolve_all(parties: Mapping[str, Party], table: TierTable, as_of: date) -> dict[str, Tier]:
    """Tier of every party on a day, without reasons."""
    settled = Settled(Holdings(parties, parties, table, as_of))
    return {each: LEVELS[level] for each, level in zip(parties, settled.level, strict=False)}


@dataclass(frozen=True, slots=True)
class _Ground:
    """A reason before it is put into words.

    Attributes:
        number: a party that controls the one asked about, or that one itself; rank: as how many-th it was reached.
        fact: what it is by itself; None where its owners bring it a level by their shares.
        rise: the owner, or the owners up to the one that counts; most: its share; total: what they hold together.
    """

    level: int
    length: int
    rank: int
    number: int
    code: str
    fact: Fact | None
    rise: tuple[int, ...] = ()
    most: int = 0
    total: int = 0

    @property
    def listed(self) -> bool:
        """Whether it is by the list rule."""
        return self.code.startswith("listed.")

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Strictest first, then shortest, then as the parties were reached."""
        return (-self.level, self.length, self.rank, self.code)


class Resolver:
    """Findings of settled holdings, one party at a time."""

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._held = settled.held
        self._trails = Trails(settled)

    def finding(self, party_id: str) -> TierFinding:
        """The tier of a party of the holdings, and why."""
        start = self._held.numbers[party_id]
        came = self._controllers(start)
        grounds = list(self._grounds(came))
        kept = heapq.nsmallest(REASONS_MAX, grounds, key=lambda each: each.order)
        reasons = tuple(self._reason(each, came) for each in kept)
        return TierFinding(party_id, self._held.day, reasons[0].tier, reasons, len(grounds) - len(kept))

    def steps(self, path: Sequence[str]) -> list[str]:
        """A path for people, one party a line: "owned 60 % by Acme Holding (SG)"."""
        above = [f"{tied(self._held, *pair)} {named(self._held.parties, pair[1])}" for pair in pairwise(path)]
        return [named(self._held.parties, path[0]), *above]

    def _controllers(self, start: int) -> dict[int, tuple[int, int]]:
        """All that control a party over any number of steps -> (whom they control, steps), nearest first."""
        ids = self._held.ids
        came = {start: (start, 0)}
        waiting = [start]
        for each in waiting:  # grows while it is read: breadth first
            control = self._held.control[each]
            for owner in sorted(control, key=ids.__getitem__) if len(control) > 1 else control:
                if owner not in came:
                    came[owner] = (each, came[each][1] + 1)
                    waiting.append(owner)
        return came

    def _grounds(self, came: Mapping[int, tuple[int, int]]) -> Iterator[_Ground]:
        held = self._held
        for rank, (number, (below, depth)) in enumerate(came.items()):
            for fact in facts_of(self._settled, number):
                code = fact.code
                if code == "hq":
                    code = "hq.own" if not depth else "branch.head_office" if held.is_branch[below] else "hq.owner"
                yield _Ground(fact.level, depth + 1, rank, number, code, fact)
            if held.shares[number]:
                found = self._of_shares(number, rank, depth)
                if depth and number in self._settled.circle:
                    # What begins at somebody on the way up is a reason there, and nobody's owner is its own reason.
                    passed = set(self._way(number, came)[:-1])
                    found = (each for each in found if passed.isdisjoint(self._rise(each)))
                yield from found

    def _of_shares(self, number: int, rank: int, depth: int) -> Iterator[_Ground]:
        """What the owners of a party bring it by their shares: each that is as strict as what they bring together."""
        held, settled = self._held, self._settled
        listed, totals = settled.listed_total(number), settled.totals(number)
        by_list = held.list_share is not None and listed >= held.list_share
        house = held.house_share
        shares: dict[int, int] = {}
        for owner, most in held.shares[number]:
            shares[owner] = shares.get(owner, 0) + most
        for owner, most in sorted(shares.items(), key=lambda each: (-each[1], held.ids[each[0]])):
            level = settled.level[owner]
            if not most or level == ONE:
                continue
            if by_list and settled.listed[owner] and settled.listed_before(owner, number):
                length = depth + 1 + self._trails.length(owner, listed=True)
                yield _Ground(THREE, length, rank, number, "listed.ownership", None, (owner,), most, listed)
            elif house is not None and totals[level] >= house and settled.before(owner, number):
                length = depth + 1 + self._trails.length(owner, listed=False)
                yield _Ground(level, length, rank, number, "house.ownership", None, (owner,), most, totals[level])
        for spread, code, is_list in (
            (settled.by_list, "listed.look_through", True),
            (settled.by_level, "house.look_through", False),
        ):
            if number in spread.through:
                rise = tuple(self._trails.through(number, listed=is_list))
                length = depth + len(rise) + self._trails.length(rise[-1], listed=is_list)
                total = spread.through[number]
                yield _Ground(settled.level[number], length, rank, number, code, None, rise, 0, total)

    def _way(self, number: int, came: Mapping[int, tuple[int, int]]) -> list[int]:
        """From the party asked about up to one that controls it."""
        way = [number]
        while came[way[-1]][1]:
            way.append(came[way[-1]][0])
        return way[::-1]

    def _rise(self, ground: _Ground) -> list[int]:
        """From there up to where the level begins."""
        return [*ground.rise[:-1], *self._trails.trail(ground.rise[-1], listed=ground.listed)]

    def _reason(self, ground: _Ground, came: Mapping[int, tuple[int, int]]) -> TierReason:
        held, path = self._held, self._way(ground.number, came)
        fact, suffix = ground.fact, ""
        if fact is None:
            path += self._rise(ground)
            fact, suffix = self._end(path[-1], ground), self._sum(ground)
        ids = tuple(held.ids[each] for each in path)
        if len(ids) > PATH_MAX:
            ids = ids[: PATH_MAX // 2] + ids[-PATH_MAX // 2 :]
        return TierReason(LEVELS[ground.level], ground.code, ids, told(held, path, fact) + suffix)

    def _end(self, number: int, ground: _Ground) -> Fact:
        """The fact that a path of owners ends with."""
        for fact in facts_of(self._settled, number):
            if fact.code == "listed.own" if ground.listed else fact.level == ground.level:
                return fact
        raise AssertionError(f"{self._held.ids[number]} has its level from nowhere")

    def _sum(self, ground: _Ground) -> str:
        """What owners hold together, where no single one holds enough."""
        held, share = self._held, percent_text(min(ground.total, WHOLE))
        name = held.parties[held.ids[ground.number]].legal_name
        if ground.code.endswith(".look_through"):
            return f", and through the circle of owners that comes to {share} % of {name}"
        if ground.most >= ((held.list_share if ground.listed else held.house_share) or WHOLE):
            return ""
        who = "owners on lists" if ground.listed else f"owners in {LEVELS[ground.level]} or stricter"
        if ground.level == OPEN:
            who = "owners that are unresolved or stricter"
        return f", and {who} together hold {share} % of {name}"
