"""The nodes of the cluster: which accelerators they offer, and the mark that keeps other pods away from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from kubernetes.utils.quantity import parse_quantity

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.names import ACCELERATOR_NODE, PRODUCT
from gatekeeper.cluster.products import product_of
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.fleet import Fleet, NodeOffer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node: what it offers under accelerator keys, whether it carries our mark, and whether it is heard of (its
    condition Ready, which its own kubelet says or Kubernetes takes back).

    Attributes:
        provider_says: the product that the provider, not the node, says it has; empty where it says nothing.
    """

    name: str
    offers: tuple[NodeOffer, ...]
    marked: bool
    ready: bool
    provider_says: str = ""

    def product(self, resource: str) -> str:
        """The product behind a resource key; empty where nobody says, or the node does not offer the key."""
        return next((offer.product for offer in self.offers if offer.resource == resource), "")


def node_keeper(is_accelerator: Callable[[str], bool], catalogue: Catalogue) -> Callable[[Json], NodeState | None]:
    """What an informer of nodes keeps: all of them, since a node becomes an accelerator node when its plugin starts.

    A key with a capacity of 0 counts: the devices are there, and only their plugin is not.
    """

    def keep(node: Json) -> NodeState:
        name = node["metadata"]["name"]
        labels = node["metadata"].get("labels") or {}
        capacity = (node.get("status") or {}).get("capacity") or {}
        offers = tuple(
            NodeOffer(name, key, product_of(labels, key, catalogue), _count(quantity))
            for key, quantity in sorted(capacity.items())
            if is_accelerator(key)
        )
        conditions = (node.get("status") or {}).get("conditions") or ()
        ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
        marked = labels.get(ACCELERATOR_NODE) == "true"
        return NodeState(name, offers, marked, ready, provider_says=labels.get(PRODUCT) or "")

    return keep


def fleet_of(catalogue: Catalogue, nodes: Iterable[NodeState]) -> Fleet:
    """The fleet that the nodes make."""
    return Fleet.of(catalogue, (offer for node in nodes for offer in node.offers))


def mark_accelerator_node(api: Api, node: NodeState) -> None:
    """Put our mark on a node."""
    path = f"/api/v1/nodes/{quote(node.name, safe='')}"
    api.merge_patch(path, {"metadata": {"labels": {ACCELERATOR_NODE: "true"}}})
    _log.info("accelerator_node_marked", node=node.name)


def _count(quantity: object) -> int:
    """Devices in a quantity such as 8 or 1k; one that cannot be read still is an offer, so it counts as one."""
    try:
        return max(0, int(parse_quantity(quantity)))
    except ValueError:
        return 1
