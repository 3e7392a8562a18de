"""Whose token it is, by the word of a real API server about real tokens of service accounts."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from kubernetes import client as kube

from gatekeeper.cluster.api import Api
from gatekeeper.domain.errors import NotPermitted, Unavailable
from gatekeeper.domain.person import Right, Role
from gatekeeper.identity.authenticator import Realms, Refusal, Unauthenticated, claimed_issuer
from gatekeeper.identity.cluster import ClusterTerms, TokenReviewer
from gatekeeper.identity.roles import RoleMap
from gatekeeper.registry.people import acting
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.pods import fresh_name

AUDIENCE = "compute-gatekeeper"


def token(plane: ControlPlane, namespace: str, *audiences: str) -> str:
    """A token of the namespace's default service account, from the TokenRequest API."""
    request = kube.AuthenticationV1TokenRequest(
        spec=kube.V1TokenRequestSpec(audiences=list(audiences), expiration_seconds=600)
    )
    core = kube.CoreV1Api(plane.client("admin"))
    answer: Any = core.create_namespaced_service_account_token("default", namespace, request)
    return str(answer.status.token)


@pytest.fixture(scope="module")
def issuer(plane: ControlPlane) -> str:
    """As the API server says it, without any configuration of ours."""
    core = kube.CoreV1Api(plane.client("admin"))
    request = kube.AuthenticationV1TokenRequest(spec=kube.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    plane.create_namespace(name := fresh_name("issuer"))
    answer: Any = core.create_namespaced_service_account_token("default", name, request)
    found = claimed_issuer(answer.status.token)
    assert found
    return found


@pytest.fixture(scope="module")
def reviewer(plane: ControlPlane) -> str:
    """A user with the one right that the chart gives for this."""
    name = fresh_name("reviewer")
    role = ("create", "clusterrole", name, "--verb=create", "--resource=tokenreviews.authentication.k8s.io")
    plane.kubectl(*role)
    plane.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", f"--user={name}")
    return name


def door(plane: ControlPlane, issuer: str, user: str, **roles: str) -> Realms:
    given = RoleMap({Role(name.replace("_", "-")): frozenset({who}) for name, who in roles.items()})
    return Realms([TokenReviewer(Api(plane.client(user)), ClusterTerms(issuer, AUDIENCE, given))])


def test_a_token_made_for_us_says_who_it_is_and_what_it_may(
    plane: ControlPlane, tenant: Tenant, issuer: str, reviewer: str
) -> None:
    name = f"system:serviceaccount:{tenant.namespace}:default"
    caller = door(plane, issuer, reviewer, kyc_editor=name).authenticate(token(plane, tenant.namespace, AUDIENCE))
    assert caller.name == name
    assert caller.roles == {Role.KYC_EDITOR}
    assert acting(caller, Right.EDIT).kind == "service"


def test_a_tenant_that_makes_itself_a_token_for_us_may_nothing(
    plane: ControlPlane, tenant: Tenant, issuer: str, reviewer: str
) -> None:
    caller = door(plane, issuer, reviewer, kyc_editor="ana").authenticate(token(plane, tenant.namespace, AUDIENCE))
    assert not any(caller.may(right) for right in Right)
    with pytest.raises(NotPermitted):
        acting(caller, Right.READ)


def test_a_group_of_the_cluster_gives_its_role(plane: ControlPlane, tenant: Tenant, issuer: str, reviewer: str) -> None:
    group = f"group:system:serviceaccounts:{tenant.namespace}"
    caller = door(plane, issuer, reviewer, viewer=group).authenticate(token(plane, tenant.namespace, AUDIENCE))
    assert caller.roles == {Role.VIEWER}


@pytest.mark.parametrize("audiences", [(), ("another",)], ids=["the API server", "another program"])
def test_a_token_for_somebody_else_is_nobodys_here(
    plane: ControlPlane, tenant: Tenant, issuer: str, reviewer: str, audiences: tuple[str, ...]
) -> None:
    name = f"system:serviceaccount:{tenant.namespace}:default"
    with pytest.raises(Unauthenticated) as caught:
        door(plane, issuer, reviewer, kyc_editor=name).authenticate(token(plane, tenant.namespace, *audiences))
    assert caught.value.reason in (Refusal.AUDIENCE, Refusal.SIGNATURE)


def test_a_changed_token_is_nobodys(plane: ControlPlane, tenant: Tenant, issuer: str, reviewer: str) -> None:
    head, body, signature = token(plane, tenant.namespace, AUDIENCE).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "system:serviceaccount:kyc:importer"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        door(plane, issuer, reviewer, kyc_editor=claims["sub"]).authenticate(f"{head}.{changed}.{signature}")


def test_the_token_of_a_deleted_account_is_nobodys(plane: ControlPlane, issuer: str, reviewer: str) -> None:
    plane.create_namespace(name := fresh_name("gone"))
    gone = token(plane, name, AUDIENCE)
    plane.kubectl("delete", "namespace", name, "--wait=true")
    with pytest.raises(Unauthenticated):
        door(plane, issuer, reviewer).authenticate(gone)


def test_without_the_right_to_ask_nobody_is_let_in(plane: ControlPlane, tenant: Tenant, issuer: str) -> None:
    secret = token(plane, tenant.namespace, AUDIENCE)
    with pytest.raises(Unavailable, match="tokenreviews") as caught:
        door(plane, issuer, tenant.user).authenticate(secret)
    assert secret not in str(caught.value)
