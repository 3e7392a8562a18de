"""Ownership graphs as JSON: what is read, and that each fault is named with its place."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Listing, PartyKind
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.graph_files import graph_of, read_graph
from gatekeeper.policy_files import bundled_dir, load_pack


def graph(*parties: dict[str, Any], interests: list[Any] | None = None, **more: Any) -> bytes:
    return json.dumps({"parties": list(parties), "interests": interests or [], **more}).encode()


def tier_of(content: bytes) -> TierFinding:
    """Of the first party, today's rules."""
    parties = graph_of(content, "g")
    return resolve(parties, next(iter(parties)), load_pack(bundled_dir() / "us-ai-diffusion").tiers, date(2026, 11, 22))


def fault(content: bytes) -> str:
    with pytest.raises(InvalidInput) as raised:
        graph_of(content, "g.json")
    return str(raised.value)


A, B = {"id": "a", "kind": "org", "hq": "US"}, {"id": "b", "kind": "org", "hq": "CN"}


def test_all_that_a_graph_can_say_is_read() -> None:
    parties = graph_of(
        graph(
            {"id": "Åland & Söhne (1)", "kind": "org", "hq": "FI", "parent_of_record": "b", "name": "Åland"},
            {"id": "b", "kind": "org", "hq": None, "no_parent_reason": "listed company"},
            {"id": "p", "kind": "person", "residence": "FR", "nationality": ["FR", "IR"]},
            {"id": "q", "kind": "person", "residence": "FR", "nationality": "DE"},
            {
                "id": "s",
                "kind": "state",
                "hq": "CN",
                "listed": [{"list": "Entity List", "from": "2025-01-01", "to": None}],
            },
            {"id": "br", "branch_of": "b"},
            interests=[
                {"owner": "p", "asset": "b", "share": 49.9999999, "from": "2025-01-01", "to": "2026-01-01"},
                {"owner": "gone", "asset": "b", "share": None},
                {"owner": "q", "asset": "b", "share_min": 10, "share_max": 25.5},
            ],
        ),
        "g",
    )
    first = parties["Åland & Söhne (1)"]
    assert (first.legal_name, first.headquarters, first.parents) == ("Åland", "FI", ("b",))
    assert parties["b"].interests == (
        Interest("p", 49_999_999, 50_000_000, date(2025, 1, 1), date(2026, 1, 1)),
        Interest("gone", 0, None),
        Interest("q", 10_000_000, 25_500_000),
    )
    assert (parties["p"].headquarters, parties["p"].nationalities) == ("FR", ("FR", "IR"))
    assert parties["q"].nationalities == ("DE",)
    assert (parties["s"].kind, parties["s"].listings) == (PartyKind.STATE, (Listing("entity-list", date(2025, 1, 1)),))
    assert (parties["br"].branch_of, parties["br"].kind) == ("b", PartyKind.ORG)
    assert parties["br"].legal_name == "br"


@pytest.mark.parametrize("odd", ["evil\u202e\x1b[31m", "a\n", " a", "a ", "\u200ba"])
def test_an_id_that_is_not_what_it_looks_like_is_refused(odd: str) -> None:
    for party in ({"id": odd, "hq": "US"}, {"id": "a", "hq": "US", "parent_of_record": odd}):
        with pytest.raises(InvalidInput, match=r"parties\[0\].*blanks around it, or control"):
            graph_of(graph(party), "g")


def test_an_interest_that_ends_on_its_first_day_is_told_so() -> None:
    interest = {"owner": "b", "asset": "a", "share": 50, "from": "2026-01-01", "to": "2026-01-01"}
    with pytest.raises(InvalidInput, match=r"interests\[0\].to: the interest ends on the day it begins"):
        graph_of(graph({"id": "a", "hq": "US"}, interests=[interest]), "g")


def test_shares_of_one_owner_add_up_and_are_told_in_one_order() -> None:
    shares = [{"owner": "b", "asset": "a", "share": 20}, {"owner": "b", "asset": "a", "share": 30}]
    found = [tier_of(graph({**A, "no_parent_reason": "x"}, B, interests=each)) for each in (shares, shares[::-1])]
    assert found[0].tier is Tier.THREE
    assert "is owned 20 % and 30 % by b" in found[0].deciding.text
    assert found[0] == found[1]
    assert "sum to 120 percent" in fault(graph(A, B, interests=[{"owner": "b", "asset": "a", "share": 60}] * 2))


def test_what_a_kind_does_not_go_by_says_nothing() -> None:
    everywhere = {"hq": "US", "residence": "US", "nationality": "US", "no_parent_reason": "x"}
    odd = {key: {**everywhere, key: "CN"} for key in ("hq", "residence", "nationality")}
    tiers = {
        kind: [tier_of(graph({"id": "a", "kind": kind, **each})).tier.value for each in odd.values()]
        for kind in ("org", "state", "person")
    }
    assert tiers == {"org": ["3", "1", "1"], "state": ["3", "1", "1"], "person": ["1", "3", "3"]}
    assert tier_of(graph({"id": "a", "kind": "person", "hq": "US", "nationality": "US"})).deciding.code == (
        "person.unknown"
    )


def test_a_parent_counts_beside_a_reason_for_having_none() -> None:
    named = {**A, "parent_of_record": "b", "no_parent_reason": "dispersed ownership"}
    assert tier_of(graph(named, B)).deciding.path == ("a", "b")
    assert "has parents and a reason for having none" in fault(graph({**named, "no_parent_reason": "NON_PUBLIC"}, B))


def test_keys_that_say_nothing_about_a_tier_are_let_be() -> None:
    party = {**A, "lei": "x", "jurisdiction": "KY", "comment": 1, "listed": [{"list": "SDN", "source": {}}]}
    content = graph(party, B, interests=[{"id": 7, "owner": "b", "asset": "a", "note": []}], name="a group")
    assert graph_of(content, "g")["a"].listings == (Listing("sdn"),)


@pytest.mark.parametrize("name", ["Entity List", "entity_list", "ENTITY-LIST", " (Entity) List "])
def test_a_list_has_one_name_however_it_is_written(name: str) -> None:
    assert graph_of(graph({**A, "listed": [{"list": name}]}), "g")["a"].listings == (Listing("entity-list"),)


def test_a_graph_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(graph({"id": "a", "hq": "US"}))))
    assert list(read_graph(Path("-"))) == ["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"{", "g.json:1:2: not JSON", id="no JSON"),
        pytest.param(b"\xff{}", "not UTF-8 at byte 0", id="no UTF-8"),
        pytest.param(b"[]", "must be an object", id="a list"),
        pytest.param(b"{}", "parties: must be a list", id="nothing"),
        pytest.param(b"[" * 200_000, "nested too deep", id="deep"),
        pytest.param(b'{"parties":[{"id":"a","id":"b"}]}', "the key 'id' stands twice", id="a key twice"),
        pytest.param(
            b'{"parties":[],"interests":[{"owner":"a","asset":"b","share":NaN}]}', "NaN is no number", id="NaN"
        ),
        pytest.param(b'{"parties":[],"interests":[{"share":-Infinity}]}', "-Infinity is no number", id="infinity"),
        pytest.param(graph(A, extra=1), "no key 'extra'", id="unknown key"),
        pytest.param(graph({**A, "listd": []}), "parties[0]: there is no key 'listd'", id="unknown key of a party"),
        pytest.param(graph(A, B, A), "parties[2].id: 'a' stands there twice", id="an id twice"),
        pytest.param(graph({"kind": "org"}), "parties[0].id: a party needs an id", id="no id"),
        pytest.param(graph({"id": "x" * 201}), "parties[0].id: an id has 1 to 200", id="long id"),
        pytest.param(graph({"id": 5}), "parties[0].id: must be a text", id="a number as id"),
        pytest.param(graph({**A, "kind": "ngo"}), "parties[0].kind: 'ngo' is none of", id="odd kind"),
        pytest.param(
            graph({**A, "hq": "Germany"}), "parties[0].hq: 'Germany' is no code; that of Germany is DE", id="country"
        ),
        pytest.param(graph({**A, "name": "A\u202eB"}), "control or direction characters", id="a name turned around"),
        pytest.param(graph({**A, "parent_of_record": "a"}), "cannot be its own parent", id="own parent"),
        pytest.param(
            graph({**A, "listed": [{"list": "!"}]}),
            "parties[0].listed[0].list: a listing names its list",
            id="odd list",
        ),
        pytest.param(
            graph({**A, "listed": [{"list": "sdn", "from": "2026-01-02", "to": "2026-01-01"}]}),
            "parties[0].listed[0]: The listing on sdn ends on 2026-01-01, before it begins",
            id="a listing that ends before it begins",
        ),
        pytest.param(graph(A, interests=[{"owner": "a"}]), "interests[0]: an interest needs", id="no asset"),
        pytest.param(
            graph(A, interests=[{"owner": "a", "asset": "z"}]), "interests[0].asset: 'z' is no party", id="asset"
        ),
        pytest.param(
            graph(A, interests=[{"owner": "a", "asset": "a"}]), "interests[0]: 'a' cannot own itself", id="self"
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "share": 101}]),
            "interests[0].share: '101' is no",
            id="101",
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "share": "60"}]),
            "interests[0].share: must be a",
            id="text",
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "share": True}]),
            "interests[0].share: must be a",
            id="true",
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "share_min": 30, "share_max": 20}]),
            "interests[0].share_max: is smaller than share_min",
            id="bounds turned around",
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "from": "2026-01-02", "to": "2026-01-02"}]),
            "interests[0].to: the interest ends on the day it begins",
            id="days turned around",
        ),
        pytest.param(
            graph(A, B, interests=[{"owner": "b", "asset": "a", "from": "22.11.2026"}]),
            "interests[0].from: '22.11.2026' is no day",
            id="no day",
        ),
        pytest.param(
            graph(
                A,
                interests=[
                    {"owner": "b", "asset": "a", "share": 60},
                    {"owner": "c", "asset": "a", "share": 60, "from": "2026-05-01"},
                ],
            ),
            "parties[0]: The shares of party a sum to 120 percent from 2026-05-01 on",
            id="more than the whole",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(content: bytes, said: str) -> None:
    assert said in fault(content)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("UK", "'UK' is no ISO code; GB is."),
        ("SU", "was withdrawn in 1992; say"),
        ("gb", "'gb' is no code; that of United Kingdom is GB."),
        ("uk", "'uk' is no ISO code; GB is."),
        ("USA", "is no code; that of United States is US."),
        ("US-CA", "say US."),
    ],
)
def test_a_code_by_which_another_is_meant_is_refused_with_that_one(code: str, said: str) -> None:
    for fields, key in (
        ({"hq": code}, "hq"),
        ({"kind": "person", "residence": code}, "residence"),
        ({"kind": "person", "residence": "US", "nationality": ["US", code]}, "nationality"),
    ):
        told = fault(graph(A, {"id": "z", **fields}))
        assert told.startswith(f"g.json: parties[1].{key}: ")
        assert said in told


def test_a_code_that_nobody_knows_is_left_unresolved() -> None:
    parties = graph_of(graph({"id": "a", "hq": "QQ", "no_parent_reason": "listed"}), "g")
    table = load_pack(bundled_dir() / "us-ai-diffusion").tiers
    found = resolve(parties, "a", table, date(2026, 11, 22))
    assert (found.tier, found.deciding.code) == (Tier.UNRESOLVED, "hq.unknown_country")


def test_shares_that_follow_each_other_may_each_be_the_whole() -> None:
    content = graph(
        A,
        interests=[
            {"owner": "b", "asset": "a", "share": 100, "to": "2026-05-01"},
            {"owner": "c", "asset": "a", "share": 100, "from": "2026-05-01"},
        ],
    )
    assert len(graph_of(content, "g")["a"].interests) == 2


def test_a_file_that_is_missing_or_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_graph(tmp_path / "none.json")
    monkeypatch.setattr("gatekeeper.graph_files.content.LARGEST_FILE_BYTES", 10)
    (tmp_path / "g.json").write_bytes(graph(A))
    with pytest.raises(InvalidInput, match="larger than"):
        read_graph(tmp_path / "g.json")
