"""What advisory packs tell the provider of a run, and that they refuse nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.notices import Notice, notices_of
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.sharing import shares_of
from gatekeeper.snapshots import Snapshot
from tests.databases import new_stores
from tests.registry.serving import use
from tests.test_gate import House, make_gang

PACKS = tuple(ActivePack(pack, pack.default_mode) for pack in load_packs(bundled_dir()))
ADVISORY = tuple(each for each in PACKS if each.pack.only_notifies)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        house = House(stores, Mode.ENFORCE, others=ADVISORY)
        house.enrol("prairie", "US")
        yield house


def notices(house: House, run_id: str = "undeclared.prairie") -> tuple[Notice, ...]:
    everybody = house.stores.read(Snapshot.load)
    customer = everybody.by_customer["prairie"]
    site = house.gate._provider.site
    shares = shares_of(everybody, customer, run_id)
    return notices_of(everybody, PACKS, site, customer, shares=shares, now=house.clock.now())


@pytest.mark.parametrize(
    ("used_tflop", "told"),
    [
        (10**12, {}),
        (8 * 10**12, {"eu-gpai": False}),
        (10**13, {"eu-gpai": False}),  # exactly the threshold is not more than it
        (10**13 + 1, {"eu-gpai": True}),
        (8 * 10**13, {"eu-gpai": True, "us-ca-sb53": False}),
        (10**14 + 1, {"eu-gpai": True, "us-ca-sb53": True}),
    ],
)
def test_a_run_near_a_threshold_or_past_it_is_told_of(house: House, used_tflop: int, told: dict[str, bool]) -> None:
    use(house, "undeclared.prairie", used_tflop)
    assert {each.pack: each.due for each in notices(house)} == told


def test_what_is_only_told_of_starts_and_its_customer_reads_nothing(house: House) -> None:
    use(house, "undeclared.prairie", 3 * 10**14)
    decision = house.gate.release(make_gang("prairie", "a")).decision
    assert decision is not None
    assert decision.verdict.lets_start
    assert "eu-gpai" not in decision.sentence
    assert {each.pack: each.code for each in decision.reasons if each.pack == "eu-gpai"} == {"eu-gpai": "notice.due"}
    assert decision.worth_telling  # it goes on record
