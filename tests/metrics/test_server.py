"""The server of /metrics: one page, and no way for strangers to keep it, or anything else, busy."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from gatekeeper.domain.errors import Unavailable
from gatekeeper.metrics.server import CONNECTIONS_MAX, SILENT_S, MetricsServer
from tests.metrics.stage import Stage, samples


@pytest.fixture
def port() -> Iterator[int]:
    server = MetricsServer(lambda: b"page 1\n")
    yield server.start("127.0.0.1", 0)
    server.stop()


def get(port: int, path: str = "/metrics") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=10)


def test_the_page_is_there_and_nothing_else(port: int) -> None:
    found = get(port, "/metrics?x=1")
    assert (found.status_code, found.text) == (200, "page 1\n")
    assert found.headers["content-type"].startswith("text/plain; version=")
    assert found.headers["server"] == "compute-gatekeeper"
    assert [get(port, path).status_code for path in ("/", "/metrics/", "/readyz")] == [404, 404, 404]
    assert httpx.post(f"http://127.0.0.1:{port}/metrics", trust_env=False).status_code == 501


def test_a_page_of_a_real_process_can_be_read(stage: Stage) -> None:
    port = stage.exporter.start("127.0.0.1", 0)
    try:
        assert samples(get(port).content)["up_to_date"] == {(): 1}
    finally:
        stage.exporter.stop()


def test_silent_connections_are_few_and_a_scrape_always_finds_a_place(port: int) -> None:
    threads = threading.active_count()
    with ExitStack() as held:
        for _ in range(4 * CONNECTIONS_MAX):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        for _ in range(5):
            assert get(port).status_code == 200
        assert threading.active_count() <= threads + CONNECTIONS_MAX + 1


@pytest.mark.slow
def test_a_silent_connection_ends_by_itself(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=SILENT_S + 5) as silent:
        silent.sendall(b"GET /metrics HT")
        began_at = time.monotonic()
        assert silent.recv(1) == b""
        assert time.monotonic() - began_at < SILENT_S + 2


def test_whoever_asks_too_often_gets_the_same_page_again(stage: Stage) -> None:
    stage.exporter._holds_s = 60.0
    stage.exporter._page_at = float("-inf")
    first = stage.exporter.page()
    stage.enrol("lab")
    assert stage.exporter.page() is first


def test_a_taken_port_is_named_with_the_setting_to_change(port: int) -> None:
    with pytest.raises(Unavailable, match=rf"127.0.0.1:{port}.*Address already in use"):
        MetricsServer(lambda: b"").start("127.0.0.1", port)


def asked_with(port: int, sent: str) -> tuple[int, bytes]:
    """Status and body for an Authorization header, however odd; a library would mend it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": sent} if sent else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[int]:
    """A server whose token file a test writes."""
    server = MetricsServer(lambda: b"page", tmp_path / "token")
    yield server.start("127.0.0.1", 0)
    server.stop()


def test_with_a_token_only_those_who_send_it_read_the_page(closed: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    assert asked_with(closed, "Bearer s3cret") == (200, b"page")
    for sent in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer other",
        "s3cret",
        "bearer s3cret2",
        "Basic s3cret",
        "Bearer s3cret\xff",
    ):
        status, body = asked_with(closed, sent)
        assert (status, b"page" in body) == (401, False)
    (tmp_path / "token").write_text("changed")
    assert asked_with(closed, "Bearer s3cret")[0] == 401
    assert asked_with(closed, "Bearer changed")[0] == 200


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_a_token_that_is_empty_or_cannot_be_read_lets_nobody_in(closed: int, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "token").write_text(text)
    assert [asked_with(closed, sent)[0] for sent in ("", "Bearer", "Bearer ")] == [401, 401, 401]
