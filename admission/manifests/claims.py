"""Dynamic resource allocation: ResourceClaim, and ResourceClaimTemplate, from which each pod gets a claim of its own.

A claim asks by device class; what devices a class has stands in the cluster. The key is the one that KEP-5004 gives a
class as an extended resource, so that both ways to ask have one name. Shapes: k8s.io/api/resource v1alpha2, v1alpha3,
v1beta1, v1beta2 and v1 (types.go, read 2026-11-22): from v1beta2 on, a request stands one level deeper under `exactly`.
"""

from __future__ import annotations

from collections.abc import Iterator

from admission.manifests.asks import Ask, Times, total
from admission.manifests.families import TEMPLATE_ONLY, Kind
from admission.manifests.nodes import Doubts, Node, is_set, items, mapping, shown, text, whole
from admission.manifests.reach import Reach
from admission.quantities import DeviceCount
from gatekeeper.domain.workload import Count

CLASS_PREFIX = "deviceclass.resource.kubernetes.io/"
_LONGEST_NAME = 253


def read_claim(manifest: Node, _: Reach) -> Ask:
    """What a claim takes once a pod uses it."""
    doubts: Doubts = []
    return _claim(mapping(manifest, "spec", doubts)).noting(doubts=doubts)


def read_claim_template(manifest: Node, _: Reach) -> Ask:
    """What each claim made from a template takes."""
    doubts: Doubts = []
    inner = mapping(mapping(manifest, "spec", doubts), "spec", doubts)
    return _claim(inner).noting(reasons=[TEMPLATE_ONLY], doubts=doubts)


def _claim(spec: Node) -> Ask:
    doubts: Doubts = []
    requests = list(items(mapping(spec, "devices", doubts), "requests", doubts))
    asks = [_request(each) for each in requests]
    if "resourceClassName" in spec:  # v1alpha2: a driver decides what a claim of this class is
        asks.append(_devices(text(spec, "resourceClassName"), Times(1, None)))
        doubts.append("a resource class says no number of devices")
    if not asks:
        doubts.append("a claim without requests")
    return Ask(claims=True, doubts=tuple(doubts)) + total(asks)


def _request(request: Node) -> Ask:
    """One request: exactly one shape, or the largest of its alternatives."""
    doubts: Doubts = []
    shapes = list(_shapes(request, doubts))
    found = Ask(doubts=tuple(doubts))
    for each in shapes:
        found = found.or_larger(_exact(each))
    return found


def _shapes(request: Node, doubts: Doubts) -> Iterator[Node]:
    """The alternatives of a request."""
    alternatives = list(items(request, "firstAvailable", doubts))
    yield from alternatives
    if "exactly" in request:
        yield mapping(request, "exactly", doubts)
    elif not alternatives or "deviceClassName" in request:
        yield request


def _exact(shape: Node) -> Ask:
    doubts: Doubts = []
    reasons = ["admin access to devices of others"] if is_set(shape, "adminAccess") else []
    mode = shape.get("allocationMode")
    if mode == "All":
        copies = Times(1, None)
        reasons.append("all devices of a class")
    elif mode in {None, "", "ExactCount"}:
        copies = Times.exactly(whole(shape, "count", 1, doubts))
    else:
        doubts.append(f"allocation mode {shown(mode)} is not known")
        copies = Times(1, None)
    return _devices(text(shape, "deviceClassName"), copies).noting(reasons=reasons, doubts=doubts)


def claimed_devices(device_class: str, wanted: DeviceCount) -> Ask:
    """A claim for so many devices of a class that a controller makes for a pod."""
    copies = Times(wanted.count, wanted.count if wanted.exact else None)
    doubts = () if wanted.exact else ("how many devices are claimed is not a number",)
    return _devices(device_class, copies).noting(doubts=doubts)


def _devices(device_class: str, copies: Times) -> Ask:
    known = bool(device_class) and len(device_class) <= _LONGEST_NAME
    key = CLASS_PREFIX + (device_class if known else "unknown")
    doubts = () if known else ("a request names no device class",)
    reason = f"claims devices of class {shown(device_class)}" if known else "claims devices"
    return Ask(devices={key: Count(1, 1)}, claims=True, reasons=(reason,), doubts=doubts).times(copies)


_VERSIONS = frozenset({"v1", "v1beta1", "v1beta2", "v1alpha2", "v1alpha3"})
KINDS = (
    Kind("resource.k8s.io", _VERSIONS, "ResourceClaim", read_claim),
    Kind("resource.k8s.io", _VERSIONS, "ResourceClaimTemplate", read_claim_template),
)
