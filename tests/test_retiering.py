"""Whose tier moved is on record, whatever moved it: an owner, a date, a pack, another process."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper import retiering as retiering_module
from gatekeeper.affected import Affected
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.tier import Tier, TierRow
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from gatekeeper.retiering import Retiering
from gatekeeper.snapshots import Snapshots
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.databases import new_stores
from tests.registry.office import PACK, PACKS, HandClock, enrol, log, org, record_of


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry(stores: SqlStores, clock: HandClock) -> Registry:
    return Registry(stores, clock, packs=PACKS, cluster="east")


@pytest.fixture
def retiering(stores: SqlStores, clock: HandClock) -> Retiering:
    return Retiering(stores, clock, PACKS)


def told(stores: SqlStores) -> list[tuple[str, str, str, str]]:
    facts = [each["facts"] for each in log(stores) if each["type"] == "tier.changed"]
    return [(each["customer"], each["before"], each["after"], each["reason"]["code"]) for each in facts]


def test_the_first_sight_of_a_customer_is_no_change(
    stores: SqlStores, registry: Registry, retiering: Retiering
) -> None:
    enrol(registry, org("lab", "US"))
    assert retiering.record() == 0
    assert told(stores) == []


def test_a_new_owner_in_somebody_elses_record_moves_every_customer_below_it_once(
    stores: SqlStores, registry: Registry, retiering: Retiering
) -> None:
    holding = org("holding", "US")
    for each in ("one", "two"):
        enrol(registry, org(each, "US", "holding"), holding, customer=each)
    enrol(registry, org("other", "US"), customer="other")
    retiering.record()
    registry.apply(record_of(org("one", "US", "holding"), org("holding", "CN"), customer="one"), by="ana")
    assert retiering.record() == 2
    assert retiering.record() == 0
    assert told(stores) == [("one", "1", "3", "hq.owner"), ("two", "1", "3", "hq.owner")]


def test_a_customer_that_nobody_approved_yet_has_no_tier_to_be_moved(
    stores: SqlStores, registry: Registry, retiering: Retiering
) -> None:
    registry.apply(record_of(org("lab", "US"), customer="lab"), by="ana")
    retiering.record()
    registry.approve("lab", by="ben")
    assert retiering.record() == 0
    assert told(stores) == []


def test_the_date_alone_moves_a_tier(stores: SqlStores, registry: Registry, clock: HandClock) -> None:
    retiering = Retiering(stores, clock, (_listed_from("US", date(2027, 1, 1)),))
    enrol(registry, org("lab", "US"))
    retiering.record()
    clock.at = datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert retiering.record() == 0
    clock.at = datetime(2027, 1, 1, tzinfo=UTC)
    assert retiering.record() == 1
    assert told(stores) == [("lab", "1", "3", "hq.own")]


def test_a_pack_loaded_at_the_next_start_moves_tiers(
    stores: SqlStores, registry: Registry, clock: HandClock, retiering: Retiering
) -> None:
    enrol(registry, org("lab", "US"))
    retiering.record()
    after = Retiering(stores, clock, (_listed_from("US", date(2026, 1, 1)),))
    assert [(each.customer_id, each.before, each.finding.tier) for each in after.moves()] == [
        ("lab", Tier.ONE, Tier.THREE)
    ]
    assert told(stores) == []  # asking changes nothing
    assert after.record() == 1


def test_two_processes_that_see_the_same_move_record_it_once(
    stores: SqlStores, registry: Registry, clock: HandClock
) -> None:
    enrol(registry, org("lab", "US"))
    both = [Retiering(stores, clock, PACKS) for _ in range(2)]
    for each in both:
        each.record()
    registry.apply(record_of(org("lab", "CN"), customer="lab"), by="ana")
    for each in both:
        each.record()
    assert told(stores) == [("lab", "1", "3", "hq.own")]


LISTED = NewList("csl", "ab" * 32, date(2026, 11, 20), (ListEntry("csl", "Entity List", "1", ("Holding",)),))
STEPS: list[Callable[[Registry, HandClock], object]] = [
    lambda registry, _: enrol(registry, org("one", "US", "holding"), org("holding", "US"), customer="one"),
    lambda registry, _: enrol(registry, org("two", "PL", "holding"), org("holding", "US"), customer="two"),
    lambda registry, _: enrol(registry, org("other", "US"), customer="other"),
    lambda registry, _: enrol(registry, org("other", "US"), customer="second-of-other"),
    lambda registry, _: registry.apply(
        record_of(org("one", "US", "holding"), org("holding", "US", "top"), org("top", "CN"), customer="one"), by="ana"
    ),
    lambda registry, _: registry.override("two", tier=Tier.ONE, hours=1, reason="x", by="ana"),
    lambda registry, _: registry.approve_override("two", by="ben"),
    lambda registry, _: registry.load_list(LISTED, by="ana"),
    lambda _, clock: setattr(clock, "at", clock.at + timedelta(hours=2)),
    lambda registry, _: registry.judge(registry.hits()[0].id, true_match=True, reason="same", by="ana"),
    lambda registry, _: registry.apply(record_of(org("two", "RU"), customer="two"), by="cem"),
    lambda registry, _: registry.approve("two", by="ben"),
    lambda _, clock: setattr(clock, "at", clock.at + timedelta(days=1)),
]


def test_who_looks_only_at_what_may_have_moved_misses_nobody(
    stores: SqlStores, registry: Registry, clock: HandClock, retiering: Retiering
) -> None:
    """A look at everybody finds nothing that the kept one left out, whatever happened since."""
    for each in STEPS:
        each(registry, clock)
        retiering.record()
        assert Retiering(stores, clock, PACKS).moves() == []
        seen = stores.read(lambda reader: reader.known_tiers())
        assert {customer for customer, _ in seen} == {
            each.id for each in stores.read(lambda reader: reader.customers())
        }
    assert {each[0] for each in told(stores)} == {"one", "two"}


def test_a_change_is_looked_at_where_it_can_move_somebody_and_nowhere_else(
    stores: SqlStores, registry: Registry, retiering: Retiering, clock: HandClock
) -> None:
    for number in range(9):
        enrol(registry, org(f"lab{number}", "US"), customer=f"lab{number}")
    enrol(registry, org("one", "US", "holding"), org("holding", "US"), customer="one")
    affected = Affected({PACK: PACKS[0].pack.tiers})
    snapshots = Snapshots(stores)
    assert len(affected.since_last(snapshots.current(), clock.at)) == 10
    assert affected.since_last(snapshots.current(), clock.at) == set()
    registry.apply(record_of(org("one", "US", "holding"), org("holding", "CN"), customer="one"), by="ana")
    assert affected.since_last(snapshots.current(), clock.at) == {"one"}


def test_a_group_costs_the_same_statements_however_many_customers_are_in_it(
    stores: SqlStores, registry: Registry, clock: HandClock
) -> None:
    asked = []
    for number in (1, 12):
        for each in range(number):
            enrol(registry, org(f"lab{number}-{each}", "US"), customer=f"lab{number}-{each}")
        first = Retiering(stores, clock, PACKS)
        with counted(stores) as statements:
            first.record()
        asked.append([each for each in statements if "known_tier" in each])
        assert all("IN (" in each for each in asked[-1] if each.startswith("SELECT"))
    assert len(asked[0]) == len(asked[1]) == 3  # what is known, once more as it is written, and the rows


def test_what_is_enough_leaves_the_rest_to_the_next_time(
    stores: SqlStores, registry: Registry, retiering: Retiering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retiering_module, "GROUP_MAX", 2)
    for number in range(5):
        enrol(registry, org(f"lab{number}", "US"), customer=f"lab{number}")
    for seen in (2, 4, 5, 5):
        retiering.record(lambda: True)
        assert len(stores.read(lambda reader: reader.known_tiers())) == seen


def _listed_from(country: str, day: date) -> ActivePack:
    """The pack with one more row of Tier 3."""
    (active,) = PACKS
    table = active.pack.tiers
    rows = {**table.rows, country: (*table.rows[country], TierRow(country, Tier.THREE, day, None, "this test"))}
    return ActivePack(replace(active.pack, tiers=replace(table, rows=rows)), Mode.ENFORCE)
