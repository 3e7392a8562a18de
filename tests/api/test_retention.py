"""Legal holds and erasures over HTTP: conditions, two people, and what a request that is sent again does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx

from tests.api.office import ApiHouse, problem, record

WHY = {"reason": "kept long enough"}
ERASURE = "/v1/customers/lab/erasure"


def closed(house: ApiHouse) -> None:
    body = {**record(), "profile": {"email": ["nobody.keeps.this@lab.example"]}}
    house.client("ana").put("/v1/customers/lab", json=body, headers={"If-None-Match": "*"}).raise_for_status()
    house.approve()
    said = {"description": "Passport", "source": "customer"}
    house.client("ana").post("/v1/customers/lab/evidence", params=said, content=b"a passport").raise_for_status()
    house.client("ana").post("/v1/customers/lab/close", json={"reason": "over"}).raise_for_status()
    house.clock.at += timedelta(days=6 * 366)


def etag(answer: httpx.Response) -> dict[str, str]:
    return {"If-Match": answer.headers["etag"]}


def test_two_people_erase_and_nothing_is_left(house: ApiHouse, tmp_path: Path) -> None:
    closed(house)
    ana, ben = house.client("ana"), house.client("ben")
    assert [each["customer"] for each in ana.get("/v1/retention?due=true").json()["items"]] == ["lab"]
    asked = ana.post(ERASURE, json=WHY, headers={"Idempotency-Key": "one"})
    assert (asked.status_code, len(asked.json()["profiles"]), len(asked.json()["files"])) == (201, 1, 1)
    problem(ben.post(f"{ERASURE}/approve"), 428)
    problem(ana.post(f"{ERASURE}/approve", headers=etag(asked)), 403)
    problem(house.client("both").post(f"{ERASURE}/approve", headers={"If-Match": '"other"'}), 412)
    key = {"Idempotency-Key": "two"}
    done = ben.post(f"{ERASURE}/approve", headers=etag(asked) | key)
    assert done.status_code == 200
    again = ben.post(f"{ERASURE}/approve", headers=etag(asked) | key)
    assert again.headers["idempotency-replayed"] == "true"
    shown = ben.get(ERASURE).json()
    assert shown["erased_at"]
    assert shown["finished_at"]
    assert (shown["profiles"], ana.get("/v1/retention").json()["items"]) == ([], [])
    left = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert b"nobody.keeps.this" not in left
    sha256 = asked.json()["files"][0]
    assert not house.files.holds(sha256)
    problem(ana.get(f"/v1/customers/lab/evidence/{sha256}"), 404)
    assert ana.get("/v1/customers/lab").json()["record"].get("profile") is None


def test_a_hold_is_placed_by_one_and_lifted_by_two(house: ApiHouse) -> None:
    closed(house)
    ana, ben = house.client("ana"), house.client("ben")
    placed = ben.post("/v1/customers/lab/holds", json={"reason": "agency"})
    assert placed.status_code == 201
    hold = f"/v1/legal-holds/{placed.json()['hold']}"
    problem(ana.post(ERASURE, json=WHY), 403)
    assert ana.get("/v1/retention?due=true").json()["items"] == []
    problem(ana.post(f"{hold}/lift", json=WHY), 428)
    asked = ana.post(f"{hold}/lift", json=WHY, headers=etag(placed))
    problem(ben.post(f"{hold}/lift/approve", headers=etag(placed)), 412)
    problem(ana.post(f"{hold}/lift/approve", headers=etag(asked)), 403)
    assert ben.post(f"{hold}/lift/reject").json() == placed.json()
    asked = ana.post(f"{hold}/lift", json=WHY, headers=etag(placed))
    assert ben.post(f"{hold}/lift/approve", headers=etag(asked)).json()["holds"] is False
    assert [each["holds"] for each in ana.get("/v1/legal-holds").json()["items"]] == [False]
    asked = ana.post(ERASURE, json=WHY)
    assert ben.post(f"{ERASURE}/reject", headers=etag(asked)).json()["asked_by"] == ""


def test_who_only_looks_may_neither_hold_nor_erase(house: ApiHouse) -> None:
    closed(house)
    vera = house.client("vera")
    problem(vera.post(ERASURE, json=WHY), 403)
    problem(vera.post("/v1/customers/lab/holds", json=WHY), 403)
    problem(vera.post("/v1/customers/nobody/holds", json=WHY), 403)
    problem(house.client("ana").get("/v1/legal-holds/h999"), 404)
    assert vera.get(ERASURE).json()["refused"] == ""
