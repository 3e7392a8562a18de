"""What becomes of a customer over the API: drafts, rejections for good, ends of approvals, moved tiers, evidence."""

from __future__ import annotations

from datetime import timedelta

from gatekeeper.domain.evidence import Sensitivity
from gatekeeper.retiering import Retiering
from tests.api.office import ApiHouse, problem, record
from tests.registry.office import PACK, PACKS

NEW = {"If-None-Match": "*"}


def test_a_draft_waits_for_nobody_until_exactly_it_is_submitted(house: ApiHouse) -> None:
    put, post = house.client("ana").put, house.client("ana").post
    problem(put("/v1/customers/lab/draft", json=record()), 428)
    plan = house.client("vera").put("/v1/customers/lab/draft?dry_run=true", json=record())
    assert (plan.status_code, plan.json()["dry_run"]) == (200, True)
    drafted = put("/v1/customers/lab/draft", json=record(), headers=NEW)
    assert (drafted.status_code, drafted.json()["outcome"]) == (201, "draft")
    problem(house.client("ben").post("/v1/customers/lab/approve", headers={"If-Match": house.etag()}), 403)
    put("/v1/customers/lab/draft", json=record(hq="AE"), headers={"If-Match": drafted.headers["etag"]})
    problem(post("/v1/customers/lab/submit"), 428)
    problem(post("/v1/customers/lab/submit", headers={"If-Match": drafted.headers["etag"]}), 412)
    done = post("/v1/customers/lab/submit", headers={"If-Match": house.etag()})
    assert (done.status_code, done.json()["standing"], done.json()["waits"]) == (200, "submitted", True)
    assert house.client("vera").get("/v1/customers/lab").json()["proposed"]["parties"][0]["headquarters"] == "AE"
    problem(post("/v1/customers/lab/submit", headers={"If-Match": house.etag()}), 403)


def test_who_rejected_for_good_cannot_reopen_and_another_can(house: ApiHouse) -> None:
    house.client("ana").put("/v1/customers/lab", json=record(), headers=NEW).raise_for_status()
    said = {"reason": "no papers", "final": True}
    house.client("both").post("/v1/customers/lab/reject", json=said, headers={"If-Match": house.etag()})
    again, because = "/v1/customers/lab/reopen", {"reason": "the court decided"}
    problem(house.client("ben").post(again, json=because), 428)
    problem(house.client("both").post(again, json=because, headers={"If-Match": house.etag()}), 403)
    problem(house.client("ana").post(again, json=because, headers={"If-Match": house.etag()}), 403)
    assert house.client("ben").post(again, json=because, headers={"If-Match": house.etag()}).status_code == 200
    put = house.client("ana").put("/v1/customers/lab", json=record(hq="AE"), headers={"If-Match": house.etag()})
    assert put.status_code == 200


def test_customers_whose_approval_ends_are_listed_the_first_to_end_first(house: ApiHouse) -> None:
    house.enrol("early")
    house.clock.at += timedelta(days=10)
    house.enrol("late")
    assert house.client("vera").get("/v1/due").json() == {"items": [], "next": None}
    end = house.registry.review("late").customer.expires_at
    assert end is not None
    house.clock.at = end - timedelta(days=5)
    first = house.client("vera").get("/v1/due?limit=1").json()
    second = house.client("vera").get(first["next"]).json()
    assert [(each["customer"], each["notice"]) for page in (first, second) for each in page["items"]] == [
        ("early", "expired"),
        ("late", "7_days"),
    ]
    assert second["next"] is None
    problem(house.client("vera").get("/v1/due?within_days=-1"), 400)


def test_moves_of_tiers_are_listed_with_their_reason(house: ApiHouse) -> None:
    for name in ("lab", "shop"):
        house.enrol(name)
    retiering = Retiering(house.stores, house.clock, PACKS)
    retiering.record()
    for name in ("lab", "shop"):
        changed = record(name, "CN")
        house.client("ana").put(f"/v1/customers/{name}", json=changed, headers={"If-Match": house.etag(name)})
    retiering.record()
    get = house.client("vera").get
    found, address = [], f"/v1/tiers/changes?limit=1&since={house.clock.now().date()}"
    while address:
        page = get(address).json()
        found += page["items"]
        address = page["next"]
    moves = [each for each in found if each["pack"] == PACK]
    assert sorted((each["customer"], each["before"], each["after"]) for each in moves) == [
        ("lab", "1", "3"),
        ("shop", "1", "3"),
    ]
    assert "(CN)" in moves[0]["because"]
    assert {each["customer"] for each in get("/v1/tiers/changes?customer=shop").json()["items"]} == {"shop"}
    assert get("/v1/tiers/changes?since=2199-01-01").json()["items"] == []


def test_attestations_name_files_on_record_and_the_list_says_nothing_of_their_bytes(house: ApiHouse) -> None:
    house.enrol()
    sha256 = "ab" * 32
    said = {"statement": "headquarters-verified", "method": "documentary", "evidence": [sha256]}
    where = "/v1/customers/lab/attestations"
    problem(house.client("ana").post(where, json=said), 404)
    house.registry.add_evidence(
        "lab", by="ana", sha256=sha256, size_bytes=9, media_type="application/pdf", description="Extract",
        source="register", sensitivity=Sensitivity.PERSONAL,
    )  # fmt: skip
    (listed,) = house.client("vera").get("/v1/customers/lab/evidence").json()["items"]
    assert (listed["sha256"], listed["sensitivity"], listed["added_by"]) == (sha256, "personal", "ana")
    made = house.client("ana").post(where, json={**said, "attested_on": "2026-01-02", "attested_by": "a notary"})
    assert (made.status_code, made.json()["attested_by"], made.json()["recorded_by"]) == (201, "a notary", "ana")
    assert house.client("vera").get(where).json()["items"] == [made.json()]
    problem(house.client("ben").post(where, json=said), 403)
    problem(house.client("ana").post(where, json={**said, "statement": "ownership-complete"}), 422)
    problem(house.client("vera").get("/v1/customers/nobody/evidence"), 404)
