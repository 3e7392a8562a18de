"""A server on loopback that answers as broken as a test wants it: everybody alike, or by path."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kubernetes import client

from gatekeeper.cluster.api import Api


class Answering:
    """Serves from a thread of its own."""

    def __init__(self) -> None:
        self._answer: tuple[int, bytes, int] = (404, b"", 0)
        self._by_path: dict[str, tuple[int, bytes, int]] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def answer(self, status: int, body: bytes, *, length: int | None = None) -> None:
        """What everybody gets from now on; a length above the body's breaks the answer off."""
        self._answer = (status, body, len(body) if length is None else length)

    def answer_at(self, path: str, status: int, body: object) -> None:
        """What is had under a path, whatever the query; `asked` tells what was, with its query."""
        text = json.dumps(body).encode()
        self._by_path[path] = (status, text, len(text))

    def client(self) -> Any:
        """A client of this server that does not try again."""
        settings = client.Configuration()
        settings.host = f"http://127.0.0.1:{self._server.server_port}"
        settings.retries = False
        return client.ApiClient(settings)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append(self.path)
                status, body, length = outer._by_path.get(self.path.partition("?")[0], outer._answer)
                self.send_response(status)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            do_PATCH = do_POST = do_GET  # noqa: N815 - named by the library

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
                """Tests read errors, not requests."""

        return Handler


def nowhere() -> Api:
    """An API server that does not answer."""
    settings = client.Configuration()
    settings.host, settings.retries = "http://127.0.0.1:1", False
    return Api(client.ApiClient(settings))
