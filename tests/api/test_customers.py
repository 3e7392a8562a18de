"""Customers over the API: looked at, applied, approved, by whom and under which conditions."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.api.hints import hint_for_callers
from tests.api.office import ApiHouse, kyc_record, problem, record
from tests.registry.office import PACK, log
from tests.registry.screened import ENTRY, loaded

NEW = {"If-None-Match": "*"}


def test_a_new_customer_waits_and_a_second_person_approves_exactly_what_was_looked_at(house: ApiHouse) -> None:
    put = house.client("ana").put("/v1/customers/lab", json=record(), headers=NEW)
    assert (put.status_code, put.json()["outcome"]) == (201, "enrolled")
    seen = house.client("ben").get("/v1/customers/lab")
    assert seen.json()["standing"] == "submitted"
    assert seen.json()["proposed"]["parties"][0]["headquarters"] == "US"
    done = house.client("ben").post("/v1/customers/lab/approve", headers={"If-Match": seen.headers["etag"]})
    assert (done.status_code, done.json()["standing"], done.json()["approved_by"]) == (200, "approved", "ben")
    assert house.registry.review("lab").standing.value == "approved"


def test_hints_name_addresses_and_members_and_no_commands(house: ApiHouse) -> None:
    assert problem(house.client("vera").get("/v1/customers/nobody"), 404)["hint"] == "GET /v1/customers lists them."
    assert problem(house.client("vera").get("/v1/runs/none"), 404)["hint"] == "GET /v1/runs lists them."


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ("See `gatekeeper countries`.", ""),
        ("Another person asks: gatekeeper namespace bind a lab --run r", ""),
        ("`customer apply` told its id.", ""),
        ("Apply it without --draft; what is milder waits.", "Apply it without `draft`; what is milder waits."),
        ("Use --as-of for a day to come.", "Use `as_of` for a day to come."),
        ("Leave it out where it is not known.", "Leave it out where it is not known."),
    ],
)
def test_a_hint_for_the_command_line_is_translated_or_left_out(hint: str, told: str) -> None:
    assert hint_for_callers(hint) == told


def test_what_is_shown_can_be_changed_and_put_back(house: ApiHouse) -> None:
    etag = house.enrol()
    shown = house.client("ana").get("/v1/customers/lab").json()["record"]
    same = house.client("ana").put("/v1/customers/lab", json=shown, headers={"If-Match": etag})
    assert (same.status_code, same.json()["outcome"]) == (200, "unchanged")
    shown["parties"][0]["headquarters"] = "CN"
    stricter = house.client("ana").put("/v1/customers/lab", json=shown, headers={"If-Match": etag})
    assert stricter.json()["outcome"] == "at_once"
    tier = house.client("vera").get("/v1/customers/lab/tier").json()["packs"][PACK]
    assert (tier["tier"], tier["reasons"][0]["path"]) == ("3", ["lab"])


def test_an_approval_of_what_has_changed_meanwhile_is_stale(house: ApiHouse) -> None:
    house.client("ana").put("/v1/customers/lab", json=record(), headers=NEW)
    seen = house.etag()
    house.client("ana").put("/v1/customers/lab", json=record(hq="AE"), headers={"If-Match": seen})
    problem(house.client("ben").post("/v1/customers/lab/approve", headers={"If-Match": seen}), 412)
    assert house.registry.review("lab").standing.value == "submitted"


def test_an_approval_says_what_was_looked_at_by_whole_etag_or_by_fingerprint(house: ApiHouse) -> None:
    house.client("ana").put("/v1/customers/lab", json=record(), headers=NEW)
    approve = "/v1/customers/lab/approve"
    problem(house.client("ben").post(approve), 428)
    problem(house.client("ben").post(approve, headers={"If-Match": "*"}), 428)
    problem(house.client("ben").post(approve, headers={"If-Match": f"W/{house.etag()}"}), 428)
    fingerprint = house.client("ben").get("/v1/customers/lab").json()["fingerprint"]
    assert house.client("ben").post(approve, headers={"If-Match": f'"{fingerprint}"'}).status_code == 200


def test_the_etag_of_another_customer_approves_nothing(house: ApiHouse) -> None:
    for name in ("lab", "other"):
        house.client("ana").put(f"/v1/customers/{name}", json=record(name), headers=NEW)
    problem(house.client("ben").post("/v1/customers/lab/approve", headers={"If-Match": house.etag("other")}), 412)


@pytest.mark.parametrize("name", ["both", "BOTH", " both"])
def test_nobody_approves_their_own_work(house: ApiHouse, name: str) -> None:
    house.registry.apply(kyc_record(), by=name)
    done = house.client("both").post("/v1/customers/lab/approve", headers={"If-Match": house.etag()})
    assert "second person" in problem(done, 403)["hint"]


def test_a_record_is_applied_only_over_what_was_looked_at(house: ApiHouse) -> None:
    put = house.client("ana").put
    problem(put("/v1/customers/lab", json=record()), 428)
    problem(put("/v1/customers/lab", json=record(), headers={"If-Match": '"x"'}), 412)
    etag = house.enrol()
    problem(put("/v1/customers/lab", json=record()), 428)
    problem(put("/v1/customers/lab", json=record(), headers=NEW), 412)
    problem(put("/v1/customers/lab", json=record(), headers={"If-Match": '"x"'}), 412)
    assert put("/v1/customers/lab", json=record(hq="AE"), headers={"If-Match": etag}).status_code == 200


def test_a_dry_run_says_what_would_be_and_writes_nothing(house: ApiHouse) -> None:
    before = len(log(house.stores))
    plan = house.client("vera").put("/v1/customers/lab?dry_run=true", json=record())
    assert (plan.status_code, plan.json()["outcome"], plan.json()["dry_run"]) == (200, "enrolled", True)
    assert len(log(house.stores)) == before
    problem(house.client("vera").get("/v1/customers/lab"), 404)


def test_what_has_not_changed_is_not_sent_again_and_what_has_is(house: ApiHouse) -> None:
    etag = house.enrol()
    get = house.client("vera").get
    again = get("/v1/customers/lab", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    house.client("ana").post("/v1/customers/lab/suspend", json={"reason": "owner under inquiry"}).raise_for_status()
    assert get("/v1/customers/lab", headers={"If-None-Match": etag}).json()["standing"] == "suspended"


def test_an_approval_that_ends_is_another_answer_though_nobody_touched_thekyc_record(house: ApiHouse) -> None:
    etag = house.enrol()
    house.clock.at = house.registry.review("lab").customer.expires_at  # type: ignore[assignment]
    late = house.client("vera").get("/v1/customers/lab", headers={"If-None-Match": etag})
    assert (late.status_code, late.json()["standing"]) == (200, "expired")


def test_one_person_suspends_rejects_and_closes(house: ApiHouse) -> None:
    house.enrol()
    post = house.client("ana").post
    assert post("/v1/customers/lab/suspend", json={"reason": "an inquiry"}).json()["standing"] == "suspended"
    assert post("/v1/customers/lab/close", json={"reason": "left"}).json()["standing"] == "closed"
    house.client("ana").put("/v1/customers/new", json=record("new"), headers=NEW)
    reject = house.client("ben").post
    said = {"reason": "no papers", "final": True, "comment": "send your articles of association"}
    done = reject("/v1/customers/new/reject", json=said, headers={"If-Match": house.etag("new")})
    assert done.json()["standing"] == "rejected"
    problem(post("/v1/customers/lab/suspend", json={"reason": " "}), 422)


def test_who_may_only_read_changes_nothing_and_who_has_no_role_reads_nothing(house: ApiHouse) -> None:
    etag = house.enrol()
    for name in ("vera", "reg", "ben"):
        put = house.client(name).put("/v1/customers/lab", json=record(hq="AE"), headers={"If-Match": etag})
        problem(put, 403)
    problem(house.client("ana").post("/v1/customers/lab/approve", headers={"If-Match": etag}), 403)
    problem(house.client("nobody").get("/v1/customers/lab"), 403)
    answer = house.client(None).get("/v1/customers/lab")
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_pages_hold_every_customer_once_in_order_and_filters_go_on(house: ApiHouse) -> None:
    names = [f"c{number:02d}" for number in range(7)]
    for name in names:
        house.registry.apply(kyc_record(name, "AE" if name == "c03" else "US"), by="ana")
    found, address = [], "/v1/customers?limit=3&standing=submitted"
    while address:
        page = house.client("vera").get(address).json()
        assert len(page["items"]) <= 3
        found += [each["customer"] for each in page["items"]]
        address = page["next"]
        house.registry.apply(kyc_record("c00a"), by="ana")  # behind where the reader is: it moves nothing
    assert found == names
    listed = house.client("vera").get
    assert [each["customer"] for each in listed("/v1/customers?tier=2").json()["items"]] == ["c03"]
    assert [each["customer"] for each in listed("/v1/customers?q=C04").json()["items"]] == ["c04"]
    assert listed("/v1/customers?waits=false").json()["items"] == []


def test_errors_of_a_body_name_each_place(house: ApiHouse) -> None:
    wrong = record()
    wrong["parties"][0] |= {"headquarters": "Germany!!", "kind": "robot", "colour": "red"}
    found = problem(house.client("ana").put("/v1/customers/lab", json=wrong, headers=NEW), 422)
    assert {each["pointer"] for each in found["errors"]} == {
        "/parties/0/kind",
        "/parties/0/headquarters",
        "/parties/0/colour",
    }
    found = problem(house.client("ana").put("/v1/customers/lab", json=record("other"), headers=NEW), 422)
    assert found["errors"][0]["pointer"] == "/customer"


def test_the_record_of_a_change_says_who_made_it_and_how_that_was_known(house: ApiHouse) -> None:
    house.enrol()
    assert [each["actor"] for each in log(house.stores)[-2:]] == [
        {"kind": "person", "name": "ana", "auth": "local"},
        {"kind": "person", "name": "ben", "auth": "local"},
    ]


def test_lifting_a_suspension_takes_one_who_asks_and_another_who_approves(house: ApiHouse) -> None:
    house.enrol()
    ana, ben = house.client("ana").post, house.client("ben").post
    ana("/v1/customers/lab/suspend", json={"reason": "an inquiry"}).raise_for_status()
    refused = problem(ben("/v1/customers/lab/approve", headers={"If-Match": house.etag()}), 403)
    assert refused["hint"] == "Another person asks first: POST /v1/customers/lab/reinstate"
    problem(ana("/v1/customers/lab/reinstate", json={"reason": "over"}), 428)
    old = house.etag()
    asked = ana("/v1/customers/lab/reinstate", json={"reason": "over"}, headers={"If-Match": old})
    assert (asked.json()["ask"], asked.json()["authors"], asked.json()["standing"]) == (
        "reinstate",
        ["ana"],
        "suspended",
    )
    problem(ben("/v1/customers/lab/approve", headers={"If-Match": old}), 412)
    assert house.approve() == house.etag()
    assert house.registry.review("lab").standing.value == "approved"


def test_a_renewal_before_its_time_is_refused(house: ApiHouse) -> None:
    house.enrol()
    problem(house.client("ana").post("/v1/customers/lab/renew", json={}, headers={"If-Match": house.etag()}), 403)


def test_a_list_names_nothing_that_can_be_approved(house: ApiHouse) -> None:
    house.client("ana").put("/v1/customers/lab", json=record(), headers=NEW)
    (item,) = house.client("ben").get("/v1/customers").json()["items"]
    assert "fingerprint" not in item


def test_a_profile_is_shown_to_whoever_works_on_records_and_to_nobody_else(house: ApiHouse) -> None:
    body = {**record(), "profile": {"email": ["kyc@lab.example"]}}
    house.client("ana").put("/v1/customers/lab", json=body, headers={"If-None-Match": "*"}).raise_for_status()
    tags = set()
    for name, sees in {"ana": True, "ben": True, "vera": False, "reg": False, "pia": False}.items():
        shown = house.client(name).get("/v1/customers/lab")
        tags.add(shown.headers["etag"])
        assert ("kyc@lab.example" in shown.text) is sees, name
        assert shown.json()["proposed"]["parties"]
    assert len(tags) == 1
    house.approve()
    assert "kyc@" not in house.client("pia").post("/v1/customers/lab/suspend", json={"reason": "x"}).text


def test_a_long_record_is_put_and_approved_while_others_write(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(house.registry, ENTRY)
    names = [f"{'Albafruitgrowersunion ' * 12}{number}" for number in range(20)]
    screen, writes = house.screener.screen, list[int]()

    def while_another_writes(*args: Any, **named: Any) -> Any:
        writes.append(house.stores.submit(lambda tx: tx.log_size()).result(timeout=10))
        return screen(*args, **named)

    monkeypatch.setattr(house.screener, "screen", while_another_writes)
    long = record(other_names=names)
    put = house.client("ana").put("/v1/customers/lab", json=long, headers=NEW)
    assert put.status_code == 201, put.text
    house.approve()
    assert len(writes) == 2
