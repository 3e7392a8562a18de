"""Every odd pod of the table, inside every kind that holds pods: none hides or invents what a pod asks for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from admission.manifests import read
from tests.admission.test_hostile import HOLD_PODS, wrapped

TABLE = Path(__file__).parent / "manifest_cases" / "pods.yaml"
PODS: list[dict[str, Any]] = [
    {**case, "pod": {key: case["manifest"][key] for key in ("metadata", "spec") if key in case["manifest"]}}
    for case in yaml.load(TABLE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    if case.get("expect") is not None and isinstance(case["manifest"]["spec"].get("containers"), list)
]
# These hold parts of a pod only: Argo's templates no fields of the pod itself, the others no annotations beside it.
ONLY_CONTAINERS = {"Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"}
NO_ANNOTATIONS = {"LLMInferenceService", "LLMInferenceServiceConfig", "ServingRuntime", "ClusterServingRuntime"}
# What a TrainJob starts stands in its runtime; it only overrides parts of it.
KINDS = [kind for kind in HOLD_PODS if kind[2] != "TrainJob"]


def fits(kind: str, pod: dict[str, Any]) -> bool:
    """Whether a kind can hold all that matters of a pod."""
    if kind in ONLY_CONTAINERS:
        return "metadata" not in pod and set(pod["spec"]) <= {"containers", "volumes"}
    return "metadata" not in pod or kind not in NO_ANNOTATIONS


@pytest.mark.parametrize("kind", KINDS, ids="/".join)
def test_a_kind_asks_for_what_its_pods_ask(kind: tuple[str, str, str]) -> None:
    tried = 0
    for case in PODS:
        if not fits(kind[2], case["pod"]):
            continue
        tried += 1
        workload = read(wrapped(kind, case["pod"]))
        assert workload is not None, case["name"]
        expect = case["expect"]
        least = {key: count[0] for key, count in expect.get("devices", {}).items()}
        assert {key: count.least for key, count in workload.devices.items()} == least, case["name"]
        for flag in ("claims", "unsaid", "host_access"):
            assert getattr(workload, flag) is expect.get(flag, False), (case["name"], flag)
        assert workload.unknown or not expect.get("unknown"), case["name"]
    assert tried >= 15
