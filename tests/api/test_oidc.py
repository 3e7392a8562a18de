"""The API as the settings wire it, with an identity provider on this machine: two people, from their tokens to the log.

The provider is a real server of keys, the API a real server; nothing between them is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gatekeeper.api.server import api_server
from gatekeeper.domain.record import decode
from gatekeeper.settings import load_settings
from gatekeeper.wiring import Wiring
from tests.api.office import problem, record
from tests.identity.provider import EC, RSA, STRANGER, Provider, claims, serving, signed, unsigned

NEW = {"If-None-Match": "*"}


@dataclass(frozen=True, slots=True)
class House:
    """A service that believes a provider."""

    wiring: Wiring
    provider: Provider
    port: int

    def client(self, token: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {token}"}, timeout=20
        )

    def claims(self, name: str, *groups: str, **changes: Any) -> dict[str, Any]:
        """What a token issued now says of somebody."""
        at = int(datetime.now(UTC).timestamp())
        said = {"sub": f"id-{name}", "email": f"{name}@provider.example", "groups": list(groups)}
        return claims(self.provider.issuer, **{**said, "iat": at - 10, "exp": at + 600, **changes})

    def of(self, name: str, *groups: str, **changes: Any) -> httpx.Client:
        return self.client(signed(self.claims(name, *groups, **changes)))

    def actors(self) -> list[tuple[str, str, str | None]]:
        """Type of each record of a customer, who acted, and by which proof."""
        leaves = self.wiring.stores.read(lambda reader: list(reader.leaves()))
        found = [each for each in map(decode, leaves) if each.type.value.startswith("customer.")]
        return [(each.type.value, each.actor.name, each.actor.auth) for each in found]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with serving() as provider:
        oidc = {"issuer": provider.issuer, "roles": {"kyc-editor": ["kyc"], "kyc-approver": ["kyc-second"]}}
        settings = {"data": "data", "api": {"port": 0}, "identity": {"oidc": oidc}}
        (tmp_path / "config.yaml").write_text(json.dumps(settings))
        with Wiring(load_settings({}, config=tmp_path / "config.yaml"), makes_data=True) as wiring:
            server = api_server(wiring)
            assert server is not None
            port = server.start()
            try:
                yield House(wiring, provider, port)
            finally:
                server.stop()


def test_two_people_of_an_identity_provider_enrol_a_customer_and_the_log_says_who_and_how(house: House) -> None:
    ana, ben = house.of("ana", "kyc"), house.of("ben", "kyc-second")
    assert ana.put("/v1/customers/lab", json=record(), headers=NEW).status_code == 201
    seen = ben.get("/v1/customers/lab")
    problem(ana.post("/v1/customers/lab/approve", headers={"If-Match": seen.headers["etag"]}), 403)
    done = ben.post("/v1/customers/lab/approve", headers={"If-Match": seen.headers["etag"]})
    assert (done.status_code, done.json()["standing"]) == (200, "approved")
    assert house.actors() == [
        ("customer.enrolled", "ana@provider.example#id-ana", "oidc"),
        ("customer.approved", "ben@provider.example#id-ben", "oidc"),
    ]
    # Its keys were asked for once for all requests: where they are, and they themselves.
    assert house.provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_one_person_with_both_groups_a_new_address_or_a_new_subject_stays_one_person(house: House) -> None:
    house.of("ana", "kyc").put("/v1/customers/lab", json=record(), headers=NEW).raise_for_status()
    again = [
        house.of("ana", "kyc", "kyc-second"),
        house.of("ana", "kyc-second", email="anna@provider.example"),
        house.of("ana", "kyc-second", sub="id-other"),
        house.of("ana", "kyc-second", email="ANA@provider.example", sub="id-other"),
    ]
    etag = {"If-Match": again[0].get("/v1/customers/lab").headers["etag"]}
    for each in again:
        assert "second person" in problem(each.post("/v1/customers/lab/approve", headers=etag), 403)["hint"]
    assert [kind for kind, _, _ in house.actors()] == ["customer.enrolled"]


@pytest.mark.slow
def test_an_address_that_the_provider_did_not_verify_is_nobodys_name(house: House) -> None:
    house.of("ana", "kyc", email_verified=False).put("/v1/customers/lab", json=record(), headers=NEW).raise_for_status()
    assert house.actors() == [("customer.enrolled", "id-ana#id-ana", "oidc")]


@pytest.mark.slow
def test_who_is_in_no_group_of_ours_reads_nothing(house: House) -> None:
    problem(house.of("eve").get("/v1/customers"), 403)
    problem(house.of("eve", "kyc-editor", "policy-admin").get("/v1/customers"), 403)


def test_what_the_provider_did_not_sign_for_us_now_is_nobodys(house: House) -> None:
    at, good = int(datetime.now(UTC).timestamp()), house.claims("ana", "kyc")
    for token in (
        signed(good, STRANGER),  # another's key under the same id
        signed({**good, "aud": "another-program"}),
        signed({**good, "iat": at - 700, "exp": at - 100}),
        signed({**good, "iat": at + 500, "exp": at + 900}),
        signed({**good, "iss": "https://login.other.example"}),
        unsigned({"alg": "none", "kid": "rsa", "typ": "JWT"}, good),
    ):
        found = problem(house.client(token).get("/v1/customers"), 401)
        assert token not in json.dumps(found)
    assert house.of("ana", "kyc").get("/v1/customers").status_code == 200


@pytest.mark.slow
def test_while_the_provider_does_not_answer_nobody_new_is_let_in_and_it_is_no_fault_of_the_caller(
    house: House,
) -> None:
    house.provider.answers.clear()
    problem(house.of("ana", "kyc").get("/v1/customers"), 503)


@pytest.mark.slow
def test_a_token_by_any_key_that_the_provider_shows_holds(house: House) -> None:
    good = house.claims("ana", "kyc")
    for key, algorithm in ((RSA, "RS256"), (EC, "ES256")):
        assert house.client(signed(good, key, algorithm)).get("/v1/customers").status_code == 200
