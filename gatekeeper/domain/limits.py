"""The limit that a pack sets one run: its threshold of the day, what the run's lineage allows, what answers permit.

The same function for a decision, for a statement, and for whoever recomputes limits from the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from gatekeeper.domain.allowances import Allowances, limit_tflop
from gatekeeper.domain.answers import answers_to
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.policy import Action, InquiryTerms, Pack, Rule, questions_of
from gatekeeper.domain.site import Site
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.tier import Tier


class Limiting(Protocol):
    """What of a pack sets limits: a pack, or what the log says of it."""

    @property
    def threshold(self) -> Threshold | None: ...
    @property
    def allowances(self) -> Allowances: ...
    @property
    def inquiries(self) -> tuple[InquiryTerms, ...]: ...


def limit_under(
    pack: Pack,
    tier: Tier,
    site: Site,
    day: date,
    *,
    lineage: Lineage | None = None,
    permits: Sequence[Permit] = (),
) -> int | None:
    """The most that a run may come to by a pack, in TFLOP; None where the pack has no threshold."""
    site_tier = pack.tiers.tier_of(site.country, day)
    rule = pack.rule_for(tier, site, day)
    return limit_by(pack, rule, (tier, site, site_tier), day, lineage=lineage, permits=permits)


def limit_by(
    terms: Limiting,
    rule: Rule | None,
    cell: tuple[Tier, Site, Tier],
    day: date,
    *,
    lineage: Lineage | None,
    permits: Sequence[Permit],
) -> int | None:
    """The same, where the rule is known that applies in a cell: tier, site, tier of the data centre's country.

    Answered inquiries lift it only where the rule holds beyond the budget: where it denies, no answer helps.
    """
    if terms.threshold is None:
        return None
    site = cell[1]
    limit = limit_tflop(terms.threshold, terms.allowances, lineage, day=day, site=site, rule=rule.code if rule else "")
    if rule is None or rule.action is not Action.BUDGET or not rule.holds:
        return limit
    permitted = answers_to(questions_of(rule, terms.inquiries, *cell), permits, day).limit_tflop
    return limit if permitted is None else max(limit, permitted)
