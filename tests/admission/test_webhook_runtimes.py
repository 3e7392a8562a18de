"""A TrainJob before the webhook: joined with the runtime that the cluster has, and harmless where it has none."""

import asyncio
import json
from typing import Any

import pytest

from admission.manifests.registry import Runtimes
from admission.webhook import Webhook
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.workload import Count
from tests.admission.reviews import ToldGate, manifest, review

API = "trainer.kubeflow.org/v1alpha1"
STEP = {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}


def runtime(nodes: object = 2) -> dict[str, Any]:
    pod = {"spec": {"containers": [{"name": "node", "resources": {"limits": {"nvidia.com/gpu": 8}}}]}}
    group = {"name": "node", "template": {"metadata": {"labels": STEP}, "spec": {"template": pod}}}
    return {"spec": {"mlPolicy": {"numNodes": nodes}, "template": {"spec": {"replicatedJobs": [group]}}}}


def train_job(**spec: Any) -> dict[str, Any]:
    return manifest(API, "TrainJob", spec={"runtimeRef": {"name": "torch", "kind": "TrainingRuntime"}, **spec})


def asked(body: bytes, runtimes: Runtimes | None) -> tuple[list[dict[str, Count]], dict[str, Any]]:
    gate = ToldGate(Verdict.DENY)
    answer = json.loads(asyncio.run(Webhook(gate, cluster="c1", runtimes=runtimes).handle(body)))
    return [dict(workload.devices) for workload, _ in gate.asked], answer["response"]


def test_a_train_job_is_decided_with_the_runtime_of_the_namespace_that_the_api_server_names() -> None:
    def known(kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return runtime() if (kind, namespace, name) == ("TrainingRuntime", "lab", "torch") else None

    body = review({**train_job(), "metadata": {"name": "x", "namespace": "claimed"}}, namespace="lab")
    assert asked(body, known)[0] == [{"nvidia.com/gpu": Count(16, 16)}]


@pytest.mark.parametrize("runtimes", [None, lambda *_: None])
def test_a_train_job_without_a_runtime_is_decided_by_its_own_words(runtimes: Runtimes | None) -> None:
    said = {"numNodes": 3, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 8}}}
    assert asked(review(train_job(trainer=said)), runtimes)[0] == [{"nvidia.com/gpu": Count(24, None)}]
    devices, response = asked(review(train_job()), runtimes)
    assert (devices, response["allowed"]) == ([], True)


def test_a_runtime_that_cannot_be_meant_refuses_the_train_job_and_nothing_breaks() -> None:
    _, response = asked(review(train_job()), lambda *_: runtime(-1))
    assert response["status"]["code"] == 422
    assert "numNodes: -1 cannot be negative" in response["status"]["message"]


def test_resuming_a_train_job_is_a_new_question() -> None:
    old, new = train_job(suspend=True), train_job(suspend=False)
    devices, _ = asked(review(new, old=old, operation="UPDATE"), lambda *_: runtime())
    assert devices == [{"nvidia.com/gpu": Count(16, 16)}]
