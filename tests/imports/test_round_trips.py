"""What is written out in a format of others is read back the same, as far as the format has room for it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import given, settings

from gatekeeper.domain.interest import WHOLE
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.imports.bods import read_bods
from gatekeeper.imports.exports import to_bods, to_csv, to_ftm
from gatekeeper.imports.ftm import read_ftm
from gatekeeper.imports.tables import FORMULA, guarded, joined, read_csv, read_jsonl, split, unguarded
from gatekeeper.registry import KycRecord
from tests.imports.world import NAMES, read, records


@settings(max_examples=40, deadline=None)
@given(records())
def test_csv(record: KycRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in to_csv([record]).items():
            (Path(folder) / name).write_text(text, "utf-8", newline="")
        graph = read(read_csv, *sorted(Path(folder).iterdir()))
        assert graph.records() == [record]


@settings(max_examples=40, deadline=None)
@given(records(plain=True))
def test_bods(record: KycRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statements.json"
        path.write_text(to_bods([record], date(2026, 11, 22)), "utf-8")
        (found,) = read(read_bods, path, customer="lab").records()
    assert [_in_bods(each) for each in found.parties] == [_in_bods(each) for each in record.parties]


@settings(max_examples=40, deadline=None)
@given(records(plain=True))
def test_ftm(record: KycRecord) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "entities.json"
        path.write_text(to_ftm([record]), "utf-8")
        found = read(read_ftm, path).parties()
    for party in record.parties:
        assert _in_ftm(found[party.id]) == _in_ftm(party)


def _in_bods(party: Party) -> Party:
    """What BODS can say of it: every interest names its source, and a state is its own country."""
    told = tuple(replace(each, source="") for each in party.interests)
    # A state's jurisdiction is read as its headquarters; a share of nothing to unknown has no bounds.
    return replace(party, interests=told, jurisdiction="" if party.kind is PartyKind.STATE else party.jurisdiction)


def _in_ftm(party: Party) -> Party:
    """What FollowTheMoney can say of it: no states; "at least 5 %" is 5 to 100 %."""
    kind = PartyKind.ORG if party.kind is PartyKind.STATE else party.kind
    told = tuple(
        replace(each, source="", most=WHOLE if each.most is None and each.least else each.most)
        for each in party.interests
    )
    names = tuple(sorted(each for each in party.other_names if each != party.legal_name))
    return replace(party, kind=kind, interests=told, other_names=names)


@given(NAMES)
def test_a_guarded_cell_is_no_formula_and_loses_nothing(name: str) -> None:
    for cell in (name, "'" + name, "''" + name, "=" + name, "@" + name):
        assert unguarded(guarded(cell)) == cell
        assert not guarded(cell).startswith(FORMULA)


def test_lists_of_one_cell_keep_every_sign() -> None:
    for entries in (["a|b"], ["a", "b|c"], ["a"], []):
        assert split(joined(entries)) == entries


def test_json_lines_say_what_csv_says(tmp_path: Path) -> None:
    lines = [
        {"customer": "lab", "party": "lab", "email": ["kyc@lab.example"], "method": "documentary"},
        {"id": "lab", "legal_name": "Lab", "headquarters": "DE"},
        {"id": "fund", "legal_name": "Fund", "no_parent_reason": "listed"},
        {"asset": "lab", "owner": "fund", "share": 60.000001, "from": "2020-01-01"},
    ]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    (record,) = read(read_jsonl, path).records()
    assert record.profile is not None
    assert record.profile.emails == ("kyc@lab.example",)
    assert record.parties[1].interests[0].most == 60_000_001
