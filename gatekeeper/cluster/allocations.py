"""What pods were given by their DRA claims, read once each and remembered as long as the pod is.

It is read as soon as a pod has started: afterwards its owner can delete the claim, or make another of its name. What
the API server once said stands. A restart forgets it, and then the claim is read anew or the worst case holds, as it
does wherever anything is not known: of part of a pod's claims, of a driver, of a device. Nothing is asked in clusters
without claims.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import structlog

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.claims import NVIDIA, Allocation, Handle, PodClaims, allocation_of
from gatekeeper.cluster.inventory import NodeState
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.slices import Published, published
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import GatekeeperError, NotFound

_log = structlog.get_logger(__name__)
PATH = "/apis/resource.k8s.io/v1"
# A pass reads claims for no longer than this; who is not reached waits for the next one.
READ_S = 20.0


@dataclass(frozen=True, slots=True)
class Given:
    """The devices that a pod has by its claims.

    Attributes:
        devices: key, as a device plugin would call it -> how many.
        products: key -> product; of several the fastest.
        implicit: how many of them serve resource keys of the pod.
        exclusive: no other pod was given any of them.
    """

    devices: Mapping[str, int]
    products: Mapping[str, str]
    implicit: int
    exclusive: bool

    def beside(self, reserved: Mapping[str, int], served: Collection[str]) -> dict[str, int] | None:
        """All devices of a pod, where claims serve some of the keys for which was reserved; None where that does not
        add up."""
        others = {key: count for key, count in reserved.items() if key not in served}
        if sum(reserved.values()) - sum(others.values()) > self.implicit or others.keys() & self.devices.keys():
            return None
        return {**others, **self.devices}


class Allocations:
    """Remembers what was allocated to pods with claims."""

    def __init__(self, api: Api, catalogue: Catalogue) -> None:
        self._api, self._catalogue = api, catalogue
        self._claimed: dict[str, dict[str, Allocation] | None] = {}
        self._given: dict[str, Given | None] = {}
        self._looked: set[str] = set()
        self._told: set[str] = set()

    def has_looked(self, pod: PodState) -> bool:
        """Whether anybody has tried to find out what the pod was given."""
        return pod.claims is None or pod.uid in self._looked

    def of(self, pod: PodState) -> Given | None:
        """What the pod was given by its claims; None where nobody can tell."""
        return self._given.get(pod.uid)

    def learn(self, pods: Iterable[PodState], nodes: Mapping[str, NodeState]) -> None:
        """Find out what these pods were given, of whom it is not known yet. Where the API server does not answer, they
        count at the worst case until somebody asks again."""
        slices: dict[str, dict[Handle, Published]] = {}
        ends = time.monotonic() + READ_S
        silent = False
        for pod in pods:
            if pod.claims is None or pod.started_at is None or pod.uid in self._given:
                continue
            if time.monotonic() >= ends:
                return
            self._looked.add(pod.uid)
            if silent:
                continue
            try:
                self._learn(pod, pod.claims, nodes.get(pod.node), slices)
            except GatekeeperError as error:
                silent = True
                self._tell(type(error).__name__, str(error))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                # One odd object must not keep all other pods from being looked at.
                self._given[pod.uid] = None
                self._tell(type(error).__name__, repr(error))

    def keep(self, uids: Collection[str]) -> None:
        """Forget all pods but these."""
        for gone in self._looked - set(uids):
            self._looked.discard(gone)
            self._claimed.pop(gone, None)
            self._given.pop(gone, None)

    def _learn(
        self, pod: PodState, claims: PodClaims, node: NodeState | None, slices: dict[str, dict[Handle, Published]]
    ) -> None:
        if pod.uid not in self._claimed:
            self._claimed[pod.uid] = self._read(pod, claims)
        claimed = self._claimed[pod.uid]
        if claimed is None:
            self._given[pod.uid] = None
            return
        if node is None:
            return
        if node.name not in slices:
            found, _ = self._api.list_all(f"{PATH}/resourceslices", fieldSelector=f"spec.nodeName={node.name}")
            slices[node.name] = published(found, node.name)
        of_node = slices[node.name]
        handles = frozenset[Handle]().union(*(each.handles for each in claimed.values()))
        if not handles <= of_node.keys():
            return  # A driver that starts anew takes its slices away meanwhile.
        self._given[pod.uid] = self._summed(handles, of_node, claimed, claims, node)

    def _read(self, pod: PodState, claims: PodClaims) -> dict[str, Allocation] | None:
        """What each claim gave; None where that of any cannot be known, and never will be."""
        if not claims.complete or claims.scheduled_at is None or pod.started_at is None:
            return None
        began_at = min(claims.scheduled_at, pod.started_at)
        namespace = quote(pod.workload.ref.namespace, safe="")
        found: dict[str, Allocation] = {}
        for name in claims.names:
            try:
                claim = self._api.get(f"{PATH}/namespaces/{namespace}/resourceclaims/{quote(name, safe='')}")
            except NotFound as error:
                self._tell("NotFound", str(error))
                return None
            allocation = allocation_of(claim, pod.uid, began_at=began_at)
            if allocation is None:
                return None
            found[name] = allocation
        return found

    def _summed(
        self,
        handles: Collection[Handle],
        of_node: Mapping[Handle, Published],
        claimed: Mapping[str, Allocation],
        claims: PodClaims,
        node: NodeState,
    ) -> Given | None:
        devices = [of_node[handle] for handle in handles]
        if any(each.partitioned or not each.product for each in devices):
            return None
        products: dict[str, str] = {}
        for each in devices:
            products[each.key] = self._fastest(each.key, products.get(each.key, ""), each.product, node.provider_says)
        return Given(
            devices=Counter(each.key for each in devices),
            products=products,
            implicit=len(claimed[claims.implicit].handles) if claims.implicit else 0,
            exclusive=all(each.exclusive for each in claimed.values()) and not any(each.shared for each in devices),
        )

    def _fastest(self, key: str, *products: str) -> str:
        said = [each for each in products if each]
        return max(said, key=lambda product: self._catalogue.find_or_largest(product, key).worst_tflop_per_s)

    def _tell(self, kind: str, error: str) -> None:
        """Once for each kind of failure: a cluster that refuses to tell does so for every pod."""
        if kind not in self._told:
            self._told.add(kind)
            _log.warning("claims_not_read", error=error[:500], driver=NVIDIA, meanwhile="they count as the worst case")
