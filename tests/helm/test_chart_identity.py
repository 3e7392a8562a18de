"""What the process may ask of the API server about tokens: nothing, until the settings name the cluster for it."""

from __future__ import annotations

from typing import Any

import yaml

from tests.helm.conftest import Manifest, Render, the


def reviews(objects: list[Manifest]) -> list[Any]:
    return [rule for rule in the(objects, "ClusterRole")["rules"] if "authentication.k8s.io" in rule["apiGroups"]]


def test_without_the_setting_it_may_not_ask_whose_a_token_is(defaults: list[Manifest]) -> None:
    assert reviews(defaults) == []


def test_an_identity_provider_gives_no_right_in_the_cluster(render: Render) -> None:
    assert reviews(render("config.identity.oidc.issuer=https://x", "config.identity.oidc.roles.viewer={a}")) == []


def test_with_it_it_may_create_reviews_and_nothing_else(render: Render) -> None:
    objects = render("config.identity.token_review.roles.kyc-editor={system:serviceaccount:kyc:importer}")
    assert reviews(objects) == [
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
    ]
    config = yaml.safe_load(the(objects, "ConfigMap")["data"]["config.yaml"])
    assert config["identity"]["token_review"]["roles"] == {"kyc-editor": ["system:serviceaccount:kyc:importer"]}


def test_files_of_an_identity_provider_come_from_a_config_map(defaults: list[Manifest], render: Render) -> None:
    assert "identity" not in str(the(defaults, "Deployment"))
    pod = the(render("identity.existingConfigMap=idp"), "Deployment")["spec"]["template"]["spec"]
    assert {"name": "identity", "configMap": {"name": "idp"}} in pod["volumes"]
    mounts = pod["containers"][0]["volumeMounts"]
    assert {"name": "identity", "mountPath": "/etc/compute-gatekeeper-identity", "readOnly": True} in mounts
