"""Sessions that begin with something which no command makes: held work, a vanished pod, other packs. Their text is in
`prepared/`, written as those of `test_sessions`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper import cli
from gatekeeper.policy_files import bundled_dir
from gatekeeper.ports import Transaction
from tests.cli.test_sessions import play
from tests.databases import new_stores
from tests.registry.serving import use
from tests.test_gate import House, make_gang

pytestmark = pytest.mark.slow
PREPARED = Path(__file__).parent / "prepared"
PACK = "us-ai-diffusion"


def open_house(folder: Path, work: Callable[[House], None]) -> None:
    """Do something to the database that the session finds."""
    data = folder / "data" / "compute-gatekeeper"
    data.mkdir(parents=True, mode=0o700)
    with new_stores(data / "gatekeeper.db") as stores:
        work(House(stores))


def held_work(house: House) -> None:
    """Two runs that used their limit up, and work of theirs that a hold keeps at its gate."""
    for customer in ("vistula", "odra"):
        house.enrol(customer, "PL")
        run = f"{customer}-llm"
        house.registry.declare_run(run, customer, title="A model", by="ana", namespaces=(customer,))
        house.registry.approve_run(run, by="ben")
        use(house, run, 10**14 - 1)
        house.gate.release(make_gang(customer, f"{customer}-pod"))


def vanished_pods(house: House) -> None:
    """Two reservations whose time was over long ago, and one that still covers its pod."""
    house.enrol("lab", "PL")
    gone = [house.gate.release(make_gang("lab", name)).reservations[0] for name in ("gone-1", "gone-2")]

    def work(tx: Transaction) -> None:
        for each in gone:
            tx.put_reservation(replace(each, opened_at=each.opened_at - timedelta(days=60)))

    house.stores.transact(work)


def other_packs(folder: Path) -> None:
    """A folder of one pack with a lower threshold, and a folder with a pack that cannot be read."""
    shutil.copytree(bundled_dir() / PACK, folder / "stricter" / PACK)
    pack = folder / "stricter" / PACK / "pack.yaml"
    text, before = pack.read_text("utf-8"), 'amount: "1e26"\n  op: reached'
    assert before in text
    pack.write_text(text.replace(before, 'amount: "5e25"\n  op: reached', 1), "utf-8")
    (folder / "broken" / PACK).mkdir(parents=True)
    (folder / "broken" / PACK / "pack.yaml").write_text("format: 2\nid: us-ai-diffusion\nid: another\n", "utf-8")


def test_inquiries_are_answered_by_one_and_approved_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_house(tmp_path, held_work)
    play(PREPARED / "inquiries.txt", tmp_path, monkeypatch)


def test_ends_of_reservations_are_proposed_listed_rejected_and_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_house(tmp_path, vanished_pods)
    play(PREPARED / "ends.txt", tmp_path, monkeypatch)


def test_packs_are_compared_and_explained_without_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_packs(tmp_path)
    play(PREPARED / "policy_cells.txt", tmp_path, monkeypatch)


def test_every_cell_of_the_tables_whose_verdict_changes_is_named_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_packs(tmp_path)
    folder, nowhere = str(tmp_path / "stricter" / PACK), str(tmp_path / "nothing")
    assert cli.run(["policy", "diff", folder, "--output", "json", "--data", nowhere]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["pack"], each["way"]) for each in told["packs"]] == [(PACK, "stricter")]
    cells = told["judged"]
    assert {each["pack"] for each in cells} == {PACK}
    assert {each["after"]["limit_tflop"] for each in cells} == {"49999999999999"}
    assert {each["before"]["limit_tflop"] for each in cells} == {"99999999999999"}
    who = [each["who"] for each in cells]
    assert len(who) == len(set(who))
    # Who needs no budget is judged as before, whatever the threshold is.
    assert {each.split(",")[0] for each in who} == {"tier 1", "tier 2", "tier 3"}
    places = {each.rsplit(", ", 1)[1] for each in who if each.startswith("tier 1, us_domestic")}
    assert "unknown place" in places
    assert places.isdisjoint({"AU", "AD"})  # of Tier 1 and 2
    assert cli.run(["policy", "diff", str(tmp_path / "stricter"), "--output", "json", "--data", nowhere]) == 1
    judged = json.loads(capsys.readouterr().out)["judged"]
    others = {each["pack"]: each["after"] for each in judged if each["pack"] != PACK}
    assert set(others.values()) == {None}  # a folder is all that is loaded then


def test_packs_are_compared_and_explained_for_customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_packs(tmp_path)
    open_house(tmp_path, held_work)
    play(PREPARED / "policy_customers.txt", tmp_path, monkeypatch)
