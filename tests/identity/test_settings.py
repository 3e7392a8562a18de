"""The settings of identity: what they mean, and what they refuse because it would let everybody in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Method, Role
from gatekeeper.domain.two_hands import Hands
from gatekeeper.identity.authenticator import Unauthenticated
from gatekeeper.settings import load_settings
from gatekeeper.wiring import Wiring
from tests.identity.provider import RSA, public

OIDC = "issuer: https://idp.example, roles: {kyc-editor: [kyc]}"


def load(folder: Path, text: str) -> Wiring:
    path = folder / "config.yaml"
    path.write_text(f"data: {folder / 'data'}\n{text}\n")
    return Wiring(load_settings({}, config=path), makes_data=True)


def test_a_role_is_named_as_people_write_it_and_paths_begin_at_the_file(tmp_path: Path) -> None:
    wiring = load(tmp_path, f"identity: {{oidc: {{{OIDC}, jwks_file: keys.json}}}}")
    oidc = wiring.settings.identity.oidc
    assert oidc is not None
    assert oidc.roles == {Role.KYC_EDITOR: ("kyc",)}
    assert oidc.jwks_file == tmp_path / "keys.json"


def test_whose_logins_are_hands_is_what_the_settings_say(tmp_path: Path) -> None:
    hands = "first_hand: [oidc, token-review], second_hand: [oidc], user_domains: [provider.example]"
    wiring = load(tmp_path, f"identity: {{oidc: {{{OIDC}}}, {hands}}}")
    assert wiring.settings.identity.hands == Hands(
        frozenset({Method.OIDC, Method.TOKEN_REVIEW}), frozenset({Method.OIDC}), ("provider.example",)
    )
    with pytest.raises(InvalidInput, match=r"no address in provider\.example"):
        wiring.registry.begin_users("root", frozenset({Role.POLICY_ADMIN}), "0" * 64)
    assert load(tmp_path, "").settings.identity.hands == Hands()


def test_the_environment_names_a_provider_too() -> None:
    settings = load_settings({"COMPUTE_GATEKEEPER_IDENTITY__OIDC": f"{{{OIDC}}}", "HOME": "/h"})
    assert settings.identity.oidc is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("identity: {oidc: {issuer: https://x}}", "'roles' is missing"),
        ("identity: {oidc: {issuer: https://x, roles: {}}}", "roles"),
        ("identity: {oidc: {issuer: https://x, roles: {admin: [a]}}}", "admin"),
        (f"identity: {{oidc: {{{OIDC}, jwks_url: https://x, jwks_file: k}}}}", "not in both"),
        (f"identity: {{oidc: {{{OIDC}, algorithms: [none]}}}}", "'algorithms' is no key"),
        ("identity: {second_hand: [oidc]}", "nothing could be approved"),
        ("identity: {second_hand: [local, token-review]}", "nobody gets in by it"),
        ("identity: {second_hand: [claimed]}", "no login"),
        ("identity: {first_hand: [claimed]}", "no login"),
        ("identity: {first_hand: []}", "first_hand"),
        ("identity: {first_hand: [ldap]}", "should be"),
        ("identity: {token_review: {roles: {viewer: ['group:system:authenticated']}}}", "everybody"),
        ("identity: {token_review: {roles: {viewer: ['group:system:serviceaccounts']}}}", "everybody"),
        ("identity: {token_review: {roles: {kyc-approver: ['system:serviceaccount:a:b']}}}", "for people"),
        ("identity: {token_review: {roles: {policy-admin: ['group:system:serviceaccounts:a']}}}", "for people"),
    ],
)
def test_what_would_let_in_too_many_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)
    assert "config.yaml:2:" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "identity: {oidc: {issuer: 'http://idp.example', roles: {viewer: [a]}}}",
        f"identity: {{oidc: {{{OIDC}, jwks_url: 'http://idp.example/keys'}}}}",
        (
            "identity: {oidc: {issuer: https://kubernetes.default.svc.cluster.local, roles: {viewer: [a]}}, "
            "token_review: {roles: {viewer: [a]}}}"
        ),
    ],
)
def test_what_cannot_be_safe_is_refused_when_it_is_put_together(tmp_path: Path, text: str) -> None:
    with load(tmp_path, text) as wiring, pytest.raises(InvalidInput):
        _ = wiring.authenticator


def test_a_process_with_a_file_of_keys_fetches_none(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(public(RSA)))
    with load(tmp_path, f"identity: {{oidc: {{{OIDC}, jwks_file: keys.json}}}}") as wiring:
        told: list[tuple[str, str]] = []
        wiring.count_refusal = lambda realm, reason: told.append((realm, reason.value))
        with pytest.raises(Unauthenticated):
            wiring.authenticator.authenticate("e30.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIn0.eA")
        assert told == [("oidc", "algorithm")]
