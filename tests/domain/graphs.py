"""Ownership graphs for tests: a table of tiers, short ways to write parties, random graphs, and what a tier is by its
definition, worked out the slow way with nothing of the engine in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from hypothesis import strategies as st

from gatekeeper.domain.interest import PERCENT_1, WHOLE, Interest
from gatekeeper.domain.party import Listing, Party, PartyKind
from gatekeeper.domain.tier import Tier, TierRow, TierTable

DAY = date(2026, 11, 22)
TIERS = {"US": Tier.ONE, "IN": Tier.TWO, "": Tier.UNRESOLVED, "SU": Tier.UNRESOLVED, "CN": Tier.THREE}
TABLE = TierTable(
    rows={
        code: (TierRow(code, tier, date(2025, 1, 13), None, "test"),)
        for code, tier in TIERS.items()
        if tier is not Tier.UNRESOLVED
    },
    otherwise=Tier.TWO,
    countries=frozenset({"US", "CN", "IN"}),
)
HALF = 50 * PERCENT_1
# A parent exists and is not told.
HIDING = "NON_PUBLIC"


def share(owner: str, percent: float | None, *, most: float | None = None, ends: date | None = None) -> Interest:
    """An interest of so many percent; `most` makes it a range, None an unknown share."""
    if percent is None:
        return Interest(owner, ends=ends)
    least = round(percent * PERCENT_1)
    return Interest(owner, least, least if most is None else round(most * PERCENT_1), ends=ends)


def org(
    party_id: str, headquarters: str, *interests: Interest, parents: tuple[str, ...] = (), reason: str = ""
) -> Party:
    """An entity that says who owns it."""
    return Party(party_id, PartyKind.ORG, party_id.title(), headquarters, parents, reason, interests)


def top(party_id: str, headquarters: str, *lists: str) -> Party:
    """An entity that nobody owns, on some lists."""
    listings = tuple(map(Listing, lists))
    return Party(party_id, PartyKind.ORG, party_id.title(), headquarters, (), "listed company", listings=listings)


def person(party_id: str, residence: str, *nationalities: str) -> Party:
    """A natural person."""
    return Party(party_id, PartyKind.PERSON, party_id.title(), residence, nationalities=nationalities)


def branch(party_id: str, head_office: str) -> Party:
    """A branch."""
    return Party(party_id, PartyKind.ORG, party_id.title(), branch_of=head_office)


NAMES = [f"p{index}" for index in range(6)]


@st.composite
def graphs(draw: st.DrawFn, *, names: list[str] = NAMES, acyclic: bool = False) -> dict[str, Party]:
    """Any graph: circles, branches, persons, listings, missing owners, ended and unknown shares."""
    parties: dict[str, Party] = {}
    chosen = names[: draw(st.integers(1, len(names)))]
    for index, name in enumerate(chosen):
        others = names[index + 1 :] if acyclic else [each for each in names if each != name]
        kind = draw(st.sampled_from([*[PartyKind.ORG] * 6, PartyKind.PERSON, PartyKind.STATE]))
        parties[name] = draw(_parties(name, kind, others))
    return parties


@st.composite
def _parties(draw: st.DrawFn, name: str, kind: PartyKind, others: list[str]) -> Party:
    code = st.sampled_from(["US", "US", "US", "IN", "", "SU", "CN"])
    lists = draw(st.lists(st.sampled_from(["sdn", "entity-list"]), unique=True, max_size=1))
    listings = tuple(Listing(each, ends=draw(st.sampled_from([None, None, DAY]))) for each in lists)
    if kind is PartyKind.PERSON:
        nationalities = tuple(sorted(filter(None, draw(st.sets(code, max_size=2)))))
        return Party(name, kind, name, draw(code), listings=listings, nationalities=nationalities)
    if kind is PartyKind.STATE or not others:
        return Party(name, kind, name, draw(code), (), draw(st.sampled_from(["", "x", HIDING])), listings=listings)
    if draw(st.integers(0, 9)) == 0:
        return Party(name, kind, name, branch_of=draw(st.sampled_from(others)), listings=listings)
    parents = tuple(draw(st.lists(st.sampled_from(others), unique=True, max_size=1)))
    reason = "" if parents else draw(st.sampled_from(["", "x", HIDING]))
    return Party(name, kind, name, draw(code), parents, reason, draw(_interests(others)), listings)


@st.composite
def _interests(draw: st.DrawFn, others: list[str]) -> tuple[Interest, ...]:
    found, left = [], 100
    for owner in draw(st.lists(st.sampled_from(others), unique=True, max_size=3)):
        least = draw(st.sampled_from([0, 0, 10, 15, 25, 40, 50, 60, 100]))
        least = min(least, left)
        left -= least
        most = draw(st.sampled_from([None, least, least, least, min(100, least + 10), min(100, least + 30)]))
        ends = draw(st.sampled_from([None, None, None, DAY, date(2027, 1, 1)]))
        top_ = None if most is None else most * PERCENT_1
        found.append(Interest(owner, least * PERCENT_1, top_, ends=ends))
    return tuple(found)


_SHARES = ((0, 0), (25, 25), (40, 40), (50, 50), (60, 60), (100, 100), (0, 90), (30, None), (0, None))


@st.composite
def tangles(draw: st.DrawFn, *, names: list[str] = NAMES) -> dict[str, Party]:
    """Parties that own each other in circles, of some of which nobody has said who owns the rest, and few others."""
    count = draw(st.integers(2, len(names)))
    ring = draw(st.permutations(names[:count]))
    beside = [*names[:count], "gone"]
    parties: dict[str, Party] = {}
    for index, name in enumerate(ring):
        owners = dict.fromkeys((ring[(index + 1) % count], *draw(st.lists(st.sampled_from(beside), max_size=2))))
        interests, left = [], 100
        for owner in owners:
            least, most = draw(st.sampled_from(_SHARES))
            if owner != name and least <= left:
                left -= least
                interests.append(share(owner, least, most=most) if most is not None else Interest(owner, least))
        parents = tuple(each for each in draw(st.lists(st.sampled_from(beside), max_size=1)) if each != name)
        reason = "" if parents else draw(st.sampled_from(["", "", "x", HIDING]))
        listings = (Listing("sdn"),) if draw(st.integers(0, 11)) == 0 else ()
        code = draw(st.sampled_from(["US"] * 8 + ["IN", "CN", ""]))
        parties[name] = Party(name, PartyKind.ORG, name, code, parents, reason, tuple(interests), listings)
    if draw(st.booleans()):
        foot = draw(st.sampled_from(ring))
        parties[foot] = branch(foot, draw(st.sampled_from([each for each in beside if each != foot])))
    return parties


def defined(parties: Mapping[str, Party]) -> dict[str, Tier]:
    """The tier of every party and every owner that is named, as the definition has it."""
    return _Definition(parties).tiers()


class _Definition:
    """Everything by names, tried again and again until nothing changes."""

    def __init__(self, parties: Mapping[str, Party]) -> None:
        self.parties = parties
        named = {owner for party in parties.values() for owner in self.owners(party)}
        self.names = sorted(named | set(parties))
        self.up = {each: self._reach(each) for each in self.names}

    def owners(self, party: Party | None) -> set[str]:
        if party is None:
            return set()
        held = {each.owner for each in party.interests if each.holds_on(DAY)}
        return held | set(party.parents) | ({party.branch_of} if party.branch_of else set())

    def _reach(self, start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = self.owners(self.parties.get(waiting.pop())) - found
            found |= fresh
            waiting += fresh
        return found

    def circle(self, name: str) -> set[str]:
        return {each for each in self.up[name] if name in self.up[each]}

    def hangs(self, name: str) -> bool:
        """Whether nobody above it is an end, and nobody says why nobody owns it."""
        above = {name} | self.up[name]
        known = [self.parties.get(each) for each in above]
        return not any(party is None or self.reasoned(party) or not self.owners(party) for party in known)

    def alone(self, name: str) -> int:
        party = self.parties.get(name)
        if party is None:
            return 2
        found = [0]
        if any(each.holds_on(DAY) for each in party.listings):
            found.append(3)
        if self.hangs(name):
            found.append(2)
        if not party.branch_of:
            found.append(TIERS[party.headquarters].strictness)
            if party.kind is PartyKind.PERSON:
                found += [TIERS[each].strictness for each in party.nationalities or ("",)]
        if self.hidden(name) >= HALF or (party.no_parent_reason == HIDING and party.kind is PartyKind.ORG):
            found.append(2)
        return max(found)

    def reasoned(self, party: Party) -> bool:
        return party.no_parent_reason not in ("", HIDING)

    def hidden(self, name: str) -> int:
        party = self.parties.get(name)
        if party is None or party.parents or self.reasoned(party) or party.branch_of or party.kind is not PartyKind.ORG:
            return 0
        return WHOLE - sum(each.least for each in party.interests if each.holds_on(DAY))

    def shares(self, name: str) -> list[tuple[str, int]]:
        party = self.parties.get(name)
        held = [each for each in party.interests if each.holds_on(DAY)] if party else []
        return [(each.owner, max(HALF, each.least) if each.most is None else each.most) for each in held]

    def tiers(self) -> dict[str, Tier]:
        level = {each: self.alone(each) for each in self.names}
        while True:
            now = {each: self.again(each, level) for each in self.names}
            if now == level:
                return {each: list(Tier)[found] for each, found in level.items()}
            level = now

    def again(self, name: str, level: dict[str, int]) -> int:
        party = self.parties.get(name)
        control = ({*party.parents} | ({party.branch_of} if party.branch_of else set())) if party else set()
        found = max([level[name], *(level[each] for each in control)])
        for least in (1, 2, 3):
            held = sum(most for owner, most in self.shares(name) if level[owner] >= least)
            if held + (self.hidden(name) if least <= 2 else 0) >= HALF or self.linear(name, least, level) >= HALF:
                found = max(found, least)
        return found

    def linear(self, name: str, least: int, level: dict[str, int]) -> int:
        members = self.circle(name)
        if len(members) < 2:
            return 0
        share = dict.fromkeys(members, 0)
        while True:
            now = {}
            for each in members:
                whole = self.hidden(each) if least <= 2 else 0
                part = 0
                for owner, most in self.shares(each):
                    if level[owner] >= least:
                        whole += most
                    elif owner in members:
                        part += most * share[owner]
                now[each] = min(WHOLE, whole + (part + WHOLE - 1) // WHOLE)
            if now == share:
                return share[name]
            share = now
