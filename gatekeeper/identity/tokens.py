"""Tokens of our own table of users: how they look, and what is kept of them.

    cgk_<43 characters: 256 random bits><6 characters: CRC-32 of the 43>      base64url throughout

The beginning tells a scanner for secrets what it found, and the sum tells us, without asking anybody, that a token was
copied whole. A token is as long as its hash, so a plain SHA-256 keeps it: there is nothing to guess.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import zlib

BEGINNING = "cgk_"
_SECRET_BYTES = 32
_SHAPE = re.compile(rf"{BEGINNING}([A-Za-z0-9_-]{{43}})([A-Za-z0-9_-]{{6}})")


def new_token() -> str:
    """A token that nobody has seen."""
    secret = _base64(secrets.token_bytes(_SECRET_BYTES))
    return BEGINNING + secret + _sum(secret)


def is_whole(token: str) -> bool:
    """Whether a text is a token of ours, copied whole; nothing is said of whose it is, or whether it is anybody's."""
    found = _SHAPE.fullmatch(token)
    return found is not None and found[2] == _sum(found[1])


def kept_of(token: str) -> str:
    """What is stored of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _sum(secret: str) -> str:
    return _base64(zlib.crc32(secret.encode("ascii")).to_bytes(4, "big"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
