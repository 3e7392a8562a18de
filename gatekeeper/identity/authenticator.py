"""From a bearer token to a caller: what an edge needs, and who is asked about which token.

A token is a secret of one realm, and is shown to that realm alone: which one it is stands in its shape and in the
issuer that it names, and both are only a claim until the realm itself has checked the token.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, NoReturn, Protocol

from gatekeeper.domain.errors import NotPermitted, Unavailable
from gatekeeper.domain.person import Caller

# A service account's token has about 1,200 characters, one of an identity provider with many groups rarely over 8,000.
TOKEN_CHARACTERS_MAX = 16_384


class Refusal(StrEnum):
    """Why a token does not say who somebody is: for metrics and logs, never more than this."""

    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN_ISSUER = "unknown_issuer"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    EXPIRED = "expired"  # or disabled, or rotated away
    NOT_YET = "not_yet"
    CLAIMS = "claims"  # one is missing, or says what it must not
    AUDIENCE = "audience"
    UNAVAILABLE = "unavailable"  # who could say does not answer


class Unauthenticated(NotPermitted):
    """Nobody that we know: no token, or one that does not hold. An edge that speaks HTTP answers 401."""

    def __init__(self, message: str, reason: Refusal, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class Authenticator(Protocol):
    """Says who sent a token."""

    def authenticate(self, bearer: str) -> Caller:
        """The caller whose token this is; it has no rights where no role was given to it.

        Blocks for as long as a request to an identity provider takes: an asynchronous edge calls it in a thread.

        Args:
            bearer: what stands in the header behind `Authorization: Bearer `; "" where there is none.

        Raises:
            Unauthenticated: nobody that we know.
            Unavailable: who could say does not answer; nobody is let in meanwhile.
        """
        ...


class Realm(Authenticator, Protocol):
    """One that knows its own people, and their tokens when it sees one."""

    name: str

    def recognizes(self, bearer: str) -> bool:
        """Whether a token claims to be of this realm; asks nobody."""
        ...


class Realms:
    """Asks the one realm whose token it claims to be, and no other."""

    def __init__(self, realms: Sequence[Realm], refused: Callable[[str, Refusal], None] | None = None) -> None:
        """
        Args:
            realms: in the order in which they may recognize a token.
            refused: told the name of the realm (`none` where no realm knows the token) and why, never the token.
        """
        self._realms = tuple(realms)
        self._refused = refused or (lambda _realm, _reason: None)

    def authenticate(self, bearer: str) -> Caller:
        """As `Authenticator` says."""
        name = "none"
        try:
            realm = self._realm(bearer)
            name = realm.name
            return realm.authenticate(bearer)
        except Unauthenticated as error:
            self._refused(name, error.reason)
            raise
        except Unavailable:
            self._refused(name, Refusal.UNAVAILABLE)
            raise

    def _realm(self, bearer: str) -> Realm:
        if not bearer:
            raise Unauthenticated("This needs a token.", Refusal.MISSING, hint="Send Authorization: Bearer TOKEN.")
        if len(bearer) > TOKEN_CHARACTERS_MAX or not bearer.isascii() or not bearer.isprintable() or " " in bearer:
            raise Unauthenticated(
                f"A token is at most {TOKEN_CHARACTERS_MAX:,} ASCII characters without blanks.", Refusal.MALFORMED
            )
        for realm in self._realms:
            if realm.recognizes(bearer):
                return realm
        raise Unauthenticated("Nobody here gives out tokens like this one.", Refusal.UNKNOWN_ISSUER)


def claimed_issuer(bearer: str) -> str | None:
    """The issuer that a JSON web token names, unchecked; None where it is no such token."""
    payload = unchecked_part(bearer, 1)
    issuer = payload.get("iss") if payload else None
    return issuer if isinstance(issuer, str) else None


def unchecked_part(bearer: str, index: int) -> dict[str, Any] | None:
    """The header (0) or payload (1) of a compact JSON web token, unchecked; None where it is none, or names a key of
    an object twice: then two readers could read two different things."""
    parts = bearer.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        raw = base64.b64decode(parts[index] + "=" * (-len(parts[index]) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError, binascii.Error):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
