"""The view in memory: after every use case it says the same as one that is read whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.facts import Facts, new_record
from gatekeeper.registry.due import REGISTRY
from gatekeeper.registry.found import IDS_IN_RECORD_MAX
from gatekeeper.registry.lists import NewList
from gatekeeper.renewing import WRITTEN_MAX, Named
from gatekeeper.snapshots import Snapshot, Snapshots, snapshot
from gatekeeper.snapshots.bookkeeping import OF_PEOPLE
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.databases import new_stores
from tests.registry.office import NOON, org, record_of
from tests.stores.values import record
from tests.test_gate import House, make_gang, make_pod


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with new_stores(tmp_path / "view.db") as opened:
        yield opened


STEPS: list[Callable[[House], object]] = [
    lambda house: house.enrol("vistula", "PL"),
    lambda house: house.gate.release(make_gang("vistula", "a", "b")),
    lambda house: house.enrol("child", "PL", parents=("vistula",)),
    lambda house: house.gate.release(make_gang("child", "c")),
    lambda house: house.gate.void("a", reason="deleted"),
    lambda house: house.gate.consider(make_pod("stray", "x"), dry_run=False).durable,
    lambda house: house.registry.declare_run("big", "vistula", title="Big", by="ana"),
    lambda house: house.registry.approve_run("big", by="ben"),
    lambda house: house.registry.bind("other", "vistula", by="ana", run_id="big"),
    lambda house: house.registry.approve_binding("other", by="ben"),
    lambda house: house.registry.identify({"other": "uid-1", "vistula": "uid-2"}),
    lambda house: house.gate.release(make_gang("other", "d")),
    lambda house: house.registry.declare_run(
        "chat", "vistula", title="Chat", by="ana", purpose=Purpose.INFERENCE, namespaces=("serve", "other")
    ),
    lambda house: house.registry.approve_run("chat", by="ben"),
    lambda house: house.gate.release(make_gang("serve", "s")),
    lambda house: house.registry.correct("chat", by="ana", reason="late", high_tflop=5),
    lambda house: house.registry.correct("chat", by="ana", reason="twice", high_tflop=-5),
    lambda house: house.registry.reclassify_run("chat", by="ana", reason="training found"),
    lambda house: house.registry.correct("undeclared.vistula", by="ana", reason="late", high_tflop=5),
    lambda house: house.registry.suspend("vistula", by="ana", reason="an inquiry"),
    lambda house: house.gate.release(make_gang("vistula", "e")),
    lambda house: house.gate.record_clearance("vistula", None),
    lambda house: house.registry.apply(
        record_of(org("child", "PL", "vistula"), org("vistula", "PL", "top"), org("top", "CN"), customer="child"),
        by="ana",
    ),
    lambda house: house.registry.apply(record_of(org("child", "US"), customer="child"), by="ana"),
    lambda house: house.registry.approve("child", by="ben"),
    lambda house: house.registry.draft(record_of(org("new", "US"), customer="new"), by="ana"),
    lambda house: house.registry.load_list(LISTED, by="ana"),
    lambda house: house.registry.judge(house.registry.hits()[0].id, true_match=True, reason="same", by="ana"),
    lambda house: house.registry.apply_all([record_of(org(each, "US"), customer=each) for each in "xyz"], by="ana"),
    lambda house: house.registry.declare_run("more", "child", title="More", by="ana"),
    lambda house: house.registry.approve_run("more", by="ben"),
    lambda house: house.registry.hand_over("big", "more", by="ana", reason="a checkpoint"),
    lambda house: house.enrol("odd", ""),
    lambda house: house.registry.override("odd", tier=Tier.TWO, hours=2, reason="late list", by="ana"),
    lambda house: house.registry.approve_override("odd", by="ben"),
    lambda house: house.registry.unbind("other", by="ana", reason="moved"),
    lambda house: house.registry.close("vistula", by="ana", reason="gone"),
]
LISTED: NewList = NewList("csl", "ab" * 32, date(2026, 11, 20), (ListEntry("csl", "Entity List", "1", ("Vistula",)),))


@pytest.mark.parametrize("one_by_one", [True, False], ids=["few new records", "many new records"])
def test_after_every_use_case_the_kept_view_is_the_one_read_whole(
    stores: SqlStores, monkeypatch: pytest.MonkeyPatch, one_by_one: bool
) -> None:
    if not one_by_one:
        monkeypatch.setattr(snapshot, "CAUGHT_UP_MAX", 0)
    house, kept = House(stores), Snapshots(stores)
    for number, step in enumerate(STEPS):
        before = stores.read(lambda reader: reader.log_size())
        done = step(house)
        if hasattr(done, "result"):
            done.result(timeout=10)
        whole = stores.read(Snapshot.load)
        assert whole.log_size > before, f"step {number} left no record, so a kept view would not notice it"
        assert kept.current() == whole, f"step {number}"


def test_after_a_change_only_what_it_names_is_read(stores: SqlStores) -> None:
    house, kept = House(stores), Snapshots(stores)
    house.enrol("vistula", "PL")
    house.enrol("child", "PL", parents=("vistula",))
    kept.current()
    house.registry.apply(record_of(org("child", "PL", "vistula"), org("vistula", "CN"), customer="child"), by="ana")
    with counted(stores) as statements:
        kept.current()
    assert not [
        each
        for each in statements
        if re.search(r"FROM (party|customer|run|account|binding)\b(?!.*WHERE)", each, re.DOTALL)
    ]


def test_a_record_that_says_nothing_for_sure_makes_everything_be_read_again() -> None:
    assert {each for each in OF_PEOPLE if not _is_understood(each)} == set()
    assert Named.of([record(0)]).whole  # a record of a pod: nobody asks for those
    assert WRITTEN_MAX <= IDS_IN_RECORD_MAX


def _is_understood(kind: RecordType) -> bool:
    facts: Facts = {"customer": "lab", "run": "llm", "cluster": "east", "namespace": "lab", "written": []}
    return not Named.of([new_record(kind, REGISTRY, NOON, facts)]).whole


def test_a_tier_is_worked_out_once_until_a_party_changes(stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolved(parties: dict[str, Party], party_id: str, *rest: Any) -> TierFinding:
        asked.append(party_id)
        return resolve(parties, party_id, *rest)

    monkeypatch.setattr(snapshot, "resolve", resolved)
    house = House(stores)
    house.enrol("vistula", "PL")
    for number in range(3):
        house.gate.release(make_gang("vistula", f"a{number}"))
        house.gate.consider(make_pod("vistula", f"b{number}"), dry_run=True)
    assert asked == ["vistula"]
    house.registry.apply(record_of(org("vistula", "CN"), customer="vistula"), by="ana")
    house.gate.consider(make_pod("vistula", "c"), dry_run=True)
    assert asked == ["vistula", "vistula"]


def test_a_release_costs_the_same_statements_however_many_runs_the_group_has(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("vistula", "PL")
    asked = []
    for number in (1, 12):
        for each in range(number):
            house.registry.declare_run(f"llm{number}-{each}", "vistula", title="LLM", by="ana")
            house.registry.approve_run(f"llm{number}-{each}", by="ben")
        house.gate.release(make_gang("vistula", f"first{number}"))
        with counted(stores) as statements:
            assert house.gate.release(make_gang("vistula", f"a{number}")).lets_start
        asked.append(len(statements))
    assert asked[0] == asked[1]


def test_a_view_within_a_transaction_sees_its_own_changes_and_keeps_none_of_them(stores: SqlStores) -> None:
    house, kept = House(stores), Snapshots(stores)
    house.enrol("vistula", "PL")
    kept.current()
    release = house.gate.release(make_gang("vistula", "a"))
    assert release.reservations

    def work_that_fails(tx: object) -> None:
        view = kept.within(tx)  # type: ignore[arg-type]
        assert view.accounts(["undeclared.vistula"])[0].pending_tflop == release.reservations[0].amount_tflop
        raise GatekeeperError("undo this")

    with pytest.raises(GatekeeperError, match="undo this"):
        stores.transact(work_that_fails)
    assert kept.current() == stores.read(Snapshot.load)
