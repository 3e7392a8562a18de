"""What advisory packs want the provider to be told of a run: near their threshold, or past it. It refuses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.policy import PERCENT, Action, ActivePack, Site
from gatekeeper.sharing import Shared
from gatekeeper.view import Term, View, counted_tflop, findings_of, pool_by


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
    shares: Sequence[Shared],
    now: datetime,
) -> tuple[Notice, ...]:
    """The notices of a run by the accounts that share a limit with it: of what a decision would weigh by a pack."""
    day, found = now.date(), list[Notice]()
    for active in packs:
        threshold = active.pack.threshold
        if threshold is None or not active.asks_on(day):
            continue
        most = max(counted_tflop(view, active.pack, each) for each in shares)
        if most * PERCENT < threshold.limit_tflop(day) * active.pack.warn_percent:
            continue  # before the tier is worked out, which costs more: a scrape asks this of every run
        tier = findings_of(view, (active,), customer, now)[active.pack.id].tier
        rule = active.pack.rule_for(tier, site, day)
        if rule is None or rule.action is not Action.NOTIFY:
            continue
        pool = pool_by(view, Term(active.pack, active.mode, tier, rule.action), site, day, shares)
        if pool is not None and pool.used_tflop * PERCENT >= pool.limit_tflop * active.pack.warn_percent:
            past, effective = pool.used_tflop > pool.limit_tflop, threshold.effective_tflop(day)
            found.append(Notice(active.pack.id, past, pool.used_tflop, effective, rule.text))
    return tuple(found)
