"""What another set of policy packs would change, before it is loaded: what the packs themselves ask otherwise, and
whom that reaches today: each customer and each run of the registry, or each cell of the table (tier of the customer x
chips x data centre) where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.difference import Difference, Way
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.limits import limit_under
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.policy import Action, ActivePack, ChipAuthorization, Mode, Pack, Rule, Site
from gatekeeper.domain.policy_facts import terms_json, terms_of
from gatekeeper.domain.policy_milder import term_differences
from gatekeeper.domain.run import Run, RunState
from gatekeeper.domain.table_milder import table_differences
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.units import format_duration
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import findings_of, lineage_of


@dataclass(frozen=True, slots=True)
class Position:
    """What a pack does with somebody at a site.

    Attributes:
        rule: code of the row that applies; "" where none does, which refuses.
        limit_tflop: of the run, or of one of which nobody said anything; None where there is no limit to speak of.
        extra_tflop: what counts beside the run's own account.
    """

    mode: Mode
    tier: Tier
    rule: str
    action: str
    limit_tflop: int | None
    extra_tflop: int = 0

    def shown(self) -> dict[str, str | None]:
        """The position for people and programs."""
        return {
            "mode": self.mode.value,
            "tier": self.tier.value,
            "rule": self.rule,
            "action": self.action,
            "limit_tflop": None if self.limit_tflop is None else str(self.limit_tflop),
            "extra_tflop": str(self.extra_tflop),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """Whom or what another pack would judge otherwise. None: the pack is not there, off, or not in effect."""

    who: str
    pack: str
    before: Position | None
    after: Position | None


@dataclass(frozen=True, slots=True)
class PackDifference:
    """One way in which a pack itself is another."""

    pack: str
    difference: Difference


def position(
    active: ActivePack | None,
    tier: Tier,
    site: Site,
    day: date,
    *,
    lineage: Lineage | None = None,
    permits: tuple[Permit, ...] = (),
) -> Position | None:
    """What a pack does with a tier at a site on a day; of a run by what it rests on, and what was answered about it."""
    if active is None or not active.asks_on(day):
        return None
    pack, rule = active.pack, active.pack.rule_for(tier, site, day)
    if rule is None:
        return Position(active.mode, tier, "", Action.DENY.value, None)
    if rule.action not in (Action.BUDGET, Action.NOTIFY):
        return Position(active.mode, tier, rule.code, told(rule), None)
    limit = limit_under(pack, tier, site, day, lineage=lineage, permits=permits)
    extra_tflop = extra_counted_tflop(pack.allowances, lineage)
    return Position(active.mode, tier, rule.code, told(rule), limit, extra_tflop)


def differences_of_packs(
    before: tuple[ActivePack, ...], after: tuple[ActivePack, ...], day: date
) -> Iterator[PackDifference]:
    """In what the packs themselves are others, whomever that reaches; nothing of one that is off in both sets."""
    old, new = _by_id(before), _by_id(after)
    for pack in sorted(old.keys() | new.keys()):
        was, becomes = old.get(pack), new.get(pack)
        if all(each is None or each.mode is Mode.OFF for each in (was, becomes)):
            continue
        if was is None or becomes is None:
            way, text = (Way.STRICTER, "it is new") if was is None else (Way.MILDER, "it is not there any more")
            yield PackDifference(pack, Difference(way, text))
            continue
        for each in _differences(was, becomes, day):
            yield PackDifference(pack, each)


def _differences(old: ActivePack, new: ActivePack, day: date) -> Iterator[Difference]:
    before, after = ((each.mode, terms_of(terms_json(each.pack))) for each in (old, new))
    yield from term_differences(before, after, day)
    yield from table_differences(old.pack.tiers, new.pack.tiers, day)
    was, becomes = (_lease_told(each.pack) for each in (old, new))
    if was != becomes:
        yield Difference(Way.OTHER, f"its leases are {becomes}, and were {was}")
    warns, warned = new.pack.warn_percent, old.pack.warn_percent
    if warns != warned:
        way = Way.MILDER if warns > warned else Way.STRICTER
        yield Difference(way, f"it warns from {warns} percent of the limit on, and did from {warned} on")


def _lease_told(pack: Pack) -> str:
    lease = pack.lease
    spans = f"{format_duration(lease.shortest_s)} to {format_duration(lease.longest_s)}"
    return f"{spans} at {lease.share_percent} percent of what is left"


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
    """The customers that another set of packs would judge otherwise, by id, and how; after each the approved runs of
    it that change in another way, by what they rest on. `tell`: done, of how many."""
    old, new = _by_id(before), _by_id(after)
    customers = [everybody.by_customer[each] for each in sorted(everybody.by_customer)]
    runs: dict[str, list[Run]] = {}
    for run in everybody.by_run.values():
        if run.state is RunState.APPROVED:
            runs.setdefault(run.customer_id, []).append(run)
    for done, customer in enumerate(customers, 1):
        if tell is not None:
            tell(done, len(customers))
        tiers_old = findings_of(everybody, before, customer, now)
        tiers_new = findings_of(everybody, after, customer, now)
        for pack in sorted(old.keys() | new.keys()):
            both = tuple(
                _Held(each[pack], tiers[pack].tier, site, now.date()) if pack in each else None
                for each, tiers in ((old, tiers_old), (new, tiers_new))
            )
            yield from _changes(customer, pack, both, sorted(runs.get(customer.id, ()), key=_id), everybody)


@dataclass(frozen=True, slots=True)
class _Held:
    """A pack as it is held against one customer."""

    active: ActivePack
    tier: Tier
    site: Site
    day: date

    def position(self, lineage: Lineage | None = None, permits: tuple[Permit, ...] = ()) -> Position | None:
        return position(self.active, self.tier, self.site, self.day, lineage=lineage, permits=permits)


def _changes(
    customer: Customer, pack: str, both: tuple[_Held | None, ...], runs: list[Run], everybody: Snapshot
) -> Iterator[Change]:
    of_customer = tuple(each.position() if each else None for each in both)
    if of_customer[0] != of_customer[1]:
        yield Change(customer.id, pack, *of_customer)
    for run in runs:
        rests = lineage_of(everybody, run.id), everybody.permits(run.id).get(pack, ())
        of_run = tuple(each.position(*rests) if each else None for each in both)
        if of_run[0] != of_run[1] and of_run != of_customer:
            yield Change(f"run {run.id} of {customer.id}", pack, *of_run)


def _id(run: Run) -> str:
    return run.id


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


def position_of_customer(
    active: ActivePack, everybody: Snapshot, customer: Customer, *, site: Site, now: datetime, run_id: str
) -> tuple[Tier, str, Position | None]:
    """Tier, its reason, and what one pack does with one run of a customer, lineage and answers included."""
    finding = findings_of(everybody, (active,), customer, now)[active.pack.id]
    permits = everybody.permits(run_id).get(active.pack.id, ())
    lineage = lineage_of(everybody, run_id)
    where = position(active, finding.tier, site, now.date(), lineage=lineage, permits=permits)
    return finding.tier, finding.deciding.text, where


def _by_id(packs: tuple[ActivePack, ...]) -> Mapping[str, ActivePack]:
    return {each.pack.id: each for each in packs}
