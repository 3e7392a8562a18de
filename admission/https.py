"""An HTTPS server: uvicorn with one worker, in a thread and an event loop of its own. HTTP/1.1 only.

Silent connections are ended and certificates exchanged while it serves. Each server has its own, so that none takes
another's connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import uvicorn

from admission.certificates import Certificates
from admission.idlers import HEADERS_WITHIN_S, MOST_OWING, Connection, Idlers
from gatekeeper.domain.errors import InvalidInput, Unavailable

STOP_WITHIN_S = 10
START_WITHIN_S = 10.0
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What one server is called in threads and errors, and what it lets clients hold.

    Attributes:
        keep_alive_s: how long a connection may rest between two requests.
        most_owing: connections that may be silent at once.
    """

    name: str
    most_connections: int
    keep_alive_s: int
    most_owing: int = MOST_OWING


class HttpsServer:
    """Serves one application over TLS, or without it where there is no certificate folder. Starts once."""

    def __init__(
        self,
        app: Any,
        certificate_folder: Path | None,
        terms: Terms,
        *,
        poll_s: float = POLL_S,
        headers_within_s: float = HEADERS_WITHIN_S,
    ) -> None:
        """Load the certificate. Every `poll_s` its files and the silent connections are looked at.

        Raises:
            InvalidInput: the folder holds no usable pair.
        """
        self._terms = terms
        self._certificates = None if certificate_folder is None else Certificates(certificate_folder)
        self._poll_s = poll_s
        self._idlers = Idlers(headers_within_s, terms.most_owing)
        self._server = uvicorn.Server(self._config(app))
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve from a thread of its own; the port that was bound (a free one for 0).

        Raises:
            InvalidInput: it was started before.
            Unavailable: the address cannot be bound, or serving did not begin.
        """
        if self._thread is not None:
            raise InvalidInput(f"The {self._terms.name} server starts only once.")
        bound = _bind(host, port, self._terms.name)
        self._thread = threading.Thread(target=self._run, args=(bound,), name=self._terms.name, daemon=True)
        self._thread.start()
        self._wait_until_started()
        return int(bound.getsockname()[1])

    def stop(self) -> None:
        """End gracefully: requests under way are answered, for at most STOP_WITHIN_S.

        Raises:
            Unavailable: the thread did not end.
        """
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_WITHIN_S + 5)
            if self._thread.is_alive():
                raise Unavailable(f"The {self._terms.name} server did not stop.")

    def _config(self, app: Any) -> uvicorn.Config:
        certificates = self._certificates
        return uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,  # the webhook's path holds its token
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=self._terms.most_connections,
            timeout_keep_alive=self._terms.keep_alive_s,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            ssl_context_factory=None if certificates is None else lambda *_: certificates.listening,
        )

    def _run(self, bound: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
                runner.run(self._serve(bound))
        except BaseException as error:  # noqa: BLE001 - a thread's fault is handed to whoever waits for its start
            self._fault = error

    async def _serve(self, bound: socket.socket) -> None:
        watch = asyncio.create_task(self._watch())
        try:
            await self._server.serve(sockets=[bound])
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        """Look at the certificate now and then: a mounted secret changes without any event that all platforms send."""
        while True:
            await asyncio.sleep(self._poll_s)
            if self._certificates is not None:
                self._certificates.refresh()
            connections = cast("Iterable[Connection]", self._server.server_state.connections)
            self._idlers.end_overdue(connections, time.monotonic())

    def _wait_until_started(self) -> None:
        """Block until the socket is served; uvicorn tells by a flag only."""
        assert self._thread is not None
        waited = threading.Event()
        for _ in range(int(START_WITHIN_S / 0.01)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.01)
        self._server.should_exit = True
        raise Unavailable(f"The {self._terms.name} server did not start.") from self._fault


def _bind(host: str, port: int, name: str) -> socket.socket:
    """A bound socket; the family follows the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise Unavailable(
            f"The {name} server cannot listen on {host}:{port} ({error.strerror}).",
            hint="Choose another address or port.",
        ) from error
    return bound
