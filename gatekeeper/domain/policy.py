"""A policy pack as values: one regime, dated and cited, and how an operator runs it.

The code knows no country and no threshold: all of them stand in packs. Reading the files is `policy_files`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.tier import Tier, TierTable
from gatekeeper.domain.units import SECONDS_PER_DAY, checked_tflop

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
    IN_CFR_NOT_ENFORCED = "in_cfr_not_enforced"
    PROPOSED = "proposed"
    HOUSE = "house"


class Action(StrEnum):
    """What a pack does with a tier at a site."""

    ALLOW = "allow"  # without a budget
    BUDGET = "budget"  # within the threshold, by reservations
    HOLD = "hold"  # waits until a person has answered an inquiry
    DENY = "deny"


class ChipAuthorization(StrEnum):
    """How the provider got the chips of a site: what it promised for them decides what it may allow."""

    US_DOMESTIC = "us_domestic"
    AIA = "aia"
    UVEU = "uveu"
    NVEU = "nveu"
    LICENCE = "licence"
    LPP = "lpp"
    PRE_RULE = "pre_rule"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the accelerators of a cluster stand, and under which authorization they came."""

    country: str = ""
    chip_authorization: ChipAuthorization = ChipAuthorization.UNKNOWN


@dataclass(frozen=True, slots=True)
class Threshold:
    """From when on a model is controlled.

    Attributes:
        amount_tflop: the number of the regime; floor_tflop: a ratchet that may lift it, never lower it.
        reached_is_controlled: True where the text says "or more" (>=), False where it says "more than" (>).
    """

    amount_tflop: int
    floor_tflop: int
    reached_is_controlled: bool
    source: str

    def __post_init__(self) -> None:
        checked_tflop(self.amount_tflop)
        checked_tflop(self.floor_tflop)
        if self.amount_tflop == 0 or not self.source:
            raise InvalidInput("A threshold needs an amount above 0 and its source.")

    @property
    def effective_tflop(self) -> int:
        """The number that holds: the regime's, or the ratchet where that is higher."""
        return max(self.amount_tflop, self.floor_tflop)

    @property
    def limit_tflop(self) -> int:
        """The most that a run may use and stay below control: exact, one TFLOP under where reaching it counts."""
        return self.effective_tflop - 1 if self.reached_is_controlled else self.effective_tflop


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
class Rule:
    """One row of a pack's table: for these tiers, under these authorizations, in these countries (None: any)."""

    tiers: frozenset[Tier]
    action: Action
    code: str
    text: str
    source: str
    authorizations: frozenset[ChipAuthorization] | None = None
    countries: frozenset[str] | None = None

    def applies(self, tier: Tier, site: Site) -> bool:
        """Whether the row speaks of this tier at this site."""
        return (
            tier in self.tiers
            and (self.authorizations is None or site.chip_authorization in self.authorizations)
            and (self.countries is None or site.country in self.countries)
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """One regime as read from `policies/<id>/`; `sha256` is over the bytes of its pack.yaml."""

    id: str
    version: date
    title: str
    legal_status: LegalStatus
    default_mode: Mode
    tiers: TierTable
    threshold: Threshold
    rules: tuple[Rule, ...]
    lease: LeaseTerms
    warn_percent: int
    remedy: str
    citations: tuple[str, ...]
    sha256: str

    def __post_init__(self) -> None:
        checked_identifier(self.id, "policy pack")
        if not self.citations or not self.rules:
            raise InvalidInput(f"Policy pack {self.id} needs citations and rules.")
        if not 0 < self.warn_percent < PERCENT:
            raise InvalidInput(f"Policy pack {self.id}: warn_percent is 1 to 99 percent of the limit.")
        for rule in self.rules:
            if rule.action is Action.ALLOW and Tier.UNRESOLVED in rule.tiers:
                raise InvalidInput(f"Policy pack {self.id}: rule {rule.code} would let an unresolved customer through.")

    def rule_for(self, tier: Tier, site: Site) -> Rule | None:
        """The first rule that applies; None means that the pack says nothing, which denies."""
        return next((rule for rule in self.rules if rule.applies(tier, site)), None)


@dataclass(frozen=True, slots=True)
class ActivePack:
    """A pack in the mode that the operator chose."""

    pack: Pack
    mode: Mode
