"""The process that the chart runs: least rights, a locked container, a webhook that nothing rests on."""

import base64
from typing import Any

import pytest
from cryptography import x509

from tests.helm.conftest import Helm, Manifest, Render, of_kind, the

NEW_PATH = "webhook.token=" + "a" * 32


def test_roles_have_no_wildcards_secrets_or_powers(defaults: list[Manifest]) -> None:
    roles = of_kind(defaults, "ClusterRole") + of_kind(defaults, "Role")
    rules = [rule for role in roles for rule in role["rules"]]
    assert rules
    for rule in rules:
        assert "*" not in str(rule)
        assert set(rule["verbs"]) <= {"get", "list", "watch", "create", "patch", "delete"}
        assert not set(rule["resources"]) & {"secrets", "configmaps", "serviceaccounts", "pods/exec", "pods/binding"}
        assert rule["apiGroups"] not in (["rbac.authorization.k8s.io"], ["admissionregistration.k8s.io"])


def test_the_core_rights_are_exactly_these(defaults: list[Manifest]) -> None:
    core = {
        resource: sorted(rule["verbs"])
        for rule in the(defaults, "ClusterRole")["rules"]
        if rule["apiGroups"] == [""]
        for resource in rule["resources"]
    }
    assert core == {
        "pods": ["delete", "get", "list", "patch", "watch"],
        "namespaces": ["get", "list", "patch", "watch"],
        "nodes": ["get", "list", "patch", "watch"],
        "resourcequotas": ["create", "delete", "get", "list", "patch"],
        "events": ["create"],
    }


def test_owners_are_read_and_suspended_and_nothing_more(defaults: list[Manifest]) -> None:
    owners = [rule for rule in the(defaults, "ClusterRole")["rules"] if rule["apiGroups"] != [""]]
    verbs = {f"{resource}.{rule['apiGroups'][0]}": rule["verbs"] for rule in owners for resource in rule["resources"]}
    only_read = {name: rights for name, rights in verbs.items() if rights != ["get", "patch"]}
    assert only_read == {
        "jobs.batch.volcano.sh": ["get"],
        "clustertrainingruntimes.trainer.kubeflow.org": ["list"],
        "trainingruntimes.trainer.kubeflow.org": ["list"],
        "resourceclaims.resource.k8s.io": ["get"],
        "resourceslices.resource.k8s.io": ["list"],
    }
    named = {f"{resource}.{rule['apiGroups'][0]}" for rule in owners for resource in rule["resources"]}
    assert named >= {
        "jobs.batch",
        "jobsets.jobset.x-k8s.io",
        "pytorchjobs.kubeflow.org",
        "rayclusters.ray.io",
        "rayjobs.ray.io",
    }
    assert "deployments.apps" not in named


def test_the_account_is_the_one_that_the_policies_know(defaults: list[Manifest]) -> None:
    account = the(defaults, "ServiceAccount")["metadata"]
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    assert user == "system:serviceaccount:compute-gatekeeper:controller"
    (subject,) = the(defaults, "ClusterRoleBinding")["subjects"]
    assert (subject["namespace"], subject["name"]) == (account["namespace"], account["name"])
    assert user in str(the(defaults, "ValidatingAdmissionPolicy", "compute-gatekeeper-release"))
    assert _pod(defaults)["serviceAccountName"] == account["name"]


def _pod(objects: list[Manifest]) -> dict[str, Any]:
    spec: dict[str, Any] = the(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


def test_the_container_is_locked(defaults: list[Manifest]) -> None:
    pod = _pod(defaults)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


def test_one_process_writes_the_database(defaults: list[Manifest]) -> None:
    spec = the(defaults, "Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    claim = the(defaults, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_probes_speak_https(defaults: list[Manifest]) -> None:
    (container,) = _pod(defaults)["containers"]
    gets = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["scheme"] for each in gets.values()} == {"HTTPS"}
    assert (gets["liveness"]["path"], gets["readiness"]["path"]) == ("/healthz", "/readyz")
    patience_s = container["livenessProbe"]["periodSeconds"] * container["livenessProbe"]["failureThreshold"]
    assert patience_s >= 120, "whoever keeps the port busy for a moment must not get the controller restarted"


def test_certificate_and_path_are_files_beside_the_configuration(defaults: list[Manifest]) -> None:
    """Where the process looks for them when its configuration says nothing."""
    (container,) = _pod(defaults)["containers"]
    (folder,) = (each["mountPath"] for each in container["volumeMounts"] if each["name"] == "settings")
    assert container["command"] == ["gatekeeper", "serve"]
    assert container["env"] == [{"name": "COMPUTE_GATEKEEPER_CONFIG", "value": f"{folder}/config.yaml"}]
    (volume,) = (each for each in _pod(defaults)["volumes"] if each["name"] == "settings")
    secrets = {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        if "secret" in source
        for item in source["secret"]["items"]
    }
    assert secrets == {
        "tls/tls.crt": ("compute-gatekeeper-tls", "tls.crt"),
        "tls/tls.key": ("compute-gatekeeper-tls", "tls.key"),
        "webhook-token": ("compute-gatekeeper-path", "token"),
    }


# --- the webhook -------------------------------------------------------------------------------------------


def _webhooks(objects: list[Manifest]) -> dict[str, dict[str, Any]]:
    return {each["name"].split(".")[0]: each for each in the(objects, "ValidatingWebhookConfiguration")["webhooks"]}


def test_the_webhook_is_a_courtesy(defaults: list[Manifest]) -> None:
    for webhook in _webhooks(defaults).values():
        assert webhook["failurePolicy"] == "Ignore"
        assert webhook["timeoutSeconds"] == 5
        assert webhook["sideEffects"] == "NoneOnDryRun"
        assert webhook["matchPolicy"] == "Equivalent"
        assert "objectSelector" not in webhook


@pytest.mark.parametrize(("mode", "asked_where_cleared"), [("enforce", False), ("warn", True), ("observe", True)])
def test_the_webhook_stays_out_of_the_system_our_own_and_where_all_is_enforced_cleared_namespaces(
    render: Render, mode: str, asked_where_cleared: bool
) -> None:
    """A policy that only warns clears every namespace: it would have nobody left to warn."""
    cleared = {"key": "compute-gatekeeper.io/cleared", "operator": "NotIn", "values": ["true"]}
    system = {
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": ["kube-system", "compute-gatekeeper"],
    }
    site = ("config.site.country=US", "config.site.chip_authorization=us_domestic")
    for webhook in _webhooks(render(f"config.policies.us-ai-diffusion.mode={mode}", *site)).values():
        expected = [system] if asked_where_cleared else [cleared, system]
        assert webhook["namespaceSelector"]["matchExpressions"] == expected


def test_the_webhook_sees_pods_that_ask_and_the_kinds_that_make_them(defaults: list[Manifest]) -> None:
    webhooks = _webhooks(defaults)
    (pods,) = webhooks["pods"]["rules"]
    assert (pods["operations"], pods["resources"]) == (["CREATE"], ["pods"])
    assert [each["name"] for each in webhooks["pods"]["matchConditions"]] == ["asks", "not-mirror"]
    kinds = {
        f"{resource}.{group}"
        for rule in webhooks["workloads"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert kinds >= {
        "jobs.batch", "cronjobs.batch", "deployments.apps", "statefulsets.apps", "replicasets.apps", "daemonsets.apps",
        "jobsets.jobset.x-k8s.io", "pytorchjobs.kubeflow.org", "trainjobs.trainer.kubeflow.org", "rayclusters.ray.io",
        "rayjobs.ray.io", "leaderworkersets.leaderworkerset.x-k8s.io", "jobs.batch.volcano.sh",
        "cronjobs.batch.volcano.sh",
        "workflows.argoproj.io", "cronworkflows.argoproj.io", "rollouts.argoproj.io",
        "inferenceservices.serving.kserve.io", "llminferenceservices.serving.kserve.io",
        "services.serving.knative.dev", "configurations.serving.knative.dev",
        "sparkapplications.sparkoperator.k8s.io", "scheduledsparkapplications.sparkoperator.k8s.io",
        "virtualmachines.kubevirt.io", "virtualmachinepools.pool.kubevirt.io",
        *(f"{kind}jobs.kubeflow.org" for kind in ("tf", "mpi", "xgboost", "paddle", "jax")),
    }  # fmt: skip
    assert not [kind for kind in kinds if "/" in kind or "*" in kind]


def test_kinds_that_only_the_webhook_sees_give_the_process_no_right(defaults: list[Manifest]) -> None:
    """The API server hands the webhook the object; what cannot be suspended need not be read again."""
    rights = {
        group for rule in the(defaults, "ClusterRole", "compute-gatekeeper")["rules"] for group in rule["apiGroups"]
    }
    seen = {group for rule in _webhooks(defaults)["workloads"]["rules"] for group in rule["apiGroups"]}
    only_seen = {"argoproj.io", "serving.kserve.io", "serving.knative.dev", "sparkoperator.k8s.io", "kubevirt.io"}
    assert only_seen <= seen
    assert not only_seen & rights


def test_certificate_authority_and_path_fit_together(defaults: list[Manifest]) -> None:
    tls = the(defaults, "Secret", "compute-gatekeeper-tls")["data"]
    token = base64.b64decode(the(defaults, "Secret", "compute-gatekeeper-path")["data"]["token"]).decode()
    for webhook in _webhooks(defaults).values():
        assert webhook["clientConfig"]["caBundle"] == tls["ca.crt"]
        assert webhook["clientConfig"]["service"]["path"] == f"/validate/{token}"
    authority, certificate = (
        x509.load_pem_x509_certificate(base64.b64decode(tls[name])) for name in ("ca.crt", "tls.crt")
    )
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "compute-gatekeeper.compute-gatekeeper.svc" in names.get_values_for_type(x509.DNSName)


def test_every_installation_has_its_own_path(render: Render, defaults: list[Manifest]) -> None:
    paths = [the(objects, "Secret", "compute-gatekeeper-path")["data"]["token"] for objects in (render(), defaults)]
    assert paths[0] != paths[1]
    assert all(len(base64.b64decode(path)) == 48 for path in paths)


def test_a_process_outside_is_called_by_its_address(render: Render) -> None:
    pem = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----"
    objects = render("webhook.url=https://127.0.0.1:8443", f"webhook.caBundle={pem}", NEW_PATH, "replicas=0")
    assert the(objects, "Deployment")["spec"]["replicas"] == 0
    for webhook in _webhooks(objects).values():
        client = webhook["clientConfig"]
        assert client["url"] == "https://127.0.0.1:8443/validate/" + "a" * 32
        assert "service" not in client
        assert base64.b64decode(client["caBundle"]).startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_certificate_of_the_providers_own_is_mounted_and_none_is_made(render: Render) -> None:
    pem = "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----"
    objects = render("webhook.existingSecret=my-tls", f"webhook.caBundle={pem}")
    assert [each["metadata"]["name"] for each in of_kind(objects, "Secret")] == ["compute-gatekeeper-path"]
    assert "my-tls" in str(_pod(objects)["volumes"])


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        ([], "registry.test/compute-gatekeeper:0.1.0"),
        (["image.tag=v2"], "registry.test/compute-gatekeeper:v2"),
        (
            ["image.tag=v2", "image.repository=r.test/x", f"image.digest=sha256:{'0' * 64}"],
            f"r.test/x@sha256:{'0' * 64}",
        ),
    ],
)
def test_the_image_is_named_by_tag_or_better_by_digest(render: Render, settings: list[str], image: str) -> None:
    assert _pod(render(*settings))["containers"][0]["image"] == image


def test_an_installation_without_an_image_of_its_own_is_refused_with_what_to_do(helm: Helm) -> None:
    done = helm("template", "image.repository=")
    assert done.returncode != 0
    assert "name the image that you built from the Containerfile" in done.stderr
    assert helm("template", "image.repository=", "replicas=0").returncode == 0


def test_the_network_policy_is_a_choice(render: Render, defaults: list[Manifest]) -> None:
    assert not of_kind(defaults, "NetworkPolicy")
    policy = the(render("networkPolicy.enabled=true"), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [each["ports"][0]["port"] for each in policy["ingress"]] == ["https", "metrics"]


def test_an_existing_claim_is_used(render: Render) -> None:
    objects = render("persistence.existingClaim=mine")
    assert not of_kind(objects, "PersistentVolumeClaim")
    assert "'claimName': 'mine'" in str(_pod(objects)["volumes"])
