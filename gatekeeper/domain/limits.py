"""The limit that a pack sets one run: its threshold of the day, what the run's lineage allows, what an answer permits.

The same function for a decision, for a statement, and for whoever recomputes limits from the log.
"""

from __future__ import annotations

from datetime import date

from gatekeeper.domain.allowances import limit_tflop
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.policy import Action, Pack
from gatekeeper.domain.site import Site
from gatekeeper.domain.tier import Tier


def limit_under(
    pack: Pack, tier: Tier, site: Site, day: date, *, lineage: Lineage | None = None, permit: Permit | None = None
) -> int | None:
    """The most that a run may come to by a pack, in TFLOP; None where the pack has no threshold.

    An answered inquiry lifts it only where the rule holds beyond the budget: where it denies, no answer helps.
    """
    if pack.threshold is None:
        return None
    limit = limit_tflop(pack.threshold, pack.allowances, lineage, day=day, site=site)
    rule = pack.rule_for(tier, site, day)
    holds = rule is not None and rule.action is Action.BUDGET and rule.holds
    if holds and permit is not None and permit.holds_on(day) and permit.limit_tflop is not None:
        return max(limit, permit.limit_tflop)
    return limit
