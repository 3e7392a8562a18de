"""Rules of a policy pack: what it does in which cells of its table, and the questions that its holds ask.

A cell is the tier of a customer, a site, and the tier of the site's country by the pack's own table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.tier import Tier


class Action(StrEnum):
    """What a pack does with a tier at a site."""

    ALLOW = "allow"  # without a budget
    BUDGET = "budget"  # within the threshold, by reservations; what happens beyond it: `Rule.beyond`
    NOTIFY = "notify"  # without a budget; near and past the threshold the provider is told
    HOLD = "hold"  # waits until an inquiry is answered
    DENY = "deny"


class InquiryKind(StrEnum):
    """What answers an inquiry."""

    LICENCE = "licence"  # a licence number or a notice given, for so many operations
    ATTESTATION = "attestation"  # a signed statement about the end use


@dataclass(frozen=True, slots=True)
class Cells:
    """For which cells of a table something is said: these tiers, authorizations, countries, tiers of the data centre's
    country (None: any)."""

    tiers: frozenset[Tier] | None = None
    authorizations: frozenset[ChipAuthorization] | None = None
    countries: frozenset[str] | None = None
    site_tiers: frozenset[Tier] | None = None

    def hold(self, tier: Tier, site: Site, site_tier: Tier) -> bool:
        """Whether this tier at this site is among them."""
        return (
            (self.tiers is None or tier in self.tiers)
            and (self.authorizations is None or site.chip_authorization in self.authorizations)
            and (self.countries is None or site.country in self.countries)
            and (self.site_tiers is None or site_tier in self.site_tiers)
        )


EVERYWHERE = Cells()


@dataclass(frozen=True, slots=True)
class InquiryTerms:
    """A question that a pack asks before it lets work go on: `asks` is a clause, "whether the customer ...".

    Attributes:
        when: the cells in which a rule that names it asks it.
    """

    id: str
    kind: InquiryKind
    asks: str
    source: str
    when: Cells = EVERYWHERE

    @property
    def question(self) -> str:
        """What an inquiry says; by it those are known that were opened before questions had ids."""
        return f"Inquire {self.asks} ({self.source})."


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a pack's table: for these tiers, under these authorizations, in these countries (None: any).

    Attributes:
        site_tiers: tiers of the data centre's country by the pack's own table; unresolved where nobody knows it.
        beyond: what a budget does that cannot cover a workload: DENY, or HOLD until its inquiry is answered.
        inquiries: ids of the questions that a hold asks, each where its own terms say; all of them have to be answered.
    """

    tiers: frozenset[Tier]
    action: Action
    code: str
    text: str
    source: str
    authorizations: frozenset[ChipAuthorization] | None = None
    countries: frozenset[str] | None = None
    site_tiers: frozenset[Tier] | None = None
    beyond: Action = Action.DENY
    inquiries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.beyond not in (Action.DENY, Action.HOLD) or (self.holds and not self.inquiries):
            raise InvalidInput(f"Rule {self.code}: a hold names the inquiry that ends it; beyond is deny or hold.")
        if self.inquiries and not self.holds:
            raise InvalidInput(f"Rule {self.code} names an inquiry and never holds.")

    @property
    def holds(self) -> bool:
        """Whether it may put work on hold."""
        return self.action is Action.HOLD or (self.action is Action.BUDGET and self.beyond is Action.HOLD)

    def applies(self, tier: Tier, site: Site, site_tier: Tier) -> bool:
        """Whether the row speaks of this tier at this site."""
        return Cells(self.tiers, self.authorizations, self.countries, self.site_tiers).hold(tier, site, site_tier)


def questions_of(
    rule: Rule, inquiries: Iterable[InquiryTerms], tier: Tier, site: Site, site_tier: Tier
) -> tuple[InquiryTerms, ...]:
    """What a rule that holds asks of a tier at a site: all of it has to be answered."""
    return tuple(each for each in inquiries if each.id in rule.inquiries and each.when.hold(tier, site, site_tier))


def cells_of(rule: Rule, inquiries: Iterable[InquiryTerms]) -> Iterator[tuple[Tier, Site, Tier]]:
    """The cells that a rule may be taken in, as far as it or a question tells them apart."""
    named = (rule.countries, *(each.when.countries for each in inquiries))
    countries = {"", *(country for each in named for country in each or ())}
    for tier in rule.tiers:
        for chips in ChipAuthorization:
            for country in sorted(countries):
                for site_tier in Tier:
                    site = Site(country, chips)
                    if rule.applies(tier, site, site_tier):
                        yield tier, site, site_tier


_RESOLVED = frozenset({Tier.ONE, Tier.TWO, Tier.THREE})


def tell_tiers_apart(rules: Iterable[Rule]) -> bool:
    """Whether any rule is for some of the tiers 1 to 3 and not for others, or shares out a budget: those are pooled by
    owner, so whose owners nobody knows is told apart from all others."""
    return any(not rule.tiers >= _RESOLVED or rule.action is Action.BUDGET for rule in rules)


def rule_among(rules: Sequence[Rule], tier: Tier, site: Site, site_tier: Tier) -> Rule | None:
    """The first rule that applies. Who is unresolved is taken as Tier 3 where that makes no difference: it blocks only
    because a milder rule may be for others."""
    if tier is Tier.UNRESOLVED and not tell_tiers_apart(rules):
        tier = next((each for each in (tier, Tier.THREE) if any(each in rule.tiers for rule in rules)), tier)
    return next((rule for rule in rules if rule.applies(tier, site, site_tier)), None)
