"""The folder of evidence at the command line: what nobody has on record is not kept, or is told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.cli.conftest import Run

LAB = """
format: 1
customer: lab
parties: [{id: lab, legal_name: Lab, headquarters: IN, no_parent_reason: listed}]
"""
PASSPORT = b"a passport of somebody"
NAME = hashlib.sha256(PASSPORT).hexdigest()


@pytest.fixture
def gatekeeper(gatekeeper: Run, tmp_path: Path) -> Run:
    """On a data folder that has one customer."""
    (tmp_path / "lab.yaml").write_text(LAB)
    (tmp_path / "passport").write_bytes(PASSPORT)
    gatekeeper("customer", "apply", "-f", str(tmp_path / "lab.yaml"), "--as", "ana")
    return gatekeeper


def add(gatekeeper: Run, tmp_path: Path, *, source: str = "customer", exits: int = 0) -> str:
    told = ("--description", "Passport", "--source", source, "--as", "ana")
    return gatekeeper("evidence", "add", "lab", str(tmp_path / "passport"), *told, exits=exits)


def kept(tmp_path: Path) -> list[str]:
    return [each.name for each in (tmp_path / "data" / "evidence").iterdir()]


def test_a_file_that_is_refused_is_not_kept(gatekeeper: Run, tmp_path: Path) -> None:
    add(gatekeeper, tmp_path, source=" ", exits=2)
    assert kept(tmp_path) == []
    add(gatekeeper, tmp_path)
    assert "on record already" in add(gatekeeper, tmp_path, exits=2)
    assert kept(tmp_path) == [NAME]


def test_a_file_that_nobody_has_on_record_is_told_and_can_be_removed(gatekeeper: Run, tmp_path: Path) -> None:
    add(gatekeeper, tmp_path)
    left = hashlib.sha256(b"left").hexdigest()
    (tmp_path / "data" / "evidence" / left).write_bytes(b"left")  # its upload was killed after it had its name
    told = gatekeeper("evidence", "verify", exits=1)
    assert f"{left}: nobody has this file on record" in told
    assert "1 of 1 files are as they were recorded" in told
    gatekeeper("evidence", "verify", "lab")
    assert f"{left}: removed" in gatekeeper("evidence", "verify", "--remove-unrecorded")
    assert kept(tmp_path) == [NAME]
    assert "1 of 1 files" in gatekeeper("evidence", "verify")
