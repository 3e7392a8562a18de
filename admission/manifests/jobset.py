"""JobSet (jobset.x-k8s.io/v1alpha2): groups of equal Jobs that start together.

Each replicated Job counts, also one that `dependsOn` or an ordered start lets begin later: all may run at once. A
group without replicas is one Job (kubernetes-sigs/jobset api/jobset/v1alpha2/jobset_types.go, read 2026-11-22). The
pods belong to the Jobs, so the JobSet itself owns none.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times, total
from admission.manifests.batch import read_job
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, items, mapping, whole
from admission.manifests.reach import Reach


def read_job_set(manifest: Node, reach: Reach) -> Ask:
    """The sum of replicas x Job."""
    doubts: Doubts = []
    groups = items(mapping(manifest, "spec", doubts), "replicatedJobs", doubts)
    return total([_read_group(each, reach) for each in groups]).noting(doubts=doubts)


def _read_group(group: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    replicas = Times.exactly(whole(group, "replicas", 1, doubts))
    return read_job(mapping(group, "template", doubts), reach).times(replicas).noting(doubts=doubts)


KINDS = (Kind("jobset.x-k8s.io", frozenset({"v1alpha2"}), "JobSet", read_job_set),)
