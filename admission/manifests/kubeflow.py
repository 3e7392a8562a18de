"""Kubeflow training-operator kinds (kubeflow.org/v1): a map of replica types, each replicas x template.

elasticPolicy bounds the Worker type. Where it gives one end only, the operator takes it for both
(kubeflow/training-operator pkg/apis/kubeflow.org/v1/pytorch_defaults.go, read 2026-11-22).
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import ExpectedPods, Kind, Read
from admission.manifests.nodes import Doubts, Node, mapping, shown, whole
from admission.manifests.pods import read_template
from admission.manifests.reach import Reach


def reader_of(replica_specs: str) -> Read:
    """A reader for a kind whose replica types stand in `spec` under the given key."""

    def read(manifest: Node, reach: Reach) -> Ask:
        doubts: Doubts = []
        spec = mapping(manifest, "spec", doubts)
        types = mapping(spec, replica_specs, doubts)
        asks = [_read_type(name, mapping(types, name, doubts), spec, reach) for name in types]
        return total(asks).noting(doubts=doubts)

    return read


def _read_type(name: str, replica: Node, spec: Node, reach: Reach) -> Ask:
    """One replica type; the operator matches type names without regard to case."""
    doubts: Doubts = []
    replicas = whole(replica, "replicas", 1, doubts)
    copies = Times.exactly(replicas)
    if shown(name).lower() == "worker" and "elasticPolicy" in spec:
        copies = _elastic(replicas, mapping(spec, "elasticPolicy", doubts), doubts)
    return read_template(replica, reach).times(copies).noting(doubts=doubts)


def _elastic(replicas: int | None, policy: Node, doubts: Doubts) -> Times:
    """Starts with `replicas` as written, may grow to maxReplicas."""
    written = 1 if replicas is None else replicas
    low = whole(policy, "minReplicas", written, doubts)
    high = whole(policy, "maxReplicas", low or 0, doubts)
    if replicas is None or low is None or high is None:
        return Times(written, None)
    return Times(written, max(written, low, high))


def pods_of(replica_specs: str) -> ExpectedPods:
    """Pods that a live job of this family runs at once: all replica types together."""

    def expected(manifest: Node) -> int | None:
        doubts: Doubts = []
        types = mapping(mapping(manifest, "spec", doubts), replica_specs, doubts)
        counts = [whole(mapping(types, name, doubts), "replicas", 1, doubts) for name in types]
        known = [each for each in counts if each is not None]
        return sum(known) if known and not doubts else None

    return expected


def _kind(kind: str, replica_specs: str) -> Kind:
    return Kind("kubeflow.org", frozenset({"v1"}), kind, reader_of(replica_specs), pods_of(replica_specs))


KINDS = (_kind("PyTorchJob", "pytorchReplicaSpecs"),)
