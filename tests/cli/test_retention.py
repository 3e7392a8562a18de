"""Erasing what a closed account left behind, at the command line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.wiring import SystemClock
from tests.cli.conftest import Run

LAB = """
format: 1
customer: lab
parties: [{id: lab, legal_name: Lab, headquarters: IN, no_parent_reason: listed}]
profile: {email: [nobody.keeps.this@lab.example]}
"""


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass."""

    def set_clock(ahead: timedelta) -> None:
        monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + ahead)

    return set_clock


@pytest.mark.slow
def test_a_closed_customer_is_held_and_then_erased(
    gatekeeper: Run, later: Callable[[timedelta], None], tmp_path: Path
) -> None:
    ana, ben, why = ("--as", "ana"), ("--as", "ben", "--yes"), ("--reason", "kept long enough")
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "passport").write_bytes(b"a passport that nobody keeps")
    gatekeeper("customer", "apply", "-f", str(tmp_path / "lab.yaml"), *ana)
    gatekeeper("customer", "approve", "lab", *ben)
    told = ("--description", "Passport", "--source", "customer", "--sensitivity", "personal")
    gatekeeper("evidence", "add", "lab", str(tmp_path / "passport"), *told, *ana)
    gatekeeper("customer", "close", "lab", "--reason", "over", "--yes", *ana)
    assert "is kept until" in gatekeeper("customer", "erase", "lab", *why, *ana, exits=2)
    later(timedelta(days=6 * 366))
    assert "may be erased" in gatekeeper("customer", "retention", "--due")
    said = gatekeeper("customer", "hold", "lab", "--reason", "agency", *ana)
    assert "under legal hold" in said
    hold = said.split()[-1]
    assert "legal hold" in gatekeeper("customer", "erase", "lab", *why, "--dry-run", exits=1)
    gatekeeper("customer", "lift-hold", hold, "--reason", "written leave", *ana)
    assert "cannot approve" in gatekeeper("customer", "approve-lift", hold, "--as", "ANA", "--yes", exits=2)
    gatekeeper("customer", "approve-lift", hold, *ben)
    assert json.loads(gatekeeper("customer", "holds", "lab", "--output", "json"))[0]["state"] == "lifted"
    assert "1 version of its profile, each with its salt" in gatekeeper("customer", "erase", "lab", *why, "--dry-run")
    gatekeeper("customer", "erase", "lab", *why, *ana)
    assert "cannot approve" in gatekeeper("customer", "approve-erasure", "lab", "--as", "Ana", "--yes", exits=2)
    assert "no byte of it is left" in gatekeeper("customer", "approve-erasure", "lab", *ben)
    left = b"".join(each.read_bytes() for each in (tmp_path / "data").rglob("*") if each.is_file())
    assert b"nobody.keeps.this" not in left
    assert b"a passport that nobody keeps" not in left
    assert "0 of 0 files" in gatekeeper("evidence", "verify")
    gatekeeper("customer", "show", "lab")
    assert "No closed account" in gatekeeper("customer", "retention")


def test_a_field_that_is_demanded_and_missing_is_told_with_its_place(gatekeeper: Run, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "config.yaml").write_text("records: {profile: required}\n")
    asked = ("-f", str(tmp_path / "lab.yaml"), "--config", str(tmp_path / "config.yaml"))
    (tmp_path / "other.yaml").write_text("format: 1\ncustomer: other\nparties: [{id: other, legal_name: O}]\n")
    gatekeeper("customer", "apply", "-f", str(tmp_path / "other.yaml"), "--as", "ana")
    for act in (("diff",), ("apply", "--as", "ana")):
        said = gatekeeper("customer", *act, *asked, exits=2)
        assert f"{tmp_path / 'lab.yaml'}:3:1: Customer lab lacks address, locations_of_use, jurisdiction" in said


def test_the_first_record_of_all_may_be_a_draft_that_lacks_what_is_demanded(gatekeeper: Run, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "config.yaml").write_text("records: {profile: required}\n")
    asked = ("-f", str(tmp_path / "lab.yaml"), "--config", str(tmp_path / "config.yaml"), "--as", "ana")
    assert "draft" in gatekeeper("customer", "apply", *asked, "--draft")
    assert "Customer lab lacks address" in gatekeeper("customer", "submit", "lab", *asked[2:], exits=2)


@pytest.mark.slow
def test_an_erasure_claims_nothing_of_files_that_nobody_has_on_record(
    gatekeeper: Run, later: Callable[[timedelta], None], tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "passport").write_bytes(b"a passport that nobody keeps")
    gatekeeper("customer", "apply", "-f", str(tmp_path / "lab.yaml"), "--as", "ana")
    gatekeeper("customer", "approve", "lab", "--as", "ben", "--yes")
    told = ("--description", "Passport", "--source", "customer", "--sensitivity", "personal")
    gatekeeper("evidence", "add", "lab", str(tmp_path / "passport"), *told, "--as", "ana")
    gatekeeper("customer", "close", "lab", "--reason", "over", "--yes", "--as", "ana")
    later(timedelta(days=6 * 366))
    gatekeeper("customer", "erase", "lab", "--reason", "kept long enough", "--as", "ana")
    older = b"an upload that was refused before refused files went"
    left = tmp_path / "data" / "evidence" / hashlib.sha256(older).hexdigest()
    left.write_bytes(older)
    said = gatekeeper("customer", "approve-erasure", "lab", "--as", "ben", "--yes")
    assert "no byte of it is left" not in said
    assert "no byte of what was on record is left" in said
    assert "1 file that nobody has on record" in said
    assert [each.name for each in left.parent.iterdir()] == [left.name]
    gatekeeper("evidence", "verify", "--remove-unrecorded")
    assert not left.exists()
