"""BODS 0.4 and FollowTheMoney as their publishers define them: what we write is valid, what they may say is read."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from referencing import Registry, Resource

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import WHOLE
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.imports.bods import read_bods
from gatekeeper.imports.exports import to_bods, to_ftm
from gatekeeper.imports.ftm import ORGANISATIONS, read_ftm
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.percentages import bounds_of
from gatekeeper.imports.territories import our_code, territories
from gatekeeper.registry import KycRecord
from tests.imports.world import read, records

DATA = Path(__file__).parent / "data"
BODS_KINDS, FTM_KINDS = DATA / "bods-0.4-kinds.json", DATA / "ftm-kinds.jsonl"
FTM = json.loads((DATA / "ftm-4.11-schemata.json").read_text("utf-8"))
DAY = date(2026, 11, 22)


@cache
def checker() -> Draft202012Validator:
    schemas = json.loads((DATA / "bods-0.4-schema.json").read_text("utf-8"))
    known: Registry[Any] = Registry().with_resources(
        [(name, Resource.from_contents(schema)) for name, schema in schemas.items()]
    )
    return Draft202012Validator(schemas["urn:statement"], registry=known, format_checker=FormatChecker())


def bods_faults(text: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in checker().iter_errors(json.loads(text))]


def ftm_faults(text: str) -> list[str]:
    """What the model of FollowTheMoney has against some entities."""
    found = []
    for entity in map(json.loads, text.splitlines()):
        schema = FTM["schemata"].get(entity["schema"], {"properties": {}, "required": []})
        found += [f"{each} is required" for each in schema["required"] if not entity["properties"].get(each)]
        for name, values in entity["properties"].items():
            kind = schema["properties"].get(name)
            found += [f"{entity['schema']}.{name} is not there"] if kind is None else []
            found += [
                f"{each} is no territory" for each in values if kind == "country" and each not in FTM["countries"]
            ]
            found += [f"{name} is no list of texts"] if not all(isinstance(each, str) for each in values) else []
    return found


@settings(max_examples=25, deadline=None)
@given(records())
def test_what_we_write_as_bods_is_valid_by_its_schema(record: KycRecord) -> None:
    assert bods_faults(to_bods([record], DAY)) == []


@settings(max_examples=25, deadline=None)
@given(records())
def test_what_we_write_as_follow_the_money_is_in_its_model(record: KycRecord) -> None:
    assert ftm_faults(to_ftm([record])) == []


def test_the_schema_refuses_what_is_not_bods() -> None:
    assert bods_faults('[{"recordType": "planet"}]')
    assert ftm_faults('{"schema": "Person", "properties": {"residence": ["de"]}}')


def test_the_statements_of_every_kind_are_valid_bods() -> None:
    text = BODS_KINDS.read_text("utf-8")
    assert bods_faults(text) == []


def test_every_organisation_of_follow_the_money_is_a_party() -> None:
    assert {*ORGANISATIONS, "Person"} == set(FTM["parties"])


@pytest.fixture
def bods() -> Graph:
    return read(read_bods, BODS_KINDS, customer="xi-lab")


@pytest.fixture
def lab(bods: Graph) -> Party:
    return bods.parties()["xi-lab"]


def shares(party: Party) -> dict[str, tuple[int, int | None]]:
    return {each.owner: (each.least // 10_000, each.most and each.most // 10_000) for each in party.interests}


def test_the_latest_statement_of_a_record_holds_wherever_it_stands(lab: Party) -> None:
    assert (lab.legal_name, lab.headquarters, lab.jurisdiction) == ("Lab Ltd", "DE", "GB-SCT")
    assert (lab.lei, lab.other_names) == ("529900T8BM49AURSDO55", ("Lab Trading",))
    assert shares(lab)["fund"] == (1_000, 1_000)
    assert "ben" not in shares(lab)


def test_shares_are_read_with_their_bounds(bods: Graph, lab: Party) -> None:
    assert shares(lab)["hold"] == (3_500, 3_500)
    assert shares(lab)["ana"] == (0, 5_000)
    hold = bods.parties()["hold"]
    assert shares(hold)["ana"] == (5_000, 7_500)
    unknown = {each: shares(hold)[each] for each in ("trust", "legal-trust", "who", "nobody")}
    assert unknown == dict.fromkeys(unknown, (0, None))


def test_the_day_of_an_end_is_the_first_on_which_it_does_not_hold(lab: Party) -> None:
    (fund,) = (each for each in lab.interests if each.owner == "fund")
    assert (fund.begins, fund.ends) == (date(2019, 1, 1), date(2027, 1, 1))


def test_what_two_people_hold_jointly_may_be_of_either(bods: Graph) -> None:
    joint = bods.parties()["nominees"]
    assert shares(joint) == {"ana": (0, WHOLE // 10_000), "ben": (0, WHOLE // 10_000)}
    assert any("more than the whole (held jointly?)" in each for each in bods.faults.warnings)


def test_whoever_runs_a_trust_or_a_nominee_controls_it(bods: Graph) -> None:
    parties = bods.parties()
    assert parties["trust"].parents == ("ana", "ben", "hold")
    assert parties["nominees"].parents == ("hidden",)
    assert parties["fund"].parents == ("state",)


def test_an_office_is_told_and_controls_only_where_it_makes_a_beneficial_owner(bods: Graph, lab: Party) -> None:
    assert (lab.parents, bods.parties()["hold"].parents) == ((), ("ben",))
    told = "\n".join(bods.faults.warnings)
    for office in ("boardMember", "seniorManagingOfficial", "nominee"):
        assert f"is {office} of XI-LAB, which is neither a share nor control" in told


def test_states_bodies_of_states_and_persons_are_what_they_are(bods: Graph) -> None:
    parties = bods.parties()
    assert (parties["state"].kind, parties["state"].headquarters) == (PartyKind.STATE, "FR")
    assert (parties["fund"].kind, parties["fund"].headquarters) == (PartyKind.ORG, "FR")
    ana = parties["ana"]
    assert (ana.kind, ana.headquarters, ana.nationalities) == (PartyKind.PERSON, "FR", ("FR", "US"))
    assert ana.other_names == ("Ana Formerly",)


def test_who_is_not_specified_is_told_with_the_reason_and_stays_unknown(bods: Graph, lab: Party) -> None:
    told = "\n".join(bods.faults.warnings)
    schema = json.loads((DATA / "bods-0.4-schema.json").read_text("utf-8"))
    reasons = schema["urn:components"]["$defs"]["UnspecifiedRecord"]["properties"]["reason"]["enum"]
    assert len(reasons) == 7
    for reason in reasons:
        assert f"interestedParty is not specified ({reason})" in told
    assert "subject is not specified (unknown)" in told
    assert "NOBODY is anonymousEntity (interestedPartyExemptFromDisclosure)" in told
    assert "GHOST is unknownPerson (subjectUnableToConfirmOrIdentifyBeneficialOwner)" in told
    assert "ANA is politically exposed" in told
    assert lab.no_parent_reason == ""


def test_one_record_of_two_types_is_an_error(tmp_path: Path) -> None:
    base = {"recordId": "a", "recordStatus": "new", "recordDetails": {}}
    path = tmp_path / "s.json"
    path.write_text(json.dumps([{**base, "recordType": "entity"}, {**base, "recordType": "person"}]))
    with pytest.raises(InvalidInput, match=r"statement 2: record a is a entity at"):
        read(read_bods, path).parties()


@pytest.fixture
def ftm() -> Graph:
    return read(read_ftm, FTM_KINDS)


def test_links_that_are_no_ownership_are_told_and_never_lost_in_silence(ftm: Graph) -> None:
    told = "\n".join(ftm.faults.warnings)
    lines = [json.loads(line) for line in FTM_KINDS.read_text("utf-8").splitlines()]
    others = {each["schema"] for each in lines} - {*ORGANISATIONS, "Person", "Ownership", "Control"}
    assert others > {"Directorship", "Family", "UnknownLink", "Associate", "Membership", "Succession"}
    for schema in others:
        assert f" of {schema} are neither a party nor a share: left out" in told
    assert "2 of Directorship" in told
    assert "boat is no company and can have no owner here: left out" in told


def test_control_makes_a_parent(ftm: Graph) -> None:
    assert ftm.parties()["club"].parents == ("body",)


def test_marks_of_sanctions_and_exposure_are_told(ftm: Graph) -> None:
    told = "\n".join(ftm.faults.warnings)
    assert "hold is marked sanction" in told
    assert "ana is marked role.pep" in told


def test_places_of_follow_the_money_are_ours(ftm: Graph) -> None:
    parties = ftm.parties()
    assert {id_: each.headquarters for id_, each in parties.items()} == {
        "lab": "DE",
        "hold": "UA-43",
        "body": "",
        "club": "",
        "ana": "FR",
        "ben": "",
    }
    assert parties["ana"].nationalities == ("FR", "US")
    assert territories(["UA-43", "DE", "", "UA-65"]) == ["ua-cri", "de"]
    assert [our_code(each) for each in ("ua-cri", "de", "x-so", "gb-sct")] == ["UA-43", "DE", "GE-SO", "GB"]


def test_percentages_of_follow_the_money_are_read_as_people_write_them(ftm: Graph) -> None:
    parties = ftm.parties()
    assert shares(parties["lab"]) == {"hold": (2_500, 5_000), "club": (0, None)}
    assert shares(parties["hold"]) == {"ana": (5_000, 10_000), "ben": (1_010, 1_010)}
    assert any("'25,000' cannot be read: the share is unknown" in each for each in ftm.faults.warnings)


@pytest.mark.parametrize(
    ("texts", "bounds"),
    [
        (["60"], ("60", "60")),
        (["25-50%"], ("25", "50")),
        (["25 % - 50 %"], ("25", "50")),
        (["between 25 and 50 percent"], ("25", "50")),
        ([">50 %"], ("50", "100")),
        (["≥ 25"], ("25", "100")),
        (["more than 75%"], ("75", "100")),
        (["25% or more"], ("25", "100")),
        (["<10"], ("0", "10")),
        (["up to 5%"], ("0", "5")),
        (["50,1"], ("50.1", "50.1")),
        (["33.333333"], ("33.333333", "33.333333")),
        (["20", "25"], ("20", "25")),
        (["٥٠"], ("50", "50")),
    ],
)
def test_a_percentage_has_a_least_and_a_most(texts: list[str], bounds: tuple[str, str]) -> None:
    assert bounds_of(texts) == bounds


@pytest.mark.parametrize("text", ["", "many", "120", "25,000", "50-25", "-5", "1e2", "10-20-30", "about 50", "9" * 50])
def test_what_is_no_percentage_is_not_guessed(text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        bounds_of([text])
