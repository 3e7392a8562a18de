"""Kubeflow jobs (kubeflow.org/v1, and MPIJob v2beta1): a map of replica types, each replicas x template.

elasticPolicy, which only PyTorchJob and PaddleJob have, bounds the Worker type. Where it gives one end only, the
operator takes it for both (kubeflow/training-operator pkg/apis/kubeflow.org/v1/pytorch_defaults.go and
paddlepaddle_defautls.go, read 2026-11-22). A type without replicas counts as one pod, which is what the API documents;
the MPI operators take 0 for Worker (mpi_defaults.go) and then refuse or run the launcher alone, so the larger counts.
An MPIJob's launcher counts as written, whether or not it also works (runLauncherAsWorker).
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import ExpectedPods, Kind, Read
from admission.manifests.nodes import Doubts, Node, mapping, shown, whole
from admission.manifests.pods import read_template
from admission.manifests.reach import Reach

_WORKER = "worker"


def reader_of(replica_specs: str, *, elastic: bool = False) -> Read:
    """A reader for a kind whose replica types stand in `spec` under the given key."""

    def read(manifest: Node, reach: Reach) -> Ask:
        doubts: Doubts = []
        spec = mapping(manifest, "spec", doubts)
        types = mapping(spec, replica_specs, doubts)
        policy = spec.get("elasticPolicy") if elastic else None
        asks = [_read_type(name, mapping(types, name, doubts), policy, reach) for name in types]
        return total(asks).noting(doubts=doubts)

    return read


def _read_type(name: object, replica: Node, policy: object, reach: Reach) -> Ask:
    doubts: Doubts = []
    replicas = whole(replica, "replicas", 1, doubts)
    copies = Times.exactly(replicas)
    if policy is not None and _is_worker(name):
        copies = _elastic(replicas, policy, doubts)
    return read_template(replica, reach).times(copies).noting(doubts=doubts)


def _is_worker(name: object) -> bool:
    """The operator matches type names without regard to case."""
    return shown(name).lower() == _WORKER


def _elastic(replicas: int | None, policy: object, doubts: Doubts) -> Times:
    """Starts with `replicas` as written, may grow to maxReplicas."""
    written = 1 if replicas is None else replicas
    if not isinstance(policy, dict):
        doubts.append("elasticPolicy is not an object")
        return Times(written, None)
    low = whole(policy, "minReplicas", written, doubts)
    high = whole(policy, "maxReplicas", low or 0, doubts)
    if replicas is None or low is None or high is None:
        return Times(written, None)
    return Times(written, max(written, low, high))


def pods_of(replica_specs: str, *, workers_only: bool = False) -> ExpectedPods:
    """Pods with accelerators that a live job runs at once: all replica types together, or its workers alone."""

    def expected(manifest: Node, reach: Reach) -> int | None:
        doubts: Doubts = []
        types = mapping(mapping(manifest, "spec", doubts), replica_specs, doubts)
        statuses = mapping(mapping(manifest, "status", doubts), "replicaStatuses", doubts)
        counts = [
            _left(mapping(types, name, doubts), mapping(statuses, name, doubts), reach, doubts)
            for name in types
            if _is_worker(name) or not workers_only
        ]
        return sum(counts) if types and not doubts else None

    return expected


def _left(replica: Node, status: Node, reach: Reach, doubts: Doubts) -> int:
    """Pods of one type that are still to run; a type on the CPU is not gated, so nobody waits for it."""
    if not read_template(replica, reach).asks:
        return 0
    numbers = [
        whole(replica, "replicas", 1, doubts),
        *(whole(status, end, 0, doubts) for end in ("succeeded", "failed")),
    ]
    wanted, *ended = (each or 0 for each in numbers)
    return max(0, wanted - sum(ended))


def _kind(kind: str, replica_specs: str, *, elastic: bool = False) -> Kind:
    read, pods = reader_of(replica_specs, elastic=elastic), pods_of(replica_specs)
    return Kind("kubeflow.org", frozenset({"v1"}), kind, read, pods)


_MPI = "mpiReplicaSpecs"
KINDS = (
    _kind("PyTorchJob", "pytorchReplicaSpecs", elastic=True),
    _kind("TFJob", "tfReplicaSpecs"),
    _kind("XGBoostJob", "xgbReplicaSpecs"),
    _kind("PaddleJob", "paddleReplicaSpecs", elastic=True),
    _kind("JAXJob", "jaxReplicaSpecs"),
    # v2beta1 starts the launcher through a Job of its own, maybe only when the workers are ready.
    Kind("kubeflow.org", frozenset({"v1", "v2beta1"}), "MPIJob", reader_of(_MPI), pods_of(_MPI, workers_only=True)),
)
