"""A server that answers our two questions from series in memory as Prometheus would, and can be told to fail.

It reads no other PromQL. What the real server makes of the questions is for test_prometheus.py and test_recorded.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_NAMES = re.compile(r"count by \((?P<labels>[^)]*)\) \(last_over_time\((?P<selected>.*)\)\)")
_SELECTED = re.compile(r"\{(?P<matchers>.*)\}\[(?P<span>\d+)ms\]")
_MATCHER = re.compile(r'(?P<label>\w+)(?P<kind>=~|=)"(?P<value>(?:[^"\\]|\\.)*)"')

Labels = dict[str, str]
Samples = list[tuple[int, float]]  # seconds since 1970, value


@dataclass(slots=True)
class FakePrometheus:
    """Attributes:
    series: what the server holds.
    fails: status with which it refuses a question, or None; gets the question and how large the answer would be.
    asked: all questions, in order.
    """

    series: list[tuple[Labels, Samples]]
    fails: Callable[[str, int], int | None] = lambda _, __: None
    asked: list[str] = field(default_factory=list)

    def answer(self, query: str, at_ms: int) -> tuple[int, bytes]:
        self.asked.append(query)
        names = _NAMES.fullmatch(query)
        found = self._selected(names["selected"] if names else query, at_ms)
        if names:
            by = [each.strip() for each in names["labels"].split(",")]
            rows = {tuple(metric.get(each, "") for each in by) for metric, _ in found}
            result = [{"metric": dict(zip(by, row, strict=True)), "value": [at_ms / 1_000, "1"]} for row in rows]
        else:
            result = [
                {"metric": metric, "values": [[at, str(value)] for at, value in samples]} for metric, samples in found
            ]
        body = json.dumps({"status": "success", "data": {"resultType": "any", "result": result}}).encode()
        status = self.fails(query, len(body))
        return (200, body) if status is None else (status, b'{"status":"error","error":"told to fail"}')

    def _selected(self, text: str, at_ms: int) -> list[tuple[Labels, Samples]]:
        selected = _SELECTED.fullmatch(text)
        assert selected, text
        matchers = [(each["label"], each["kind"], _text(each["value"])) for each in _MATCHER.finditer(text)]
        first_ms = at_ms - int(selected["span"])
        found = []
        for metric, samples in self.series:
            if all(_matches(metric.get(label, ""), kind, value) for label, kind, value in matchers):
                within = [(at, value) for at, value in samples if first_ms <= at * 1_000 <= at_ms]
                found += [(metric, within)] if within else []
        return found


def _text(quoted: str) -> str:
    return re.sub(r"\\U([0-9a-f]{8})", lambda found: chr(int(found[1], 16)), quoted).replace("\\\\", "\\")


def _matches(have: str, kind: str, value: str) -> bool:
    return have == value if kind == "=" else re.fullmatch(value, have) is not None


@contextmanager
def serving(prometheus: FakePrometheus) -> Iterator[str]:
    """The server on a loopback port; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, body = prometheus.answer(form["query"][0], round(float(form["time"][0]) * 1_000))
            if status == 0:  # hang up
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
