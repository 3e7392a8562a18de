"""The nodes of the cluster: which accelerators they offer, and the mark that keeps other pods away from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.names import ACCELERATOR_NODE
from gatekeeper.cluster.pods import product_of
from gatekeeper.domain.accelerators import Catalogue
from gatekeeper.domain.fleet import Fleet, NodeOffer

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node: its product name, what it offers under accelerator keys, and whether it carries our mark."""

    name: str
    product: str
    offers: tuple[NodeOffer, ...]
    marked: bool


def node_keeper(is_accelerator: Callable[[str], bool]) -> Callable[[Json], NodeState | None]:
    """What an informer of nodes keeps: all of them, since a node becomes an accelerator node when its plugin starts."""

    def keep(node: Json) -> NodeState:
        name = node["metadata"]["name"]
        labels = node["metadata"].get("labels") or {}
        product = product_of(labels)
        capacity = (node.get("status") or {}).get("capacity") or {}
        offers = tuple(
            NodeOffer(name, key, product, int(count))
            for key, count in sorted(capacity.items())
            if is_accelerator(key) and str(count).isdigit()
        )
        return NodeState(name, product, offers, labels.get(ACCELERATOR_NODE) == "true")

    return keep


def fleet_of(catalogue: Catalogue, nodes: Iterable[NodeState]) -> Fleet:
    """The fleet that the nodes make."""
    return Fleet.of(catalogue, (offer for node in nodes for offer in node.offers))


def mark_accelerator_nodes(api: Api, nodes: Iterable[NodeState]) -> list[str]:
    """Put our mark on every accelerator node that lacks it; returns the names of those newly marked."""
    fresh = [node.name for node in nodes if node.offers and not node.marked]
    for name in fresh:
        api.merge_patch(f"/api/v1/nodes/{quote(name, safe='')}", {"metadata": {"labels": {ACCELERATOR_NODE: "true"}}})
        _log.info("accelerator_node_marked", node=name)
    return fresh
