"""Corrections, ends of reservations, hand-overs and namespaces over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.domain.ending import ProposedEnd
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.run import Purpose
from tests.api.office import ApiHouse, problem
from tests.api.reserved import hold
from tests.registry.office import log_types

BEN = Caller("ben", Method.LOCAL, frozenset({Role.KYC_APPROVER}))


@pytest.fixture
def lab(house: ApiHouse) -> ApiHouse:
    """A customer with two approved runs of training and a classification."""
    house.enrol()
    for run, purpose in (("llm", Purpose.TRAINING), ("next", Purpose.TRAINING), ("chat", Purpose.INFERENCE)):
        namespaces = ("serving",) if purpose is Purpose.INFERENCE else ()
        house.registry.declare_run(run, "lab", title="A model", by="ana", purpose=purpose, namespaces=namespaces)
        house.registry.approve_run(run, by=BEN)
    return house


def test_a_correction_upwards_is_in_effect_and_one_downwards_waits_for_another_person(lab: ApiHouse) -> None:
    where, post = "/v1/runs/llm/corrections", lab.client("ana").post
    up = post(where, json={"low": 2e22, "best": "+2e22", "high": "2e22", "reason": "node7 was not metered"})
    assert (up.status_code, up.json()["in_effect"], up.json()["high_tflop"]) == (201, True, "20000000000")
    assert lab.client("vera").get("/v1/runs/llm").json()["used_high_tflop"] == "20000000000"
    down = post(where, json={"low": "-1e22", "reason": "counted twice"})
    assert (down.json()["in_effect"], down.json()["low_tflop"]) == (False, "-10000000000")
    one = down.headers["location"]
    problem(lab.client("ben").post(f"{one}/approve"), 428)
    problem(lab.client("ben").post(f"{one}/approve", headers={"If-Match": up.headers["etag"]}), 412)
    seen = {"If-Match": lab.client("ben").get(one).headers["etag"]}
    problem(lab.client("ana").post(f"{one}/approve", headers=seen), 403)
    assert lab.client("ben").post(f"{one}/approve", headers=seen).json()["in_effect"] is True
    assert lab.client("vera").get("/v1/runs/llm").json()["used_low_tflop"] == "10000000000"
    assert len(lab.client("vera").get(where).json()["items"]) == 2


def test_a_correction_that_waits_is_dropped_by_one_person(lab: ApiHouse) -> None:
    where, post = "/v1/runs/llm/corrections", lab.client("ana").post
    post(where, json={"high": 1e22, "best": 1e22, "low": 1e22, "reason": "x"}).raise_for_status()
    one = post(where, json={"low": "-1e22", "reason": "x"}).headers["location"]
    assert lab.client("ben").post(f"{one}/reject").status_code == 200
    problem(lab.client("vera").get(one), 404)
    assert problem(post(where, json={"low": "much", "reason": "x"}), 422)["errors"][0]["pointer"] == "/low"
    problem(post("/v1/runs/nothing/corrections", json={"low": "1e20", "reason": "x"}), 404)


def test_two_people_end_a_reservation_and_one_drops_an_end_that_waits(lab: ApiHouse) -> None:
    held = hold(lab, "gone", "llm")
    end, because = "/v1/reservations/gone/end", {"reason": "node7 was removed"}
    problem(lab.client("ana").post(end, json=because), 403)  # it still covers its pod
    lab.clock.at += timedelta(seconds=held.held_s)
    asked = lab.client("ana").post(end, json=because)
    assert (asked.status_code, asked.json()["pending_tflop"]) == (201, str(held.pending_tflop))
    assert lab.client("vera").get("/v1/reservations/ends").json()["items"] == [asked.json()]
    kept = lab.client("ana").post(f"{end}/reject").json()
    assert (kept["state"], kept["pending_tflop"]) == ("pending", str(held.pending_tflop))
    problem(lab.client("vera").get(end), 404)
    assert "reservation.end_rejected" in log_types(lab.stores)
    lab.client("ana").post(end, json=because).raise_for_status()
    problem(lab.client("ben").post(f"{end}/approve"), 428)
    other = ProposedEnd("gone", "another reason", "ana", lab.clock.now())
    seen = {"If-Match": lab.client("ben").get(end).headers["etag"]}
    lab.stores.transact(lambda tx: tx.put_proposed_end(other))
    problem(lab.client("ben").post(f"{end}/approve", headers=seen), 412)
    seen = {"If-Match": lab.client("ben").get(end).headers["etag"]}
    problem(lab.client("ana").post(f"{end}/approve", headers=seen), 403)
    done = lab.client("ben").post(f"{end}/approve", headers=seen).json()
    assert (done["state"], done["pending_tflop"]) == ("settled", "0")
    problem(lab.client("ben").post(f"{end}/reject"), 404)


def test_runs_are_joined_and_classifications_ended_by_one_person_at_once(lab: ApiHouse) -> None:
    joined = lab.client("ben").post("/v1/runs/llm/hand-over", json={"into": "next", "reason": "checkpoint 7"})
    assert joined.status_code == 200
    assert [each.other for each in lab.stores.read(lambda reader: reader.joins())] == ["next"]
    problem(lab.client("ben").post("/v1/runs/llm/hand-over", json={"into": "chat", "reason": "x"}), 403)
    problem(lab.client("ben").post("/v1/runs/chat/reclassify", json={"reason": "it trains"}, headers={
        "If-Match": '"x"'}), 412)  # fmt: skip
    ended = lab.client("ben").post("/v1/runs/chat/reclassify", json={"reason": "it trains"})
    assert ended.json()["state"] == "withdrawn"
    problem(lab.client("vera").post("/v1/runs/llm/reclassify", json={"reason": "x"}), 403)


def test_a_namespace_made_anew_is_renewed_by_two_and_taken_back_by_one(lab: ApiHouse) -> None:
    lab.registry.bind("team-a", "lab", by="ana")
    lab.registry.approve_binding("team-a", by=BEN)
    for uid in ("one", "two"):
        lab.registry.identify({"team-a": uid})
    where, ana = "/v1/namespaces/team-a", lab.client("ana")
    assert ana.get(where).json()["holds"] is False
    assert ana.post(f"{where}/renew").json()["waits"]["customer"] == "lab"
    assert lab.client("ben").post(f"{where}/reject").json()["waits"] is None
    etag = {"If-Match": ana.post(f"{where}/renew").headers["etag"]}
    problem(ana.post(f"{where}/approve", headers=etag), 403)
    assert lab.client("ben").post(f"{where}/approve", headers=etag).json()["holds"] is True
    problem(ana.post(f"{where}/unbind"), 422)
    assert ana.post(f"{where}/unbind", json={"reason": "contract ended"}).json()["customer"] is None
    problem(ana.get(where), 404)
    problem(ana.post(f"{where}/renew"), 404)
