"""Pod itself, and the kinds of `apps` and core that keep a number of equal pods running.

A rolling update may run maxSurge pods more for a while. They do not count: an update needs another edit, which is read
by itself, and each surplus pod is held at its gate until it has a budget of its own. The same holds for autoscalers,
which are objects of their own.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, mapping, whole
from admission.manifests.pods import read_pod, read_template
from admission.manifests.reach import Reach


def read_replicated(manifest: Node, reach: Reach) -> Ask:
    """replicas x template; one where replicas is left out."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    replicas = Times.exactly(whole(spec, "replicas", 1, doubts))
    return read_template(spec, reach).times(replicas).noting(doubts=doubts)


def read_daemon_set(manifest: Node, reach: Reach) -> Ask:
    """One pod on each node that fits: at least one, and nothing in the manifest bounds it."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    return read_template(spec, reach).times(Times(1, None)).noting(doubts=doubts)


def read_pod_template(manifest: Node, reach: Reach) -> Ask:
    """A stored template. It starts nothing, but says what a pod made from it would ask for."""
    return read_template(manifest, reach).noting(reasons=["a template that starts nothing itself"])


def expected_replicas(manifest: Node, _: Reach) -> int | None:
    """Pods that a live ReplicaSet or the like keeps running."""
    doubts: Doubts = []
    return whole(mapping(manifest, "spec", doubts), "replicas", 1, doubts)


def _one(_: Node, __: Reach) -> int:
    return 1


_V1 = frozenset({"v1"})
KINDS = (
    Kind("", _V1, "Pod", read_pod, _one),
    Kind("", _V1, "PodTemplate", read_pod_template),
    Kind("", _V1, "ReplicationController", read_replicated, expected_replicas),
    Kind("apps", _V1, "Deployment", read_replicated),
    Kind("apps", _V1, "ReplicaSet", read_replicated, expected_replicas),
    Kind("apps", _V1, "StatefulSet", read_replicated, expected_replicas),
    Kind("apps", _V1, "DaemonSet", read_daemon_set),
)
