"""What an identity provider signed is believed, and nothing that only looks like it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OctKey, RSAKey

from gatekeeper.domain.errors import GatekeeperError, InvalidInput, Unavailable
from gatekeeper.domain.person import Method, Right, Role
from gatekeeper.identity.authenticator import TOKEN_CHARACTERS_MAX, Realms, Refusal, Unauthenticated
from gatekeeper.identity.keys import BYTES_MAX, PAUSE_S, STALE_S, CachedKeys, check_url, from_issuer, from_url, key_set
from gatekeeper.identity.oidc import OidcTerms, OidcVerifier
from gatekeeper.identity.roles import RoleMap
from tests.identity.provider import (
    AUDIENCE,
    EC,
    ED,
    NOW,
    RSA,
    STRANGER,
    FixedClock,
    Provider,
    claims,
    part,
    public,
    serving,
    signed,
    unsigned,
)

AT = int(NOW.timestamp())
ROLES = RoleMap({Role.KYC_EDITOR: frozenset({"kyc"}), Role.KYC_APPROVER: frozenset({"kyc-second"})})


class Ticks:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as running:
        yield running


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def realm(provider: Provider, ticks: Ticks) -> OidcVerifier:
    return made(provider, ticks)


def made(provider: Provider, ticks: Ticks, **changes: Any) -> OidcVerifier:
    keys = CachedKeys(from_issuer(provider.issuer), tick=ticks)
    return OidcVerifier(OidcTerms(provider.issuer, AUDIENCE, ROLES, **changes), keys, FixedClock())


def refused(realm: OidcVerifier, token: str) -> Refusal:
    with pytest.raises(Unauthenticated) as caught:
        realm.authenticate(token)
    assert token not in str(caught.value)
    return caught.value.reason


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA")], ids=lambda each: str(each)[:5]
)
def test_what_the_provider_signed_is_believed(
    realm: OidcVerifier, provider: Provider, key: Any, algorithm: str
) -> None:
    token = signed(claims(provider.issuer), key, algorithm)
    assert realm.recognizes(token)
    caller = realm.authenticate(token)
    assert (caller.name, caller.method) == ("ana@provider.example#00u1", Method.OIDC)
    assert caller.roles == {Role.KYC_EDITOR}


# -- names and roles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"email_verified": False}, "00u1#00u1"),
        ({"email_verified": "true"}, "00u1#00u1"),
        ({"email_verified": ...}, "00u1#00u1"),
        ({"email": "ana#00u2"}, "00u1#00u1"),
        ({"email": "\u0430na@provider.example"}, "00u1#00u1"),
        ({"email": ["ana@provider.example"]}, "00u1#00u1"),
        ({"sub": "auth0|5f7c"}, "ana@provider.example#auth0|5f7c"),
    ],
)
def test_an_address_counts_only_where_the_provider_verified_it(
    realm: OidcVerifier, provider: Provider, changes: dict[str, Any], name: str
) -> None:
    assert realm.authenticate(signed(claims(provider.issuer, **changes))).name == name


@pytest.mark.parametrize(
    "address",
    [
        "\u0430na@provider.example",
        "ana@pr\u043evider.example",
        "ana@xn--prvider-bjg.example",
        "ana@provider.example.",
        "a\u200bna@provider.example",
        "\uff41na@provider.example",
        "ana#00u2@provider.example",
        "ana@provider.example#00u2",
    ],
)
def test_an_address_that_is_not_what_it_looks_like_names_nobody(
    realm: OidcVerifier, provider: Provider, address: str
) -> None:
    assert realm.authenticate(signed(claims(provider.issuer, email=address))).name == "00u1#00u1"


@pytest.mark.parametrize(
    "says",
    [
        {"client_id": "00u1"},
        {"azp": "00u1"},
        {"idtyp": "app"},
        {"gty": "client-credentials"},
        {"cid": "00u1"},
        {"preferred_username": "service-account-kyc-importer", "azp": "kyc-importer"},
    ],
)
def test_a_token_of_a_program_gives_no_role_of_a_second_hand(
    realm: OidcVerifier, provider: Provider, says: dict[str, str]
) -> None:
    groups = ["kyc", "kyc-second"]
    assert realm.authenticate(signed(claims(provider.issuer, groups=groups, azp="app"))).may(Right.APPROVE)
    caller = realm.authenticate(signed(claims(provider.issuer, groups=groups, **says)))
    assert caller.roles == {Role.KYC_EDITOR}


@pytest.mark.parametrize("sub", [..., "", 7, "a, b", "a#b", "a\nb", "x" * 300, None])
def test_without_a_subject_that_can_stand_in_a_record_nobody_is_known(
    realm: OidcVerifier, provider: Provider, sub: Any
) -> None:
    assert refused(realm, signed(claims(provider.issuer, sub=sub))) is Refusal.CLAIMS


@pytest.mark.parametrize("groups", [..., [], ["other"], "kyc-", [["kyc"]], {"kyc": True}, 7, ["KYC"], [None]])
def test_without_a_group_that_has_a_role_somebody_is_known_and_may_nothing(
    realm: OidcVerifier, provider: Provider, groups: Any
) -> None:
    caller = realm.authenticate(signed(claims(provider.issuer, groups=groups)))
    assert not any(caller.may(right) for right in Right)


def test_roles_are_found_within_a_claim(provider: Provider, ticks: Ticks) -> None:
    realm = made(provider, ticks, roles_claim="realm_access.roles")
    token = signed(claims(provider.issuer, groups=..., realm_access={"roles": ["kyc-second", "x"]}))
    assert realm.authenticate(token).roles == {Role.KYC_APPROVER}
    exact = signed(claims(provider.issuer, **{"realm_access.roles": "kyc", "realm_access": {"roles": ["kyc-second"]}}))
    assert realm.authenticate(exact).roles == {Role.KYC_EDITOR}


# -- attacks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", None, 0, ["RS256"], "HS256", "HS512", "RS512", "ES384"]
)
def test_an_algorithm_that_is_not_ours_is_refused(realm: OidcVerifier, provider: Provider, algorithm: Any) -> None:
    token = unsigned({"alg": algorithm, "kid": "rsa", "typ": "JWT"}, claims(provider.issuer), b"x")
    assert refused(realm, token) is Refusal.ALGORITHM


def test_a_token_without_a_signature_is_refused(realm: OidcVerifier, provider: Provider) -> None:
    head, body, _ = signed(claims(provider.issuer)).split(".")
    assert refused(realm, f"{head}.{body}.") is Refusal.MALFORMED
    assert refused(realm, f"{head}.{body}.{part(bytes(256))}") is Refusal.SIGNATURE


@pytest.mark.parametrize("form", ["PEM", "DER", "JWK"])
def test_the_public_key_as_a_shared_secret_is_refused(realm: OidcVerifier, provider: Provider, form: Any) -> None:
    secret = json.dumps(RSA.as_dict(private=False)).encode() if form == "JWK" else RSA.as_bytes(form, private=False)
    text = f"{part({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims(provider.issuer))}"
    token = f"{text}.{part(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"
    assert refused(realm, token) is Refusal.ALGORITHM


def test_a_key_signs_only_as_it_can(realm: OidcVerifier, provider: Provider) -> None:
    for kid in ("rsa", "ed"):
        assert refused(realm, signed(claims(provider.issuer), EC, "ES256", kid=kid)) is Refusal.ALGORITHM


def test_a_key_that_names_its_algorithm_signs_with_no_other(provider: Provider, ticks: Ticks) -> None:
    provider.answers["/keys"] = {"keys": [{**RSA.as_dict(private=False), "alg": "PS256"}]}
    realm = made(provider, ticks)
    assert refused(realm, signed(claims(provider.issuer))) is Refusal.ALGORITHM
    assert realm.authenticate(signed(claims(provider.issuer), RSA, "PS256"))


def test_another_key_under_a_known_id_is_refused(realm: OidcVerifier, provider: Provider) -> None:
    assert refused(realm, signed(claims(provider.issuer), STRANGER)) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    "kid",
    ["../../etc/passwd", "/dev/null", "http://127.0.0.1/keys", "rsa\x00", "' OR 1=1", "", ..., 7, None, "x" * 300],
)
def test_the_id_of_a_key_is_looked_up_and_nothing_else(realm: OidcVerifier, provider: Provider, kid: Any) -> None:
    head = {"alg": "RS256", "typ": "JWT"} | ({} if kid is ... else {"kid": kid})
    assert refused(realm, unsigned(head, claims(provider.issuer), b"x")) is Refusal.UNKNOWN_KEY
    assert set(provider.asked) <= {"/keys", "/.well-known/openid-configuration"}


@pytest.mark.parametrize("where", ["jku", "x5u"])
def test_no_token_says_where_keys_come_from(realm: OidcVerifier, provider: Provider, where: str) -> None:
    provider.answers["/evil"] = public(STRANGER)
    place: dict[str, Any] = {where: f"{provider.issuer}/evil"}
    token = signed(claims(provider.issuer), STRANGER, **place)
    assert refused(realm, token) is Refusal.SIGNATURE
    assert "/evil" not in provider.asked
    assert realm.authenticate(signed(claims(provider.issuer), **place))


def test_no_token_brings_its_own_key(realm: OidcVerifier, provider: Provider) -> None:
    own = STRANGER.as_dict(private=False)
    assert refused(realm, signed(claims(provider.issuer), STRANGER, jwk=own)) is Refusal.SIGNATURE
    assert refused(realm, signed(claims(provider.issuer), STRANGER, jwk=own, kid="new")) is Refusal.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example"}, Refusal.UNKNOWN_ISSUER),
        ({"iss": ...}, Refusal.UNKNOWN_ISSUER),
        ({"aud": "another"}, Refusal.AUDIENCE),
        ({"aud": []}, Refusal.AUDIENCE),
        ({"aud": ...}, Refusal.AUDIENCE),
        ({"aud": {AUDIENCE: 1}}, Refusal.AUDIENCE),
        ({"aud": AUDIENCE + " "}, Refusal.AUDIENCE),
        ({"exp": ...}, Refusal.CLAIMS),
        ({"exp": True}, Refusal.CLAIMS),
        ({"exp": str(AT + 600)}, Refusal.CLAIMS),
        ({"exp": 10**30}, Refusal.CLAIMS),
        ({"exp": -1}, Refusal.CLAIMS),
        ({"exp": AT - 60}, Refusal.EXPIRED),
        ({"iat": ...}, Refusal.CLAIMS),
        ({"iat": AT - 86_461}, Refusal.EXPIRED),
        ({"iat": AT + 61}, Refusal.NOT_YET),
        ({"nbf": AT + 61}, Refusal.NOT_YET),
        ({"nbf": "now"}, Refusal.CLAIMS),
    ],
)
def test_a_token_that_is_not_for_us_or_not_for_now_is_refused(
    realm: OidcVerifier, provider: Provider, changes: dict[str, Any], reason: Refusal
) -> None:
    assert refused(realm, signed(claims(provider.issuer, **changes))) is reason


@pytest.mark.parametrize(
    "changes", [{"exp": AT - 59}, {"nbf": AT + 60}, {"iat": AT + 60}, {"aud": ["other", AUDIENCE]}]
)
def test_clocks_may_differ_by_a_minute_and_audiences_may_be_many(
    realm: OidcVerifier, provider: Provider, changes: dict[str, Any]
) -> None:
    assert realm.authenticate(signed(claims(provider.issuer, **changes)))


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity", b"9" * 5_000])
def test_a_number_that_is_none_ends_no_token_late(realm: OidcVerifier, provider: Provider, number: bytes) -> None:
    text = json.dumps(claims(provider.issuer, exp=12345)).encode()
    assert refused(realm, signed(text.replace(b"12345", number))) in (Refusal.CLAIMS, Refusal.MALFORMED)


def test_a_key_that_stands_twice_is_refused_in_payload_and_header(realm: OidcVerifier, provider: Provider) -> None:
    text = json.dumps(claims(provider.issuer)).encode()
    assert refused(realm, signed(text[:-1] + b', "sub": "00u9"}')) is Refusal.MALFORMED
    _, body, signature = signed(claims(provider.issuer)).split(".")
    head = part(b'{"alg":"none","kid":"rsa","alg":"RS256"}')
    assert refused(realm, f"{head}.{body}.{signature}") is Refusal.MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"typ": "logout+jwt"},
        {"typ": 7},
        {"typ": "dpop+jwt"},
    ],
)
def test_what_is_signed_for_something_else_is_no_login(
    realm: OidcVerifier, provider: Provider, header: dict[str, Any]
) -> None:
    head = {"alg": "RS256", "kid": "rsa", **header}
    assert refused(realm, unsigned(head, claims(provider.issuer), b"x")) is Refusal.MALFORMED


def test_a_token_has_one_spelling(realm: OidcVerifier, provider: Provider) -> None:
    token = signed(claims(provider.issuer))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = token[:-1] + last[(last.index(token[-1]) + 1) % 64]
    assert refused(realm, other) in (Refusal.MALFORMED, Refusal.SIGNATURE)
    assert refused(realm, token + "=") is Refusal.MALFORMED


@given(data=st.data())
def test_a_changed_character_anywhere_is_refused(data: st.DataObject) -> None:
    issuer = "https://idp.example"
    keys = CachedKeys(lambda: json.dumps(public(EC)).encode(), tick=Ticks())
    realm = OidcVerifier(OidcTerms(issuer, AUDIENCE, ROLES), keys, FixedClock())
    token = signed(claims(issuer), EC, "ES256")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda each: each != token[place]))
    with pytest.raises(Unauthenticated):
        realm.authenticate(token[:place] + other + token[place + 1 :])


@given(st.text(max_size=200) | st.tuples(*[st.binary(max_size=60)] * 3).map(lambda parts: ".".join(map(part, parts))))
def test_no_text_makes_the_door_fail_otherwise(text: str) -> None:
    issuer = "https://idp.example"
    keys = CachedKeys(lambda: json.dumps(public(EC)).encode(), tick=Ticks())
    door = Realms([OidcVerifier(OidcTerms(issuer, AUDIENCE, ROLES), keys, FixedClock())])
    with pytest.raises(Unauthenticated):
        door.authenticate(text)


def test_a_huge_token_is_refused_before_anybody_reads_it(realm: OidcVerifier, provider: Provider) -> None:
    token = signed(claims(provider.issuer, padding="x" * TOKEN_CHARACTERS_MAX))
    with pytest.raises(Unauthenticated) as caught:
        Realms([realm]).authenticate(token)
    assert caught.value.reason is Refusal.MALFORMED
    assert provider.asked == []


def test_a_token_of_nested_json_is_refused(realm: OidcVerifier, provider: Provider) -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    assert refused(realm, f"{part({'alg': 'RS256', 'kid': 'rsa'})}.{part(deep)}.{part(b'x')}") is Refusal.MALFORMED


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", [500, 404, 302, b"", b"[]", b"{}", b'{"keys": 7}', {"keys": []}, b"x" * (BYTES_MAX + 1)]
)
def test_without_keys_nobody_is_let_in(provider: Provider, ticks: Ticks, answer: Any) -> None:
    provider.answers["/keys"] = answer
    with pytest.raises(Unavailable):
        made(provider, ticks).authenticate(signed(claims(provider.issuer)))


def test_while_nobody_listens_nobody_is_let_in(ticks: Ticks) -> None:
    with serving() as gone:
        realm = made(gone, ticks)
    with pytest.raises(Unavailable):
        realm.authenticate(signed(claims(gone.issuer)))


def test_known_keys_hold_through_a_short_outage_and_not_through_a_long_one(
    realm: OidcVerifier, provider: Provider, ticks: Ticks
) -> None:
    token = signed(claims(provider.issuer))
    assert realm.authenticate(token)
    provider.answers["/keys"] = 503
    ticks.at = STALE_S - 1.0
    assert realm.authenticate(token)
    ticks.at = STALE_S + 1.0
    with pytest.raises(Unavailable):
        realm.authenticate(token)


def test_a_new_key_is_fetched_and_one_that_was_taken_back_is_out(
    realm: OidcVerifier, provider: Provider, ticks: Ticks
) -> None:
    assert realm.authenticate(signed(claims(provider.issuer)))
    new = RSAKey.generate_key(2048, {"kid": "new"})
    provider.answers["/keys"] = public(new)
    ticks.at = PAUSE_S + 1.0
    assert realm.authenticate(signed(claims(provider.issuer), new))
    assert refused(realm, signed(claims(provider.issuer))) is Refusal.UNKNOWN_KEY


def test_tokens_with_unknown_keys_make_few_requests(realm: OidcVerifier, provider: Provider, ticks: Ticks) -> None:
    for number in range(50):
        token = unsigned({"alg": "RS256", "kid": f"k{number}"}, claims(provider.issuer), b"x")
        assert refused(realm, token) is Refusal.UNKNOWN_KEY
    assert provider.asked.count("/keys") == 1
    ticks.at = PAUSE_S + 1.0
    refused(realm, unsigned({"alg": "RS256", "kid": "k"}, claims(provider.issuer), b"x"))
    assert provider.asked.count("/keys") == 2


def test_a_symmetric_key_in_a_public_set_is_not_taken(provider: Provider, ticks: Ticks) -> None:
    shared = OctKey.generate_key(256, {"kid": "oct"})
    provider.answers["/keys"] = public(shared, RSA)
    realm = made(provider, ticks)
    assert refused(realm, signed(claims(provider.issuer), shared, "HS256")) is Refusal.ALGORITHM
    assert (
        refused(realm, unsigned({"alg": "RS256", "kid": "oct"}, claims(provider.issuer), b"x")) is Refusal.UNKNOWN_KEY
    )
    with pytest.raises(InvalidInput):
        key_set(json.dumps(public(shared)).encode())


@pytest.mark.parametrize(
    "key",
    [
        {**RSA.as_dict(private=False), "use": "enc"},
        {**RSA.as_dict(private=False), "kid": None},
        {**RSA.as_dict(private=False), "n": "AQAB"},
        {**RSA.as_dict(private=False), "alg": "HS256"},
        {**EC.as_dict(private=False), "crv": "secp256k1"},
        {"kty": "RSA", "kid": "rsa"},
        {**RSA.as_dict(private=False), "n": part(b"\xff" * 128)},
        "rsa",
    ],
    ids=["for encryption", "without id", "tiny modulus", "symmetric", "other curve", "empty", "even modulus", "text"],
)
@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_key_that_is_not_for_signing_tokens_is_not_taken(key: Any) -> None:
    with pytest.raises(InvalidInput, match="No key of the set"):
        key_set(json.dumps({"keys": [key]}).encode())


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Two keys"):
        key_set(json.dumps(public(RSA, STRANGER)).encode())


@given(
    st.binary(max_size=100)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["keys", "kty", "kid", "n", "e", "crv", "x"]), inner)
        ),
    ).map(lambda each: json.dumps(each).encode())
)
def test_no_bytes_make_the_reader_of_keys_fail_otherwise(data: bytes) -> None:
    with pytest.raises(GatekeeperError):
        key_set(data)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/keys",
        "ftp://idp.example",
        "file:///etc/passwd",
        "https://u:p@idp.example",
        "http://127.0.0.1.evil.example",
        "http://[::1",
        "",
    ],
)
def test_keys_come_over_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize(
    "said", [{"issuer": "https://other.example"}, {"jwks_uri": "http://idp.example/keys"}, {"jwks_uri": 7}]
)
def test_a_description_of_another_provider_is_not_followed(
    provider: Provider, ticks: Ticks, said: dict[str, Any]
) -> None:
    provider.answers["/.well-known/openid-configuration"] |= said
    with pytest.raises(Unavailable):
        made(provider, ticks).authenticate(signed(claims(provider.issuer)))


def test_a_key_set_that_moved_is_not_followed(provider: Provider, ticks: Ticks) -> None:
    provider.answers["/old"] = 302
    keys = CachedKeys(from_url(f"{provider.issuer}/old"), tick=ticks)
    with pytest.raises(Unavailable):
        keys.key("rsa")
    assert provider.asked == ["/old"]
