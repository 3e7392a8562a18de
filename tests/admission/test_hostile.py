"""Nothing that a tenant writes makes the readers raise anything but InvalidInput, or lets a device through."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.manifests import expected_pods, read
from admission.manifests.registry import FAMILIES
from admission.webhook import Webhook
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import InvalidInput
from tests.admission.reviews import ToldGate, review

KINDS = [(kind.group, sorted(kind.versions)[0], kind.kind) for family in FAMILIES for kind in family.KINDS]
# Claims name devices, and virtual machines are given them by name; neither holds pods.
HOLD_PODS = [each for each in KINDS if each[0] != "resource.k8s.io" and not each[0].endswith("kubevirt.io")]
KEYS = [
    *("spec", "template", "metadata", "annotations", "containers", "initContainers", "resources", "limits", "requests"),
    *("env", "name", "value", "securityContext", "capabilities", "add", "privileged", "volumes", "hostPath", "hostPID"),
    *("tolerations", "key", "resourceClaims", "runtimeClassName", "restartPolicy", "windowsOptions", "hostProcess"),
    *("replicas", "parallelism", "completions", "jobTemplate", "concurrencyPolicy", "status", "succeeded", "active"),
    *("failedIndexes", "pytorchReplicaSpecs", "Worker", "elasticPolicy", "minReplicas", "maxReplicas", "numOfHosts"),
    *("rayClusterSpec", "rayClusterConfig", "headGroupSpec", "workerGroupSpecs", "enableInTreeAutoscaling", "suspend"),
    *("autoscalerOptions", "submitterPodTemplate", "clusterSelector", "image", "command", "nodeName"),
    *(
        "predictor",
        "model",
        "workerSpec",
        "pipelineParallelSize",
        "tensorParallelSize",
        "parallelism",
        "worker",
        "data",
    ),
    *("driver", "executor", "gpu", "quantity", "sparkConf", "dynamicAllocation", "enabled", "instances", "sidecars"),
    *("components", "podSets", "path", "devices", "exactly", "firstAvailable", "deviceClassName", "count", "kind"),
    *("entrypoint", "templates", "steps", "dag", "tasks", "withItems", "withSequence", "container", "podSpecPatch"),
    *("mpiReplicaSpecs", "replicatedJobs", "leaderWorkerTemplate", "workerTemplate", "leaderTemplate", "size", "tasks"),
    *("trainer", "numNodes", "resourcesPerNode", "runtimeRef", "runtimePatches", "podTemplateOverrides", "mlPolicy"),
    *("torch", "mpi", "elasticPolicy", "maxNodes", "trainingRuntimeSpec", "initializer", "targetJobs", "dependsOn"),
    *("domain", "gpus", "hostDevices", "deviceName", "claimName", "instancetype", "virtualMachineTemplate", "server"),
    *("nvidia.com/gpu", "nvidia.com/gpumem", "cpu", "gpu-fraction", "NVIDIA_VISIBLE_DEVICES"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-5, 5)
    | st.sampled_from(["", "8", "-1", "0.5", "1e3", "1e999", "${N}", "Always", "all", "none", "ALL", "1,3-5", "9-1"])
    | st.text(max_size=5)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=40,
)
MANIFESTS = st.builds(
    lambda kind, parts: {"apiVersion": f"{kind[0]}/{kind[1]}".lstrip("/"), "kind": kind[2], **parts},
    st.sampled_from([*KINDS, ("train.example.org", "v1", "Marathon")]),
    st.dictionaries(st.sampled_from(["spec", "metadata", "status", "template"]), ANYTHING, max_size=4),
)


@given(MANIFESTS | ANYTHING)
def test_any_object_is_read_or_is_invalid_input(manifest: object) -> None:
    with contextlib.suppress(InvalidInput):
        read(manifest)
    with contextlib.suppress(InvalidInput):
        expected_pods(manifest)


def wrapped(kind: tuple[str, str, str], pod: dict[str, Any]) -> dict[str, Any]:
    """A pod inside an object of any known kind, where that kind holds its pods."""
    group = {"replicas": 1, "template": pod}
    job = {"spec": {"template": pod, "tasks": [group]}}  # those of batch and of Volcano have one name
    job_set = {"replicatedJobs": [{"template": job}]}
    runtime = {"template": {"spec": job_set}}
    cluster = {"headGroupSpec": {}, "workerGroupSpecs": [group]}
    volumes = pod["spec"].get("volumes") if isinstance(pod["spec"], dict) else None
    leaf = {"name": "a", "containerSet": pod["spec"], "volumes": volumes}
    workflow = {"entrypoint": "a", "templates": [leaf]}
    specs: dict[str, Any] = {
        "Pod": pod["spec"],
        "CronJob": {"jobTemplate": job},
        "PyTorchJob": {"pytorchReplicaSpecs": {"Worker": group}},
        "TFJob": {"tfReplicaSpecs": {"Worker": group}},
        "XGBoostJob": {"xgbReplicaSpecs": {"Worker": group}},
        "PaddleJob": {"paddleReplicaSpecs": {"Worker": group}},
        "JAXJob": {"jaxReplicaSpecs": {"Worker": group}},
        "MPIJob": {"mpiReplicaSpecs": {"Worker": group}},
        "JobSet": job_set,
        "LeaderWorkerSet": {"leaderWorkerTemplate": {"workerTemplate": pod}},
        "TrainJob": {"podTemplateOverrides": [pod]},
        "TrainingRuntime": runtime,
        "ClusterTrainingRuntime": runtime,
        **dict.fromkeys(("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"), workflow),
        "CronWorkflow": {"workflowSpec": workflow},
        "AppWrapper": {"components": [{"podSets": [], "template": {"apiVersion": "v1", "kind": "Pod", **pod}}]},
        "SparkApplication": {"driver": {"template": pod}, "executor": {}},
        "ScheduledSparkApplication": {"template": {"executor": {"template": pod}}},
        "InferenceService": {"predictor": pod["spec"]},
        "LLMInferenceService": {"template": pod["spec"]},
        "LLMInferenceServiceConfig": {"prefill": {"template": pod["spec"]}},
        "ServingRuntime": pod["spec"],
        "ClusterServingRuntime": pod["spec"],
        "Revision": pod["spec"],
        "SparkConnect": {"server": {"template": pod}, "executor": {}},
        "RayCluster": cluster,
        "RayJob": {"rayClusterSpec": cluster},
        "RayService": {"rayClusterConfig": cluster},
        "RayCronJob": {"jobTemplate": {"rayClusterSpec": cluster}},
    }
    head = {"apiVersion": f"{kind[0]}/{kind[1]}".lstrip("/"), "kind": kind[2], "metadata": pod.get("metadata")}
    return head | {"spec": specs.get(kind[2], job["spec"]), "template": pod}


@given(
    kind=st.sampled_from(HOLD_PODS), noise=ANYTHING, where=st.sampled_from(["volumes", "env", "tolerations", "image"])
)
def test_no_nonsense_beside_a_device_key_hides_it(kind: tuple[str, str, str], noise: object, where: str) -> None:
    container: dict[str, Any] = {"name": "a", "resources": {"limits": {"nvidia.com/gpu": 8}}}
    spec: dict[str, Any] = {"containers": [noise, container, noise]}
    (container if where in {"env", "image"} else spec)[where] = noise
    try:
        workload = read(wrapped(kind, {"spec": spec}))
    except InvalidInput:
        return
    assert workload is not None
    assert workload.devices["nvidia.com/gpu"].least >= 8


@given(MANIFESTS, st.sampled_from(["CREATE", "UPDATE"]), ANYTHING)
def test_no_object_is_allowed_by_a_gate_that_denies_unless_it_asks_for_nothing(
    manifest: dict[str, Any], operation: str, old: object
) -> None:
    gate = ToldGate(Verdict.DENY)
    before = {**manifest, "spec": old} if operation == "UPDATE" else None
    body = review(manifest, old=before, operation=operation)
    response = json.loads(asyncio.run(Webhook(gate, cluster="c1").handle(body)))["response"]
    if response["allowed"]:
        assert gate.asked == []
    else:
        assert response["status"]["code"] in {403, 422}


@given(st.binary(max_size=300))
def test_any_bytes_are_answered_or_invalid_input(body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        asyncio.run(Webhook(ToldGate(Verdict.ALLOW), cluster="c1").handle(body))


NESTED: Any = json.loads("[" * 400 + "]" * 400)


@pytest.mark.parametrize(
    "pod",
    [
        {"spec": NESTED},
        {"spec": {"containers": NESTED}},
        {"spec": {"containers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": NESTED}}}]}},
        {
            "spec": {
                "containers": [{"name": "a", "env": [{"name": NESTED, "value": NESTED}]}],
                "runtimeClassName": NESTED,
            }
        },
        {"spec": {"containers": [{"name": "a"}], "tolerations": [{"key": NESTED}], "hostPID": NESTED}},
        {"spec": {"containers": [{"name": "a", "securityContext": {"capabilities": {"add": [NESTED]}}}]}},
        {"metadata": {"annotations": NESTED, "name": NESTED}, "spec": {}},
    ],
)
def test_nesting_without_end_exhausts_no_stack(pod: dict[str, Any]) -> None:
    for kind in (*KINDS, ("train.example.org", "v1", "Marathon")):
        body = review({**wrapped(kind, pod), "replicas": NESTED}, operation="CREATE")
        response = json.loads(asyncio.run(Webhook(ToldGate(Verdict.DENY), cluster="c1").handle(body)))["response"]
        assert response["allowed"] or response["status"]["code"] in {403, 422}
