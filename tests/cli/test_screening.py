"""`gatekeeper list`, `screening` and `countries` as people type them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.cli import run

Typed = Callable[..., str]
CSL = (
    "_id,source,entity_number,name,alt_names\n9a,Entity List,77,Korvet Dynamics,=cmd();KDZ\n9b,Entity List,78,Zarya,\n"
)
LAB = (
    "format: 1\ncustomer: lab\nparty: korvet\nparties:\n  - {id: korvet, legal_name: Korvet Dynamics Inc, "
    "headquarters: US, no_parent_reason: listed}\n"
)


@pytest.fixture
def typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    (tmp_path / "csl.csv").write_text(CSL)
    (tmp_path / "lab.yaml").write_text(LAB)

    def type_(*words: str, code: int = 0) -> str:
        found = run([*(each.replace("@", f"{tmp_path}/") for each in words), "--data", f"{tmp_path}/data"])
        told = capsys.readouterr()
        assert found == code, told.err
        return told.out if code == 0 else told.err

    type_("customer", "apply", "-f", "@lab.yaml", "--as", "ana")
    type_("customer", "approve", "lab", "--as", "ben", "--yes")
    return type_


IMPORT = ("list", "import", "@csl.csv", "--list", "csl", "--published-on", "2026-11-20", "--as", "pia")


def test_a_list_is_tried_loaded_and_compared(typed: Typed) -> None:
    looked = typed(*IMPORT, "--dry-run")
    assert "2 would be added" in looked
    assert "! party korvet (" in looked
    assert ") is like Korvet Dynamics (Entity List 77), 100 of 100\n" in looked
    assert "what runs for them would stop" in looked
    assert json.loads(typed(*IMPORT, "--dry-run", "-o", "json"))["parties_hit"] == ["korvet"]
    assert typed("list", "show") == "No list is loaded.\n"
    told = typed(*IMPORT)
    assert "+ Korvet Dynamics (Entity List 77)" in told
    assert "1 party screened: 1 new hit." in told
    assert "0 would be added, 0 removed, 0 changed" in typed("list", "diff", "@csl.csv", "--list", "csl")
    assert json.loads(typed("list", "show", "-o", "json"))[0]["entries"] == 2
    assert "is not loaded" in typed("list", "show", "sdn", code=2)


@pytest.mark.slow
def test_a_hit_is_judged_by_one_and_confirmed_by_another(typed: Typed) -> None:
    typed(*IMPORT)
    (hit,) = json.loads(typed("screening", "hits", "--open", "-o", "json"))
    assert (hit["party"], hit["entry"], hit["state"]) == ("korvet", "Korvet Dynamics", "open")
    judge = ("screening", "judge", hit["hit"], "--reason", "another town", "--as", "ana")
    assert "either --true-match or --false-positive" in typed(*judge, code=2)
    assert "waits for a second person" in typed(*judge, "--false-positive")
    assert "open, ana says false and a second person decides" in typed("screening", "hits", "--open")
    assert "cannot confirm" in typed("screening", "confirm", hit["hit"], "--as", "Ana", code=2)
    assert "put aside" in typed("screening", "confirm", hit["hit"], "--as", "ben")
    assert typed("screening", "hits", "--open") == "No open hits.\n"
    assert "0 new hits" in typed("screening", "run", "--party", "korvet", "--as", "ana")
    assert "takes effect now" in typed(*judge, "--true-match")
    typed(*judge, "--false-positive")
    (hit,) = json.loads(typed("screening", "hits", "-o", "json"))
    assert (hit["proposed"], hit["judged_by"]) == (True, "ana")
    assert hit["state"] == "true_match, ana says false and a second person decides"


def test_a_record_of_a_listed_name_is_applied_with_a_word_on_its_hit(
    typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(*IMPORT)
    (tmp_path / "twin.yaml").write_text(LAB.replace("customer: lab", "customer: twin").replace("korvet", "korvet-2"))
    assert run(["customer", "apply", "-f", f"{tmp_path}/twin.yaml", "--as", "ana", "--data", f"{tmp_path}/data"]) == 0
    assert "customer twin is unresolved until people have judged the hits on its names" in capsys.readouterr().err


def test_a_broken_list_changes_nothing(typed: Typed, tmp_path: Path) -> None:
    typed(*IMPORT)
    (tmp_path / "csl.csv").write_text(CSL + "9c,,79,Nameless\n")
    assert "csl.csv:4: has 4 columns, the header has 5." in typed(*IMPORT, code=2)
    assert json.loads(typed("list", "show", "-o", "json"))[0]["entries"] == 2


def test_countries_are_found_by_code_name_or_alias_and_told_with_their_tier(typed: Typed) -> None:
    (row,) = json.loads(typed("countries", "P.R. China", "--pack", "us-ai-diffusion", "-o", "json"))
    assert (row["code"], row["tier"], row["from"]) == ("CN", "3", "2024-05-30")
    cambodia = ("countries", "KH", "--pack", "us-ai-diffusion", "-o", "json", "--as-of")
    tiers = [json.loads(typed(*cambodia, day))[0]["tier"] for day in ("2025-11-06", "2025-11-07")]
    assert tiers == ["3", "2"]
    (bermuda,) = json.loads(typed("countries", "BMU", "--pack", "us-ai-diffusion", "-o", "json"))
    assert (bermuda["parent"], bermuda["tier"], bermuda["review"]) == ("GB", "2", True)
    assert "'EL' is no ISO code; GR is." in typed("countries", "EL", code=2)
    assert "if you mean Bahrain, say BH" in typed("countries", "Bahran", code=2)
    assert len(json.loads(typed("countries", "--pack", "us-ai-diffusion", "-o", "json"))) == 257


def test_who_looks_at_a_customer_is_told_of_another_party_of_its_name(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "twin.yaml").write_text(LAB.replace("customer: lab", "customer: twin").replace("korvet", "korvet-2"))
    typed("customer", "apply", "-f", "@twin.yaml", "--as", "ana")
    told = "Look closely: party korvet-2 (Korvet Dynamics Inc) is called like party korvet (Korvet Dynamics Inc)."
    assert told in typed("customer", "show", "twin")
    (found,) = json.loads(typed("customer", "show", "twin", "-o", "json"))["namesakes"]
    assert (found["party_id"], found["other_id"]) == ("korvet-2", "korvet")
    assert told in typed("customer", "approve", "twin", "--as", "ben", "--yes")


def test_a_name_that_cannot_be_compared_is_told_as_such(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "far.yaml").write_text(
        LAB.replace("lab", "far").replace("korvet", "far").replace("Korvet Dynamics Inc", "شركة")
    )
    typed("customer", "apply", "-f", "@far.yaml", "--as", "ana")
    typed(*IMPORT)
    (hit,) = json.loads(typed("screening", "hits", "--party", "far", "-o", "json"))
    assert (hit["state"], hit["list"], hit["entry"]) == ("open, not compared", "unscreened", "شركة")
