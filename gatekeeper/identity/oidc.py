"""The realm of an identity provider: JSON web tokens (RFC 7519) as RFC 8725 (BCP 225, 2020-02) wants them checked.

The algorithm is one of ours and one that the key itself can have; the key is one of the issuer's; issuer and audience
are exactly those of the settings. Who somebody is: an address for people to read, which the issuer has verified, and
the subject, which it never gives to anybody else: `ana@provider.example#00u1ab`.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import Key

from gatekeeper.domain.person import UNIQUE_MARK, Caller, Method
from gatekeeper.domain.spelling import has_punycode
from gatekeeper.domain.user import GIVEN_BY_TWO
from gatekeeper.identity.authenticator import Refusal, Unauthenticated, claimed_issuer, unchecked_part
from gatekeeper.identity.keys import ALGORITHMS, KeySource, algorithms_of
from gatekeeper.identity.roles import RoleMap
from gatekeeper.ports import Clock

LEEWAY_S = 60
# joserfc's own limit of 512 bytes is too short for some providers; what is longer than this has certificates in it.
_HEADER_CHARACTERS_MAX = 2_048
_ACCEPTED = frozenset().union(*ALGORITHMS.values())
# Access tokens (RFC 9068) and identity tokens. Not: logout tokens, proofs, security events, which are signed alike.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt", "application/jwt"})
# RFC 9864 (2025-10) names the algorithm Ed25519; providers still say EdDSA, and our keys leave it no other meaning.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)
_SUBJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+:|/=-]{0,198}[A-Za-z0-9=])?")
_ADDRESS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,180}[A-Za-z0-9])?")
# What issuers call a token of a program in claims of their own: Microsoft Entra ID, Auth0.
_OF_PROGRAMS = (("idtyp", "app"), ("gty", "client-credentials"))
# How Keycloak (26, 2026) calls the user that it makes for a client: the subject is not the client, and no claim tells.
_KEYCLOAK_PROGRAM = "service-account-"
# Beyond this a time in seconds is no time (year 36812).
_TIME_MAX = 2**40


@dataclass(frozen=True, slots=True)
class OidcTerms:
    """What a token must say.

    Attributes:
        issuer: `iss`, exactly.
        audience: must be in `aud`.
        age_s_max: how long ago it may have been issued, whatever `exp` says.
        name_claim: what people call somebody; `email` counts only where the issuer says that it verified it.
        roles_claim: the claim with groups or roles, a text or a list; `a.b` is b within a where there is no `a.b`.
        roles: which of them have which role.
    """

    issuer: str
    audience: str
    roles: RoleMap
    age_s_max: int = 86_400
    name_claim: str = "email"
    roles_claim: str = "groups"


class OidcVerifier:
    """Knows people by what an identity provider signed."""

    name = "oidc"

    def __init__(self, terms: OidcTerms, keys: KeySource, clock: Clock) -> None:
        self._terms = terms
        self._keys = keys
        self._clock = clock

    def recognizes(self, bearer: str) -> bool:
        """Whether it says that this issuer signed it."""
        return claimed_issuer(bearer) == self._terms.issuer

    def authenticate(self, bearer: str) -> Caller:
        """The person that the issuer says it is, with the roles of the groups that it names.

        Raises:
            Unauthenticated: not signed by the issuer, not for us, not now, or without what we need.
            Unavailable: the issuer's keys cannot be had.
        """
        _check_canonical(bearer)
        claims = self._checked(bearer)
        self._check_times(claims)
        self._check_place(claims)
        roles = self._terms.roles.of(_texts(_at(claims, self._terms.roles_claim)))
        if _is_program(claims):
            roles -= GIVEN_BY_TWO
        return Caller(self._name(claims), Method.OIDC, roles)

    def _checked(self, bearer: str) -> Mapping[str, Any]:
        """The claims, once the signature has been checked over exactly these."""
        header = unchecked_part(bearer, 0)
        claims = unchecked_part(bearer, 1)
        if header is None or claims is None or len(bearer.partition(".")[0]) > _HEADER_CHARACTERS_MAX:
            _refuse(Refusal.MALFORMED, "This is no JSON web token.")
        algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
        if not isinstance(algorithm, str) or algorithm not in _ACCEPTED:
            _refuse(Refusal.ALGORITHM, f"A token is signed with one of {', '.join(sorted(_ACCEPTED))}.")
        if "crit" in header or "b64" in header or not isinstance(kind, str) or kind.casefold() not in _TYPES:
            _refuse(Refusal.MALFORMED, "This token is not for logging in.")
        key = self._keys.key(kid) if isinstance(kid, str) and len(kid) <= 255 else None
        if key is None:
            _refuse(Refusal.UNKNOWN_KEY, "The issuer has no such key.")
        if algorithm not in algorithms_of(key):
            _refuse(Refusal.ALGORITHM, "The issuer's key does not sign with this algorithm.")
        _check_signature(bearer, key, algorithm)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        issued, ends = _time(claims, "iat"), _time(claims, "exp")
        begins = _time(claims, "nbf") if "nbf" in claims else issued
        if now >= ends + LEEWAY_S:
            _refuse(Refusal.EXPIRED, "The token has ended.", hint="Log in again.")
        if now < max(begins, issued) - LEEWAY_S:
            _refuse(Refusal.NOT_YET, "The token does not hold yet.", hint="Are the clocks right?")
        if now - issued > self._terms.age_s_max + LEEWAY_S:
            _refuse(Refusal.EXPIRED, "The token was issued too long ago.", hint="Log in again.")

    def _check_place(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self._terms.issuer:
            _refuse(Refusal.UNKNOWN_ISSUER, "Another issuer signed the token.")
        if self._terms.audience not in _texts(claims.get("aud")):
            _refuse(Refusal.AUDIENCE, "The token is for somebody else.", hint="Ask for one with our audience.")

    def _name(self, claims: Mapping[str, Any]) -> str:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            _refuse(Refusal.CLAIMS, "The token's subject is missing, or cannot stand in a record.")
        claim = self._terms.name_claim
        address = claims.get(claim)
        vouched = claim != "email" or claims.get("email_verified") is True
        # A domain in punycode, or letters beyond ASCII, can be made to look like a colleague's address.
        if not (vouched and isinstance(address, str) and _ADDRESS.fullmatch(address)) or has_punycode(address):
            address = subject
        return f"{address}{UNIQUE_MARK}{subject}"


def _is_program(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer gave the token to a program in its own name and not to a person: the subject is then the
    client (RFC 9068 section 2.2, 2021-10), or the issuer says so in a claim of its own."""
    clients = {each for name in ("client_id", "azp", "appid", "cid") for each in _texts(claims.get(name))}
    called = str(claims.get("preferred_username", ""))
    return (
        claims.get("sub") in clients
        or any(claims.get(name) == value for name, value in _OF_PROGRAMS)
        or called.startswith(_KEYCLOAK_PROGRAM)
    )


def _check_canonical(bearer: str) -> None:
    """One token has one spelling: the last character of a part cannot hold bits that say nothing."""
    for part in bearer.split("."):
        try:
            data = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            _refuse(Refusal.MALFORMED, "This is no JSON web token.")
        if base64.urlsafe_b64encode(data).decode().rstrip("=") != part:
            _refuse(Refusal.MALFORMED, "This is no JSON web token in its one spelling.")


def _check_signature(bearer: str, key: Key, algorithm: str) -> None:
    rules = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    rules.max_header_length = _HEADER_CHARACTERS_MAX
    try:
        jws.deserialize_compact(bearer, key, registry=rules)
    except (JoseError, ValueError, TypeError) as error:
        raise Unauthenticated("The token's signature is not the issuer's.", Refusal.SIGNATURE) from error


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _TIME_MAX:
        _refuse(Refusal.CLAIMS, f"The token's {name} is missing, or no time.")
    return float(value)


def _at(claims: Mapping[str, Any], claim: str) -> object:
    if claim in claims:
        return claims[claim]
    found: object = claims
    for name in claim.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _texts(value: object) -> Iterator[str]:
    """A text, or the texts of a list; anything else is nothing."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each


def _refuse(reason: Refusal, message: str, *, hint: str = "") -> NoReturn:
    raise Unauthenticated(message, reason, hint=hint)
