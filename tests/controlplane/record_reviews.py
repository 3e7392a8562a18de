"""Record AdmissionReviews as a real API server sends them: `python -m tests.controlplane.record_reviews`.

Starts a control plane, registers a webhook that allows everything and keeps what it was sent, creates the examples of
`examples/workloads` as a tenant, and writes each review, nothing left out, to `gatekeeper/demo/data/reviews`.
"""

import base64
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from admission.http import WebhookApp
from admission.review import Answer, parse_review, write_answer
from admission.server import WebhookServer
from tests.admission.reviews import write_pair
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.harness.processes import wait_until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "workloads"
REVIEWS = ROOT / "gatekeeper" / "demo" / "data" / "reviews"
NAMESPACE = "lab"
TOKEN = "recorder" * 4
# Of each custom kind: group, version, plural. The operators' own schemas are not needed to see what a webhook is sent.
CUSTOM = {
    "PyTorchJob": ("kubeflow.org", "v1", "pytorchjobs"),
    "RayCluster": ("ray.io", "v1", "rayclusters"),
    "RayJob": ("ray.io", "v1", "rayjobs"),
}
RULES = [("batch", "v1", "jobs"), ("apps", "v1", "deployments"), *CUSTOM.values()]


class Recorder:
    """Allows every review and keeps its bytes by the name of the object."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def handle(self, body: bytes) -> bytes:
        """Keep and allow."""
        review = parse_review(body)
        self.kept[f"{review.kind}/{review.name}"] = body
        return write_answer(review.uid, Answer(allowed=True))


def definition(kind: str, group: str, version: str, plural: str) -> dict[str, Any]:
    """A CustomResourceDefinition that keeps whatever it is given."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, test only"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [served],
        },
    }


def tenant_rights() -> dict[str, Any]:
    """Lets everyone who is admin of a namespace use the custom kinds there, as operators' charts do."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "training-kinds", "labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"}},
        "rules": [{"apiGroups": ["kubeflow.org", "ray.io"], "resources": ["*"], "verbs": ["*"]}],
    }


def webhook(port: int, certificate: bytes) -> dict[str, Any]:
    """The configuration of the recording webhook, with the settings of the chart's own."""
    rules = [
        {"apiGroups": [group], "apiVersions": [version], "resources": [plural], "operations": ["CREATE"]}
        for group, version, plural in RULES
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "recorder"},
        "webhooks": [
            {
                "name": "recorder.compute-gatekeeper.io",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "timeoutSeconds": 5,
                "rules": rules,
                "clientConfig": {
                    "url": f"https://127.0.0.1:{port}/validate/{TOKEN}",
                    "caBundle": base64.b64encode(certificate).decode(),
                },
            }
        ],
    }


def create(plane: ControlPlane, manifest: Mapping[str, Any], identity: str = "admin") -> None:
    """kubectl create, with the manifest as JSON."""
    plane.kubectl("create", "--filename=-", identity=identity, input=json.dumps(manifest))


def send_all(plane: ControlPlane, tenant: Tenant, recorder: Recorder) -> dict[str, bytes]:
    """Create every example as the tenant; file stem -> the review that it caused."""
    sent = {}
    for file in sorted(EXAMPLES.glob("*.yaml")):
        manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
        create(plane, manifest, identity=tenant.user)
        sent[file.stem] = recorder.kept[f"{manifest['kind']}/{manifest['metadata']['name']}"]
    return sent


def webhook_answers(plane: ControlPlane, recorder: Recorder) -> bool:
    """Whether the API server asks the webhook already; it learns of new configurations after a moment."""
    probe = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "probe", "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}},
    }
    plane.kubectl("create", "--dry-run=server", "--filename=-", input=json.dumps(probe))
    return "Job/probe" in recorder.kept


def record(plane: ControlPlane, folder: Path) -> dict[str, bytes]:
    """Set a webhook before the plane and create the examples; file stem -> review."""
    recorder = Recorder()
    write_pair(folder, "recorder")
    server = WebhookServer(WebhookApp(recorder.handle, token=TOKEN, ready=lambda: True), folder)
    port = server.start()
    try:
        for kind, place in CUSTOM.items():
            create(plane, definition(kind, *place))
        create(plane, tenant_rights())
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
        tenant = plane.create_tenant(NAMESPACE, "researcher@lab")
        allowed = ("auth", "can-i", "create", "rayjobs.ray.io", f"--namespace={NAMESPACE}")
        wait_until(
            lambda: plane.kubectl(*allowed, identity=tenant.user, check=False).returncode == 0,
            "the tenant to be allowed to create custom kinds",
        )
        create(plane, webhook(port, (folder / "tls.crt").read_bytes()))
        wait_until(lambda: webhook_answers(plane, recorder), "the webhook to be asked")
        return send_all(plane, tenant, recorder)
    finally:
        server.stop()


def main() -> None:
    """Record and write the files."""
    with tempfile.TemporaryDirectory() as folder, ControlPlane() as plane:
        reviews = record(plane, Path(folder))
    REVIEWS.mkdir(parents=True, exist_ok=True)
    for stem, body in reviews.items():
        file = REVIEWS / f"{stem}.json"
        file.write_text(json.dumps(json.loads(body), indent=2) + "\n", encoding="utf-8")
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
