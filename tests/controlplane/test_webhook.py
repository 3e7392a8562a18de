"""The webhook as a real API server calls it: what a tenant reads, and what happens when it is not there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admission.http import WebhookApp
from admission.server import WebhookServer
from admission.webhook import Webhook
from gatekeeper.domain.decision import Verdict
from tests.admission.reviews import ToldGate, write_pair
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.harness.processes import wait_until
from tests.controlplane.pods import fresh_name, gpu_pod
from tests.controlplane.record_reviews import TOKEN, webhook

SENTENCE = "No: run r-7 has used 9.9e25 of 1e26 FLOP; ask your provider for a review."


class Asked:
    """A webhook that is registered for one namespace, over a gate that answers as told."""

    def __init__(self, plane: ControlPlane, tenant: Tenant, folder: Path) -> None:
        write_pair(folder, "webhook")
        self.plane, self.tenant, self.gate, self.folder = plane, tenant, ToldGate(), folder
        app = WebhookApp(Webhook(self.gate, cluster="c1").handle, token=TOKEN, ready=lambda: True)
        self.server = WebhookServer(app, folder, poll_s=0.1)
        self.port = self.server.start()
        self.name = fresh_name("asked")

    def register(self) -> None:
        """Register for the tenant's namespace; returns when the API server asks."""
        configuration = webhook(self.port, (self.folder / "tls.crt").read_bytes())
        configuration["metadata"]["name"] = self.name
        (hook,) = configuration["webhooks"]
        hook["failurePolicy"] = "Ignore"
        hook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": self.tenant.namespace}}
        hook["rules"] = [
            {"apiGroups": ["", "batch"], "apiVersions": ["v1"], "resources": ["pods", "jobs"], "operations": ["*"]}
        ]
        self.plane.kubectl("create", "--filename=-", input=json.dumps(configuration))
        wait_until(lambda: self.create(job(), "--dry-run=server") and self.gate.asked, "the webhook to be asked")
        self.gate.asked.clear()

    def create(self, manifest: dict[str, Any], *arguments: str) -> str:
        """kubectl create as the tenant; what it printed for people."""
        done = self.plane.kubectl(
            "create", "--filename=-", f"--namespace={self.tenant.namespace}", *arguments,
            identity=self.tenant.user, input=json.dumps(manifest), check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def close(self) -> None:
        self.plane.kubectl("delete", "validatingwebhookconfiguration", self.name, "--ignore-not-found")
        self.server.stop()


@pytest.fixture
def asked(plane: ControlPlane, tenant: Tenant, tmp_path: Path) -> Iterator[Asked]:
    running = Asked(plane, tenant, tmp_path)
    try:
        running.register()
        yield running
    finally:
        running.close()


def job(pods: int = 1, **spec: Any) -> dict[str, Any]:
    """A suspended Job of GPU pods."""
    template = {"spec": {**gpu_pod()["spec"], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": fresh_name("job")},
        "spec": {"suspend": True, "parallelism": pods, "completions": pods, "template": template} | spec,
    }


def test_a_tenant_reads_the_sentence_of_a_refusal(asked: Asked) -> None:
    asked.gate.sentence = SENTENCE
    said = asked.create(job(4))
    assert said.startswith("Error from server (Forbidden)")
    assert said.rstrip().endswith(SENTENCE)
    ((workload, dry_run),) = asked.gate.asked
    assert (workload.ref.namespace, workload.devices["nvidia.com/gpu"].least, dry_run) == (
        *(asked.tenant.namespace, 4, False),
    )


def test_a_tenant_reads_a_warning_and_the_job_exists(asked: Asked) -> None:
    asked.gate.verdict, asked.gate.sentence = Verdict.HOLD, "the provider asks whose weights these are."
    said = asked.create(job())
    assert "Warning: will wait: the provider asks whose weights these are." in said
    assert "created" in said


def test_a_dry_run_is_told_as_such(asked: Asked) -> None:
    asked.create(job(), "--dry-run=server")
    assert [dry_run for _, dry_run in asked.gate.asked] == [True]


def test_a_bare_pod_is_refused_and_the_pods_of_a_job_are_left_to_the_gate(asked: Asked) -> None:
    assert "Forbidden" in asked.create(gpu_pod())
    asked.gate.verdict = Verdict.ALLOW
    running = job(2, suspend=False)
    asked.create(running)
    asked.gate.verdict = Verdict.DENY
    label = f"--selector=batch.kubernetes.io/job-name={running['metadata']['name']}"
    listed = ("get", "pods", label, f"--namespace={asked.tenant.namespace}", "--output=name")
    wait_until(lambda: len(asked.plane.kubectl(*listed).stdout.split()) == 2, "both pods of the Job")
    assert {workload.ref.kind for workload, _ in asked.gate.asked} == {"Job", "Pod"}


def test_an_object_that_is_refused_can_still_be_made_smaller_and_be_deleted(asked: Asked) -> None:
    asked.gate.verdict = Verdict.ALLOW
    existing = job(4)
    name = existing["metadata"]["name"]
    asked.create(existing)
    asked.gate.verdict = Verdict.DENY
    where = f"--namespace={asked.tenant.namespace}"

    def patch(spec: str) -> int:
        return asked.plane.kubectl(
            "patch", "job", name, where, "--type=merge", f"--patch={spec}", identity=asked.tenant.user, check=False
        ).returncode

    assert patch('{"spec": {"parallelism": 2}}') == 0
    assert patch('{"spec": {"parallelism": 3}}') != 0
    assert patch('{"spec": {"suspend": false}}') != 0
    assert patch('{"metadata": {"labels": {"team": "a"}}}') == 0
    done = asked.plane.kubectl("delete", "job", name, where, "--wait=false", identity=asked.tenant.user)
    assert "deleted" in done.stdout


def test_with_the_webhook_gone_the_cluster_works_on(asked: Asked) -> None:
    asked.server.stop()
    assert "created" in asked.create(job())


def test_a_new_certificate_is_used_without_a_restart(asked: Asked) -> None:
    write_pair(asked.folder, "second")
    bundle = webhook(asked.port, (asked.folder / "tls.crt").read_bytes())["webhooks"][0]["clientConfig"]["caBundle"]
    patch = [{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]
    asked.plane.kubectl(
        "patch", "validatingwebhookconfiguration", asked.name, "--type=json", f"--patch={json.dumps(patch)}"
    )
    wait_until(lambda: "Forbidden" in asked.create(job(), "--dry-run=server"), "a refusal under the new certificate")
