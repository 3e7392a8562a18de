"""What another set of policy packs would change, before it is loaded: for each customer of the registry, and for each
cell of the table (tier of the customer x chips x data centre) where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.limits import limit_under
from gatekeeper.domain.policy import Action, ActivePack, ChipAuthorization, Mode, Pack, Rule, Site
from gatekeeper.domain.tier import Tier
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import findings_of, lineage_of


@dataclass(frozen=True, slots=True)
class Position:
    """What a pack does with somebody at a site.

    Attributes:
        rule: code of the row that applies; "" where none does, which refuses.
        limit_tflop: of a run of which nobody said anything; None where there is no limit to speak of.
    """

    mode: Mode
    tier: Tier
    rule: str
    action: str
    limit_tflop: int | None

    def shown(self) -> dict[str, str | None]:
        """The position for people and programs."""
        return {
            "mode": self.mode.value,
            "tier": self.tier.value,
            "rule": self.rule,
            "action": self.action,
            "limit_tflop": None if self.limit_tflop is None else str(self.limit_tflop),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Whom or what another pack would judge otherwise. None: the pack is not there, off, or not in effect."""

    who: str
    pack: str
    before: Position | None
    after: Position | None


def position(active: ActivePack | None, tier: Tier, site: Site, day: date) -> Position | None:
    """What a pack does with a tier at a site on a day."""
    if active is None or not active.asks_on(day):
        return None
    pack, rule = active.pack, active.pack.rule_for(tier, site, day)
    if rule is None:
        return Position(active.mode, tier, "", Action.DENY.value, None)
    limited = rule.action in (Action.BUDGET, Action.NOTIFY)
    limit = limit_under(pack, tier, site, day) if limited else None
    return Position(active.mode, tier, rule.code, told(rule), limit)


def told(rule: Rule) -> str:
    """What a rule does, with what a budget does beyond itself."""
    return f"budget, then {rule.beyond.value}" if rule.action is Action.BUDGET else rule.action.value


def changes_of_customers(
    before: tuple[ActivePack, ...],
    after: tuple[ActivePack, ...],
    everybody: Snapshot,
    site: Site,
    now: datetime,
    *,
    tell: Callable[[int, int], None] | None = None,
) -> Iterator[Change]:
    """The customers that another set of packs would judge otherwise, by id, and how. `tell`: done, of how many."""
    day, old, new = now.date(), _by_id(before), _by_id(after)
    customers = [everybody.by_customer[each] for each in sorted(everybody.by_customer)]
    for done, customer in enumerate(customers, 1):
        if tell is not None:
            tell(done, len(customers))
        tiers_old = findings_of(everybody, before, customer, now)
        tiers_new = findings_of(everybody, after, customer, now)
        for pack in sorted(old.keys() | new.keys()):
            was = position(old[pack], tiers_old[pack].tier, site, day) if pack in old else None
            becomes = position(new[pack], tiers_new[pack].tier, site, day) if pack in new else None
            if was != becomes:
                yield Change(customer.id, pack, was, becomes)


def changes_of_cells(before: tuple[ActivePack, ...], after: tuple[ActivePack, ...], day: date) -> Iterator[Change]:
    """The cells of the tables that another set of packs would judge otherwise, and countries that change their tier."""
    old, new = _by_id(before), _by_id(after)
    for pack in sorted(old.keys() | new.keys()):
        for cell, tier, site in cells(*(each.pack for each in (old.get(pack), new.get(pack)) if each), day=day):
            was, becomes = (position(each.get(pack), tier, site, day) for each in (old, new))
            if was != becomes:
                yield Change(cell, pack, was, becomes)
        if pack in old and pack in new:
            yield from _moved_countries(old[pack], new[pack], day)


def cells(*packs: Pack, day: date) -> Iterator[tuple[str, Tier, Site]]:
    """Every tier x chip authorization x kind of data centre: one country of each tier by each pack, and none known."""
    places = {""}
    for pack in packs:
        by_tier: dict[Tier, str] = {}
        for country in sorted(pack.tiers.countries):
            by_tier.setdefault(pack.tiers.tier_of(country, day), country)
        places |= set(by_tier.values()) | {each for rule in pack.rules for each in rule.countries or ()}
    for tier in Tier:
        for chips in ChipAuthorization:
            for country in sorted(places):
                yield f"tier {tier.value}, {chips.value}, {country or 'unknown place'}", tier, Site(country, chips)


def _moved_countries(old: ActivePack, new: ActivePack, day: date) -> Iterator[Change]:
    tables, site = (old.pack.tiers, new.pack.tiers), Site()
    for country in sorted(tables[0].countries | tables[1].countries):
        was, becomes = (table.tier_of(country, day) for table in tables)
        if was is not becomes:
            before, after = position(old, was, site, day), position(new, becomes, site, day)
            if before != after:
                yield Change(f"headquarters {country}", new.pack.id, before, after)


def limit_of_customer(
    active: ActivePack, everybody: Snapshot, customer: Customer, *, site: Site, now: datetime, run_id: str
) -> tuple[Tier, str, int | None]:
    """Tier, its reason, and the limit of one run of a customer by one pack, lineage and answers included."""
    finding = findings_of(everybody, (active,), customer, now)[active.pack.id]
    permits = everybody.permits(run_id).get(active.pack.id, ())
    lineage = lineage_of(everybody, run_id)
    limit = limit_under(active.pack, finding.tier, site, now.date(), lineage=lineage, permits=permits)
    return finding.tier, finding.deciding.text, limit


def _by_id(packs: tuple[ActivePack, ...]) -> Mapping[str, ActivePack]:
    return {each.pack.id: each for each in packs}
