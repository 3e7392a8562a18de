"""The way to the cluster: what is said where there is none, and what errors of the API server become."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.cluster.api import Api, Expired, connect, pod_path
from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotFound, Unavailable
from tests.cluster.answering import Answering


def test_outside_of_a_cluster_and_without_a_kubeconfig_there_is_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InvalidInput, match=r"is not set\. Set kubernetes\.kubeconfig"):
        connect(None)


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No way to the cluster"):
        connect(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidInput),
        (403, InvalidInput),
        (404, NotFound),
        (409, Conflict),
        (410, Expired),
        (422, Conflict),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_each_status_becomes_the_error_that_says_what_to_do(
    answering: Answering, status: int, error: type[GatekeeperError]
) -> None:
    answering.answer(status, b'{"kind": "Status", "message": "so it is"}')
    with pytest.raises(error, match="so it is"):
        Api(answering.client()).get("/api/v1/pods")


def test_an_answer_that_breaks_off_is_no_answer(answering: Answering) -> None:
    answering.answer(200, b'{"items": [', length=1_000)
    with pytest.raises(Unavailable):
        Api(answering.client()).get("/api/v1/pods")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1, 2"])
def test_an_answer_that_is_not_json_is_no_answer(answering: Answering, body: bytes) -> None:
    answering.answer(200, body)
    with pytest.raises(Unavailable):
        Api(answering.client()).get("/api/v1/pods")


def test_an_expired_watch_is_told_apart_from_a_broken_one(answering: Answering) -> None:
    event = b'{"type": "ADDED", "object": {"metadata": {"uid": "1"}}}\n'
    gone = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}\n'
    answering.answer(200, event + gone)
    watch = Api(answering.client()).watch("/api/v1/pods", "1")
    assert next(watch)["object"]["metadata"]["uid"] == "1"
    with pytest.raises(Expired, match="too old"):
        next(watch)


def test_a_name_of_a_tenants_choosing_stays_inside_its_place_in_a_path() -> None:
    assert pod_path("a/b", "../c?x=1") == "/api/v1/namespaces/a%2Fb/pods/..%2Fc%3Fx%3D1"
