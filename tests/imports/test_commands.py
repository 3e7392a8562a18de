"""`gatekeeper import` and `customer export` as people type them: all of a file, or nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.cli import run
from tests.imports.golden_copies import LAB, LEI2, RR, TOP, ULTIMATE, entry, table

Typed = Callable[..., str]
GOOD = "id,legal_name,headquarters,no_parent_reason,customer,lei\n"


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("COMPUTE_GATEKEEPER_PERSON", "ana")

    def type_(*words: str, code: int = 0) -> str:
        found = run([*(each.replace("@", f"{tmp_path}/") for each in words), "--data", f"{tmp_path}/data"])
        told = capsys.readouterr()
        assert found == code, told.err
        return told.out + told.err

    return type_


@pytest.mark.parametrize(
    "last",
    ["shop,Shop,Nowhere,listed,shop,\n", 'shop,"Shop', "shop,Shop,DE\n", "lab,Lab,DE,listed,,\n", "shop,\0,DE,,,\n"],
)
def test_a_table_that_goes_wrong_at_its_end_leaves_nothing_behind(tmp_path: Path, typed: Typed, last: str) -> None:
    (tmp_path / "all.csv").write_text(f"{GOOD}lab,Lab,DE,listed,lab,\n{last}")
    assert "all.csv:3" in typed("import", "csv", "@all.csv", "--out", "@made", code=2)
    assert not (tmp_path / "made").exists()
    typed("import", "csv", "@all.csv", "--apply", code=2)
    assert not (tmp_path / "data").exists()


def test_a_customer_called_like_the_file_of_parties_without_one_is_not_written_over(
    tmp_path: Path, typed: Typed
) -> None:
    (tmp_path / "all.csv").write_text(f"{GOOD}lab,Lab,DE,listed,parties,\nshop,Shop,DE,listed,,\n")
    assert "parties.yaml would be of a customer" in typed("import", "csv", "@all.csv", "--out", "@made", code=2)
    assert not (tmp_path / "made").exists()


def test_every_format_names_its_customers_alike(tmp_path: Path, typed: Typed) -> None:
    told = {
        "csv": "id,legal_name\nlab,Lab\n",
        "jsonl": '{"id": "lab", "legal_name": "Lab"}\n',
        "ftm": '{"id": "lab", "schema": "Company", "properties": {"name": ["Lab"]}}\n',
        "bods": '{"recordId": "lab", "recordType": "entity", "recordDetails": {"name": "Lab"}}\n',
    }
    for format_, text in told.items():
        (tmp_path / format_).write_text(text)
        out = typed("import", format_, f"@{format_}", "--customer", "acme=lab", "--out", f"@{format_}-made")
        assert "customers written to" in out
        assert (
            (tmp_path / f"{format_}-made" / "acme.yaml").read_text().startswith("format: 1\ncustomer: acme\nparty: lab")
        )


def test_files_that_were_edited_are_not_written_over_unasked(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "all.csv").write_text(f"{GOOD}lab,Lab,DE,listed,lab,\nshop,Shop,DE,listed,shop,\nx,X,DE,listed,,\n")
    typed("import", "csv", "@all.csv", "--out", "@made")
    typed("import", "csv", "@all.csv", "--out", "@made")
    edited = tmp_path / "made" / "shop.yaml"
    edited.write_text(edited.read_text() + "# looked at\n")
    (tmp_path / "made" / "lab.yaml").unlink()
    told = typed("import", "csv", "@all.csv", "--out", "@made", code=2)
    assert "nothing was written: shop.yaml." in told
    assert "--overwrite" in told
    assert "# looked at" in edited.read_text()
    assert not (tmp_path / "made" / "lab.yaml").exists()
    typed("import", "csv", "@all.csv", "--out", "@made", "--overwrite")
    assert "# looked at" not in edited.read_text()
    typed("import", "csv", "@all.csv", "--apply")
    typed("customer", "approve", "--all-waiting", "--as", "ben", "--yes")
    typed("customer", "export", "--format", "bods", "--out", "@given")
    (tmp_path / "given" / "customers.json").write_text("edited")
    assert "--overwrite" in typed("customer", "export", "--format", "bods", "--out", "@given", code=2)


def test_what_the_register_says_is_told_with_whose_tier_it_moves_and_shown_to_who_reviews(
    tmp_path: Path, typed: Typed
) -> None:
    (tmp_path / "all.csv").write_text(f"{GOOD}lab,Lab,US,listed,lab,{LAB}\n")
    typed("import", "csv", "@all.csv", "--apply")
    typed("customer", "approve", "lab", "--as", "ben", "--yes")
    table(tmp_path / "lei2.csv", LEI2, entry(LAB, "US", "LAPSED"), entry(TOP, "CN"))
    table(tmp_path / "rr.csv", RR, [LAB, TOP, ULTIMATE, "ACTIVE"])
    words = ("import", "gleif", "--lei2", "@lei2.csv", "--rr", "@rr.csv")
    assert "--apply" in typed(*words, code=2)
    before = typed("customer", "show", "lab")
    looked = typed(*words, "--apply", "--dry-run", code=1)
    assert "took effect" not in looked
    assert "dry run: nothing was changed" in looked
    assert typed("customer", "show", "lab") == before
    told = typed(*words, "--apply", code=1)
    moved = [each for each in told.splitlines() if " becomes " in each]
    assert [each for each in looked.splitlines() if " becomes " in each] == moved
    assert {each.rpartition(" by ")[2] for each in moved} == {"us-ai-diffusion", "us-bis-2025-05-13"}
    assert f"parent: recorded none with an LEI, GLEIF has {TOP}; the stricter one took effect" in told
    assert "customer lab: Tier 1 becomes Tier 3 by us-ai-diffusion" in told
    shown = typed("customer", "show", "lab")
    assert "Register: party lab, status: recorded in use here, GLEIF has ACTIVE, LAPSED [kyc.conflict.status]" in shown
    assert json.loads(typed("customer", "show", "lab", "-o", "json"))["conflicts"][0]["code"] == "status"
    key = re.search(r"--key (\S+)", typed("log", "export", "--out", "@all.export", "--purpose", "test"))
    assert key is not None
    verified = run(["log", "verify", str(tmp_path / "all.export"), "--key", key[1]])
    assert verified == 0
    table(tmp_path / "delta.csv", LEI2, entry(TOP, "CN"))
    assert "2 LEIs: 2 agree, 0 do not" in typed("import", "gleif", "--lei2", "@delta.csv", "--delta", "--apply")
