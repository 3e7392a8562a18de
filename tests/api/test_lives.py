"""History, overrides, graphs and screening over the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from tests.api.office import ApiHouse, problem, record
from tests.registry.office import PACKS, log_types

ASKED = {"tier": "1", "hours": 6, "reason": "the record is late"}


def test_every_version_says_who_made_it_by_which_record(house: ApiHouse) -> None:
    house.enrol()
    found, address = [], "/v1/customers/lab/history?limit=2"
    while address:
        page = house.client("reg").get(address).json()
        found += page["items"]
        address = page["next"]
    assert [(each["kind"], each["by"]) for each in found if each["kind"] == "customer"] == [
        ("customer", "ana"),
        ("customer", "ben"),
    ]
    assert found[-1]["type"] == "customer.approved"
    problem(house.client("reg").get("/v1/customers/other/history"), 404)


def test_glass_is_broken_by_two_and_mended_by_one(house: ApiHouse) -> None:
    house.enrol(hq="IN")
    path = "/v1/customers/lab/override"
    asked = house.client("ana").post(path, json=ASKED)
    assert (asked.status_code, asked.json()["approved_by"], asked.json()["ends_at"]) == (201, "", None)
    summary = house.client("vera").get("/v1/customers").json()["items"][0]
    assert (summary["override"], summary["override_waits"]) == ("", asked.json()["override"])
    problem(house.client("ana").post(f"{path}/approve", headers={"If-Match": asked.headers["etag"]}), 403)
    problem(house.client("ben").post(f"{path}/approve"), 428)
    problem(house.client("ben").post(f"{path}/approve", headers={"If-Match": house.etag()}), 412)
    seen = house.client("ben").get(path).headers["etag"]
    done = house.client("ben").post(f"{path}/approve", headers={"If-Match": seen})
    assert (done.json()["approved_by"], done.json()["ends_at"]) == ("ben", "2026-11-22T18:00:00Z")
    ended = house.client("ana").post(f"{path}/end")
    assert ended.json()["ended_by"] == "ana"
    listed = house.client("vera").get("/v1/customers/lab/overrides").json()["items"]
    assert [each["override"] for each in listed] == [asked.json()["override"]]
    problem(house.client("vera").get("/v1/customers/other/overrides"), 404)


@pytest.mark.parametrize("wrong", [{"hours": 73}, {"hours": 0}, {"tier": "3"}, {"tier": "unresolved"}, {"reason": ""}])
def test_an_override_keeps_to_its_bounds(house: ApiHouse, wrong: dict[str, Any]) -> None:
    house.enrol()
    problem(house.client("ana").post("/v1/customers/lab/override", json={**ASKED, **wrong}), 422)


def test_a_graph_is_resolved_as_on_the_command_line_and_stored_nowhere(house: ApiHouse) -> None:
    before = len(log_types(house.stores))
    graph = {
        "parties": [
            {"id": "JV", "kind": "org", "hq": "US"},
            {"id": "A", "kind": "org", "hq": "US", "no_parent_reason": "listed"},
            {"id": "B", "kind": "org", "hq": "CN", "no_parent_reason": "listed"},
        ],
        "interests": [{"owner": "A", "asset": "JV", "share": 50.0}, {"owner": "B", "asset": "JV", "share": 50.0}],
    }
    post = house.client("vera").post
    found = post("/v1/tiers/resolve?as_of=2026-11-22", json=graph).json()
    assert (found["JV"]["tier"], found["A"]["tier"], found["B"]["tier"]) == (3, 1, 3)
    assert found["JV"]["reasons"][0]["path"] == ["JV", "B"]
    assert list(post("/v1/tiers/resolve?party=A", json=graph).json()) == ["A"]
    problem(post("/v1/tiers/resolve?party=X", json=graph), 404)
    problem(post("/v1/tiers/resolve?pack=none", json=graph), 404)
    wrong = problem(post("/v1/tiers/resolve", json={"parties": [{"id": "A", "colour": "red"}]}), 422)
    assert "colour" in wrong["detail"]
    assert len(log_types(house.stores)) == before


def test_a_customer_is_screened_once_though_the_list_was_loaded_by_another_process(house: ApiHouse) -> None:
    load(house)
    house.enrol("acme-rockets")
    assert log_types(house.stores).count("customer.enrolled") == 1
    assert [each.entry_name for each in house.registry.hits()] == ["ACME ROCKETS"]


def test_a_list_that_is_loaded_while_a_request_acts_makes_it_begin_again(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.enrol("other")
    tries: list[str] = []
    indexed = house.screener.indexed

    def late(reader: Reader) -> object:
        found = indexed(reader)
        tries.append("writes" if hasattr(reader, "append") else "reads")
        if len(tries) == 1:
            load(house)  # between what was indexed and what the transaction finds
        return found

    monkeypatch.setattr(house.screener, "indexed", late)
    put = house.client("ana").put(
        "/v1/customers/acme-rockets", json=record("acme-rockets"), headers={"If-None-Match": "*"}
    )
    assert (put.status_code, put.json()["outcome"]) == (201, "enrolled")
    assert tries == ["reads", "reads", "reads", "writes"]  # the writer finds everything ready
    assert log_types(house.stores).count("customer.enrolled") == 2
    assert [each.entry_name for each in house.registry.hits()] == ["ACME ROCKETS"]


def load(house: ApiHouse) -> None:
    """Load a list as another process would: with an index of its own."""
    other = Registry(house.stores, house.clock, packs=PACKS, cluster="east")
    entry = ListEntry("csl", "Entity List", "1", ("ACME ROCKETS",))
    other.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (entry,)), by="pia")
