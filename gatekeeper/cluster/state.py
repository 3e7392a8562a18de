"""What one pass decides on: the cluster at one moment, and the times that an operator chose."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.cluster.inventory import NodeState
from gatekeeper.cluster.namespaces import NamespaceState
from gatekeeper.cluster.pods import PodState


@dataclass(frozen=True, slots=True)
class Times:
    """When the controller does what.

    Attributes:
        resync_s: the longest pause between two passes.
        clearance_s: how long a clearance lasts if nobody renews it; renewed when half of it is over.
        settle_every_s: the shortest piece of a running pod's usage that is worth a record.
        settle_cleared_every_s: the same for pods that run without a reservation: nothing is given back for them, so
            nobody waits for it.
        hearsay_s: how long after we lost sight of the cluster its word that a pod runs may be old: kubelets report
            what happened meanwhile within seconds (they look every 10 s), slow ones within this time.
    """

    resync_s: int = 60
    clearance_s: int = 7 * 86_400
    settle_every_s: int = 300
    settle_cleared_every_s: int = 21_600
    hearsay_s: int = 60


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What the cluster says at one moment: pods by uid, namespaces and nodes by name.

    Attributes:
        departed: pods that are gone, in their last known state; shared, emptied as they are settled.
        in_sight_s: for how long the pods have been followed without a break.
    """

    pods: dict[str, PodState]
    namespaces: dict[str, NamespaceState]
    nodes: dict[str, NodeState]
    departed: dict[str, PodState]
    in_sight_s: float
