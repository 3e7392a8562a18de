"""The outermost part: what every request must keep to before anything looks at what it wants.

Places are counted, so that a flood fills this server and nothing else: it has its own thread, event loop and few worker
threads, and the webhook shares none of them.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import structlog
from anyio import to_thread
from starlette.requests import ClientDisconnect

from gatekeeper.api.problems import RETRY_AFTER_S, Problem
from gatekeeper.api.sources import UnderWay, source_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Threads that work for the API: at most so many of the store's readers and of the writer's places are ever its.
WORKERS = 4
UNDER_WAY_MAX = 64
OF_ONE_SOURCE_MAX = 48
ANSWER_WITHIN_S = 30.0
# Bytes of evidence come and go at a pace of their own (`transfers`); this ends what is left of a request after it.
TRANSFER_WITHIN_S = 3_600.0
_TRANSFER = re.compile(rb"/v1/customers/[^/]+/evidence(/[0-9a-f]+)?")
PATH_BYTES_MAX = 2_048
QUERY_BYTES_MAX = 4_096
HEADER_BYTES_MAX = 20_000
# Read by two readers in two ways where they stand twice.
_ONCE = frozenset(
    {b"authorization", b"content-type", b"content-length", b"idempotency-key", b"if-match", b"if-none-match", b"host"}
)
# An encoded slash or NUL would be another path after it is decoded than it was for whoever let it through before us.
_NOT_IN_PATHS = (b"%2f", b"%5c", b"%00", b"\\", b"//", b"/./", b"/../", b"%2e")
_SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"private, no-cache"),
]
# What is left of such a request's body is not waited for.
_CLOSING = frozenset({400, 401, 408, 413, 415, 429, 503})
_log = structlog.get_logger(__name__)


class Door:
    """ASGI application around the API's own."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._under_way = UnderWay(UNDER_WAY_MAX, OF_ONE_SOURCE_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other protocols are closed unanswered."""
        if scope["type"] != "http":
            return
        request_id = str(uuid.uuid4())
        body = _Body(scope, receive)
        receive, answering = body, _Answering(send, request_id, body)
        source = source_of((scope.get("client") or ("unknown", 0))[0])
        # HEAD is answered as GET; the server, which keeps its own scope, leaves the body out.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        scope = {**scope, "method": method, "state": {"request_id": request_id, "source": source}}
        if scope["raw_path"] == b"/healthz":
            await answering.text(b"ok")
            return
        problem = _wrong(scope)
        if problem is None and not self._under_way.enter(source):
            problem = Problem(503, "Too many requests are under way.", headers={"Retry-After": "1"})
        if problem is not None:
            await problem.response(request_id)(scope, receive, answering)
            return
        try:
            await self._pass(scope, receive, answering, request_id)
        finally:
            self._under_way.leave(source)

    async def _pass(self, scope: Scope, receive: Receive, answering: _Answering, request_id: str) -> None:
        to_thread.current_default_thread_limiter().total_tokens = WORKERS
        try:
            with anyio.fail_after(_within_s(scope)):
                await self._app(scope, receive, answering)
        except TimeoutError:
            if not answering.begun:
                problem = Problem(
                    503,
                    "This took too long; it may have been done.",
                    "Look, or ask again under the same Idempotency-Key.",
                    headers={"Retry-After": str(RETRY_AFTER_S)},
                )
                await problem.response(request_id)(scope, receive, answering)
        except (ClientDisconnect, OSError):
            return  # nobody is there to be answered
        except Exception:  # noqa: BLE001 - the framework has answered with a problem, and hands the fault on to us
            _log.error("api_fault", id=request_id, exc_info=True)


class _Body:
    """The body of a request, and whether any of it was not asked for."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        named = {name.lower(): value for name, value in scope["headers"]}
        self.left = named.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in named

    async def __call__(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self.left = False
        return message


class _Answering:
    """Sends an answer with the headers that every one has."""

    def __init__(self, send: Send, request_id: str, body: _Body) -> None:
        self._send = send
        self._body = body
        self._request_id = request_id.encode()
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            named = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(each for each in _SAFE if each[0] not in named),
                (b"x-request-id", self._request_id),
                *([(b"connection", b"close")] if message["status"] in _CLOSING or self._body.left else []),
            ]
        with contextlib.suppress(OSError):
            await self._send(message)

    async def text(self, body: bytes) -> None:
        """Answer with plain text."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": 200, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _wrong(scope: Scope) -> Problem | None:
    """What is wrong with a request that nobody has to look at further."""
    path, query, headers = scope["raw_path"], scope["query_string"], scope["headers"]
    if len(path) > PATH_BYTES_MAX or len(query) > QUERY_BYTES_MAX:
        return Problem(400, f"The address is longer than {PATH_BYTES_MAX:,} bytes.")
    lower = path.lower()
    if any(each in lower for each in _NOT_IN_PATHS) or not _is_text(scope["path"]):
        return Problem(400, "The path holds an encoded slash or dot, an empty part or a control character.")
    names = [name.lower() for name, _ in headers]
    twice = [name for name in _ONCE if names.count(name) > 1]
    if twice:
        return Problem(400, f"The header {twice[0].decode()} stands twice.")
    if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES_MAX:
        return Problem(400, f"The headers have more than {HEADER_BYTES_MAX:,} bytes.")
    return None


def _within_s(scope: Scope) -> float:
    """How long an answer may take."""
    bytes_ = _TRANSFER.fullmatch(scope["raw_path"])
    moves = bytes_ is not None and (scope["method"] == "POST" or bytes_[1] is not None)
    return TRANSFER_WITHIN_S if moves else ANSWER_WITHIN_S


def _is_text(path: str) -> bool:
    return path.isprintable() and not any("\ud800" <= each <= "\udfff" for each in path)
