"""Servers that are no Prometheus, or a broken one: never a smaller count, always a sentence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.usage import Observation
from gatekeeper.telemetry import promql
from gatekeeper.telemetry.prometheus import DEVICES_MAX, Prometheus
from gatekeeper.telemetry.source import PrometheusSource
from tests.metering import observed_of

BEGINS = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
TRUSTED = {"job": "dcgm-exporter"}


@contextmanager
def answering(
    body: bytes,
    *,
    names: bytes | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    pieces: int = 1,
) -> Iterator[str]:
    """A server that gives the same answer to everything, but `names` to who asks for the names of devices; in
    `pieces` it takes its time."""
    asked.clear()
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            question = self.rfile.read(int(self.headers["Content-Length"]))
            naming = names is not None and question.startswith(b"query=count+by")
            answer = names if naming and names is not None else body
            self.send_response(httpx.codes.OK if naming else status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer) * pieces))
            self.end_headers()
            for _ in range(pieces):
                self.wfile.write(answer)
                self.wfile.flush()
                if pieces > 1 and stop.wait(0.05):
                    return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


asked: list[str] = []


def observe(url: str, **source: Any) -> list[Observation]:
    counters = Prometheus(PrometheusSource(url, **{"trusted": TRUSTED, **source}))
    through = BEGINS + timedelta(hours=1)
    return list(observed_of(counters, namespace="lab", pod="trainer-0", begins_at=BEGINS, through=through))


def matrix(*series: str) -> bytes:
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{",".join(series)}]}}}}'.encode()


def vector(*uuids: str) -> bytes:
    owner = '"exported_namespace":"lab","exported_pod":"trainer-0"'
    return matrix(*(f'{{"metric":{{"UUID":"{uuid}",{owner}}},"value":[1790856015,"1"]}}' for uuid in uuids))


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"<html>", 200, "not a list of samples"),
        (b"", 200, "not a list of samples"),
        (b'{"status":"success"}', 200, "not a list of samples"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[["x"]]}]}}', 200, "not a list of samples"),
        (b'{"status":"success","data":{"result":[{"metric":{"UUID":1},"values":[]}]}}', 200, "not a list of samples"),
        (b'{"status":"partial","data":{"result":[]}}', 200, "status 'partial'"),
        (b'{"status":"error","error":"too many samples"}', 422, "answered 422: 'too many samples'"),
        (b"gateway", 502, "answered 502."),
    ],
)
def test_what_is_no_answer_is_never_taken_for_idle(body: bytes, status: int, told: str) -> None:
    with answering(body, status=status) as url, pytest.raises(Unavailable, match=told):
        observe(url)
    with answering(body, names=vector("GPU-1"), status=status) as url, pytest.raises(Unavailable, match=told):
        observe(url)


def test_a_redirect_is_not_followed() -> None:
    away = {"Location": "http://127.0.0.1:1/"}
    with answering(b"", status=302, headers=away) as url, pytest.raises(Unavailable, match="answered 302"):
        observe(url)


def test_a_server_that_drips_is_given_up_in_time() -> None:
    with answering(b" " * 10, pieces=1_000) as url, pytest.raises(Unavailable, match="ReadTimeout"):
        observe(url, timeout_s=0.3)


def test_after_silence_nobody_waits_for_a_second_timeout_until_the_rest_is_over() -> None:
    seconds = 0.0
    with answering(b"", status=200) as url:
        pass
    counters = Prometheus(PrometheusSource(url, TRUSTED, rest_s=15), monotonic=lambda: seconds)

    def ask() -> None:
        list(observed_of(counters, namespace="lab", pod="p", begins_at=BEGINS, through=BEGINS + timedelta(hours=1)))

    with pytest.raises(Unavailable, match="ConnectError"):
        ask()
    seconds = 14.9
    with pytest.raises(Unavailable, match="a moment ago"):
        ask()
    seconds = 15.0
    with pytest.raises(Unavailable, match="ConnectError"):
        ask()


def test_a_refused_question_does_not_silence_the_next_one() -> None:
    with answering(b"{}", status=422) as url:
        counters = Prometheus(PrometheusSource(url, TRUSTED))
        for _ in range(2):
            with pytest.raises(Unavailable, match="answered 422"):
                list(
                    observed_of(
                        counters, namespace="lab", pod="p", begins_at=BEGINS, through=BEGINS + timedelta(hours=1)
                    )
                )
        assert len(asked) == 2


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    for name in ("absent.pem", "empty.pem"):
        (tmp_path / "empty.pem").write_text("")
        with pytest.raises(InvalidInput, match="no certificates"):
            Prometheus(PrometheusSource("https://prometheus:9090", TRUSTED, ca_file=tmp_path / name))


def test_a_server_that_is_down_is_told_with_what_to_do() -> None:
    with answering(b"") as url:
        pass
    with pytest.raises(Unavailable, match="Check the address"):
        observe(url)


def test_values_that_are_no_numbers_cover_nothing() -> None:
    body = matrix(
        '{"metric":{"__name__":"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE","UUID":"GPU-1","exported_namespace":"lab",'
        '"exported_pod":"trainer-0"},"values":[[1790856015,"x"],[1790856045,"+Inf"],[1790856075,"NaN"]]}'
    )
    with answering(body, names=vector("GPU-1")) as url:
        assert observe(url) == [Observation("GPU-1", 0, 0)]


def test_more_devices_than_any_node_has_are_named_and_not_asked_about() -> None:
    names = vector(*(f"GPU-{index}" for index in range(DEVICES_MAX + 1)))
    with answering(b"", names=names) as url:
        assert len(observe(url)) == DEVICES_MAX + 1
        assert len(asked) == 1


def test_the_token_is_read_at_each_question(tmp_path: Path) -> None:
    token = tmp_path / "token"
    with answering(matrix(), names=vector("GPU-1")) as url:
        counters = Prometheus(PrometheusSource(url, TRUSTED, token_file=token))
        for text in ("first\n", "second"):
            token.write_text(text)
            list(observed_of(counters, namespace="lab", pod="p", begins_at=BEGINS, through=BEGINS + timedelta(hours=1)))
        assert list(dict.fromkeys(asked)) == ["Bearer first", "Bearer second"]


def test_a_token_that_is_no_text_is_no_answer_and_is_not_shown(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_bytes("s\u00e9cret".encode())
    counters = Prometheus(PrometheusSource("http://127.0.0.1:1", TRUSTED, token_file=token))
    with pytest.raises(Unavailable, match="not ASCII") as caught:
        list(observed_of(counters, namespace="lab", pod="p", begins_at=BEGINS, through=BEGINS + timedelta(hours=1)))
    assert "cret" not in str(caught.value)


def test_an_empty_interval_asks_nothing() -> None:
    counters = Prometheus(PrometheusSource("http://127.0.0.1:1", TRUSTED))
    assert list(observed_of(counters, namespace="lab", pod="p", begins_at=BEGINS, through=BEGINS)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"trusted": {}},
        {"trusted": {"job": ""}},
        {"trusted": {'job="x",a': "y"}},
        {"trusted": {"exported_pod": "trainer-0"}},
        {"trusted": {"__name__": "up"}},
        {"trusted": {"pod": "exporter"}, "honor_labels": True},
        {"url": "prometheus:9090"},
        {"url": "file:///etc/passwd"},
        {"url": "http://user:secret@prometheus:9090"},
        {"sample_s": 0},
        {"timeout_s": 0},
        {"answer_bytes_max": 0},
    ],
)
def test_settings_that_would_trust_a_tenant_or_mean_nothing_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        PrometheusSource(**{"url": "http://prometheus:9090", "trusted": TRUSTED, **changes})


@pytest.mark.parametrize("value", ["x" * 254, "\ud800"])
def test_a_value_that_cannot_be_a_name_is_not_asked_for(value: str) -> None:
    with pytest.raises(InvalidInput):
        promql.quoted(value)


def test_a_text_that_is_no_device_id_cannot_become_an_expression() -> None:
    with pytest.raises(InvalidInput):
        promql.any_of(["GPU-1", ".*"])
