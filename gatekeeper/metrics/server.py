"""The HTTP server of /metrics: a port of its own, so that nothing that happens here reaches the webhook.

Plain HTTP/1.0: one answer, and the connection ends. Anybody in the cluster can connect, so connections are few, and
each silent one ends by itself. Where all places are taken, who has asked for nothing yet goes, and of the address that
holds most: so one pod takes places from itself, never from a scrape that is being answered.
"""

from __future__ import annotations

import contextlib
import hmac
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from gatekeeper.domain.errors import Unavailable

CONNECTIONS_MAX = 32
SILENT_S = 5.0
# How soon the server notices that it is to end.
POLL_S = 0.1
_log = structlog.get_logger(__name__)


class MetricsServer:
    """Serves one page from threads of its own; with a token file, to whoever sends what is in it as bearer token."""

    def __init__(self, page: Callable[[], bytes], token_file: Path | None = None) -> None:
        self._page, self._token_file = page, token_file
        self._server: _Server | None = None

    def start(self, host: str, port: int) -> int:
        """Serve; the port that was bound (a free one for 0).

        Raises:
            Unavailable: the address cannot be bound.
        """
        try:
            server = _Server(host, port, self._page, self._token_file)
        except OSError as error:
            raise Unavailable(
                f"The metrics cannot be served on {host}:{port} ({error.strerror}).",
                hint="Choose another address or port as metrics.host and metrics.port.",
            ) from error
        self._server = server
        threading.Thread(target=server.serve_forever, args=(POLL_S,), name="metrics", daemon=True).start()
        return int(server.server_address[1])

    def stop(self) -> None:
        """End; connections under way are left to end by themselves."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256  # A client that finds no room here tries again only after a second.

    def __init__(self, host: str, port: int, page: Callable[[], bytes], token_file: Path | None) -> None:
        self.page, self.token_file = page, token_file
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: dict[Any, str] = {}
        self._asked: set[Any] = set()
        self._door = threading.Lock()
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._door:
            self._open[request] = str(client_address[0])
            leaves: Any = self._who_leaves() if len(self._open) > CONNECTIONS_MAX else None
            self._open.pop(leaves, None)
        if leaves is request:
            super().shutdown_request(request)
            return
        if leaves is not None:
            _hang_up(leaves)
        super().process_request(request, client_address)

    def asked(self, request: Any) -> None:
        """A connection has sent a whole request: it keeps its place until it is answered."""
        with self._door:
            if request in self._open:
                self._asked.add(request)

    def _who_leaves(self) -> Any:
        """The connection that is one too many: the oldest without a request, of the address that holds most of them;
        where all wait for an answer, the newest of the address that holds most."""
        held = Counter(self._open.values())
        waiting = [each for each in self._open if each not in self._asked][:-1]
        if waiting:
            return max(waiting, key=lambda each: held[self._open[each]])  # the first of those that are equal
        return max(reversed(self._open), key=lambda each: held[self._open[each]])

    def shutdown_request(self, request: Any) -> None:
        with self._door:
            self._open.pop(request, None)
            self._asked.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Who hangs up, or is hung up, is told of in a line; a fault of ours with all that there is."""
        error = sys.exception()
        if isinstance(error, OSError):
            _log.info("metrics_not_sent", error=type(error).__name__)
        else:
            _log.error("metrics_not_made", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    timeout = SILENT_S
    server: _Server

    def do_GET(self) -> None:
        """The page, or that there is none of that name."""
        self.server.asked(self.request)
        if self.path.partition("?")[0] != "/metrics":
            self._send(404, "text/plain; charset=utf-8", b"There is only /metrics here.\n")
            return
        if not self._may_read():
            self._send(401, "text/plain; charset=utf-8", b"Send the bearer token of metrics.token_file.\n")
            return
        self._send(200, CONTENT_TYPE_LATEST, self.server.page())

    def _may_read(self) -> bool:
        """Whether the caller knows the token, where there is one. Read each time, so that it may change."""
        if self.server.token_file is None:
            return True
        try:
            token = self.server.token_file.read_bytes().strip()
        except OSError as error:
            _log.warning("metrics_token_not_read", error=error.strerror)
            return False
        sent = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return bool(token) and hmac.compare_digest(sent, b"Bearer " + token)

    def _send(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Which Python this is concerns nobody."""
        return "compute-gatekeeper"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Nothing: scrapes are not news."""


def _hang_up(connection: socket.socket) -> None:
    """End a connection from outside; its thread then finds it closed."""
    with contextlib.suppress(OSError):  # It may have ended by itself meanwhile.
        connection.shutdown(socket.SHUT_RDWR)
