"""The view in memory: after every use case it says the same as one that is read whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper import snapshots
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.run import Purpose
from gatekeeper.snapshots import Snapshot, Snapshots
from gatekeeper.stores import SqlStores
from tests.databases import new_stores
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
]


@pytest.mark.parametrize("one_by_one", [True, False], ids=["few new records", "many new records"])
def test_after_every_use_case_the_kept_view_is_the_one_read_whole(
    stores: SqlStores, monkeypatch: pytest.MonkeyPatch, one_by_one: bool
) -> None:
    if not one_by_one:
        monkeypatch.setattr(snapshots, "CAUGHT_UP_MAX", 0)
    house, kept = House(stores), Snapshots(stores)
    for number, step in enumerate(STEPS):
        before = stores.read(lambda reader: reader.log_size())
        done = step(house)
        if hasattr(done, "result"):
            done.result(timeout=10)
        whole = stores.read(Snapshot.load)
        assert whole.log_size > before, f"step {number} left no record, so a kept view would not notice it"
        assert kept.current() == whole, f"step {number}"


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
