"""Inquiries, screening hits and users over the API: what people are asked, and who may answer."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gatekeeper.domain.inquiry import Inquiry
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.policy import InquiryKind
from gatekeeper.identity.local import LocalUsers
from gatekeeper.registry.lists import NewList
from tests.api.office import ApiHouse, problem, record
from tests.registry.office import PACK, log, log_types

INQUIRY = f"{PACK}.llm"
ANSWER = {"answer": "They export the weights.", "licence": "D1", "until": "2199-12-31", "limit": "1.5e26"}


@pytest.fixture
def asked(house: ApiHouse) -> ApiHouse:
    """A house that has to inquire about a run."""
    opened = datetime(2026, 11, 22, tzinfo=UTC)
    inquiry = Inquiry(INQUIRY, "lab", "llm", PACK, InquiryKind.LICENCE, "Is it exported?", opened)
    house.stores.transact(lambda tx: tx.put_inquiry(inquiry))
    return house


def test_an_inquiry_is_answered_by_one_and_approved_by_another(asked: ApiHouse) -> None:
    where = f"/v1/inquiries/{INQUIRY}"
    seen = asked.client("ana").get(where)
    assert (seen.json()["state"], seen.json()["waits"]) == ("open", True)
    problem(asked.client("ana").post(f"{where}/answer", json=ANSWER), 428)
    answered = asked.client("ana").post(f"{where}/answer", json=ANSWER, headers={"If-Match": seen.headers["etag"]})
    assert (answered.json()["state"], answered.json()["limit_tflop"]) == ("answered", "150000000000000")
    approve, etag = f"{where}/approve", {"If-Match": answered.headers["etag"]}
    problem(asked.client("ben").post(approve, headers={"If-Match": seen.headers["etag"]}), 412)
    problem(asked.client("ana").post(approve, headers=etag), 403)
    approved = asked.client("ben").post(approve, headers=etag)
    assert (approved.json()["state"], approved.json()["waits"], approved.json()["approved_by"]) == (
        "approved",
        False,
        "ben",
    )
    listed = asked.client("vera").get
    assert listed("/v1/inquiries?waits=true").json()["items"] == []
    assert [each["inquiry"] for each in listed("/v1/inquiries?customer=lab").json()["items"]] == [INQUIRY]
    assert listed("/v1/inquiries?customer=other").json()["items"] == []


def test_one_person_says_no_and_needs_not_look_first(asked: ApiHouse) -> None:
    where = f"/v1/inquiries/{INQUIRY}/deny"
    problem(asked.client("vera").post(where, json={"answer": "No."}), 403)
    assert asked.client("ben").post(where, json={"answer": "No licence."}).json()["state"] == "denied"


def test_an_answer_that_says_too_little_is_told_where(asked: ApiHouse) -> None:
    where = f"/v1/inquiries/{INQUIRY}/answer"
    etag = {"If-Match": asked.client("ana").get(f"/v1/inquiries/{INQUIRY}").headers["etag"]}
    for field, value in (("limit", "many"), ("until", "soon")):
        found = problem(asked.client("ana").post(where, json={**ANSWER, field: value}, headers=etag), 422)
        assert found["errors"][0]["pointer"] == f"/{field}"
    problem(asked.client("ana").post(where, json={**ANSWER, "until": "2020-01-01"}, headers=etag), 422)
    problem(asked.client("ana").get("/v1/inquiries/nothing"), 404)


@pytest.fixture
def hit(house: ApiHouse) -> str:
    """The hit of a customer whose name is that of a listed one."""
    entry = ListEntry("csl", "Entity List", "77", ("Korvet Dynamics",))
    house.registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (entry,)), by="pia")
    body = record("korvet", legal_name="Korvet Dynamics Inc")
    house.client("ana").put("/v1/customers/korvet", json=body, headers={"If-None-Match": "*"}).raise_for_status()
    (found,) = house.client("vera").get("/v1/screening/hits?open=true").json()["items"]
    assert (found["party"], found["entry_name"], found["state"]) == ("korvet", "Korvet Dynamics", "open")
    return f"/v1/screening/hits/{found['hit']}"


def test_a_hit_is_put_aside_by_two_who_looked_at_it(house: ApiHouse, hit: str) -> None:
    said = {"verdict": "false_positive", "reason": "another town"}
    problem(house.client("ana").post(f"{hit}/judge", json=said), 428)
    seen = {"If-Match": house.client("ana").get(hit).headers["etag"]}
    judged = house.client("ana").post(f"{hit}/judge", json=said, headers=seen)
    assert (judged.json()["state"], judged.json()["proposed"]) == ("open", True)
    problem(house.client("ben").post(f"{hit}/confirm", headers=seen), 412)
    now = {"If-Match": judged.headers["etag"]}
    problem(house.client("ana").post(f"{hit}/confirm", headers=now), 403)
    done = house.client("ben").post(f"{hit}/confirm", headers=now)
    assert (done.json()["state"], done.json()["confirmed_by"]) == ("false_positive", "ben")
    assert house.client("vera").get("/v1/screening/hits?open=true").json()["items"] == []
    assert len(house.client("vera").get("/v1/screening/hits?party=korvet").json()["items"]) == 1


def test_a_true_match_takes_effect_at_once_by_one_person(house: ApiHouse, hit: str) -> None:
    said = {"verdict": "true_match", "reason": "same address"}
    problem(house.client("vera").post(f"{hit}/judge", json=said), 403)
    assert house.client("ben").post(f"{hit}/judge", json=said).json()["state"] == "true_match"
    problem(house.client("ben").post(f"{hit}/judge", json={**said, "verdict": "perhaps"}), 422)
    problem(house.client("ben").get("/v1/screening/hits/nothing"), 404)


def test_names_of_lists_are_for_those_alone_who_may_read(house: ApiHouse, hit: str) -> None:
    for address in (hit, "/v1/screening/hits"):
        problem(house.client("nobody").get(address), 403)
        problem(house.client(None).get(address), 401)


# Users


def test_a_policy_admin_adds_a_user_whose_token_is_shown_once_and_kept_nowhere(house: ApiHouse) -> None:
    body = {"user": "dan", "roles": ["kyc-editor"]}
    problem(house.client("pia").post("/v1/users", json=body, headers={"Idempotency-Key": "k"}), 400)
    added = house.client("pia").post("/v1/users", json=body)
    assert (added.status_code, added.json()["state"], added.json()["roles"]) == (201, "handed", ["kyc-editor"])
    token = added.json()["token"]
    assert LocalUsers(house.stores).owner(token).name == "dan"
    assert token not in house.client("pia").get("/v1/users/dan").text
    assert token not in repr(log(house.stores))
    headers = {"Authorization": f"Bearer {token}"}
    problem(house.client(None).get("/v1/customers", headers=headers), 401)  # not yet a token of dan's own
    problem(house.client("pia").post("/v1/users", json={**body, "user": "DAN"}), 409)


def test_roles_of_a_second_hand_wait_for_a_second_policy_admin(house: ApiHouse) -> None:
    before = house.client("pia").get("/v1/users/ana")
    said, put = {"roles": ["kyc-editor", "kyc-approver"]}, house.client("pia").put
    problem(put("/v1/users/ana/roles", json=said), 428)
    asked = put("/v1/users/ana/roles", json=said, headers={"If-Match": before.headers["etag"]})
    assert (asked.json()["roles"], asked.json()["waiting"]) == (["kyc-editor"], ["kyc-approver"])
    approve, etag = "/v1/users/ana/roles/approve", {"If-Match": asked.headers["etag"]}
    problem(house.client("quy").post(approve, headers={"If-Match": before.headers["etag"]}), 412)
    problem(house.client("pia").post(approve, headers=etag), 403)
    done = house.client("quy").post(approve, headers=etag)
    assert (done.json()["roles"], done.json()["waiting"]) == (["kyc-approver", "kyc-editor"], [])


def test_a_disabled_user_is_out_at_once(house: ApiHouse) -> None:
    assert house.client("vera").get("/v1/customers").status_code == 200
    assert house.client("pia").post("/v1/users/vera/disable").json()["state"] == "disabled"
    problem(house.client("vera").get("/v1/customers"), 401)


def test_nobody_but_a_policy_admin_sees_or_changes_users(house: ApiHouse) -> None:
    before = log_types(house.stores)
    for name in ("ana", "ben", "both", "vera", "reg"):
        client = house.client(name)
        for answer in (
            client.get("/v1/users"),
            client.get("/v1/users/ana"),
            client.get("/v1/users/nobody-here"),
            client.post("/v1/users", json={"user": "eve", "roles": ["viewer"]}),
            client.put("/v1/users/ana/roles", json={"roles": ["policy-admin"]}, headers={"If-Match": '"x"'}),
            client.post("/v1/users/ana/roles/approve", headers={"If-Match": '"x"'}),
            client.post("/v1/users/pia/disable"),
        ):
            problem(answer, 403)
    assert log_types(house.stores) == before
    names = [each["user"] for each in house.client("pia").get("/v1/users").json()["items"]]
    assert names == sorted(names)
    assert "ana" in names


def test_an_approver_is_told_of_another_party_of_the_same_name_which_is_no_part_of_the_tag(house: ApiHouse) -> None:
    ana, new = house.client("ana"), {"If-None-Match": "*"}
    assert ana.put("/v1/customers/one", json=record("one", legal_name="Hold Ltd"), headers=new).is_success
    before = ana.get("/v1/customers/one")
    assert before.json()["namesakes"] == []
    assert ana.put("/v1/customers/two", json=record("two", legal_name="HOLD"), headers=new).is_success
    after = ana.get("/v1/customers/one")
    (found,) = after.json()["namesakes"]
    assert (found["party"], found["other_party"], found["other_name"], found["lists"]) == ("one", "two", "HOLD", [])
    assert after.headers["etag"] == before.headers["etag"]
