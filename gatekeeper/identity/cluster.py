"""The realm of the cluster: its API server says whose token it is (TokenReview, authentication.k8s.io/v1).

A token counts only where it was made for us: with our audience. So nobody who is sent one can use it elsewhere, and a
token that some other program was given is no key to us. A pod asks for one with a projected volume (`audience`), a
person with `kubectl create token --audience`.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gatekeeper.domain.errors import GatekeeperError, Unavailable
from gatekeeper.domain.person import Caller, Method
from gatekeeper.identity.authenticator import Refusal, Unauthenticated, claimed_issuer
from gatekeeper.identity.roles import RoleMap

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
# Before a group's name in the settings, so that nobody who chooses a user name chooses a group.
GROUP = "group:"
CACHED_S = 60
CACHED_MAX = 1_024
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._@+:|/=-]{0,298}[A-Za-z0-9=])?")

Json = dict[str, Any]


class Creating(Protocol):
    """What is needed of the API server; `gatekeeper.cluster.api.Api` has it."""

    def create(self, path: str, body: Json) -> Json:
        """Create an object and return it as the server answers."""
        ...


@dataclass(frozen=True, slots=True)
class ClusterTerms:
    """Which tokens are the cluster's, and who may do what.

    Attributes:
        issuer: `iss` of its tokens (--service-account-issuer of the API server).
        audience: what they must be made for.
        roles: role -> user names as the API server says them, and `group:` before the name of a group.
    """

    issuer: str
    audience: str
    roles: RoleMap


class TokenReviewer:
    """Knows service accounts, and people whose tokens the API server takes."""

    name = "token-review"

    def __init__(self, api: Creating, terms: ClusterTerms, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._terms = terms
        self._tick = tick
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, Caller]] = {}

    def recognizes(self, bearer: str) -> bool:
        """Whether it says that this cluster signed it."""
        return claimed_issuer(bearer) == self._terms.issuer

    def authenticate(self, bearer: str) -> Caller:
        """Whom the API server says it is, for at most a minute without asking again.

        Raises:
            Unauthenticated: it says nobody, or not for our audience. Unavailable: it does not say.
        """
        key, now = hashlib.sha256(bearer.encode("ascii")).digest(), self._tick()
        with self._lock:
            until, caller = self._known.get(key, (now, None))
        if caller is not None and now < until:
            return caller
        caller = self._reviewed(bearer)
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = (now + CACHED_S, caller)
            while len(self._known) > CACHED_MAX:
                del self._known[next(iter(self._known))]
        return caller

    def _reviewed(self, bearer: str) -> Caller:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": bearer, "audiences": [self._terms.audience]},
        }
        try:
            status = self._api.create(PATH, body).get("status")
        except GatekeeperError as error:
            # Not the answer itself: it may repeat what was asked.
            kind = type(error).__name__
            raise Unavailable(
                f"The cluster does not say whose token this is ({kind}).",
                hint="Our service account needs `create` on tokenreviews.authentication.k8s.io.",
            ) from None
        if not isinstance(status, Mapping) or status.get("authenticated") is not True:
            raise Unauthenticated("The cluster knows nobody by this token.", Refusal.SIGNATURE)
        audiences = status.get("audiences")
        # A server that does not look at audiences leaves them out: its yes was for any token at all.
        if not isinstance(audiences, list) or self._terms.audience not in audiences:
            raise Unauthenticated(
                "The token was not made for us.",
                Refusal.AUDIENCE,
                hint=f"Ask for one with the audience {self._terms.audience}.",
            )
        return self._caller(status.get("user"))

    def _caller(self, user: object) -> Caller:
        name = user.get("username") if isinstance(user, Mapping) else None
        if not isinstance(user, Mapping) or not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Unauthenticated("The cluster gives a name that cannot stand in a record.", Refusal.CLAIMS)
        named = () if name.startswith(GROUP) else (name,)
        return Caller(name, Method.TOKEN_REVIEW, self._terms.roles.of((*named, *_groups(user.get("groups")))))


def _groups(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, str):
            yield GROUP + each
