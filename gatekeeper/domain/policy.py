"""A policy pack as values: one regime, dated and cited, and how an operator runs it.

The code knows no country and no threshold: all of them stand in packs. Reading the files is `policy_files`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gatekeeper.domain.allowances import NO_ALLOWANCES, Allowances
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.rule import (
    Action,
    Cells,
    InquiryKind,
    InquiryTerms,
    Rule,
    cells_of,
    questions_of,
    rule_among,
    tell_tiers_apart,
)
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.tier import Tier, TierTable
from gatekeeper.domain.units import SECONDS_PER_DAY

__all__ = [
    "Action",
    "ActivePack",
    "Cells",
    "ChipAuthorization",
    "InquiryKind",
    "InquiryTerms",
    "LeaseTerms",
    "LegalStatus",
    "Mode",
    "Pack",
    "Rule",
    "Site",
    "Threshold",
    "left_open",
    "questions_of",
    "rule_among",
]

PERCENT = 100
# Kubernetes holds activeDeadlineSeconds in 31 bits; half a year is longer than any lease should be.
LONGEST_LEASE_S = 180 * SECONDS_PER_DAY


class Mode(StrEnum):
    """How far an operator lets a pack go."""

    OFF = "off"
    OBSERVE = "observe"  # records what it would say
    WARN = "warn"  # tells the customer, lets the work start
    ENFORCE = "enforce"


class LegalStatus(StrEnum):
    """Where the regime stands in law."""

    IN_FORCE = "in_force"
    IN_FORCE_LATER = "in_force_later"  # enacted; effective_from is yet to come
    GUIDANCE = "guidance"  # how an agency says that it enforces rules which are in force
    IN_CFR_NOT_ENFORCED = "in_cfr_not_enforced"
    PROPOSED = "proposed"
    HOUSE = "house"


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a released pod may run: a share of what the budget allows, between a shortest and a longest lease."""

    shortest_s: int
    longest_s: int
    share_percent: int

    def __post_init__(self) -> None:
        if not 0 < self.shortest_s <= self.longest_s <= LONGEST_LEASE_S:
            raise InvalidInput("Leases must satisfy 0 < shortest <= longest <= 180 days.")
        if not 0 < self.share_percent <= PERCENT:
            raise InvalidInput("The share of a lease is 1 to 100 percent of what is left.")


@dataclass(frozen=True, slots=True)
class Pack:
    """One regime as read from `policies/<id>/`; `sha256` is over the bytes of its pack.yaml.

    Attributes:
        effective_from, effective_to: first day of the regime, and the first one after it (None: none is known). It
            says nothing outside of them.
        threshold: None where the regime has none.
    """

    id: str
    version: date
    title: str
    legal_status: LegalStatus
    default_mode: Mode
    tiers: TierTable
    threshold: Threshold | None
    rules: tuple[Rule, ...]
    lease: LeaseTerms
    warn_percent: int
    remedy: str
    citations: tuple[str, ...]
    sha256: str
    effective_from: date = date.min
    effective_to: date | None = None
    allowances: Allowances = NO_ALLOWANCES
    inquiries: tuple[InquiryTerms, ...] = ()

    def __post_init__(self) -> None:
        checked_identifier(self.id, "policy pack")
        if not self.citations or not self.rules:
            raise InvalidInput(f"Policy pack {self.id} needs citations and rules.")
        if not 0 < self.warn_percent < PERCENT:
            raise InvalidInput(f"Policy pack {self.id}: warn_percent is 1 to 99 percent of the limit.")
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            raise InvalidInput(f"Policy pack {self.id} ends before it begins.")
        for rule in self.rules:
            if rule.action in (Action.ALLOW, Action.BUDGET) and Tier.UNRESOLVED in rule.tiers:
                raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} would let an unresolved customer through.")
            if rule.action in (Action.BUDGET, Action.NOTIFY) and self.threshold is None:
                raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} needs a threshold, and there is none.")
            self._check_questions(rule)

    def _check_questions(self, rule: Rule) -> None:
        """A hold always asks something, and what lifts a limit says to which amount."""
        known = {each.id: each for each in self.inquiries}
        if missing := [each for each in rule.inquiries if each not in known]:
            raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} asks {missing[0]!r}, which it has not.")
        if len(set(rule.inquiries)) < len(rule.inquiries):
            raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} asks a question twice.")
        for cell in cells_of(rule, self.inquiries) if rule.holds else ():
            asked = questions_of(rule, self.inquiries, *cell)
            if not asked:
                raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} holds, and asks nothing in a cell of it.")
            if rule.action is Action.BUDGET and all(each.kind is not InquiryKind.LICENCE for each in asked):
                raise InvalidInput(
                    f"Policy pack {self.id}: rule {rule.code} holds past a budget, and no answer to it says how far.",
                    hint="Let it ask a question of kind licence.",
                )

    @property
    def only_notifies(self) -> bool:
        """Whether it never asks anything of a customer: an advisory regime."""
        return all(rule.action is Action.NOTIFY for rule in self.rules)

    def holds_on(self, day: date) -> bool:
        """Whether the regime is in effect on a day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)

    def rule_for(self, tier: Tier, site: Site, day: date) -> Rule | None:
        """The first rule that applies; None means that the pack says nothing, which denies."""
        site_tier = self.tiers.tier_of(site.country, day)
        return rule_among(self.rules, tier, site, site_tier)

    @property
    def tells_tiers_apart(self) -> bool:
        """Whether it matters to any of its rules in what tier somebody is."""
        return tell_tiers_apart(self.rules)

    def question(self, inquiry_id: str) -> InquiryTerms:
        """One of its questions."""
        return next(each for each in self.inquiries if each.id == inquiry_id)

    def asking(self, rule: Rule, tier: Tier, site: Site, day: date) -> tuple[InquiryTerms, ...]:
        """The questions that a rule asks of a tier at a site; none where it never holds."""
        return questions_of(rule, self.inquiries, tier, site, self.tiers.tier_of(site.country, day))


@dataclass(frozen=True, slots=True)
class ActivePack:
    """A pack in the mode that the operator chose."""

    pack: Pack
    mode: Mode

    def asks_on(self, day: date) -> bool:
        """Whether it says anything on a day."""
        return self.mode is not Mode.OFF and self.pack.holds_on(day)


def left_open(packs: Iterable[ActivePack], site: Site, day: date) -> dict[str, tuple[str, ...]]:
    """What nobody named of a site though rules of packs that are on hang on it: `country` or `chip_authorization` ->
    ids of those packs. They decide it as the strictest that it could be, whoever the customer is."""
    asking = [active.pack for active in packs if active.asks_on(day)]
    places = tuple(each.id for each in asking if any(rule.countries or rule.site_tiers for rule in each.rules))
    chips = tuple(each.id for each in asking if any(rule.authorizations for rule in each.rules))
    found = {} if site.country else {"country": places}
    if site.chip_authorization is ChipAuthorization.UNKNOWN:
        found["chip_authorization"] = chips
    return {name: each for name, each in found.items() if each}
