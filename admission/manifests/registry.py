"""One registry of kinds: a manifest in, a `Workload` out, or None for what starts no pods."""

from __future__ import annotations

from collections.abc import Mapping

from admission.manifests import apps, appwrapper, argo, batch, claims, knative, kserve, kubeflow, ray, spark
from admission.manifests.asks import Ask, total
from admission.manifests.families import Kind
from admission.manifests.generic import never_starts_pods, read_generic
from admission.manifests.nodes import Node, mapping, text
from admission.manifests.reach import Reach, default_reach
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Workload, WorkloadRef

FAMILIES = (apps, appwrapper, argo, batch, claims, knative, kserve, kubeflow, ray, spark)
_KINDS: Mapping[tuple[str, str, str], Kind] = {
    (kind.group, version, kind.kind): kind for family in FAMILIES for kind in family.KINDS for version in kind.versions
}
# Where a manifest names no namespace; the API server always does.
DEFAULT_NAMESPACE = "default"
_REASONS_SHOWN = 4
# Objects inside objects inside objects: nobody needs more, and each level is one call deeper here.
_DEEPEST_WRAPPING = 8


def read(
    manifest: object, *, cluster: str = "", namespace: str | None = None, reach: Reach | None = None
) -> Workload | None:
    """Read one object.

    Args:
        manifest: the object, as decoded from JSON or YAML.
        cluster: our name of the cluster it stands in.
        namespace: where the API server says it is; without it, what the manifest says, or "default".
        reach: the lists that decide what is an accelerator; those we ship by default.

    Returns:
        The workload; None for objects that start no pods, or are no Kubernetes objects.

    Raises:
        InvalidInput: a negative or impossible number.
    """
    if not isinstance(manifest, dict):
        return None
    _, _, kind = identity(manifest)
    ask = _read(manifest, reach or default_reach()) if kind else None
    if ask is None:
        return None
    metadata = mapping(manifest, "metadata", [])
    home = namespace if namespace is not None else text(metadata, "namespace") or DEFAULT_NAMESPACE
    name = text(metadata, "name") or text(metadata, "generateName")
    return _workload(ask, WorkloadRef(cluster, home, kind, name, text(metadata, "uid")))


def expected_pods(owner: object) -> int | None:
    """How many pods of its own a live owner runs at once: the size of its gang. None where nobody can say.

    Raises:
        InvalidInput: a negative number.
    """
    if not isinstance(owner, dict):
        return None
    known = _KINDS.get(identity(owner))
    return known.expected_pods(owner) if known else None


def identity(manifest: Node) -> tuple[str, str, str]:
    """(group, version, kind); the kind is empty where the object is no Kubernetes object."""
    api_version, kind = text(manifest, "apiVersion"), text(manifest, "kind")
    if not api_version or not kind:
        return "", "", ""
    group, slash, version = api_version.partition("/")
    return (group, version, kind) if slash else ("", group, kind)


def _read(manifest: Node, reach: Reach, depth: int = 0) -> Ask | None:
    group, version, kind = identity(manifest)
    known = _KINDS.get((group, version, kind))
    if known is None:
        return None if never_starts_pods(group, kind) else read_generic(manifest, reach)
    ask = known.read(manifest, reach)
    if known.wraps is None:
        return ask
    if depth == _DEEPEST_WRAPPING:
        raise InvalidInput(f"{kind} inside {kind} is nested deeper than {depth} levels.")
    inner = ((declared, _read(each, reach, depth + 1)) for declared, each in known.wraps(manifest, reach))
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
    )
