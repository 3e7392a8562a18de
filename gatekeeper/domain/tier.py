"""Tier of a customer on a date: its own headquarters and its owners', worst wins, with the path that explains it.

The test is the headquarters, not the place of incorporation, the server or the users: "headquartered in, or whose
ultimate parent is headquartered in" (15 CFR 740 Supplement No. 5, 742.6(a)(13); 90 FR 4544, 2025-01-15). What is
missing is *unresolved*: it blocks like the strictest tier and keeps its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """Dated tiers by country. A country on no row has `otherwise`; a code that is no country is unresolved."""

    rows: Mapping[str, tuple[TierRow, ...]]
    otherwise: Tier
    countries: frozenset[str]

    def __post_init__(self) -> None:
        if self.otherwise is Tier.ONE:
            raise InvalidInput("A country that no row names can never be Tier 1.")
        unknown = sorted(set(self.rows) - self.countries)
        if unknown:
            raise InvalidInput(f"The tier table names codes that are no countries: {', '.join(unknown)}.")

    def tier_of(self, country: str, day: date) -> Tier:
        """Tier of a country on a day; the strictest row where several hold."""
        if country not in self.countries:
            return Tier.UNRESOLVED
        holding = [row.tier for row in self.rows.get(country, ()) if row.holds_on(day)]
        return worst(holding) if holding else self.otherwise


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

    Order-independent and safe with cycles: each party is judged once, by the shortest path to it.
    """
    reasons: list[TierReason] = []
    roots = 0
    seen: set[str] = {party_id}
    waiting: list[tuple[str, ...]] = [(party_id,)]
    while waiting:
        path = waiting.pop(0)
        party = parties.get(path[-1])
        if party is None:
            reasons.append(_missing(parties, path))
            continue
        reasons.append(_by_headquarters(parties, party, path, table, as_of))
        if not party.parents:
            roots += 1
            if not party.no_parent_reason:
                reasons.append(_unknown_parent(parties, party, path))
        for parent in party.parents:
            if parent not in seen:
                seen.add(parent)
                waiting.append((*path, parent))
    if not roots and parties.get(party_id) is not None:
        text = f"{_chain(parties, (party_id,))}: its owners own each other in a circle and no ultimate parent is known"
        reasons.append(TierReason(Tier.UNRESOLVED, "parent.circular", (party_id,), text))
    reasons.sort(key=lambda reason: (-reason.tier.strictness, len(reason.path), reason.path, reason.code))
    return TierFinding(party_id, as_of, reasons[0].tier, tuple(reasons))


def _chain(parties: Mapping[str, Party], path: tuple[str, ...]) -> str:
    """The path for people: "Acme Inc (US) owned by Acme Group (CN)"."""
    names = [
        f"{party.legal_name} ({party.headquarters or 'headquarters unknown'})" if (party := parties.get(each)) else each
        for each in path
    ]
    return " owned by ".join(names)


def _by_headquarters(
    parties: Mapping[str, Party], party: Party, path: tuple[str, ...], table: TierTable, as_of: date
) -> TierReason:
    chain = _chain(parties, path)
    if not party.headquarters:
        return TierReason(Tier.UNRESOLVED, "hq.unknown", path, f"{chain}: nobody has recorded its headquarters")
    tier = table.tier_of(party.headquarters, as_of)
    if tier is Tier.UNRESOLVED:
        text = f"{chain}: {party.headquarters} is no country that the policy pack knows"
        return TierReason(tier, "hq.unknown_country", path, text)
    where = "headquartered" if len(path) == 1 else "an owner is headquartered"
    return TierReason(tier, "hq.own" if len(path) == 1 else "hq.owner", path, f"{chain}: {where} in {tier}")


def _unknown_parent(parties: Mapping[str, Party], party: Party, path: tuple[str, ...]) -> TierReason:
    text = f"{_chain(parties, path)}: nobody has said who owns {party.legal_name}, or why nobody does"
    return TierReason(Tier.UNRESOLVED, "parent.unknown", path, text)


def _missing(parties: Mapping[str, Party], path: tuple[str, ...]) -> TierReason:
    return TierReason(Tier.UNRESOLVED, "party.missing", path, f"{_chain(parties, path)}: no record of this party")
