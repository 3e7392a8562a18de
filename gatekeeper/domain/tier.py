"""Tiers, the dated table of countries that they are read from, and a finding: a party's tier with its reasons.

The test is the headquarters, not the place of incorporation, the server or the users: "headquartered in, or whose
ultimate parent is headquartered in" (15 CFR 740 Supplement No. 5, 742.6(a)(13); 90 FR 4544, 2025-01-15). What is
missing is *unresolved*: it blocks like the strictest tier and keeps its own name. How a party's tier follows from its
owners is in `resolving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.ownership import ON_BY_HALF, Ownership


class Tier(Enum):
    """Tier of a customer. UNRESOLVED stands below THREE: nothing that is still unknown can change a Tier 3."""

    ONE = "1"
    TWO = "2"
    UNRESOLVED = "unresolved"
    THREE = "3"

    @property
    def strictness(self) -> int:
        """Order in which the worst wins."""
        return _ORDER[self.value]

    def __str__(self) -> str:
        return "tier unresolved" if self is Tier.UNRESOLVED else f"Tier {self.value}"


_ORDER = {tier.value: place for place, tier in enumerate(Tier)}


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
        ownership: the rules on shares; None in logs from before there were any: parents alone count, and a person is
            judged by residence like a company by its headquarters.
        begins: the first day on which the table is whole; None for one that speaks of all days. Earlier a country is
            unresolved, or Tier 3 where a row says so: what nobody wrote down is never milder.
    """

    rows: Mapping[str, tuple[TierRow, ...]]
    otherwise: Tier
    countries: frozenset[str]
    parents: Mapping[str, str] = field(default_factory=dict)
    occupied: frozenset[str] = frozenset()
    ownership: Ownership | None = ON_BY_HALF
    begins: date | None = None

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
        tier = self._placed(country, day)
        return worst((tier, Tier.UNRESOLVED)) if self.is_before(day) else tier

    def is_before(self, day: date) -> bool:
        """Whether a day is before the first one of the table."""
        return self.begins is not None and day < self.begins

    @property
    def days(self) -> set[date]:
        """Days on which a row begins or ends, or the table itself begins."""
        rows = [row for each in self.rows.values() for row in each]
        found = {day for row in rows for day in (row.effective_from, row.effective_to)} | {self.begins}
        return {day for day in found if day is not None}

    def _placed(self, country: str, day: date) -> Tier:
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
    """The tier of a party on a day and its reasons, strictest first; at least `more` of them were left
    out as too many. `listed`: whether any reason, also one left out, begins at a party on a list."""

    party_id: str
    as_of: date
    tier: Tier
    reasons: tuple[TierReason, ...]
    more: int = 0
    listed: bool = False

    @property
    def deciding(self) -> TierReason:
        """The reason that decided: the first of the strictest."""
        return self.reasons[0]
