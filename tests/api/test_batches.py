"""Many records at once over the API: all or none, and approved as what was looked at."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.office import ApiHouse, problem, record
from tests.registry.office import log, log_types


def batch(*customers: str, **changes: Any) -> dict[str, Any]:
    return {"records": [record(each, **changes) for each in customers]}


def test_a_batch_is_applied_whole_and_approved_by_another_as_one(house: ApiHouse) -> None:
    done = house.client("ana").post("/v1/batches", json=batch("b", "a", "c"), headers={"Idempotency-Key": "k"})
    assert (done.status_code, done.json()["counts"]) == (201, {"enrolled": 3})
    assert [each["customer"] for each in done.json()["items"]] == ["b", "a", "c"]
    where = done.headers["location"]
    assert where == f"/v1/batches/{done.json()['batch']}"
    first = house.client("ben").get(f"{where}?limit=2")
    second = house.client("ben").get(first.json()["next"])
    assert [each["customer"] for page in (first, second) for each in page.json()["items"]] == ["a", "b", "c"]
    assert (first.json()["customers"], first.json()["waiting"], second.json()["next"]) == (3, 3, None)
    assert first.headers["etag"] == second.headers["etag"] == done.headers["etag"]
    problem(house.client("ana").post(f"{where}/approve", headers={"If-Match": done.headers["etag"]}), 403)
    problem(house.client("ben").post(f"{where}/approve"), 428)
    approved = house.client("ben").post(f"{where}/approve", headers={"If-Match": first.headers["etag"]})
    assert (approved.status_code, approved.json()["waiting"]) == (200, 0)
    assert {house.registry.review(each).standing.value for each in "abc"} == {"approved"}


def test_one_key_applies_a_batch_once(house: ApiHouse) -> None:
    post, key = house.client("ana").post, {"Idempotency-Key": "k"}
    first, again = (post("/v1/batches", json=batch("a", "b"), headers=key) for _ in range(2))
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert log_types(house.stores).count("customer.enrolled") == 2
    problem(post("/v1/batches", json=batch("a"), headers=key), 422)


def test_what_has_changed_since_it_was_looked_at_is_not_approved(house: ApiHouse) -> None:
    done = house.client("ana").post("/v1/batches", json=batch("a", "b"))
    house.client("ana").post("/v1/batches", json=batch("a", hq="AE")).raise_for_status()
    where = done.headers["location"]
    problem(house.client("ben").post(f"{where}/approve", headers={"If-Match": done.headers["etag"]}), 412)
    assert house.registry.review("b").standing.value == "submitted"


def test_one_record_that_is_refused_leaves_none(house: ApiHouse) -> None:
    house.enrol("shut")
    house.client("ana").post("/v1/customers/shut/close", json={"reason": "left"}).raise_for_status()
    before = len(log(house.stores))
    found = problem(house.client("ana").post("/v1/batches", json=batch("new", "shut")), 403)
    assert "shut" in found["detail"]
    problem(house.client("vera").get("/v1/customers/new"), 404)
    assert len(log(house.stores)) == before


def test_every_wrong_record_is_told_with_its_place(house: ApiHouse) -> None:
    wrong = batch("a", "b", "a")
    for number in (1, 2):
        wrong["records"][number]["parties"][0]["headquarters"] = "Germany!!"
    found = problem(house.client("ana").post("/v1/batches", json=wrong), 422)
    assert [each["pointer"] for each in found["errors"]] == [
        f"/records/{number}/parties/0/headquarters" for number in (1, 2)
    ]
    found = problem(house.client("ana").post("/v1/batches", json=batch("a", "b", "a")), 422)
    assert [each["pointer"] for each in found["errors"]] == ["/records/2/customer"]
    many = [record(f"c{each}") for each in range(1_001)]
    wrongs: tuple[dict[str, Any], ...] = ({"records": []}, {}, {"records": many})
    for each in wrongs:
        found = problem(house.client("ana").post("/v1/batches", json=each), 422)
        assert found["errors"][0]["pointer"] == "/records"


def test_faults_of_the_shape_and_of_the_content_are_told_together(house: ApiHouse) -> None:
    wrong = batch("a", "b", "c", "d")
    wrong["records"][0]["bogus"] = "1"
    wrong["records"][1]["parties"][0]["headquarters"] = "UK"
    wrong["records"][2]["parties"][0]["residence"] = "GB"
    found = problem(house.client("ana").post("/v1/batches", json=wrong), 422)
    assert [each["pointer"] for each in found["errors"]] == [
        "/records/0/bogus",
        "/records/1/parties/0/headquarters",
        "/records/2/parties/0",
    ]


def test_a_batch_of_thousands_of_codes_that_are_none_is_refused_quickly(house: ApiHouse) -> None:
    wrong = batch(*(f"c{each}" for each in range(300)))
    for each in wrong["records"]:
        each["parties"][0]["nationalities"] = ["Untied Kingdm"] * 20
    began = time.process_time()
    found = problem(house.client("ana").post("/v1/batches", json=wrong), 422)
    assert time.process_time() - began < 8
    assert len(found["errors"]) == 50


def test_a_dry_run_of_a_batch_says_what_would_be_writes_nothing_and_is_for_editors(house: ApiHouse) -> None:
    before = len(log(house.stores))
    plan = house.client("ana").post("/v1/batches?dry_run=true", json=batch("a", "b"))
    assert (plan.status_code, plan.json()["counts"], plan.json()["batch"]) == (200, {"enrolled": 2}, "")
    assert len(log(house.stores)) == before
    problem(house.client("vera").post("/v1/batches?dry_run=true", json=batch("a")), 403)
    problem(house.client("ben").post("/v1/batches", json=batch("a")), 403)
    problem(house.client("vera").get("/v1/batches/nothing"), 404)


def test_batches_that_come_at_once_are_done_one_after_the_other(house: ApiHouse) -> None:
    def send(number: int) -> int:
        many = batch(*(f"q{number}-{each}" for each in range(60)))
        return house.client("ana").post("/v1/batches", json=many, timeout=60).status_code

    with ThreadPoolExecutor(6) as threads:
        assert [*threads.map(send, range(6))] == [201] * 6


def test_who_waits_too_long_for_other_long_works_is_told_to_come_again_and_nobody_else_waits(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.api.asking.LONG_WAIT_S", 0.2)
    assert asyncio.run(house.office.long_work.acquire())  # as a work that does not end
    busy = house.client("ana").post("/v1/batches", json=batch("a"))
    assert "nothing was done" in problem(busy, 503)["detail"]
    assert busy.headers["retry-after"]
    alone = house.client("ana").put("/v1/customers/a", json=record("a"), headers={"If-None-Match": "*"})
    assert alone.status_code == 201
    house.office.long_work.release()
    assert house.client("ana").post("/v1/batches", json=batch("b")).status_code == 201


def test_names_of_more_words_than_are_compared_at_once_are_refused_before_they_are(house: ApiHouse) -> None:
    long = [" ".join(f"word{number}" for number in range(40)) for _ in range(9)]
    within = {"records": [record(f"c{each}", other_names=long) for each in range(27)]}
    assert house.client("ana").post("/v1/batches?dry_run=true", json=within).status_code == 200
    more = {"records": [record(f"c{each}", other_names=long) for each in range(28)]}
    assert "10,000" in problem(house.client("ana").post("/v1/batches", json=more), 413)["detail"]
    longer = {"records": [record("c", other_names=long * 2)]}
    found = problem(house.client("ana").post("/v1/batches", json=longer), 422)
    assert [each["pointer"] for each in found["errors"]] == ["/records/0/parties/0"]
