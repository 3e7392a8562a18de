"""KubeRay: RayCluster, and what wraps one: RayJob, RayService, RayCronJob.

A cluster is one head pod and groups of workers: replicas, clamped into [minReplicas, maxReplicas] as the operator
clamps them, times numOfHosts (ray-operator GetWorkerGroupDesiredReplicas, KubeRay 1.7). Only with the in-tree
autoscaler can a group grow to maxReplicas, whose default 2147483647 means that nothing bounds it.

What does not count: `rayStartParams` and a group's `resources` are labels for Ray's scheduler and give no device. A
RayService runs a second cluster beside the first while it is upgraded, but only after an edit of its cluster, and that
edit is read by itself; the pods of both are held at their gates. `suspend` of a cluster or group may be lifted at any
time, so it counts as if resumed.
"""

from __future__ import annotations

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, is_set, items, mapping, text, whole
from admission.manifests.pods import read_pod, read_template
from admission.manifests.reach import Reach

UNBOUNDED = 2_147_483_647
# In these modes the operator, a sidecar of the head, or a person submits (KubeRay rayjob_types.go, JobSubmissionMode).
_WITHOUT_SUBMITTER = frozenset({"HTTPMode", "SidecarMode", "InteractiveMode"})


def read_ray_cluster(manifest: Node, reach: Reach) -> Ask:
    """A RayCluster."""
    doubts: Doubts = []
    return _read_cluster(mapping(manifest, "spec", doubts), reach).noting(doubts=doubts)


def read_ray_job(manifest: Node, reach: Reach) -> Ask:
    """Its own cluster and its submitter pod; with a clusterSelector it runs on a cluster that was asked for before."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    selector = mapping(spec, "clusterSelector", doubts)
    submitter = _submitter(spec, reach)
    if selector:
        return submitter.noting(reasons=["runs on a cluster that exists already"], doubts=doubts)
    return _read_cluster(mapping(spec, "rayClusterSpec", doubts), reach) + submitter.noting(doubts=doubts)


def _submitter(spec: Node, reach: Reach) -> Ask:
    """The pod that submits; the operator makes one from the template only where a Kubernetes Job submits."""
    submitter = read_template(spec, reach, "submitterPodTemplate")
    return submitter.times(Times(0, 0)) if text(spec, "submissionMode") in _WITHOUT_SUBMITTER else submitter


def read_ray_service(manifest: Node, reach: Reach) -> Ask:
    """The cluster that serves."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    return _read_cluster(mapping(spec, "rayClusterConfig", doubts), reach).noting(doubts=doubts)


def read_ray_cron_job(manifest: Node, reach: Reach) -> Ask:
    """One RayJob at each time of its schedule; nothing keeps them from overlapping."""
    doubts: Doubts = []
    job = {"spec": mapping(mapping(manifest, "spec", doubts), "jobTemplate", doubts)}
    return read_ray_job(job, reach).times(Times(1, None)).noting(doubts=doubts)


def _read_cluster(spec: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    autoscaled = is_set(spec, "enableInTreeAutoscaling")
    head = _read_head(mapping(spec, "headGroupSpec", doubts), spec, reach)
    groups = [_read_group(group, reach, autoscaled=autoscaled) for group in items(spec, "workerGroupSpecs", doubts)]
    return total([head, *groups]).noting(doubts=doubts)


def _read_head(head: Node, spec: Node, reach: Reach) -> Ask:
    """The head pod; the operator adds the autoscaler to it as one more container, with what autoscalerOptions say."""
    doubts: Doubts = []
    options = mapping(spec, "autoscalerOptions", doubts)
    if not options or not is_set(spec, "enableInTreeAutoscaling"):
        return read_template(head, reach).noting(doubts=doubts)
    template = mapping(head, "template", doubts)
    pod = mapping(template, "spec", doubts)
    containers = [*items(pod, "containers", doubts), options]
    return read_pod({**template, "spec": {**pod, "containers": containers}}, reach).noting(doubts=doubts)


def _read_group(group: Node, reach: Reach, *, autoscaled: bool) -> Ask:
    doubts: Doubts = []
    hosts = whole(group, "numOfHosts", 1, doubts)
    copies = _replicas(group, doubts, autoscaled=autoscaled)
    pods = read_template(group, reach).times(Times.exactly(hosts))
    return pods.times(copies).noting(doubts=doubts)


def _replicas(group: Node, doubts: Doubts, *, autoscaled: bool) -> Times:
    """How many replicas a group starts with, and how many it may reach."""
    low = whole(group, "minReplicas", 0, doubts)
    high = whole(group, "maxReplicas", UNBOUNDED, doubts)
    wanted = whole(group, "replicas", 0 if low is None else low, doubts)
    if low is None or high is None or wanted is None:
        return Times(max(1, low or 0, wanted or 0), None)
    least = _clamped(wanted, low, high)
    if not autoscaled:
        return Times(least, least)
    return Times(least, None if high >= UNBOUNDED else max(least, high))


def _clamped(wanted: int, low: int, high: int) -> int:
    """As the operator does; where low and high contradict each other, releases differ, so the larger counts."""
    return max(low, high) if low > high else min(max(wanted, low), high)


def expected_ray_pods(manifest: Node, reach: Reach) -> int | None:
    """Pods with accelerators that a live RayCluster runs at once: of the head and all groups that are not suspended."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    count = 1 if _read_head(mapping(spec, "headGroupSpec", doubts), spec, reach).asks else 0
    for group in items(spec, "workerGroupSpecs", doubts):
        if group.get("suspend") is True or not read_template(group, reach).asks:
            continue
        hosts, replicas = whole(group, "numOfHosts", 1, doubts), _replicas(group, doubts, autoscaled=False)
        count += (hosts or 0) * replicas.least
    return None if doubts or not isinstance(spec.get("headGroupSpec"), dict) else count


_VERSIONS = frozenset({"v1", "v1alpha1"})
KINDS = (
    Kind("ray.io", _VERSIONS, "RayCluster", read_ray_cluster, expected_ray_pods),
    Kind("ray.io", _VERSIONS, "RayJob", read_ray_job),
    Kind("ray.io", _VERSIONS, "RayService", read_ray_service),
    Kind("ray.io", _VERSIONS, "RayCronJob", read_ray_cron_job),
)
