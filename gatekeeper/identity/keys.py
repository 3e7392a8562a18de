"""The public keys of an identity provider: from a file or a URL, kept for a while, fetched again when they change.

Only keys that sign by asymmetric means are taken (RFC 7517): a symmetric one in a public set is everybody's. Which key
is meant a token says by its id alone; what else a token says of keys (`jwk`, `jku`, `x5c`, `x5u`) is never looked at.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from gatekeeper.domain.errors import InvalidInput, Unavailable

# What a key can sign with, by its type and curve; nothing else is ever accepted.
ALGORITHMS = {
    ("RSA", None): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
_KINDS: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
RSA_BITS_MIN = 2_048  # NIST SP 800-131A Rev. 2, 2019-03
KEYS_MAX = 100
BYTES_MAX = 2**19
TIMEOUT_S = 5.0
# Asked again after this long, so that a key which the provider takes back is out.
FRESH_S = 900
# While the provider does not answer, its keys hold this long: an outage of an hour locks nobody out.
STALE_S = 3_600
# The least between two requests. Anybody can send a token that names a key which is not there.
PAUSE_S = 30

Keys = Mapping[str, Key]


class KeySource(Protocol):
    """Where keys come from."""

    def key(self, kid: str) -> Key | None:
        """The key of an id; None where the provider has none.

        Raises:
            Unavailable: the provider does not say, and what it said before is too old.
        """
        ...


class CachedKeys:
    """Keys that are kept while they are fresh; safe from any thread."""

    def __init__(self, fetch: Callable[[], bytes], *, tick: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            fetch: the key set as JSON bytes; raises Unavailable.
            tick: seconds that only grow.
        """
        self._fetch = fetch
        self._tick = tick
        self._lock = threading.Lock()
        self._keys: Keys = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._fault = "It was not asked yet."

    def key(self, kid: str) -> Key | None:
        """As `KeySource` says."""
        found = self._keys.get(kid)
        if found is None or self._age() > FRESH_S:
            self._ask_again()
            found = self._keys.get(kid)
        if self._age() > STALE_S:
            raise Unavailable(f"The identity provider's keys cannot be had. {self._fault}")
        return found

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._tick() - self._fetched_at

    def _ask_again(self) -> None:
        """Fetch, unless somebody just did."""
        with self._lock:
            now = self._tick()
            if self._asked_at is not None and now - self._asked_at < PAUSE_S:
                return
            self._asked_at = now
            try:
                self._keys = key_set(self._fetch())
            except (Unavailable, InvalidInput) as error:
                self._fault = str(error)
                return
            self._fetched_at = now


def key_set(data: bytes) -> Keys:
    """The keys of a JSON Web Key Set that can sign a token for us, by their id.

    Raises:
        InvalidInput: not a key set, or nothing in it is of use.
    """
    try:
        found = json.loads(data)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput("This is no JSON Web Key Set.", hint="It is an object with `keys` in it.") from error
    if not isinstance(found, list) or len(found) > KEYS_MAX:
        raise InvalidInput(f"A key set has a list of at most {KEYS_MAX} keys.")
    keys: dict[str, Key] = {}
    for each in found:
        key = _usable(each)
        if key is None:
            continue
        if each["kid"] in keys:
            raise InvalidInput(f"Two keys have the id {each['kid']!r:.80}.")
        keys[each["kid"]] = key
    if not keys:
        raise InvalidInput("No key of the set can sign a token.", hint="RSA, EC P-256 and Ed25519 with a kid can.")
    return keys


def algorithms_of(key: Key) -> frozenset[str]:
    """What a key can sign with; where it says so itself, only that."""
    said = key.as_dict(private=False)
    curve = said.get("crv")
    allowed = ALGORITHMS.get((key.key_type, curve if isinstance(curve, str) else None), frozenset())
    return allowed if said.get("alg") is None else allowed & {str(said["alg"])}


def _usable(given: Any) -> Key | None:
    """The key; None where it is not for signatures, not asymmetric, too short or not a key at all."""
    if not isinstance(given, dict) or given.get("use", "sig") != "sig":
        return None
    kid, kind = given.get("kid"), _KINDS.get(str(given.get("kty")))
    if kind is None or not isinstance(kid, str) or not 0 < len(kid) <= 255:
        return None
    public = {name: value for name, value in given.items() if name in _PUBLIC}
    try:
        key = kind.import_key(public)
        if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS_MIN:
            return None
        return key if algorithms_of(key) else None
    except (JoseError, ValueError, TypeError):
        return None


# What is read of a key: never a certificate, a place to fetch one from, or a private part.
_PUBLIC = frozenset({"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"})


def from_file(path: Path) -> Callable[[], bytes]:
    """Reads a key set from a file, each time anew."""

    def fetch() -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(BYTES_MAX)
        except OSError as error:
            raise Unavailable(f"The key set {path} cannot be read: {error.strerror}.") from error

    return fetch


def from_url(url: str, *, ca_file: Path | None = None) -> Callable[[], bytes]:
    """Fetches a key set.

    Raises:
        InvalidInput: neither https nor this machine.
    """
    check_url(url)
    return lambda: _get(url, ca_file)


def from_issuer(issuer: str, *, ca_file: Path | None = None) -> Callable[[], bytes]:
    """Finds the place of an issuer's key set (OpenID Connect Discovery 1.0, section 4) and fetches it.

    Raises:
        InvalidInput: neither https nor this machine.
    """
    check_url(issuer)

    def fetch() -> bytes:
        place = issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            said = json.loads(_get(place, ca_file))
            named, url = said["issuer"], said["jwks_uri"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Unavailable(f"{place} does not describe an identity provider.") from error
        if named != issuer or not isinstance(url, str):
            raise Unavailable(f"{place} describes another identity provider than {issuer}.")
        check_url(url)
        return _get(url, ca_file)

    return fetch


def check_url(url: str) -> None:
    """Keys come over https, or from this machine.

    Raises:
        InvalidInput: otherwise.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise InvalidInput(f"{url!r:.200} is no URL.") from error
    if parts.username or parts.password:
        raise InvalidInput("The URL of an identity provider holds no password.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("127.0.0.1", "::1", "localhost")):
        raise InvalidInput(f"{url!r:.200} is not https.", hint="Who could change the keys could be anybody.")


def _get(url: str, ca_file: Path | None) -> bytes:
    try:
        with (
            httpx.Client(
                verify=_trusted(url, ca_file), timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
            ) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Unavailable(f"{url} answers HTTP {answer.status_code}.")
            return _body(answer, url)
    except (httpx.HTTPError, OSError) as error:
        raise Unavailable(f"{url} does not answer: {type(error).__name__}.") from error


def _trusted(url: str, ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates count: over plain HTTP nobody's, and those of the system are not read for nothing."""
    if ca_file is None and url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))


def _body(answer: httpx.Response, url: str) -> bytes:
    body, until = bytearray(), time.monotonic() + TIMEOUT_S
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > BYTES_MAX or time.monotonic() > until:
            raise Unavailable(f"{url} answers with more than {BYTES_MAX:,} bytes, or for too long.")
    return bytes(body)
