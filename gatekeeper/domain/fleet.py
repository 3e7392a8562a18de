"""The accelerators of one cluster, as its nodes advertise them, and the worst rate that a request can reach on them.

Product names come from labels that only the provider's node software writes. A tenant's node selector is not
read here: the worst case is the fastest chip that offers the resource at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Workload

# Where a cluster has shown no accelerator node yet: as many devices as the largest node on the market has
# (16 in an HGX/DGX-2 class machine and in AWS trn2.48xlarge).
DEVICES_PER_UNKNOWN_NODE = 16


@dataclass(frozen=True, slots=True)
class NodeOffer:
    """What one node advertises: `count` devices under a resource key, of a product (empty where no label says)."""

    node: str
    resource: str
    product: str
    count: int

    def __post_init__(self) -> None:
        if not self.node or not self.resource or self.count < 0:
            raise InvalidInput(f"A node offer needs a node, a resource and a count of at least 0: {self}.")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Worst rates of a cluster, worked out once from what its nodes offer."""

    catalogue: Catalogue
    worst_by_resource_tflop_per_s: Mapping[str, int]
    worst_node_tflop_per_s: int

    @classmethod
    def of(cls, catalogue: Catalogue, offers: Iterable[NodeOffer]) -> Fleet:
        """Collect the offers of all nodes."""
        worst: dict[str, int] = {}
        per_node: dict[str, int] = {}
        for offer in offers:
            rate = catalogue.find_or_largest(offer.product, offer.resource).worst_tflop_per_s
            worst[offer.resource] = max(worst.get(offer.resource, 0), rate)
            per_node[offer.node] = per_node.get(offer.node, 0) + rate * offer.count
        # Nodes that advertise nothing at the moment (a device plugin that restarts) must not make a claim cost nothing.
        worst_node = max(per_node.values(), default=0)
        fleet = cls(catalogue, worst, worst_node)
        return fleet if worst_node else replace(fleet, worst_node_tflop_per_s=fleet.unknown_node_tflop_per_s)

    def device_rate_tflop_per_s(self, resource: str) -> int:
        """The worst rate of one device under a key; a key that no node offers counts as the largest chip."""
        known = self.worst_by_resource_tflop_per_s.get(resource)
        return known or self.catalogue.find_or_largest("", resource).worst_tflop_per_s

    def rate_tflop_per_s(self, workload: Workload) -> int:
        """The worst rate of a whole workload as it starts; 0 for one that asks for nothing.

        What asks without a number (environment variables, placeholders) counts as a whole node. A claim counts as the
        largest node on the market: what drivers offer to claims stands in no node's capacity. A quantity of 0 counts
        as one device: the pod starts where devices are.
        """
        rate = sum(self.device_rate_tflop_per_s(key) * count.least for key, count in workload.devices.items())
        if workload.claims:
            rate += max(self.worst_node_tflop_per_s, self.unknown_node_tflop_per_s)
        elif workload.unsaid or (workload.unknown and workload.asks):
            rate += self.worst_node_tflop_per_s
        if rate == 0 and workload.ref.kind == "Pod" and workload.devices:
            rate = max(self.device_rate_tflop_per_s(key) for key in workload.devices)
        return rate

    @property
    def unknown_node_tflop_per_s(self) -> int:
        """The worst rate of a node that nobody has described."""
        return DEVICES_PER_UNKNOWN_NODE * self.catalogue.largest.worst_tflop_per_s
