"""The webhook beside a flooded API: both in one process, as `gatekeeper serve` runs them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest

from admission.http import WebhookApp
from admission.server import WebhookServer
from admission.webhook import Webhook
from gatekeeper.api.door import UNDER_WAY_MAX
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.person import Caller
from gatekeeper.stores import SqlStores
from tests.admission.reviews import ToldGate, manifest, review, write_pair
from tests.api.office import ApiHouse, Served, problem

TOKEN = "0123456789abcdef0123456789abcdef"
HANGING = 200


class Stuck:
    """An authenticator whose identity provider does not answer until the test lets it."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def authenticate(self, bearer: str) -> Caller:
        self.go_on.wait(30)
        return Caller.claimed(bearer)


@pytest.fixture
def webhook(tmp_path: Path):  # type: ignore[no-untyped-def]
    write_pair(tmp_path, "webhook")
    app = WebhookApp(Webhook(ToldGate(Verdict.DENY), cluster="c1").handle, token=TOKEN, ready=lambda: True)
    server = WebhookServer(app, tmp_path)
    port = server.start()
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=False) as client:
        yield client
    server.stop()


def test_the_webhook_answers_while_200_requests_hang_in_the_api(
    stores: SqlStores, served: Served, webhook: httpx.Client
) -> None:
    stuck = Stuck()
    house = ApiHouse(stores, served, stuck)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with contextlib.ExitStack() as hanging:
            for _ in range(HANGING):
                plain = socket.create_connection(("127.0.0.1", house.port), 10)
                each = hanging.enter_context(context.wrap_socket(plain))
                each.sendall(b"GET /v1/packs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n")
            answered = problem(house.client("ana").get("/v1/packs"), 503)
            assert answered["type"] == "/docs#unavailable"
            assert house.client("ana").get("/healthz").text == "ok"
            slowest = 0.0
            for _ in range(50):
                begun = time.monotonic()
                done = webhook.post(
                    f"/validate/{TOKEN}",
                    content=review(manifest()),
                    headers={"content-type": "application/json"},
                )
                slowest = max(slowest, time.monotonic() - begun)
                assert done.json()["response"]["allowed"] is False
            assert slowest < 1.0
    finally:
        stuck.go_on.set()
        house.close()


def test_hanging_requests_give_their_places_back(stores: SqlStores, served: Served) -> None:
    stuck = Stuck()
    house = ApiHouse(stores, served, stuck)
    stuck.go_on.set()
    for _ in range(2 * UNDER_WAY_MAX):
        assert house.client("ana").get("/v1/packs").status_code == 200
    house.close()
