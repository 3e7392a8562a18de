"""Kubeflow Trainer (trainer.kubeflow.org/v1alpha1): a TrainJob names a runtime, and the two together make a JobSet.

What the controller does (kubeflow/trainer pkg/runtime/core/trainingruntime.go and the plug-ins jobset, plainml, torch
and mpi, read 2026-11-22): every group of the runtime's JobSet runs `parallelism` pods; the one labelled as trainer
runs mlPolicy.numNodes or what the TrainJob says; under mpi the TrainJob's number is that of the group `node`, one less
where the launcher is a node too. resourcesPerNode replaces the resources of the container `node`. Releases differ in
which other containers they change, so for those the larger counts. A TrainJob whose runtime nobody knows has no
ceiling. The pods belong to the JobSet's Jobs, so no kind here owns any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import TEMPLATE_ONLY, Kind, Lookup
from admission.manifests.nodes import Doubts, Node, items, mapping, shown, text, whole
from admission.manifests.pods import loose_devices, read_pod, read_template
from admission.manifests.reach import Reach

GROUP, VERSIONS = "trainer.kubeflow.org", frozenset({"v1alpha1"})
CLUSTER_RUNTIME, RUNTIME = "ClusterTrainingRuntime", "TrainingRuntime"
_STEP_LABEL = f"{GROUP}/trainjob-ancestor-step"
_TRAINER, _NODE, _LAUNCHER = "trainer", "node", "launcher"


@dataclass(frozen=True, slots=True)
class _Patch:
    """What a TrainJob lays over the pods of some groups; without names over those of all."""

    groups: frozenset[str]
    ask: Ask


class _LaidOver:
    """All patches, added up once for each group that they name: patches times groups could be endlessly many."""

    def __init__(self, patches: Iterable[_Patch]) -> None:
        self._everywhere, self._by_group = Ask(), dict[str, Ask]()
        for each in patches:
            if not each.groups:
                self._everywhere += each.ask
            for group in each.groups:
                self._by_group[group] = self._by_group.get(group, Ask()) + each.ask

    def on(self, group: str) -> Ask:
        """What is laid over the pods of one group."""
        return self._everywhere + self._by_group.get(group, Ask())


def read_runtime(manifest: Node, reach: Reach) -> Ask:
    """What a TrainJob would start that changes nothing of it."""
    return _joined({}, manifest, reach).noting(reasons=[TEMPLATE_ONLY])


def read_train_job(manifest: Node, reach: Reach) -> Ask:
    """A TrainJob whose runtime nobody knows: what it says itself, and no ceiling."""
    return read_with_runtime(manifest, reach, _nowhere)


def _nowhere(_: str, __: str) -> None:
    return None


def read_with_runtime(manifest: Node, reach: Reach, runtime_of: Lookup) -> Ask:
    """A TrainJob joined with its runtime, where the look-up finds it."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    reference = mapping(spec, "runtimeRef", doubts)
    kind, name = text(reference, "kind") or CLUSTER_RUNTIME, text(reference, "name")
    ours = (text(reference, "apiGroup") or GROUP) == GROUP and kind in {CLUSTER_RUNTIME, RUNTIME}
    runtime = runtime_of(kind, name) if ours and name else None
    if runtime is None:
        return _alone(spec, reach).noting(doubts=[f"the runtime {shown(name)} is not known", *doubts])
    return _joined(spec, runtime, reach).noting(doubts=doubts)


def _alone(spec: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    trainer = mapping(spec, "trainer", doubts)
    nodes = Times.exactly(whole(trainer, "numNodes", 1, doubts))
    resources = loose_devices(mapping(trainer, "resourcesPerNode", doubts), reach)
    patches = [each.ask for each in _patches(spec, reach, doubts)]
    asked = total([resources, *patches]).times(nodes)
    return (asked + _environment(spec, reach)).without_ceiling().noting(doubts=doubts)


def _joined(spec: Node, runtime: Node, reach: Reach) -> Ask:
    doubts: Doubts = []
    own = mapping(runtime, "spec", doubts)
    job_set = mapping(mapping(own, "template", doubts), "spec", doubts)
    groups = list(items(job_set, "replicatedJobs", doubts))
    trainer = mapping(spec, "trainer", doubts)
    patches = _LaidOver(_patches(spec, reach, doubts))
    asks = [_read_group(group, own, trainer, patches, reach) for group in groups]
    unused = _resources_that_fit_nowhere(trainer, groups, reach, doubts)
    return (total([*asks, unused]) + _environment(spec, reach)).noting(doubts=doubts)


def _read_group(group: Node, runtime_spec: Node, trainer: Node, patches: _LaidOver, reach: Reach) -> Ask:
    """One replicated Job of the runtime, as the TrainJob changes it."""
    doubts: Doubts = []
    policy = mapping(runtime_spec, "mlPolicy", doubts)
    replicas = Times.exactly(whole(group, "replicas", 1, doubts))
    pods = _pods(group, policy, trainer, doubts)
    changed = read_pod(_with_resources(group, trainer, doubts), reach)
    if not _is_trainer(group) or any(text(each, "name") == _LAUNCHER for each in _containers(group)):
        changed = changed.or_larger(read_template(_job_spec(group, doubts), reach))
    return (changed + patches.on(text(group, "name"))).times(pods).times(replicas).noting(doubts=doubts)


def _pods(group: Node, policy: Node, trainer: Node, doubts: Doubts) -> Times:
    """How many pods one replica of a group runs, and how many it may reach."""
    count = whole(_job_spec(group, doubts), "parallelism", 1, doubts)
    if _is_trainer(group) and policy:
        count = whole(policy, "numNodes", 1, doubts)
    count = None if count is None else max(count, 1)
    under_mpi = policy.get("mpi") is not None
    if "numNodes" in trainer and (text(group, "name") == _NODE if under_mpi else _is_trainer(group)):
        wanted = whole(trainer, "numNodes", 1, doubts)
        launcher_works = mapping(policy, "mpi", doubts).get("runLauncherAsNode") is True
        count = max(wanted - 1, 1) if launcher_works and wanted is not None else wanted
    elastic = mapping(policy, "torch", doubts).get("elasticPolicy") if _is_trainer(group) else None
    return _elastic(count, elastic, doubts) if isinstance(elastic, dict) else Times.exactly(count)


def _elastic(count: int | None, policy: Node, doubts: Doubts) -> Times:
    """Starts with what is written, at least minNodes; grows to maxNodes."""
    low, high = whole(policy, "minNodes", 1, doubts), whole(policy, "maxNodes", 0, doubts)
    least = max(1 if count is None else count, low or 0)
    return Times(least, None if count is None or low is None or not high else max(least, high))


def _job_spec(group: Node, doubts: Doubts) -> Node:
    return mapping(mapping(group, "template", doubts), "spec", doubts)


def _is_trainer(group: Node) -> bool:
    metadata = mapping(mapping(group, "template", []), "metadata", [])
    return text(mapping(metadata, "labels", []), _STEP_LABEL) == _TRAINER


def _with_resources(group: Node, trainer: Node, doubts: Doubts) -> Node:
    """The group's pod with resourcesPerNode in its nodes' containers."""
    template = mapping(_job_spec(group, doubts), "template", doubts)
    pod = mapping(template, "spec", doubts)
    resources = mapping(trainer, "resourcesPerNode", doubts)
    containers = pod.get("containers")
    if not isinstance(containers, list) or not (resources.get("limits") or resources.get("requests")):
        return template
    changed = [{**each, "resources": resources} if _is_node(each) else each for each in containers]
    return {**template, "spec": {**pod, "containers": changed}}


def _containers(group: Node) -> list[Node]:
    pod = mapping(mapping(_job_spec(group, []), "template", []), "spec", [])
    return list(items(pod, "containers", []))


def _is_node(container: object) -> bool:
    """Whether a container may be given resourcesPerNode: a launcher is, in some releases, where it works too."""
    return isinstance(container, dict) and text(container, "name") in {_NODE, _LAUNCHER}


def _resources_that_fit_nowhere(trainer: Node, groups: list[Node], reach: Reach, doubts: Doubts) -> Ask:
    """resourcesPerNode that no container of the runtime takes: nobody can tell what becomes of it."""
    if any(_is_node(each) for group in groups for each in _containers(group)):
        return Ask()
    found = loose_devices(mapping(trainer, "resourcesPerNode", doubts), reach)
    nodes = Times(Times.exactly(whole(trainer, "numNodes", 1, doubts)).least, None)
    return found.times(nodes) if found.asks else Ask()


def _environment(spec: Node, reach: Reach) -> Ask:
    """The environment that a TrainJob hands to its trainer and its initializers: it may name devices."""
    doubts: Doubts = []
    initializer = mapping(spec, "initializer", doubts)
    holders = [mapping(spec, "trainer", doubts), *(mapping(initializer, each, doubts) for each in ("dataset", "model"))]
    containers = [{"env": each["env"]} for each in holders if "env" in each]
    return read_pod({"spec": {"containers": containers}}, reach).noting(doubts=doubts)


def _patches(spec: Node, reach: Reach, doubts: Doubts) -> Iterator[_Patch]:
    """What is laid over the runtime's pods, in the three shapes that Trainer 2 has had.

    Patches cannot carry devices, so each is read as a pod beside the one that it changes: what it takes away is not
    believed, what it brings counts.
    """
    for each in items(spec, "podSpecOverrides", doubts):
        yield _Patch(_targets(each, doubts), read_pod({"spec": each}, reach))
    for each in items(spec, "podTemplateOverrides", doubts):
        yield _Patch(_targets(each, doubts), read_pod(each, reach))
    for each in items(spec, "runtimePatches", doubts):
        template = mapping(mapping(each, "trainingRuntimeSpec", doubts), "template", doubts)
        for group in items(mapping(template, "spec", doubts), "replicatedJobs", doubts):
            pod = mapping(_job_spec(group, doubts), "template", doubts)
            yield _Patch(frozenset(filter(None, [text(group, "name")])), read_pod(pod, reach))


def _targets(override: Node, doubts: Doubts) -> frozenset[str]:
    return frozenset(text(each, "name") for each in items(override, "targetJobs", doubts))


KINDS = (
    Kind(GROUP, VERSIONS, "TrainJob", read_train_job, read_joined=read_with_runtime),
    Kind(GROUP, VERSIONS, RUNTIME, read_runtime),
    Kind(GROUP, VERSIONS, CLUSTER_RUNTIME, read_runtime),
)
