"""Tier of a customer on a date: its own headquarters and its owners', worst wins, with the path that explains it.

The test is the headquarters, not the place of incorporation, the server or the users: "headquartered in, or whose
ultimate parent is headquartered in" (15 CFR 740 Supplement No. 5, 742.6(a)(13); 90 FR 4544, 2025-01-15). What is
missing is *unresolved*: it blocks like the strictest tier and keeps its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party


class Tier(Enum):
    """Tier of a customer. UNRESOLVED stands below THREE: nothing that is still unknown can change a Tier 3."""

    ONE = "1"
    TWO = "2"
    UNRESOLVED = "unresolved"
    THREE = "3"

    @property
    def strictness(self) -> int:
        """Order in which the worst wins."""
        return list(Tier).index(self)

    def __str__(self) -> str:
        return "tier unresolved" if self is Tier.UNRESOLVED else f"Tier {self.value}"


def worst(tiers: Iterable[Tier]) -> Tier:
    """The strictest of some tiers; unresolved where there are none."""
    return max(tiers, key=lambda tier: tier.strictness, default=Tier.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class TierRow:
    """A country was in a tier from a day on, up to but without another (None: still), by a source."""

    country: str
    tier: Tier
    effective_from: date
    effective_to: date | None
    source: str

    def __post_init__(self) -> None:
        if self.tier is Tier.UNRESOLVED or not self.source:
            raise InvalidInput(f"Tier row for {self.country}: needs a tier of 1 to 3 and a source.")
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            raise InvalidInput(f"Tier row for {self.country}: ends before it begins.")

    def holds_on(self, day: date) -> bool:
        """Whether the row is in force on that day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True, slots=True)
class TierTable:
    """Dated tiers by country. A country on no row has `otherwise`; a code that is no country is unresolved.

    Attributes:
        parents: dependency, region or occupied part -> its state. On no row it has `otherwise`, or the tier of its
            state where that is stricter: never the Tier 1 of its state.
        occupied: parts of states that others hold: unresolved where no row names them.
    """

    rows: Mapping[str, tuple[TierRow, ...]]
    otherwise: Tier
    countries: frozenset[str]
    parents: Mapping[str, str] = field(default_factory=dict)
    occupied: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.otherwise is Tier.ONE:
            raise InvalidInput("A country that no row names can never be Tier 1.")
        unknown = sorted(set(self.rows) - self.countries)
        if unknown:
            raise InvalidInput(f"The tier table names codes that are no countries: {', '.join(unknown)}.")
        if not self.parents.keys().isdisjoint(self.parents.values()):
            raise InvalidInput("A code that belongs to another cannot have others belong to it.")

    def tier_of(self, country: str, day: date) -> Tier:
        """Tier of a country on a day; the strictest row where several hold."""
        if country not in self.countries:
            return Tier.UNRESOLVED
        holding = [row.tier for row in self.rows.get(country, ()) if row.holds_on(day)]
        if holding:
            return worst(holding)
        if country in self.occupied:
            return Tier.UNRESOLVED
        state = self.parents.get(country)
        return self.otherwise if state is None else worst((self.otherwise, self.tier_of(state, day)))

    def rows_behind(self, country: str) -> tuple[TierRow, ...]:
        """All rows that the tier of a country may ever rest on: its own and those of its state."""
        return (*self.rows.get(country, ()), *self.rows.get(self.parents.get(country, ""), ()))

    def partner_of(self, country: str, day: date) -> str:
        """The Tier 1 state to which a country belongs that no row names on that day; "" for none: a person should
        look at it, since lawyers may count it as that state."""
        state = self.parents.get(country, "")
        named = any(row.holds_on(day) for row in self.rows.get(country, ()))
        return state if state and not named and self.tier_of(state, day) is Tier.ONE else ""


@dataclass(frozen=True, slots=True)
class TierReason:
    """One fact that a tier rests on: a code for programs, the path of party ids, a sentence for people."""

    tier: Tier
    code: str
    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class TierFinding:
    """The tier of a party on a day and every reason, strictest first."""

    party_id: str
    as_of: date
    tier: Tier
    reasons: tuple[TierReason, ...]

    @property
    def deciding(self) -> TierReason:
        """The reason that decided: the first of the strictest."""
        return self.reasons[0]


def resolve(parties: Mapping[str, Party], party_id: str, table: TierTable, as_of: date) -> TierFinding:
    """Tier of one party on a day: worst over itself and all its owners up to the ultimate parents.

    Order-independent and safe with cycles: each party is judged once, by the shortest path to it. Owners that only
    own each other have no ultimate parent, which leaves the tier unresolved however clean the circle looks.
    """
    paths: dict[str, tuple[str, ...]] = {party_id: (party_id,)}
    waiting = [party_id]
    for each in waiting:  # grows while it is read: breadth first
        for parent in sorted(parties[each].parents) if each in parties else ():
            if parent not in paths:
                paths[parent] = (*paths[each], parent)
                waiting.append(parent)
    reasons: list[TierReason] = []
    for each, path in paths.items():
        party = parties.get(each)
        if party is None:
            text = _told(parties, path, f"there is no record of {each}")
            reasons.append(TierReason(Tier.UNRESOLVED, "party.missing", path, text))
            continue
        reasons.append(_by_headquarters(parties, party, path, table, as_of))
        if not party.parents and not party.no_parent_reason:
            text = _told(parties, path, f"nobody has said who owns {party.legal_name}, or why nobody does")
            reasons.append(TierReason(Tier.UNRESOLVED, "parent.unknown", path, text))
    for each in set(paths) - _with_ultimate_parent(parties, paths):
        text = _told(parties, paths[each], f"the owners of {parties[each].legal_name} only own each other in a circle")
        reasons.append(TierReason(Tier.UNRESOLVED, "parent.circular", paths[each], text))
    reasons.sort(key=lambda reason: (-reason.tier.strictness, len(reason.path), reason.path, reason.code))
    return TierFinding(party_id, as_of, reasons[0].tier, tuple(reasons))


def _with_ultimate_parent(parties: Mapping[str, Party], reached: Iterable[str]) -> set[str]:
    """Those of some parties that have a way up to a party without parents, or to one that is not on record."""
    owned: dict[str, list[str]] = {}
    waiting: list[str] = []
    for each in reached:
        parents = parties[each].parents if each in parties else ()
        for parent in parents:
            owned.setdefault(parent, []).append(each)
        if not parents:
            waiting.append(each)
    found = set(waiting)
    while waiting:
        below = [each for each in owned.get(waiting.pop(), ()) if each not in found]
        found.update(below)
        waiting.extend(below)
    return found


def _chain(parties: Mapping[str, Party], path: tuple[str, ...]) -> str:
    """The path for people: "Acme Inc (US) is owned by Acme Holding (SG), which is owned by Acme Group (CN)"."""
    first, *owners = [
        f"{party.legal_name} ({party.headquarters or 'headquarters unknown'})" if (party := parties.get(each)) else each
        for each in path
    ]
    return first + (" is owned by " + ", which is owned by ".join(owners) if owners else "")


def _told(parties: Mapping[str, Party], path: tuple[str, ...], fact: str) -> str:
    """A fact about the last party of a path, after the path where there is one: a clause that can follow "because"."""
    return fact if len(path) == 1 else f"{_chain(parties, path)}, and {fact}"


def _by_headquarters(
    parties: Mapping[str, Party], party: Party, path: tuple[str, ...], table: TierTable, as_of: date
) -> TierReason:
    if not party.headquarters:
        fact = f"nobody has recorded where {party.legal_name} is headquartered"
        return TierReason(Tier.UNRESOLVED, "hq.unknown", path, _told(parties, path, fact))
    tier = table.tier_of(party.headquarters, as_of)
    if tier is Tier.UNRESOLVED and party.headquarters in table.occupied:
        fact = f"{party.headquarters}, where {party.legal_name} is headquartered, is held by others than its state"
        return TierReason(tier, "hq.occupied", path, _told(parties, path, fact))
    if state := table.partner_of(party.headquarters, as_of):
        fact = f"{party.headquarters} belongs to {state} and is no partner of its own, which makes it {tier}"
        return TierReason(tier, "hq.dependency", path, _told(parties, path, fact))
    if tier is Tier.UNRESOLVED:
        fact = f"the headquarters of {party.legal_name} are recorded in {party.headquarters}, which is no known country"
        return TierReason(tier, "hq.unknown_country", path, _told(parties, path, fact))
    if len(path) == 1:
        return TierReason(tier, "hq.own", path, f"{_chain(parties, path)} is headquartered in {tier}")
    return TierReason(tier, "hq.owner", path, f"{_chain(parties, path)}, headquartered in {tier}")
