"""Until when a namespace needs no gate: never beyond a day that is known already to change that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.interest import WHOLE, Interest
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, Mode, Site
from gatekeeper.domain.tier import Tier, TierRow
from gatekeeper.gate import Gate
from gatekeeper.registry import KycRecord
from gatekeeper.stores import SqlStores
from gatekeeper.view import Provider
from tests.databases import new_stores
from tests.test_gate import CLUSTER, FLEET, PACK, House


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with new_stores(tmp_path / "gate.db") as opened:
        yield opened


@pytest.fixture
def house(stores: SqlStores) -> House:
    return House(stores)


def test_a_clearance_ends_on_the_day_on_which_an_owner_is_known_to_come(house: House) -> None:
    house.enrol("cascade", "US")
    sold = date(2026, 11, 24)
    lab = Party(
        "cascade", PartyKind.ORG, "Cascade", "US", (), "listed company", (Interest("buyer", WHOLE, WHOLE, sold),)
    )
    buyer = Party("buyer", PartyKind.ORG, "Buyer", "CN", (), "listed company")
    house.registry.apply(KycRecord("cascade", "cascade", (lab, buyer)), by="ana")
    until = house.gate.cleared_until("cascade", at_most=timedelta(days=7))
    assert until == datetime(2026, 11, 24, tzinfo=UTC)
    house.clock.move_to(until)
    assert house.gate.cleared_until("cascade", at_most=timedelta(days=7)) is None


def test_a_clearance_ends_on_the_day_on_which_a_row_of_a_pack_begins(stores: SqlStores) -> None:
    house = House(stores)
    active = ActivePack(PACK, Mode.ENFORCE)
    table = active.pack.tiers
    row = TierRow("US", Tier.THREE, date(2026, 11, 25), None, "this test")
    tiers = replace(table, rows={**table.rows, "US": (*table.rows["US"], row)})
    packs = (replace(active, pack=replace(active.pack, tiers=tiers)),)
    provider = Provider(CLUSTER, Site("US", ChipAuthorization.US_DOMESTIC), packs, lambda: FLEET, grace_s=120)
    house.enrol("cascade", "US")
    until = Gate(stores, provider, house.clock).cleared_until("cascade", at_most=timedelta(days=7))
    assert until == datetime(2026, 11, 25, tzinfo=UTC)
