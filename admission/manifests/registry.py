"""One registry of kinds: a manifest in, a `Workload` out, or None for what starts no pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from admission.manifests import (
    apps,
    appwrapper,
    argo,
    batch,
    claims,
    jobset,
    knative,
    kserve,
    kubeflow,
    kubevirt,
    lws,
    ray,
    rollouts,
    spark,
    trainer,
    volcano,
)
from admission.manifests.asks import Ask, total
from admission.manifests.families import Kind, Lookup
from admission.manifests.generic import never_starts_pods, read_generic
from admission.manifests.nodes import Node, mapping, text
from admission.manifests.reach import Reach, default_reach
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Workload, WorkloadRef

FAMILIES = (
    apps, appwrapper, argo, batch, claims, jobset, knative, kserve, kubeflow, kubevirt, lws, ray, rollouts, spark,
    trainer, volcano,
)  # fmt: skip
_KINDS: Mapping[tuple[str, str, str], Kind] = {
    (kind.group, version, kind.kind): kind for family in FAMILIES for kind in family.KINDS for version in kind.versions
}
# (kind, namespace, name) -> the training runtime that a TrainJob of that namespace names, None where it is not known.
# A ClusterTrainingRuntime stands in no namespace; it is asked for with the TrainJob's.
Runtimes = Callable[[str, str, str], Node | None]
# Where a manifest names no namespace; the API server always does.
DEFAULT_NAMESPACE = "default"
# Kinds of ours that stand in no namespace, (group, kind).
_CLUSTER_SCOPED = frozenset(
    {
        ("argoproj.io", "ClusterWorkflowTemplate"),
        ("serving.kserve.io", "ClusterServingRuntime"),
        (trainer.GROUP, trainer.CLUSTER_RUNTIME),
    }
)
_REASONS_SHOWN = 4
# Objects inside objects inside objects: nobody needs more, and each level is one call deeper here.
_DEEPEST_WRAPPING = 8


def read(
    manifest: object,
    *,
    cluster: str = "",
    namespace: str | None = None,
    reach: Reach | None = None,
    runtimes: Runtimes | None = None,
) -> Workload | None:
    """Read one object.

    Args:
        manifest: the object, as decoded from JSON or YAML.
        cluster: our name of the cluster it stands in.
        namespace: where the API server says it is; without it, what the manifest says, or "default".
        reach: the lists that decide what is an accelerator; those we ship by default.
        runtimes: where training runtimes are looked up; without it none is known.

    Returns:
        The workload; None for objects that start no pods, or are no Kubernetes objects.

    Raises:
        InvalidInput: a negative or impossible number.
    """
    if not isinstance(manifest, dict):
        return None
    _, _, kind = identity(manifest)
    metadata = mapping(manifest, "metadata", [])
    home = namespace if namespace is not None else text(metadata, "namespace") or DEFAULT_NAMESPACE
    look_up = partial(_looked_up, runtimes, home)
    ask = _read(manifest, reach or default_reach(), look_up) if kind else None
    if ask is None:
        return None
    name = text(metadata, "name") or text(metadata, "generateName")
    return _workload(ask, WorkloadRef(cluster, home, kind, name, text(metadata, "uid")))


def expected_pods(owner: object, reach: Reach | None = None) -> int | None:
    """How many pods of its own with accelerators a live owner runs at once: the size of its gang.

    None where nobody can say.

    Raises:
        InvalidInput: a negative number.
    """
    if not isinstance(owner, dict):
        return None
    known = _KINDS.get(identity(owner))
    return known.expected_pods(owner, reach or default_reach()) if known else None


def identity(manifest: Node) -> tuple[str, str, str]:
    """(group, version, kind); the kind is empty where the object is no Kubernetes object."""
    api_version, kind = text(manifest, "apiVersion"), text(manifest, "kind")
    if not api_version or not kind:
        return "", "", ""
    group, slash, version = api_version.partition("/")
    return (group, version, kind) if slash else ("", group, kind)


def is_cluster_scoped(api_version: str, kind: str) -> bool:
    """Whether objects of a kind that we know stand in no namespace."""
    return (api_version.partition("/")[0], kind) in _CLUSTER_SCOPED


def _looked_up(runtimes: Runtimes | None, namespace: str, kind: str, name: str) -> Node | None:
    return runtimes(kind, namespace, name) if runtimes is not None else None


def _read(manifest: Node, reach: Reach, look_up: Lookup, depth: int = 0) -> Ask | None:
    group, version, kind = identity(manifest)
    known = _KINDS.get((group, version, kind))
    if known is None:
        return None if never_starts_pods(group, kind) else read_generic(manifest, reach)
    if known.read_joined is not None:
        return known.read_joined(manifest, reach, look_up)
    ask = known.read(manifest, reach)
    if known.wraps is None:
        return ask
    if depth == _DEEPEST_WRAPPING:
        raise InvalidInput(f"{kind} inside {kind} is nested deeper than {depth} levels.")
    inner = ((declared, _read(each, reach, look_up, depth + 1)) for declared, each in known.wraps(manifest, reach))
    return total([ask, *(declared.or_larger(found or Ask()) for declared, found in inner)])


def _workload(ask: Ask, ref: WorkloadRef) -> Workload:
    """The ask as the domain's value, with its reasons in one line."""
    said = [*ask.reasons, *ask.doubts]
    more = f" and {len(said) - _REASONS_SHOWN} more" if len(said) > _REASONS_SHOWN else ""
    return Workload(
        ref=ref,
        devices=ask.devices,
        claims=ask.claims,
        unsaid=ask.unsaid,
        host_access=ask.host_access,
        unknown=bool(ask.doubts),
        reason="; ".join(said[:_REASONS_SHOWN]) + more,
        runs=ask.runs,
    )
