"""The HTTPS server of the webhook: uvicorn with one worker, in a thread of its own.

HTTP/1.1 only: kube-apiserver speaks nothing else to a webhook behind a Service (kubernetes/kubernetes PR #82090).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import uvicorn

from admission.certificates import Certificates
from admission.http import WebhookApp
from admission.idlers import HEADERS_WITHIN_S, Connection, Idlers
from gatekeeper.domain.errors import InvalidInput, Unavailable

# The API server drops idle connections after 90 s; ours must stay longer, or it meets closed ones.
KEEP_ALIVE_S = 300
# Each API server keeps up to 25 connections and opens more in bursts.
MOST_CONNECTIONS = 1024
STOP_WITHIN_S = 10
START_WITHIN_S = 10.0
POLL_S = 1.0


class WebhookServer:
    """Serves one application over TLS. Starts once."""

    def __init__(
        self,
        app: WebhookApp,
        certificate_folder: Path,
        *,
        poll_s: float = POLL_S,
        headers_within_s: float = HEADERS_WITHIN_S,
    ) -> None:
        """Load the certificate. Every `poll_s` its files and the silent connections are looked at.

        Raises:
            InvalidInput: the folder holds no usable pair.
        """
        self._certificates = Certificates(certificate_folder)
        self._poll_s = poll_s
        self._idlers = Idlers(headers_within_s)
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
            raise InvalidInput("A WebhookServer starts only once.")
        bound = _bind(host, port)
        self._thread = threading.Thread(target=self._run, args=(bound,), name="webhook", daemon=True)
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
                raise Unavailable("The webhook server did not stop.")

    def _config(self, app: WebhookApp) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,  # the path holds the token
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            ssl_context_factory=lambda *_: self._certificates.listening,
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
        raise Unavailable("The webhook server did not start.") from self._fault


def _bind(host: str, port: int) -> socket.socket:
    """A bound socket; the family follows the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise Unavailable(
            f"The webhook cannot listen on {host}:{port} ({error.strerror}).", hint="Choose another address or port."
        ) from error
    return bound
