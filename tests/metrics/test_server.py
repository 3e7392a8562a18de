"""The server of /metrics: one page, and no way for strangers to keep it, or anything else, busy."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


def test_who_asked_keeps_its_place_while_strangers_come_and_go() -> None:
    """A page takes its time; whoever only connects takes places from others that only connected."""
    begun, come = threading.Event(), threading.Event()

    def page() -> bytes:
        begun.set()
        assert come.wait(10)
        return b"page 1\n"

    server = MetricsServer(page)
    port = server.start("127.0.0.1", 0)
    try:
        with ExitStack() as held, ThreadPoolExecutor(1) as scraper:
            scrape = scraper.submit(get, port)
            assert begun.wait(10)
            for _ in range(4 * CONNECTIONS_MAX):
                held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            come.set()
            assert scrape.result(10).text == "page 1\n"
    finally:
        come.set()
        server.stop()


def test_an_address_that_asks_everywhere_takes_places_from_itself_alone() -> None:
    """Requests whose page nobody makes yet fill all places; a scrape from another address still gets one."""
    come, held = threading.Event(), threading.Semaphore(0)

    def page() -> bytes:
        held.release()
        assert come.wait(10)
        return b"page 1\n"

    server = MetricsServer(page)
    port = server.start("127.0.0.1", 0)
    try:
        with ExitStack() as flood, ThreadPoolExecutor(1) as scraper:
            for _ in range(CONNECTIONS_MAX):
                stranger = flood.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                stranger.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                assert held.acquire(timeout=10)
            away = httpx.HTTPTransport(local_address="127.0.0.2")
            client = flood.enter_context(httpx.Client(transport=away, trust_env=False, timeout=10))
            scrape = scraper.submit(client.get, f"http://127.0.0.1:{port}/metrics")
            assert held.acquire(timeout=10)
            come.set()
            assert scrape.result(10).text == "page 1\n"
    finally:
        come.set()
        server.stop()


def test_a_client_that_hangs_up_is_told_of_in_one_line(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()
    lines: list[dict[str, object]] = []

    class Log:
        def info(self, event: str, **more: object) -> None:
            lines.append({"event": event, **more})
            told.set()

    monkeypatch.setattr("gatekeeper.metrics.server._log", Log())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its end is a reset
        client.sendall(b"GET /metr")
    assert told.wait(10)
    assert lines == [{"event": "metrics_not_sent", "error": "ConnectionResetError"}]


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
