"""The life of a customer at the command line: what each act prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
FILE = str(ROOT / "examples" / "customers" / "bharat-models.yaml")


@pytest.mark.slow
def test_a_customer_from_its_draft_to_its_end(gatekeeper: Run, tmp_path: Path) -> None:
    lab, ana, ben = "bharat-models", ("--as", "ana"), ("--as", "ben", "--yes")
    assert "kept as a draft" in gatekeeper("customer", "apply", "--draft", "-f", FILE, *ana)
    assert "Submit it first" in gatekeeper("customer", "approve", lab, *ben, exits=2)
    gatekeeper("customer", "submit", lab, *ana)
    rejected = gatekeeper("customer", "reject", lab, "--reason", "no proof", "--as", "ben")
    assert "rejected (attempt 1); a corrected file may be applied" in rejected
    gatekeeper("customer", "apply", "-f", FILE, *ana)
    assert "approved by ben" in gatekeeper("customer", "approve", lab, *ben)
    asked = ("customer", "override", lab, "--tier", "1", "--hours", "12", "--reason", "register down")
    assert "approve-override" in gatekeeper(*asked, *ana)
    assert "waits for a second person: ana asks to treat" in " ".join(gatekeeper("customer", "show", lab).split())
    assert "override waits" in gatekeeper("customer", "list")
    [row] = json.loads(gatekeeper("customer", "list", "--output", "json"))
    assert (row["override"], bool(row["override_waits"])) == (None, True)
    assert "cannot approve it" in gatekeeper("customer", "approve-override", lab, "--as", "ANA", "--yes", exits=2)
    assert "approved by ben until" in gatekeeper("customer", "approve-override", lab, *ben)
    assert "in force" in gatekeeper("customer", "overrides")
    (tmp_path / "register.pdf").write_bytes(b"%PDF")
    told = ("--description", "Extract", "--source", "Register")
    assert "application/pdf" in gatekeeper("evidence", "add", lab, str(tmp_path / "register.pdf"), *told, *ana)
    assert "1 of 1 files are as they were recorded" in gatekeeper("evidence", "verify")
    (sha256,) = [each.name for each in (tmp_path / "data" / "evidence").iterdir()]
    (tmp_path / "data" / "evidence" / sha256).write_bytes(b"%PDX")
    assert "the file was changed" in gatekeeper("evidence", "verify", exits=1)
    gatekeeper("customer", "end-override", lab, *ana)
    gatekeeper("customer", "close", lab, "--reason", "over", "--yes", *ana)
    history = json.loads(gatekeeper("customer", "history", lab, "--output", "json"))
    acts = [each["act"] for each in history if each["kind"] == "customer"]
    assert acts == [
        "customer.drafted",
        "customer.submitted",
        "customer.rejected",
        "customer.submitted",
        "customer.approved",
        "customer.closed",
    ]
    assert json.loads(gatekeeper("customer", "due", "--within", "3000d", "--output", "json")) == []


@pytest.mark.slow
def test_applying_a_stricter_fact_under_an_override_says_that_it_ends(gatekeeper: Run, tmp_path: Path) -> None:
    lab, ana, ben = "bharat-models", ("--as", "ana"), ("--as", "ben", "--yes")
    gatekeeper("customer", "apply", "-f", FILE, *ana)
    gatekeeper("customer", "approve", lab, *ben)
    gatekeeper("customer", "override", lab, "--tier", "1", "--hours", "72", "--reason", "register down", *ana)
    gatekeeper("customer", "approve-override", lab, *ben)
    text = Path(FILE).read_text("utf-8")
    assert "headquarters: IN" in text
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(text.replace("headquarters: IN", "headquarters: CN"), "utf-8")
    assert "would end with this" in gatekeeper("customer", "apply", "-f", str(stricter), "--dry-run", "--as", "eve")
    told = gatekeeper("customer", "apply", "-f", str(stricter), "--as", "eve")
    assert "ended with this: ana and ben had not seen what makes it stricter" in told
    [row] = json.loads(gatekeeper("customer", "list", "--output", "json"))
    assert (row["override"], set(row["tiers"].values())) == (None, {"3"})


def test_an_attestation_without_all_of_its_options_is_refused_by_the_names_of_those_missing(gatekeeper: Run) -> None:
    declare = ("run", "declare", "llm", "--customer", "lab", "--title", "A model", "--as", "ana")
    told = " ".join(gatekeeper(*declare, "--attested-by", "Carla", exits=2).split())
    assert "--attested-for, --attested-on, --attested-sha256 are missing" in told
    told = " ".join(
        gatekeeper(
            *declare, "--attested-by", "Carla", "--attested-for", "X", "--attested-on", "2026-10-02", exits=2
        ).split()
    )
    assert "--attested-sha256 is missing" in told


def test_a_day_nobody_can_mean_is_refused(gatekeeper: Run) -> None:
    gatekeeper("customer", "apply", "-f", FILE, "--as", "ana")
    assert "no number of days" in gatekeeper("customer", "due", "--within", "soon", exits=2)
    assert "will be known" in gatekeeper("customer", "show", "bharat-models", "--known-on", "2999-01-01", exits=2)
    assert "no day" in gatekeeper("customer", "explain", "bharat-models", "--known-on", "31.12.2026", exits=2)


def test_a_first_record_that_is_refused_begins_no_database(gatekeeper: Run, tmp_path: Path) -> None:
    for customer, country in (("lab", "US"), ("shop", "DE")):
        owner = f"{{id: fund, legal_name: Fund, headquarters: {country}, no_parent_reason: listed}}"
        own = f"{{id: {customer}, legal_name: Lab, headquarters: US, parents: [fund]}}"
        (tmp_path / f"{customer}.yaml").write_text(f"format: 1\ncustomer: {customer}\nparties: [{own}, {owner}]\n")
    files = ("-f", str(tmp_path / "lab.yaml"), "-f", str(tmp_path / "shop.yaml"))
    for words in (("customer", "apply"), ("customer", "apply", "--draft")):
        assert "stands differently" in gatekeeper(*words, *files, "--as", "ana", exits=2)
        assert not (tmp_path / "data").exists()
    assert "--as is empty" in gatekeeper("customer", "apply", "-f", FILE, "--as", "", exits=2)
    assert not (tmp_path / "data").exists()
    gatekeeper("customer", "apply", "-f", FILE, "--as", "ana")
    assert (tmp_path / "data").exists()


def test_the_history_of_a_first_record_says_what_there_is_and_not_what_there_was_not(
    gatekeeper: Run, tmp_path: Path
) -> None:
    here = tmp_path / "lab.yaml"
    owner = "{id: ana, kind: person, legal_name: Ana, residence: SG, nationalities: [SG]}"
    own = "{id: lab, legal_name: Lab, headquarters: US, interests: [{owner: ana, share: 100}]}"
    here.write_text(f"format: 1\ncustomer: lab\nparties: [{own}, {owner}]\n")
    gatekeeper("customer", "apply", "-f", str(here), "--as", "ana")
    gatekeeper("customer", "approve", "lab", "--as", "ben", "--yes")
    told = gatekeeper("customer", "history", "lab")
    first, approved = told.split("customer.approved")[0], told.split("customer.approved", 1)[1]
    assert "->" not in first
    assert "-> nothing" not in approved
    assert "  residence: SG" in told
    assert "  headquarters: US" in told
    assert told.count("nothing waits any more") == 1
    assert "  standing: submitted -> approved" in told
