"""Which product stands behind a resource key of a node, by the node's labels.

Whom a label binds: tenants cannot write labels of nodes at all. A node's own kubelet can write all of those that
vendors and clouds use; under node-restriction.kubernetes.io it cannot (NodeRestriction admission). So `PRODUCT` there
is the provider's own word, and everything else is what the node says of itself. The largest of all that is said counts:
once its provider has named it, a node that lies can only make its devices dearer. A name of the node that nobody knows
says nothing beside a provider's that somebody does: else no provider could say what a new name means. A label speaks
only for the keys of its own vendor; of devices under any other key nobody says anything, and they count as the largest
chip that a device plugin hands out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.cluster.names import PRODUCT
from gatekeeper.domain.accelerators import vendor_of
from gatekeeper.domain.catalogue import Catalogue

Labels = Mapping[str, object]

# Vendor of the key -> labels whose value is a product name. The first of a vendor knows most (parts too).
_LABELS: Mapping[str, tuple[str, ...]] = {
    "nvidia": ("nvidia.com/gpu.product", "cloud.google.com/gke-accelerator", "karpenter.k8s.aws/instance-gpu-name"),
    "amd": ("karpenter.k8s.aws/instance-gpu-name",),
    "google": ("cloud.google.com/gke-tpu-accelerator",),
    "aws": ("karpenter.k8s.aws/instance-accelerator-name",),
    "intel": ("karpenter.k8s.aws/instance-accelerator-name",),
    "huawei": ("node.kubernetes.io/npu.chip.name",),
}
# Names machines, most of them without accelerators: it speaks only where the catalogue knows it.
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_GKE_SLICE = "cloud.google.com/gke-gpu-partition-size"
# AMD's node labeller puts the value into the label or into its key, where the label's value is a count; older ones only
# into the key, under beta.amd.com.
_AMD_PRODUCT = ("amd.com/gpu.product-name", "beta.amd.com/gpu.product-name")
_AMD_ID = ("amd.com/gpu.device-id", "beta.amd.com/gpu.device-id")
_AMD_MODE = ("amd.com/compute-memory-partition", "beta.amd.com/compute-memory-partition")


def product_of(labels: Labels, resource: str, catalogue: Catalogue) -> str:
    """The product behind a resource key; empty where nothing says, which counts as the largest chip.

    Where labels name different chips, or one that nobody knows, the one with the higher worst rate; of labels that
    name the same chip the first, which may speak of a part of it. What the provider says of a part is the least.
    """
    said = [*_said(labels, resource, catalogue)]
    ours = str(labels.get(PRODUCT) or "")
    if catalogue.find(ours, resource) is not None:
        said = [each for each in said if catalogue.find(each, resource) is not None]
    if not said and not ours:
        # A key such as huawei.com/Ascend910B4 is a name itself.
        tail = resource.rpartition("/")[2]
        return tail if catalogue.find(tail, resource) is not None else ""

    def chip_rate(name: str) -> int:
        return catalogue.find_or_largest(name, resource).chip.worst_tflop_per_s

    def device_rate(name: str) -> int:
        return catalogue.find_or_largest(name, resource).worst_tflop_per_s

    of_itself = [max(said, key=chip_rate)] if said else []
    return max([*of_itself, *([ours] if ours else [])], key=device_rate)


def _said(labels: Labels, resource: str, catalogue: Catalogue) -> Iterator[str]:
    """All product names that the node gives for a key of its own."""
    vendor = vendor_of(resource)
    if vendor == "amd":
        yield from _amd(labels)
    for label in _LABELS.get(vendor, ()):
        if value := str(labels.get(label) or ""):
            slice_ = labels.get(_GKE_SLICE) if label == "cloud.google.com/gke-accelerator" else None
            yield f"{value}-MIG-{slice_}" if slice_ else value
    instance_type = str(labels.get(_INSTANCE_TYPE) or "")
    if vendor == "aws" and catalogue.find(instance_type, resource) is not None:
        yield instance_type


def _amd(labels: Labels) -> Iterator[str]:
    """AMD's names and device ids, each with the partition mode where all chips of the node are in one."""
    modes = set(_values(labels, _AMD_MODE))
    mode = f"-{modes.pop()}" if len(modes) == 1 else ""
    for value in (*_values(labels, _AMD_PRODUCT), *_values(labels, _AMD_ID)):
        yield value + mode


def _values(labels: Labels, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if value := str(labels.get(name) or ""):
            yield value
        yield from (key.removeprefix(f"{name}.") for key in labels if key.startswith(f"{name}."))
