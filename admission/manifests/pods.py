"""Pod, and the pod templates inside everything else: a pod's devices by Kubernetes' effective request rule.

Effective request (Kubernetes, "Sidecar containers", resource sharing within containers): the larger of
(a) all containers and restartable init containers together, and (b) each ordinary init container together with the
restartable ones declared before it. A limit counts before a request. Pod-level resources count if they are larger.

`overhead` does not count, here or in the API server's conditions: only a RuntimeClass sets it, a pod that says another
one is refused (Kubernetes, plugin/pkg/admission/runtimeclass), and the kubelet hands no container devices for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from admission.manifests.asks import MOST_KINDS, Ask
from admission.manifests.nodes import Doubts, Node, items, mapping, shown, text
from admission.manifests.reach import Reach
from admission.quantities import device_count
from gatekeeper.belonging import RUN_LABEL
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Count

# Shares of a device: memory, cores and percentages beside the device's own key (HAMi, Volcano, Koordinator, Intel).
# They gate a pod but are not devices. A NeuronCore is one: it is what the Neuron plugin hands out whole.
# Source: Project-HAMi/HAMi examples/*, read 2026-11-21.
_SHARE = re.compile(
    r".*(?:mem|memory|(?<!neuron)cores|vcore|[.-]core|[.-]percentage|-ratio|memory\.max|/priority)", re.I
)

# Of a label's value; one more is enough to be no run's.
LABEL_CHARACTERS_MAX = 64
# Kubernetes: a prefix of 253 characters, a slash, a name of 63.
_LONGEST_KEY = 317

Amounts = dict[str, Count]


@dataclass(slots=True)
class _Findings:
    """What was seen while reading one pod."""

    asks: list[str] = field(default_factory=list)
    access: list[str] = field(default_factory=list)
    doubts: Doubts = field(default_factory=list)
    shares: bool = False
    unsaid: bool = False


def read_pod(manifest: Node, reach: Reach) -> Ask:
    """What a Pod, or anything else with `metadata` and a PodSpec as `spec`, asks for.

    Raises:
        InvalidInput: a negative or impossible quantity, or endlessly many kinds of devices.
    """
    found = _Findings()
    metadata = mapping(manifest, "metadata", found.doubts)
    spec = mapping(manifest, "spec", found.doubts)
    _note_annotations(mapping(metadata, "annotations", found.doubts), reach, found)
    found.access += reach.pod_access(spec, found.doubts)
    devices = _effective(spec, reach, found)
    if len(devices) > MOST_KINDS:
        raise InvalidInput(f"{len(devices):,} kinds of devices are more than any pod asks for.")
    claims = bool(spec.get("resourceClaims"))
    unsaid = found.unsaid or (found.shares and not _names_any(devices))
    if unsaid:
        found.doubts.append("it names no number of devices")
    reasons = [*_device_reasons(devices), *(["DRA resource claims"] if claims else []), *found.asks, *found.access]
    asked = Ask(
        devices=devices,
        claims=claims,
        unsaid=unsaid,
        host_access=bool(found.access),
        reasons=tuple(dict.fromkeys(reasons)),
        doubts=tuple(dict.fromkeys(found.doubts)),
    )
    return replace(asked, runs=(_run_of(metadata),)) if asked.asks else asked


def read_template(parent: Node, reach: Reach, key: str = "template") -> Ask:
    """What one pod of a PodTemplateSpec asks for; nothing where there is no template."""
    doubts: Doubts = []
    return read_pod(mapping(parent, key, doubts), reach).noting(doubts=doubts)


def loose_devices(resources: Node, reach: Reach) -> Ask:
    """What `limits` and `requests` ask for that do not stand in a container: some container will get them."""
    found = _Findings()
    devices = _amounts({"resources": resources}, reach, found)
    return Ask(
        devices=devices,
        unsaid=found.shares and not _names_any(devices),
        reasons=tuple(_device_reasons(devices)) + tuple(found.asks),
        doubts=(*found.doubts, "resources outside a container"),
    )


def _run_of(metadata: Node) -> str:
    """The run that a pod names by label; "" where it names none. Cut: a manifest in a file is bounded by nobody."""
    return str(mapping(metadata, "labels", []).get(RUN_LABEL) or "")[:LABEL_CHARACTERS_MAX]


def _note_annotations(annotations: Node, reach: Reach, found: _Findings) -> None:
    seen = list(reach.device_annotations(annotations))
    found.asks += seen
    found.unsaid = found.unsaid or bool(seen)


def _effective(spec: Node, reach: Reach, found: _Findings) -> Amounts:
    """The pod's devices by the effective request rule."""
    together: Amounts = {}
    highest: Amounts = {}
    for container in items(spec, "initContainers", found.doubts):
        own = _container(container, reach, found)
        if text(container, "restartPolicy") == "Always":
            together = _sum(together, own)
        else:
            highest = _larger(highest, _sum(together, own))
    for container in items(spec, "containers", found.doubts):
        together = _sum(together, _container(container, reach, found))
    return _larger(_larger(together, highest), _amounts(spec, reach, found))


def _container(container: Node, reach: Reach, found: _Findings) -> Amounts:
    """One container's devices; notes what else in it asks for or reaches a device."""
    if injected := list(reach.device_environment(container, found.doubts)):
        found.asks += injected
        found.unsaid = True
    found.access += reach.container_access(container, found.doubts)
    return _amounts(container, reach, found)


def _amounts(holder: Node, reach: Reach, found: _Findings) -> Amounts:
    """The device keys under `resources`: limits first, else requests."""
    resources = mapping(holder, "resources", found.doubts)
    quantities: dict[str, object] = dict(mapping(resources, "requests", found.doubts))
    quantities.update(mapping(resources, "limits", found.doubts))
    devices: Amounts = {}
    for key, quantity in quantities.items():
        if not isinstance(key, str) or not reach.is_device(key):
            continue
        if _is_share(key):
            found.shares = True
            found.asks.append(f"a share of a device ({shown(key)})")
            continue
        amount = device_count(quantity)
        if not amount.exact:
            found.doubts.append(f"{shown(key)}: {shown(quantity)} is not a whole number")
        devices[key] = Count(amount.count, amount.count if amount.exact else None)
    return devices


def _names_any(devices: Amounts) -> bool:
    """Whether a number of devices is named: a 0 beside a share of a device is none."""
    return any(each.least for each in devices.values())


def _is_share(key: str) -> bool:
    """Whether a key counts memory, cores or another part of a device rather than devices."""
    return len(key) <= _LONGEST_KEY and _SHARE.fullmatch(key) is not None


def _sum(one: Mapping[str, Count], other: Mapping[str, Count]) -> Amounts:
    """Key by key, added."""
    if not one or not other:
        return dict(one or other)
    return dict((Ask(devices=one) + Ask(devices=other)).devices)


def _larger(one: Mapping[str, Count], other: Mapping[str, Count]) -> Amounts:
    """Key by key, the larger."""
    if not one or not other:
        return dict(one or other)
    return dict(Ask(devices=one).or_larger(Ask(devices=other)).devices)


def _device_reasons(devices: Mapping[str, Count]) -> Iterable[str]:
    return (f"asks for {shown(key)}" for key in devices)
