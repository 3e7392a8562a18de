"""What holds for every job-like kind, whatever its shape, and how many pods of a live one start together."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.manifests import expected_pods, read
from admission.runtimes import FileRuntimes
from gatekeeper.domain.workload import Count

GPU = "nvidia.com/gpu"
Json = dict[str, Any]
# (replicas, pod template, what its switch says) -> a manifest with so many pods
Make = Callable[[int, Json, Json], Json]
RUNS: Json = {"suspend": False}
SUSPENDED: Json = {"suspend": True}
_STEP = {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}}


def kubeflow(kind: str, key: str, version: str = "v1") -> Make:
    def make(count: int, pod: Json, switch: Json) -> Json:
        spec = {"runPolicy": switch, key: {"Worker": {"replicas": count, "template": pod}}}
        return {"apiVersion": f"kubeflow.org/{version}", "kind": kind, "spec": spec}

    return make


def of(api_version: str, kind: str, spec: Callable[[int, Json], Json]) -> Make:
    def make(count: int, pod: Json, switch: Json) -> Json:
        return {"apiVersion": api_version, "kind": kind, "spec": {**switch, **spec(count, pod)}}

    return make


def job_set(count: int, pod: Json) -> Json:
    return {"replicatedJobs": [{"name": "w", "replicas": count, "template": {"spec": {"template": pod}}}]}


def runtime(count: int, pod: Json) -> Json:
    groups = [{"name": "node", "template": {"metadata": _STEP, "spec": {"template": pod}}}]
    return {"mlPolicy": {"numNodes": count}, "template": {"spec": {"replicatedJobs": groups}}}


def tasks(count: int, pod: Json) -> Json:
    return {"tasks": [{"replicas": count, "template": pod}]}


KINDS: dict[str, Make] = {
    "Job": of("batch/v1", "Job", lambda count, pod: {"parallelism": count, "template": pod}),
    "JobSet": of("jobset.x-k8s.io/v1alpha2", "JobSet", job_set),
    "LeaderWorkerSet": of(
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        lambda count, pod: {"replicas": count, "leaderWorkerTemplate": {"size": 1, "workerTemplate": pod}},
    ),
    "PyTorchJob": kubeflow("PyTorchJob", "pytorchReplicaSpecs"),
    "TFJob": kubeflow("TFJob", "tfReplicaSpecs"),
    "XGBoostJob": kubeflow("XGBoostJob", "xgbReplicaSpecs"),
    "PaddleJob": kubeflow("PaddleJob", "paddleReplicaSpecs"),
    "JAXJob": kubeflow("JAXJob", "jaxReplicaSpecs"),
    "MPIJob v1": kubeflow("MPIJob", "mpiReplicaSpecs"),
    "MPIJob v2beta1": kubeflow("MPIJob", "mpiReplicaSpecs", "v2beta1"),
    "ClusterTrainingRuntime": of("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", runtime),
    "Volcano Job": of("batch.volcano.sh/v1alpha1", "Job", tasks),
    "Volcano CronJob": of(
        "batch.volcano.sh/v1alpha1",
        "CronJob",
        lambda count, pod: {"concurrencyPolicy": "Forbid", "jobTemplate": {"spec": tasks(count, pod)}},
    ),
}
CONTAINERS = st.builds(
    lambda name, count: {"name": name, "resources": {"limits": {GPU: count}}},
    st.sampled_from(["node", "a", "sidecar"]),
    st.integers(0, 16),
)
PODS = st.lists(CONTAINERS, min_size=1, max_size=4).map(lambda containers: {"spec": {"containers": containers}})
MAKES = st.sampled_from(sorted(KINDS)).map(KINDS.__getitem__)


def counted(manifest: Json, *runtimes: Json) -> Count:
    known = FileRuntimes([])
    for each in runtimes:
        known.note(each)
    workload = read(manifest, runtimes=known)
    assert workload is not None
    assert not workload.unknown
    return workload.devices[GPU]


@given(MAKES, PODS, st.integers(1, 50), st.integers(1, 50))
def test_more_replicas_multiply_what_is_asked_for(make: Make, pod: Json, replicas: int, times: int) -> None:
    one, all_of_them = counted(make(replicas, pod, RUNS)), counted(make(replicas * times, pod, RUNS))
    assert all_of_them.least == one.least * times
    assert one.most is not None
    assert all_of_them.most == one.most * times


@given(MAKES, PODS, st.integers(1, 50))
def test_a_suspended_object_counts_as_if_it_ran(make: Make, pod: Json, replicas: int) -> None:
    assert counted(make(replicas, pod, SUSPENDED)) == counted(make(replicas, pod, RUNS))


@given(MAKES, PODS, CONTAINERS, st.integers(1, 50))
def test_one_more_container_never_lowers_a_count(make: Make, pod: Json, container: Json, replicas: int) -> None:
    more = {"spec": {"containers": [*pod["spec"]["containers"], container]}}
    fewer, larger = counted(make(replicas, pod, RUNS)), counted(make(replicas, more, RUNS))
    assert larger.least >= fewer.least
    assert (larger.most or 0) >= (fewer.most or 0)


@given(PODS, st.integers(1, 50), st.integers(1, 50))
def test_a_train_job_asks_for_its_nodes_of_what_its_runtime_describes(pod: Json, written: int, nodes: int) -> None:
    known = KINDS["ClusterTrainingRuntime"](written, pod, RUNS) | {"metadata": {"name": "torch"}}
    spec = {"runtimeRef": {"name": "torch"}, "trainer": {"numNodes": nodes}}
    job = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": spec}
    assert counted(job, known) == counted(KINDS["Job"](nodes, pod, RUNS))


def gpu(count: int = 1) -> Json:
    return {"spec": {"containers": [{"name": "a", "resources": {"limits": {GPU: count}}}]}}


CPU: Json = {"spec": {"containers": [{"name": "a"}]}}


def live(kind: str, key: str, types: Json, status: Json | None = None, version: str = "v1") -> Json:
    return {"apiVersion": f"kubeflow.org/{version}", "kind": kind, "spec": {key: types}, "status": status or {}}


def torch(types: Json, status: Json | None = None) -> Json:
    return live("PyTorchJob", "pytorchReplicaSpecs", types, status)


def volcano(*found: Json, **status: int) -> Json:
    return {
        "apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "spec": {"tasks": list(found)}, "status": status,
    }  # fmt: skip


FOUR = {"replicas": 4, "template": gpu()}


@pytest.mark.parametrize(
    ("owner", "pods"),
    [
        (torch({"Master": {"template": gpu()}, "Worker": {"replicas": 7, "template": gpu()}}), 8),
        (torch({"Master": {"template": CPU}, "Worker": {"replicas": 7, "template": gpu()}}), 7),
        (torch({"Worker": {"replicas": 7, "template": CPU}}), 0),
        (torch({"Worker": FOUR}, {"replicaStatuses": {"Worker": {"active": 3, "succeeded": 1}}}), 3),
        (torch({"Worker": FOUR}, {"replicaStatuses": {"Worker": {"failed": 9}}}), 0),
        (torch({"Worker": {"replicas": None, "template": gpu()}}), None),
        (torch({}), None),
        (live("TFJob", "tfReplicaSpecs", {"PS": {"replicas": 2, "template": CPU}, "Worker": FOUR}), 4),
        (live("XGBoostJob", "xgbReplicaSpecs", {"Master": FOUR, "Worker": FOUR}), 8),
        (live("PaddleJob", "paddleReplicaSpecs", {"Worker": FOUR}), 4),
        (live("JAXJob", "jaxReplicaSpecs", {"Worker": FOUR}), 4),
        (live("MPIJob", "mpiReplicaSpecs", {"Launcher": {"template": gpu()}, "Worker": FOUR}), 4),
        (live("MPIJob", "mpiReplicaSpecs", {"Launcher": {"template": gpu()}, "Worker": FOUR}, version="v2beta1"), 4),
        (live("MPIJob", "mpiReplicaSpecs", {"Launcher": {"template": gpu()}}, version="v2beta1"), 0),
        (volcano(FOUR, {"replicas": 1, "template": CPU}), 4),
        (volcano(FOUR, FOUR, succeeded=3, failed=1), 4),
        (volcano(FOUR, {**FOUR, "dependsOn": {"name": ["a"]}}), None),
        (volcano({"template": gpu()}), 0),
        (volcano({"replicas": "x", "template": gpu()}), None),
        # Their pods belong to Jobs and StatefulSets.
        ({"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": job_set(4, gpu())}, None),
        ({"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "spec": {"replicas": 4}}, None),
        ({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "spec": {}}, None),
    ],
)
def test_a_gang_waits_for_pods_with_accelerators_that_are_still_to_come_and_for_no_other(
    owner: Json, pods: int | None
) -> None:
    assert expected_pods(owner) == pods
