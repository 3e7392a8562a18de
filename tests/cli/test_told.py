"""What the command line says where somebody is refused: what is wrong, where it stands, and what to do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gatekeeper import cli

Printed = pytest.CaptureFixture[str]
LAB = """format: 1
customer: {0}
parties:
  - {{id: {0}, legal_name: Lab, headquarters: {1}, no_parent_reason: listed}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def do(capsys: Printed, *words: str, code: int = 0) -> str:
    assert cli.run([*words, *(() if words[0] == "tier" else ("--data", "data"))]) == code
    out, err = capsys.readouterr()
    return out + err


def enrolled(capsys: Printed, folder: Path, *names: str) -> None:
    for each in names:
        (folder / f"{each}.yaml").write_text(LAB.format(each, "US"))
        do(capsys, "customer", "apply", "-f", f"{each}.yaml", "--as", "ana")
        do(capsys, "customer", "approve", each, "--yes", "--as", "ben")


@pytest.mark.slow
def test_an_export_leaves_closed_accounts_out_so_that_it_can_be_applied(capsys: Printed, folder: Path) -> None:
    enrolled(capsys, folder, "lab", "gone")
    do(capsys, "customer", "close", "gone", "--reason", "over", "--yes", "--as", "ana")
    assert "written to all: 1" in do(capsys, "customer", "export", "--out", "all")
    assert "unchanged" in do(capsys, "customer", "apply", "-f", "all", "--as", "ana")
    do(capsys, "customer", "export", "--out", "whole", "--closed")
    told = do(capsys, "customer", "apply", "-f", "whole", "--as", "ana", code=2)
    assert "whole/gone.yaml:2:1: Customer gone is closed" in told


def test_who_prepared_a_record_is_refused_before_it_is_printed(capsys: Printed, folder: Path) -> None:
    (folder / "lab.yaml").write_text(LAB.format("lab", "US"))
    do(capsys, "customer", "apply", "-f", "lab.yaml", "--as", "ana")
    told = do(capsys, "customer", "approve", "lab", "--as", "ANA", code=2)
    assert "prepared the record of customer lab" in told
    assert "legal_name" not in told


def test_nobody_is_asked_about_a_customer_that_is_not_there(
    capsys: Printed, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled(capsys, folder, "lab")
    told = do(capsys, "customer", "close", "nosuch", "--reason", "x", "--as", "ana", code=2)
    assert "no customer 'nosuch'" in told
    assert "for good" not in told
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    told = do(capsys, "customer", "close", "lab", "--reason", "x", "--as", "ana", code=2)
    assert "Nothing was done." in told
    assert "--yes" in told


def test_an_override_is_to_tier_one_or_two(capsys: Printed, folder: Path) -> None:
    enrolled(capsys, folder, "lab")
    words = ("customer", "override", "lab", "--hours", "1", "--reason", "x", "--as", "ana", "--tier")
    assert "treats a customer as Tier 1 or 2, and not as '3'" in do(capsys, *words, "3", code=2)
    assert "Tier 2 is not milder" in do(capsys, *words, "2", code=2)


@pytest.mark.parametrize(("code", "hint"), [("UK", "GB is"), ("XX", "no code of a country")])
def test_a_country_that_is_none_is_refused_wherever_it_is_said(
    capsys: Printed, folder: Path, code: str, hint: str
) -> None:
    asked = ("policy", "explain", "us-ai-diffusion", "--tier", "2")
    assert hint in do(capsys, *asked, "--country", code, code=2)
    (folder / "config.yaml").write_text(f"site: {{country: {code}}}\n")
    told = do(capsys, *asked, "--config", "config.yaml", code=2)
    assert "site.country" in told
    assert hint in told
    (folder / "lab.yaml").write_text(LAB.format("lab", code))
    told = do(capsys, "customer", "apply", "-f", "lab.yaml", "--as", "ana", code=2)
    assert "lab.yaml:4" in told
    assert hint in told


def test_packs_that_treat_all_tiers_alike_place_nobody(capsys: Printed, folder: Path) -> None:
    enrolled(capsys, folder, "lab")
    for words in (("list",), ("show", "lab")):
        told = do(capsys, "customer", *words).lower()
        assert "us-ai-diffusion" in told
        assert not [each for each in ("eu-gpai", "us-ca-sb53", "us-ny-raise") if each in told]
    explained = do(capsys, "customer", "explain", "lab")
    assert "eu-gpai places nobody: its rules are the same for every tier" in explained


def test_a_day_before_the_table_is_warned_of(capsys: Printed, folder: Path) -> None:
    told = do(capsys, "countries", "CN", "--pack", "us-ai-diffusion", "--as-of", "2024-01-01")
    assert "the table of us-ai-diffusion begins on 2025-01-13" in told
    assert "unresolved" in told


def test_a_missing_suite_is_named(capsys: Printed, folder: Path) -> None:
    assert "us-house/suite.yaml is missing" in do(capsys, "policy", "test", _pack_without_suite(folder), code=2)


def _pack_without_suite(folder: Path) -> str:
    (folder / "us-house").mkdir()
    return str(folder / "us-house")


def test_why_a_tier_is_unresolved_is_told_where_a_record_is_applied(capsys: Printed, folder: Path) -> None:
    lab = LAB.format("lab", "US").replace(
        "no_parent_reason: listed", "interests: [{owner: nosuch, share: 60, source: x}]"
    )
    (folder / "lab.yaml").write_text(lab)
    told = do(capsys, "customer", "apply", "-f", "lab.yaml", "--as", "ana")
    assert "  tier unresolved: " in told
    assert "there is no record of nosuch\n" in told
    assert "tier unresolved" not in do(capsys, "customer", "apply", "-f", "lab.yaml", "--as", "ana")
