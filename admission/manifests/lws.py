"""LeaderWorkerSet (leaderworkerset.x-k8s.io/v1): replicas of a group, each one leader and size - 1 workers.

Without a leaderTemplate the leader is made from the worker's; replicas and size left out are 1, and a group always has
its leader (kubernetes-sigs/lws api/leaderworkerset/v1/leaderworkerset_types.go, read 2026-11-22). maxSurge does not
count: the groups above `replicas` exist only while a later edit of the templates rolls out, as with a Deployment's.
The pods belong to StatefulSets, which start them one by one, so they are no gang.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, mapping, whole
from admission.manifests.pods import read_template
from admission.manifests.reach import Reach


def read_leader_worker_set(manifest: Node, reach: Reach) -> Ask:
    """replicas x (leader + (size - 1) x worker)."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    group = mapping(spec, "leaderWorkerTemplate", doubts)
    replicas, size = whole(spec, "replicas", 1, doubts), whole(group, "size", 1, doubts)
    worker = read_template(group, reach, "workerTemplate")
    leader = read_template(group, reach, "leaderTemplate")
    if not isinstance(group.get("leaderTemplate"), dict):
        leader = worker.noting(doubts=leader.doubts)
    workers = worker.times(Times(0, None) if size is None else Times.exactly(max(0, size - 1)))
    return (leader + workers).times(Times.exactly(replicas)).noting(doubts=doubts)


KINDS = (Kind("leaderworkerset.x-k8s.io", frozenset({"v1"}), "LeaderWorkerSet", read_leader_worker_set),)
