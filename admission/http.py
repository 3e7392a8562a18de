"""The bare ASGI application of the webhook: one POST path behind an unguessable token, and two health paths.

No framework: the path costs less than the decision. Everything is limited while it is read, not after.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from admission.review import LARGEST_REVIEW_BYTES
from gatekeeper.domain.errors import InvalidInput

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handle = Callable[[bytes], Awaitable[bytes]]

# A client that sends slower than this holds a connection open for nothing: the API server sends at once.
READ_WITHIN_S = 5.0
SHORTEST_TOKEN = 32
_PREFIX = b"/validate/"
_JSON = [(b"content-type", b"application/json")]
# Only who knows the token keeps a connection: strangers could fill them all, and a refused body may be on its way.
_TEXT = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]


class _Refused(Exception):
    """The request is not one that we answer: status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class _Gone(Exception):
    """The client hung up before its body was complete; nobody is there to be answered."""


class WebhookApp:
    """ASGI application over a function from bytes to bytes."""

    def __init__(self, handle: Handle, *, token: str, ready: Callable[[], bool]) -> None:
        """Serve `handle` under /validate/<token>; `ready` says whether decisions can be made.

        Raises:
            InvalidInput: a token that could be guessed.
        """
        if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or "/" in token:
            raise InvalidInput(
                f"The webhook's path token needs at least {SHORTEST_TOKEN} printable characters without a slash.",
                hint="Make one with: openssl rand -hex 32",
            )
        self._handle = handle
        self._path = _PREFIX + token.encode()
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; other protocols are closed unanswered."""
        if scope["type"] != "http":
            return
        try:
            status, headers, body = 200, *await self._respond(scope, receive)
        except _Refused as refusal:
            status, headers, body = refusal.status, _TEXT, refusal.sentence.encode()
        except _Gone:
            return
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[list[tuple[bytes, bytes]], bytes]:
        path = scope["raw_path"]
        if hmac.compare_digest(path, self._path):
            _check_request(scope)
            return _JSON, await self._answer(await _read_body(receive))
        if path == b"/healthz":
            return _TEXT, b"ok"
        if path == b"/readyz":
            if not self._ready():
                raise _Refused(503, "not ready")
            return _TEXT, b"ok"
        raise _Refused(404, "There is nothing here.")

    async def _answer(self, body: bytes) -> bytes:
        if not self._ready():
            raise _Refused(503, "Not ready to decide; try again.")
        try:
            return await self._handle(body)
        except InvalidInput as error:
            raise _Refused(400, str(error)) from error


def _check_request(scope: Scope) -> None:
    """Method, content type and announced length, before a byte of the body is read."""
    if scope["method"] != "POST":
        raise _Refused(405, "Send an AdmissionReview with POST.")
    headers = dict(scope["headers"])
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json" or b"content-encoding" in headers:
        raise _Refused(415, "Send an AdmissionReview as application/json, not encoded.")
    length = headers.get(b"content-length")
    if length is not None and (len(length) > 10 or not length.isdigit() or int(length) > LARGEST_REVIEW_BYTES):
        raise _Refused(413, f"The body may have at most {LARGEST_REVIEW_BYTES // 1024**2} MiB.")


async def _read_body(receive: Receive) -> bytes:
    """The body, counted while it comes in."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                body += message.get("body", b"")
                if len(body) > LARGEST_REVIEW_BYTES:
                    raise _Refused(413, f"The body may have at most {LARGEST_REVIEW_BYTES // 1024**2} MiB.")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _Refused(408, f"The body did not arrive within {READ_WITHIN_S:.0f} s.") from None
