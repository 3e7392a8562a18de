"""What the log says when other packs are loaded, and what they would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gatekeeper.domain.ownership import HALF, Ownership, ShareRule
from gatekeeper.domain.policy import ActivePack, Mode, Site
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.site import ChipAuthorization
from gatekeeper.domain.threshold import Floor
from gatekeeper.domain.tier import Tier, TierTable
from gatekeeper.policies import record_packs, tell_open_site
from gatekeeper.policy_changes import changes_of_cells, changes_of_customers
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.snapshots import Snapshot
from tests.databases import new_stores
from tests.domain.questions import THRESHOLD
from tests.test_gate import CLUSTER, PACK, House
from tests.verify.test_limits import SERVICE

HOUSE_PACK = load_pack(bundled_dir() / "house")
TODAY = date(2026, 11, 22)
HOME = Site("US", ChipAuthorization.US_DOMESTIC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        yield House(stores)


def load(house: House, active: ActivePack, site: Site = HOME) -> int:
    return record_packs(house.stores, house.clock, (active,), cluster=CLUSTER, by=SERVICE, site=site)


def milder(house: House) -> object:
    return house.records(RecordType.POLICY_LOADED)[-1]["milder"]


PARTNER = tuple(each for each in PACK.rules if each.code == "partner")
LIFTED = replace(THRESHOLD, floors=(Floor(2 * 10**14, date(2026, 1, 1), "test"),))


def test_a_pack_is_recorded_again_only_when_it_its_mode_or_its_site_is_another(house: House) -> None:
    active = ActivePack(PACK, Mode.ENFORCE)
    assert [load(house, active), load(house, active)] == [1, 0]
    assert load(house, active, Site("MY", ChipAuthorization.NVEU)) == 1
    assert load(house, replace(active, mode=Mode.WARN), Site("MY", ChipAuthorization.NVEU)) == 1


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (ActivePack(PACK, Mode.WARN), "its mode is warn, and was enforce"),
        (
            ActivePack(replace(PACK, threshold=LIFTED, sha256="b"), Mode.ENFORCE),
            "its limit is just under 2.00e26 FLOP, and was just under 1.00e26",
        ),
        (ActivePack(replace(PACK, rules=PARTNER, sha256="c"), Mode.ENFORCE), "it asks less of tier 1 in"),
        (ActivePack(replace(PACK, effective_to=TODAY, sha256="d"), Mode.ENFORCE), "not in effect any more"),
    ],
)
def test_a_pack_that_asks_less_than_before_says_in_what(house: House, after: ActivePack, words: str) -> None:
    load(house, ActivePack(PACK, Mode.ENFORCE))
    assert milder(house) == []
    load(house, after)
    assert words in str(milder(house))
    load(house, ActivePack(PACK, Mode.ENFORCE))
    assert "its mode" not in str(milder(house))


TABLE, RULES = PACK.tiers, PACK.tiers.ownership or Ownership()
CHINA_ALLOWED = replace(
    TABLE, rows={**TABLE.rows, "CN": tuple(replace(row, tier=Tier.ONE) for row in TABLE.rows["CN"])}
)
CHINA_SOON = replace(
    TABLE,
    rows={
        **TABLE.rows,
        "CN": tuple(replace(row, effective_to=date(2027, 1, 1)) for row in TABLE.rows["CN"]),
    },
)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (CHINA_ALLOWED, "countries to a milder tier (CN"),
        (CHINA_SOON, "countries to a milder tier (CN"),
        (replace(TABLE, ownership=None), "no rules on ownership"),
        (
            replace(TABLE, ownership=replace(RULES, house=ShareRule(spans=()))),
            "house rule counts owners of nothing",
        ),
        (
            replace(TABLE, ownership=replace(RULES, listed=ShareRule(HALF + 1))),
            "list rule counts owners of 50.000001",
        ),
        (replace(TABLE, ownership=replace(RULES, lists=frozenset({"sdn"}))), "does not count"),
    ],
)
def test_a_pack_whose_tables_are_swapped_on_disk_says_what_is_milder(
    house: House, table: TierTable, words: str
) -> None:
    load(house, ActivePack(PACK, Mode.ENFORCE))
    load(house, ActivePack(replace(PACK, tiers=table, sha256="e" * 64), Mode.ENFORCE))
    assert words in str(milder(house))
    load(house, ActivePack(PACK, Mode.ENFORCE))
    assert milder(house) == []


def test_a_pack_that_was_taken_away_is_told_once_and_not_by_a_persons_command(house: House) -> None:
    load(house, ActivePack(PACK, Mode.ENFORCE))

    def without(by: Actor) -> int:
        return record_packs(house.stores, house.clock, (), cluster=CLUSTER, by=by, site=HOME)

    assert without(Actor(ActorKind.PERSON, "ana")) == 0
    assert [without(SERVICE), without(SERVICE)] == [1, 0]
    last = house.records(RecordType.POLICY_LOADED)[-1]
    assert (last["pack"], last["mode"], last["milder"]) == (PACK.id, "off", ["it is not loaded any more"])


def test_a_site_of_which_is_asked_less_is_told_like_a_milder_pack(house: House) -> None:
    active = ActivePack(PACK, Mode.ENFORCE)
    load(house, active, Site("MY", ChipAuthorization.NVEU))
    load(house, active)
    assert milder(house) == ["its site is us_domestic in US, and was nveu in MY, of which it asks more"]
    load(house, active, Site())
    assert milder(house) == []


def test_the_services_log_warns_of_each_part_of_a_site_that_nobody_named(house: House) -> None:
    """What is left open is decided as the strictest: a Tier 1 customer then has a budget, where it had a clearance."""
    packs, unknown = (ActivePack(PACK, Mode.ENFORCE), ActivePack(HOUSE_PACK, Mode.ENFORCE)), ChipAuthorization.UNKNOWN
    with capture_logs() as lines:
        for site in (HOME, Site("US", unknown), Site()):
            tell_open_site(packs, site, TODAY)
    told = [(each["log_level"], each["setting"], each["packs"], each["enforcing"]) for each in lines]
    chips, place = "site.chip_authorization", "site.country"
    assert told == [("warning", each, [PACK.id], [PACK.id]) for each in (chips, place, chips)]
    with capture_logs() as lines:
        tell_open_site((ActivePack(PACK, Mode.OFF), ActivePack(HOUSE_PACK, Mode.ENFORCE)), Site(), TODAY)
    assert lines == []


def test_a_persons_command_that_reads_new_settings_first_does_not_speak_for_who_serves(house: House) -> None:
    """Else who edits a pack and runs a command is told of to nobody, and an honest service decides by what no service
    has said."""
    ana, lifted = (
        Actor(ActorKind.PERSON, "ana"),
        ActivePack(replace(PACK, threshold=LIFTED, sha256="b" * 64), Mode.WARN),
    )
    load(house, ActivePack(PACK, Mode.ENFORCE))
    assert record_packs(house.stores, house.clock, (lifted,), cluster=CLUSTER, by=ana, site=HOME) == 1
    with capture_logs() as lines:
        assert [load(house, lifted), load(house, lifted)] == [1, 0]
    assert [each["event"] for each in lines] == ["policy_pack_milder"]
    assert "its mode is warn, and was enforce" in str(milder(house))


def test_a_stricter_pack_is_not_called_milder(house: House) -> None:
    load(house, ActivePack(PACK, Mode.WARN))
    load(house, ActivePack(PACK, Mode.ENFORCE))
    assert milder(house) == []


def test_who_is_judged_otherwise_by_another_pack_is_told_before_it_is_loaded(house: House) -> None:
    house.enrol("vistula", "PL")
    house.enrol("prairie", "US")
    everybody = house.stores.read(Snapshot.load)
    before, after = (ActivePack(PACK, Mode.ENFORCE),), (ActivePack(replace(PACK, threshold=LIFTED), Mode.ENFORCE),)
    seen: list[tuple[int, int]] = []
    (change,) = changes_of_customers(
        before, after, everybody, HOME, house.clock.now(), tell=lambda *done: seen.append(done)
    )
    assert change.who == "vistula"
    assert change.before is not None
    assert change.after is not None
    assert (change.before.limit_tflop, change.after.limit_tflop) == (10**14 - 1, 2 * 10**14 - 1)
    assert seen == [(1, 2), (2, 2)]
    assert list(changes_of_customers(before, before, everybody, HOME, house.clock.now())) == []


def test_without_a_registry_every_cell_and_every_country_is_compared() -> None:
    before = (ActivePack(PACK, Mode.ENFORCE),)
    rows = {code: each for code, each in PACK.tiers.rows.items() if code != "CN"}
    after = (ActivePack(replace(PACK, tiers=replace(PACK.tiers, rows=rows)), Mode.ENFORCE),)
    assert list(changes_of_cells(before, before, TODAY)) == []
    assert "headquarters CN" in {each.who for each in changes_of_cells(before, after, TODAY)}
    assert {each.after for each in changes_of_cells(before, (), TODAY)} == {None}
