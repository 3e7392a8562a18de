"""Runs, namespaces, packs and parties over the API."""

from __future__ import annotations

from tests.api.office import ApiHouse, problem, record
from tests.registry.office import PACK

RUN = {
    "run": "llm",
    "customer": "lab",
    "title": "A model",
    "carried_in": 2.5e24,
    "source": "model card",
    "parameters": "405e9",
    "tokens": 15600000000000,
}


def test_a_run_is_declared_by_one_and_approved_by_another(house: ApiHouse) -> None:
    house.enrol()
    declared = house.client("ana").post("/v1/runs", json=RUN)
    assert (declared.status_code, declared.headers["location"]) == (201, "/v1/runs/llm")
    assert declared.json()["carried_in_tflop"] == "2500000000000"
    assert declared.json()["parameters"] == "405000000000"
    seen = house.client("ben").get("/v1/runs/llm").headers["etag"]
    problem(house.client("ben").post("/v1/runs/llm/approve"), 428)
    approved = house.client("ben").post("/v1/runs/llm/approve", headers={"If-Match": seen})
    assert (approved.status_code, approved.json()["state"], approved.json()["approved_by"]) == (200, "approved", "ben")
    problem(house.client("ben").post("/v1/runs/llm/approve", headers={"If-Match": seen}), 412)
    listed = house.client("vera").get("/v1/runs?customer=lab&state=approved").json()["items"]
    assert [each["run"] for each in listed] == ["llm"]
    assert house.client("vera").get("/v1/runs?customer=other").json() == {"items": [], "next": None}


def test_the_etag_of_another_declaration_approves_nothing(house: ApiHouse) -> None:
    house.enrol()
    seen = house.client("ana").post("/v1/runs", json=RUN).headers["etag"]
    house.client("ana").post("/v1/runs", json={**RUN, "carried_in": "1e24"}).raise_for_status()
    problem(house.client("ben").post("/v1/runs/llm/approve", headers={"If-Match": seen}), 412)


def test_an_amount_that_is_none_is_told_with_its_place(house: ApiHouse) -> None:
    house.enrol()
    for field in ("carried_in", "parameters", "tokens"):
        found = problem(house.client("ana").post("/v1/runs", json={**RUN, field: "many"}), 422)
        assert found["errors"][0]["pointer"] == f"/{field}"


def test_a_namespace_is_bound_by_one_and_approved_by_another(house: ApiHouse) -> None:
    house.enrol()
    problem(house.client("vera").get("/v1/namespaces/team-a"), 404)
    bound = house.client("ana").put("/v1/namespaces/team-a", json={"customer": "lab"})
    assert bound.json()["waits"] == {"customer": "lab", "run": None, "proposed_by": "ana"}
    approve = "/v1/namespaces/team-a/approve"
    problem(house.client("ben").post(approve), 428)
    problem(house.client("ben").post(approve, headers={"If-Match": '"x"'}), 412)
    done = house.client("ben").post(approve, headers={"If-Match": bound.headers["etag"]})
    assert (done.json()["customer"], done.json()["waits"]) == ("lab", None)
    listed = house.client("vera").get("/v1/namespaces?customer=lab").json()["items"]
    assert [each["namespace"] for each in listed] == ["team-a"]
    assert house.client("vera").get("/v1/namespaces?customer=other").json()["items"] == []


def test_the_packs_and_parties_that_tiers_rest_on_are_shown(house: ApiHouse) -> None:
    packs = house.client("vera").get("/v1/packs").json()["items"]
    assert PACK in [each["pack"] for each in packs]
    parent = {"id": "holding", "legal_name": "Holding", "headquarters": "AE", "no_parent_reason": "listed company"}
    owned = {**record()["parties"][0], "no_parent_reason": None, "parents": ["holding"]}
    put = house.client("ana").put
    put("/v1/customers/lab", json={**record(), "parties": [owned, parent]}, headers={"If-None-Match": "*"})
    problem(house.client("vera").get("/v1/parties/holding"), 404)  # nobody has approved it yet
    house.approve()
    found = house.client("vera").get("/v1/parties/holding").json()
    assert (found["party"]["headquarters"], found["owns"]) == ("AE", ["lab"])
    problem(house.client("vera").get("/v1/parties/nobody"), 404)
