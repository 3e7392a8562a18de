"""Tier of a party on a day: worst over itself and its owners, each reason with the path that explains it.

Three tests, worst wins: the headquarters of the party and of every parent, whatever they own; listed parties that own
half; owners of a stricter tier that own half. What each of them finds is a reason of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.ground import Ground
from gatekeeper.domain.grounds import Grounds
from gatekeeper.domain.headquarters import by_headquarters_alone
from gatekeeper.domain.holdings import LEVELS, OPEN, Holdings
from gatekeeper.domain.interest import WHOLE, percent_text
from gatekeeper.domain.party import Party
from gatekeeper.domain.telling import Fact, facts_of, hidden_share, named, tied, told
from gatekeeper.domain.tier import Tier, TierFinding, TierReason, TierTable
from gatekeeper.domain.way import Way

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


class Resolver:
    """Findings of settled holdings, one party at a time."""

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._held = settled.held
        self._grounds = Grounds(settled)

    def finding(self, party_id: str) -> TierFinding:
        """The tier of a party of the holdings, and why."""
        number = self._held.numbers[party_id]
        kept, level = self._grounds.of(number), LEVELS[self._settled.level[number]]
        reasons = tuple(self._reason(*each) for each in kept.grounds)
        return TierFinding(party_id, self._held.day, level, reasons, kept.more, kept.listed)

    def steps(self, path: Sequence[str]) -> list[str]:
        """A path for people, one party a line: "owned 60 % by Acme Holding (SG)"."""
        above = [f"{tied(self._held, *pair)} {named(self._held.parties, pair[1])}" for pair in pairwise(path)]
        return [named(self._held.parties, path[0]), *above]

    def _reason(self, ground: Ground, way: Way) -> TierReason:
        held, path = self._held, way.numbers(PATH_MAX)
        fact, suffix = ground.fact, ""
        if fact is None:
            fact, suffix = self._end(way.last, ground), self._sum(ground)
        ids = tuple(held.ids[each] for each in path)
        return TierReason(LEVELS[ground.level], ground.code, ids, told(held, path, way.length, fact) + suffix)

    def _end(self, number: int, ground: Ground) -> Fact:
        """The fact that a path of owners ends with: of the level that it brings, or else of a stricter one."""
        facts = list(facts_of(self._settled, number))
        for fact in facts:
            if fact.code == "listed.own" if ground.listed else fact.level == ground.level:
                return fact
        if self._held.undisclosed[number]:
            return hidden_share(self._held, number, ground.level)
        stricter = [each for each in facts if each.level > ground.level]
        if stricter:
            return min(stricter, key=lambda each: each.level)
        name = named(self._held.parties, self._held.ids[number])
        return Fact(ground.level, ground.code, f"the circle of owners around {name} comes to {LEVELS[ground.level]}")

    def _sum(self, ground: Ground) -> str:
        """What owners hold together, where no single one holds enough."""
        held, share = self._held, percent_text(min(ground.total, WHOLE))
        name = held.parties[held.ids[ground.way.number]].legal_name
        if ground.code.endswith(".look_through"):
            return f", and through the circle of owners that comes to {share} % of {name}"
        if ground.code == "ownership.entangled":
            return f", and the circles of owners around {name} come to {LEVELS[ground.level]}"
        if ground.most >= ((held.list_share if ground.listed else held.house_share) or WHOLE):
            return ""
        who = "owners on lists" if ground.listed else f"owners in {LEVELS[ground.level]} or stricter"
        if ground.level == OPEN:
            who = "owners that are unresolved or stricter"
        return f", and {who} together hold {share} % of {name}"
