"""What a request says in its headers and body, before anything is known of what it wants."""

from __future__ import annotations

import asyncio
import re

from fastapi import Request

from gatekeeper.api.bodies import BODY_BYTES_MAX
from gatekeeper.api.problems import Refused

READ_WITHIN_S = 5.0
KEY_CHARACTERS_MAX = 255
_ETAG = re.compile(r'\s*(W/)?"([!#-~]{0,200})"\s*(?:,|$)')
_KEY = re.compile(r"[!-~]{1,255}")


def bytes_coming(request: Request) -> int | None:
    """How many bytes the body says that it has; None where it comes in pieces and does not say.

    Raises:
        Refused: 415, it is encoded; 413, it says a number that no body has.
    """
    headers = request.headers
    if "content-encoding" in headers:
        raise Refused(415, "A body must not be encoded.")
    length = headers.get("content-length")
    if length is None:
        return None
    if not length.isdigit() or len(length) > 15:
        raise Refused(413, "No body has so many bytes.")
    return int(length)


async def content_of(request: Request) -> bytes:
    """The body, counted while it comes in."""
    headers = request.headers
    if "content-encoding" in headers:
        raise Refused(415, "A body must not be encoded.")
    length = headers.get("content-length", "0")
    if not length.isdigit() or len(length) > 10 or int(length) > BODY_BYTES_MAX:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise _too_large()
    except TimeoutError:
        raise Refused(408, f"The body did not arrive within {READ_WITHIN_S:.0f} s.") from None
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise Refused(415, "Send the body as application/json.")
    return bytes(body)


def _too_large() -> Refused:
    return Refused(413, f"The body may have at most {BODY_BYTES_MAX // 1024**2} MiB.")


def tags_of(request: Request, header: str) -> frozenset[str]:
    """The entity tags of a header; `*` as itself."""
    said = request.headers.get(header, "").strip()
    if said in ("", "*"):
        return frozenset({said} - {""})
    found, position = set[str](), 0
    while position < len(said):
        match = _ETAG.match(said, position)
        if match is None:
            raise Refused(400, f"The header {header} holds no entity tags.", hint='They look like "abc".')
        if header == "if-none-match" or not match.group(1):  # a weak tag names nothing exactly (RFC 9110 8.8.3.2)
            found.add(match.group(2))
        position = match.end()
    return frozenset(found)


def key_of(request: Request) -> str:
    """The Idempotency-Key; "" where there is none."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Refused(400, f"An Idempotency-Key has 1 to {KEY_CHARACTERS_MAX} printable ASCII characters.")
    return key
