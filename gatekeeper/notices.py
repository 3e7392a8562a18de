"""What advisory packs want the provider to be told of a run: near their threshold, or past it. It refuses nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.policy import PERCENT, Action, ActivePack, Site
from gatekeeper.view import View, findings_of, lineage_of


@dataclass(frozen=True, slots=True)
class Notice:
    """A run is near a pack's threshold, or past it (`due`); `text` says what follows from that, as a clause."""

    pack: str
    due: bool
    used_tflop: int
    threshold_tflop: int
    text: str


def notices_of(
    view: View,
    packs: Iterable[ActivePack],
    site: Site,
    customer: Customer,
    *,
    accounts: Iterable[Account],
    run_id: str,
    now: datetime,
) -> tuple[Notice, ...]:
    """The notices of a run: what its accounts used or hold, with what a pack counts beside them."""
    day, found = now.date(), list[Notice]()
    used_tflop, lineage = sum(each.used_tflop for each in accounts), lineage_of(view, run_id)
    for active in packs:
        threshold = active.pack.threshold
        if threshold is None or not active.asks_on(day):
            continue
        counted = used_tflop + extra_counted_tflop(active.pack.allowances, lineage)
        limit = threshold.limit_tflop(day)
        if counted * PERCENT < limit * active.pack.warn_percent:
            continue  # before the tier is worked out, which costs more: a scrape asks this of every run
        tier = findings_of(view, (active,), customer, now)[active.pack.id].tier
        rule = active.pack.rule_for(tier, site, day)
        if rule is not None and rule.action is Action.NOTIFY:
            effective = threshold.effective_tflop(day)
            found.append(Notice(active.pack.id, counted > limit, counted, effective, rule.text))
    return tuple(found)
