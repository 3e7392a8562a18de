"""Idempotency keys: a request that is sent again gets its first answer, and nothing happens twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.api import asking
from tests.api.office import ApiHouse, problem, record
from tests.registry.office import log, log_types

RUN = {"run": "llm", "customer": "lab", "title": "A model", "carried_in": "2.5e24", "source": "model card"}
KEY = {"Idempotency-Key": "k-1"}


def declare(house: ApiHouse, name: str = "ana", headers: dict[str, str] = KEY, **changes: str):  # type: ignore[no-untyped-def]
    return house.client(name).post("/v1/runs", json={**RUN, **changes}, headers=headers)


def test_the_same_request_again_gets_the_same_answer_and_is_done_once(house: ApiHouse) -> None:
    house.enrol()
    first, again = declare(house), declare(house)
    assert (first.status_code, first.headers["location"]) == (201, "/v1/runs/llm")
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, first.headers["etag"])
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert log_types(house.stores).count("run.declared") == 1


def test_an_approval_sent_again_is_answered_as_before_though_nothing_waits_any_more(house: ApiHouse) -> None:
    house.client("ana").put("/v1/customers/lab", json=record(), headers={"If-None-Match": "*"})
    headers = {**KEY, "If-Match": house.etag()}
    first = house.client("ben").post("/v1/customers/lab/approve", headers=headers)
    again = house.client("ben").post("/v1/customers/lab/approve", headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert log_types(house.stores).count("customer.approved") == 1
    problem(house.client("ben").post("/v1/customers/lab/approve", headers={"If-Match": headers["If-Match"]}), 412)


def test_a_key_names_one_request_and_no_other(house: ApiHouse) -> None:
    house.enrol()
    assert declare(house).status_code == 201
    problem(declare(house, title="Another model"), 422)
    problem(house.client("ana").post("/v1/customers/lab/suspend", json={"reason": "x"}, headers=KEY), 422)
    assert house.registry.review("lab").standing.value == "approved"


def test_a_key_of_somebody_else_shows_nothing_of_their_answer(house: ApiHouse) -> None:
    house.enrol()
    assert declare(house, "ana").status_code == 201
    problem(declare(house, "vera"), 403)
    other = declare(house, "both", run="other")
    assert (other.status_code, other.json()["run"]) == (201, "other")


def test_what_was_refused_may_be_asked_again_under_its_key(house: ApiHouse) -> None:
    problem(declare(house), 404)
    house.enrol()
    assert declare(house).status_code == 201


def test_a_key_is_free_again_after_a_day(house: ApiHouse) -> None:
    house.enrol()
    assert declare(house).status_code == 201
    house.clock.at += timedelta(hours=24, seconds=1)
    assert declare(house, run="other").status_code == 201
    assert house.stores.read(lambda reader: reader.kept_answers("local:ana")) == 1


def test_effect_and_answer_are_one_transaction(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.enrol()
    before = len(log(house.stores))

    def crash(*_: object) -> None:
        raise OSError("the machine stops between the effect and its answer")

    monkeypatch.setattr(asking.Asked, "_keep", crash)
    assert declare(house).status_code != 201
    assert len(log(house.stores)) == before
    monkeypatch.undo()
    assert declare(house).status_code == 201


def test_keys_are_printable_and_counted(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    house.enrol()
    problem(declare(house, headers={"Idempotency-Key": "a b"}), 400)
    problem(declare(house, headers={"Idempotency-Key": "a" * 256}), 400)
    monkeypatch.setattr(asking, "KEPT_MAX", 1)
    assert declare(house).status_code == 201
    assert problem(declare(house, run="b", headers={"Idempotency-Key": "k-2"}), 429)
    assert house.stores.read(lambda reader: reader.run("b")) is None
