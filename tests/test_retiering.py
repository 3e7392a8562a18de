"""Whose tier moved is on record, whatever moved it: an owner, a date, a pack, another process."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.tier import Tier, TierRow
from gatekeeper.registry import Registry
from gatekeeper.retiering import Retiering
from gatekeeper.stores import SqlStores
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock, enrol, log, org, record_of


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


def _listed_from(country: str, day: date) -> ActivePack:
    """The pack with one more row of Tier 3."""
    (active,) = PACKS
    table = active.pack.tiers
    rows = {**table.rows, country: (*table.rows[country], TierRow(country, Tier.THREE, day, None, "this test"))}
    return ActivePack(replace(active.pack, tiers=replace(table, rows=rows)), Mode.ENFORCE)
