"""KubeVirt: virtual machines, whose launcher pod gets the devices that the machine names.

Each entry of `gpus` and `hostDevices` is one device of the resource in its `deviceName`, on top of what the machine's
own `resources` say, or a DRA claim in its `claimName`. A machine that is halted counts as if it were started. What an
instance type adds stands in another object; instance types and presets start nothing, and are read like kinds that
nobody knows (kubevirt/kubevirt staging/src/kubevirt.io/api/core/v1, and its examples, read 2026-11-22).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from admission.manifests.asks import Ask, Times
from admission.manifests.families import Kind
from admission.manifests.nodes import Doubts, Node, items, mapping, text, whole
from admission.manifests.pods import read_pod
from admission.manifests.reach import Reach

# Lists of devices that come from the host. Others have come and gone (`qats`): any list with device names is read.
_HOLDERS = ("gpus", "hostDevices")


def read_instance(manifest: Node, reach: Reach) -> Ask:
    """A VirtualMachineInstance, or a template of one: the pod that KubeVirt launches it in."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    domain = mapping(spec, "domain", doubts)
    passed = list(_passed_through(mapping(domain, "devices", doubts), doubts))
    claims = [each["claimName"] for each in passed if each.get("claimName")]
    # One container each, so that what the machine names twice is added up.
    pod: dict[str, Any] = {
        "containers": [
            {"resources": mapping(domain, "resources", doubts)},
            {"resources": {"limits": _counted(passed, doubts)}},
        ],
        "resourceClaims": [*items(spec, "resourceClaims", doubts), *({"name": each} for each in claims)],
        "tolerations": list(items(spec, "tolerations", doubts)),
        "volumes": [{"hostPath": {}} for each in items(spec, "volumes", doubts) if each.get("hostDisk") is not None],
    }
    return read_pod({"metadata": mapping(manifest, "metadata", doubts), "spec": pod}, reach).noting(doubts=doubts)


def _passed_through(devices: Node, doubts: Doubts) -> Iterator[Node]:
    """Devices of the host that a machine is given, whatever the list is called."""
    for key, value in devices.items():
        if key in _HOLDERS or (isinstance(value, list) and any(_names_device(each) for each in value)):
            yield from items(devices, key, doubts)


def _names_device(entry: object) -> bool:
    return isinstance(entry, Mapping) and bool(entry.get("deviceName"))


def _counted(passed: list[Node], doubts: Doubts) -> dict[str, int]:
    """How often each device is named; an entry that names neither device nor claim may be any."""
    names = [text(each, "deviceName") for each in passed if not each.get("claimName")]
    if not all("/" in name for name in names):
        doubts.append("a device of a machine names no resource")
    return dict(Counter(names))


def read_machine(manifest: Node, reach: Reach) -> Ask:
    """A VirtualMachine: one instance, whether or not it runs now."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    ask = read_instance(mapping(spec, "template", doubts), reach)
    # Claims of the machine itself outlive its instances.
    if list(items(spec, "resourceClaimTemplates", doubts)):
        ask += Ask(claims=True, reasons=("DRA resource claims",))
    if spec.get("instancetype") is not None:
        doubts.append("what its instance type adds stands in another object")
        ask = ask.without_ceiling()
    return ask.noting(doubts=doubts)


def read_replica_set(manifest: Node, reach: Reach) -> Ask:
    """replicas x instance."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    replicas = Times.exactly(whole(spec, "replicas", 1, doubts))
    return read_instance(mapping(spec, "template", doubts), reach).times(replicas).noting(doubts=doubts)


def read_pool(manifest: Node, reach: Reach) -> Ask:
    """replicas x machine."""
    doubts: Doubts = []
    spec = mapping(manifest, "spec", doubts)
    replicas = Times.exactly(whole(spec, "replicas", 1, doubts))
    machine = read_machine(mapping(spec, "virtualMachineTemplate", doubts), reach)
    return machine.times(replicas).noting(doubts=doubts)


_CORE = frozenset({"v1", "v1alpha3"})
KINDS = (
    Kind("kubevirt.io", _CORE, "VirtualMachineInstance", read_instance),
    Kind("kubevirt.io", _CORE, "VirtualMachine", read_machine),
    Kind("kubevirt.io", _CORE, "VirtualMachineInstanceReplicaSet", read_replica_set),
    Kind("pool.kubevirt.io", frozenset({"v1beta1", "v1alpha1"}), "VirtualMachinePool", read_pool),
)
