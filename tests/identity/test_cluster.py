"""The cluster's word for whose a token is. The real API server answers in tests/controlplane; here it answers oddly."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gatekeeper.domain.errors import GatekeeperError, InvalidInput, Unavailable
from gatekeeper.domain.person import Role
from gatekeeper.identity.authenticator import Realms, Refusal, Unauthenticated
from gatekeeper.identity.cluster import CACHED_MAX, CACHED_S, ClusterTerms, TokenReviewer
from gatekeeper.identity.local import LocalUsers
from gatekeeper.identity.oidc import OidcTerms, OidcVerifier
from gatekeeper.identity.refusals import EVERY_S, Refusals
from gatekeeper.identity.roles import RoleMap
from gatekeeper.identity.tokens import is_whole, new_token
from tests.identity.provider import AUDIENCE, FixedClock, unsigned

ISSUER = "https://kubernetes.default.svc"
IMPORTER = "system:serviceaccount:kyc:importer"
ROLES = RoleMap({Role.KYC_EDITOR: frozenset({IMPORTER}), Role.REGULATOR: frozenset({"group:auditors"})})
TOKEN = unsigned({"alg": "RS256", "kid": "k"}, {"iss": ISSUER}, b"signature")


class Server:
    """An API server that answers as a test wants, and remembers what it was asked."""

    def __init__(self, status: Any = None) -> None:
        self.status: Any = status
        self.error: GatekeeperError | None = None
        self.asked: list[dict[str, Any]] = []

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert path == "/apis/authentication.k8s.io/v1/tokenreviews"
        self.asked.append(body["spec"])
        if self.error is not None:
            raise self.error
        return {"status": self.status}


class Ticks:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def yes(name: str = IMPORTER, *groups: str, **changes: Any) -> dict[str, Any]:
    user = {"username": name, "uid": "u", "groups": list(groups)}
    return {"authenticated": True, "audiences": [AUDIENCE], "user": user, **changes}


def realm(server: Server, ticks: Ticks | None = None) -> TokenReviewer:
    return TokenReviewer(server, ClusterTerms(ISSUER, AUDIENCE, ROLES), tick=ticks or Ticks())


def test_the_api_server_is_asked_for_our_audience_and_its_word_is_kept_for_a_minute() -> None:
    server, ticks = Server(yes()), Ticks()
    asking = realm(server, ticks)
    for _ in range(3):
        caller = asking.authenticate(TOKEN)
    assert caller.name == IMPORTER
    assert caller.roles == {Role.KYC_EDITOR}
    assert server.asked == [{"token": TOKEN, "audiences": [AUDIENCE]}]
    ticks.at, server.status = CACHED_S + 0.0, {"authenticated": False}
    with pytest.raises(Unauthenticated):
        asking.authenticate(TOKEN)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, Refusal.SIGNATURE),
        ({}, Refusal.SIGNATURE),
        ({"authenticated": False}, Refusal.SIGNATURE),
        (yes(authenticated="true"), Refusal.SIGNATURE),
        ([True], Refusal.SIGNATURE),
        (yes(audiences=None), Refusal.AUDIENCE),
        (yes(audiences=[]), Refusal.AUDIENCE),
        (yes(audiences=["https://kubernetes.default.svc"]), Refusal.AUDIENCE),
        (yes(audiences=AUDIENCE), Refusal.AUDIENCE),
        (yes(user=None), Refusal.CLAIMS),
        (yes(user={}), Refusal.CLAIMS),
        (yes(""), Refusal.CLAIMS),
        (yes("ana#s-1"), Refusal.CLAIMS),
        (yes("\u0430na"), Refusal.CLAIMS),
    ],
    ids=str,
)
def test_only_a_whole_yes_for_our_audience_is_one(status: Any, reason: Refusal) -> None:
    with pytest.raises(Unauthenticated) as caught:
        realm(Server(status)).authenticate(TOKEN)
    assert caught.value.reason is reason


@pytest.mark.parametrize("error", [Unavailable("down"), InvalidInput(f"HTTP 403: {TOKEN}")])
def test_where_it_does_not_say_nobody_is_let_in_and_the_token_is_in_no_error(error: GatekeeperError) -> None:
    server = Server()
    server.error = error
    with pytest.raises(Unavailable) as caught:
        realm(server).authenticate(TOKEN)
    assert TOKEN not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_user_who_is_called_like_a_group_is_not_in_it() -> None:
    assert realm(Server(yes("group:auditors"))).authenticate(TOKEN).roles == frozenset()
    assert realm(Server(yes("ana", "auditors"))).authenticate(TOKEN).roles == {Role.REGULATOR}
    assert realm(Server(yes("ana", "group:auditors"))).authenticate(TOKEN).roles == frozenset()
    assert realm(Server(yes("ana", IMPORTER))).authenticate(TOKEN).roles == frozenset()


def test_what_is_remembered_has_an_end() -> None:
    server = Server(yes())
    asking = realm(server)
    for number in range(CACHED_MAX + 10):
        asking.authenticate(f"{TOKEN}{number}")
    assert len(asking._known) == CACHED_MAX


# -- whose token it is ----------------------------------------------


class NoKeys:
    """Keys that nobody may ask for."""

    def key(self, kid: str) -> None:
        raise AssertionError(f"asked for {kid}")


class NoUsers:
    """A store that nobody may read."""

    def read(self, work: Any) -> Any:
        raise AssertionError("read")


def door(server: Server, refused: Any = None) -> Realms:
    oidc = OidcVerifier(OidcTerms("https://idp.example", AUDIENCE, ROLES), NoKeys(), FixedClock())
    return Realms([LocalUsers(NoUsers()), oidc, realm(server)], refused)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "token",
    [
        unsigned({"alg": "RS256"}, {"iss": "https://evil.example"}, b"x"),
        unsigned({"alg": "RS256"}, {"iss": ISSUER + "/"}, b"x"),
        unsigned({"alg": "RS256"}, {"iss": [ISSUER]}, b"x"),
        unsigned({"alg": "RS256"}, {"aud": ISSUER}, b"x"),
        "opaque-token",
        "a.b.c",
        "CGK_" + "x" * 49,
    ],
)
def test_a_token_of_nobody_here_is_shown_to_nobody(token: str) -> None:
    server = Server(yes())
    with pytest.raises(Unauthenticated) as caught:
        door(server).authenticate(token)
    assert caught.value.reason is Refusal.UNKNOWN_ISSUER
    assert server.asked == []


def test_a_token_of_the_cluster_is_shown_to_the_cluster_alone() -> None:
    assert door(Server(yes())).authenticate(TOKEN).name == IMPORTER


@pytest.mark.parametrize("bearer", ["", " ", "a b", "x\n", "\u0430", "x" * 20_000])
def test_what_is_no_token_is_refused_at_the_door(bearer: str) -> None:
    with pytest.raises(Unauthenticated):
        door(Server(yes())).authenticate(bearer)


def test_a_refusal_is_told_by_realm_and_reason_without_the_token() -> None:
    told: list[tuple[str, Refusal]] = []
    server = Server({"authenticated": False})
    watched = door(server, lambda name, reason: told.append((name, reason)))
    for token in (TOKEN, "opaque", ""):
        with pytest.raises(Unauthenticated):
            watched.authenticate(token)
    server.error = Unavailable("down")
    with pytest.raises(Unavailable):
        watched.authenticate(TOKEN)
    assert told == [
        ("token-review", Refusal.SIGNATURE),
        ("none", Refusal.UNKNOWN_ISSUER),
        ("none", Refusal.MISSING),
        ("token-review", Refusal.UNAVAILABLE),
    ]


def test_many_refusals_are_few_lines_and_all_of_them_are_counted() -> None:
    counted: list[str] = []
    ticks = Ticks()
    refusals = Refusals(lambda name, _: counted.append(name), tick=ticks)
    with capture_logs() as lines:
        for _ in range(1_000):
            refusals("oidc", Refusal.SIGNATURE)
        ticks.at = EVERY_S
        refusals("oidc", Refusal.SIGNATURE)
    assert len(counted) == 1_001
    assert [(each["event"], each["reason"], each["before"]) for each in lines] == [
        ("token_refused", "signature", 0),
        ("token_refused", "signature", 999),
    ]


# -- tokens of our own ----------------------------------------------


def test_tokens_differ_and_a_changed_one_is_known_for_broken_without_asking() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert is_whole(token)
        assert token.startswith("cgk_")
        assert len(token) == 53
    token = tokens.pop()
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        assert not is_whole(token[:place] + other + token[place + 1 :])
    assert not is_whole(token + "\n")
