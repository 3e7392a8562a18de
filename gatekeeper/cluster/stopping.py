"""Step 5 of a pass: what may not go on is stopped, and the quota that refuses new requests is set or lifted."""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.names import STOP_QUOTA
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.state import ClusterState
from gatekeeper.cluster.stop import delete_pod, lift_stop_quota, set_stop_quota, suspend_owners
from gatekeeper.cluster.tell import Teller
from gatekeeper.domain.deciding import verdict_on_stranger, verdict_on_unreserved
from gatekeeper.domain.decision import Decision
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.gate import Gate
from gatekeeper.ports import Stores

_log = structlog.get_logger(__name__)
# Named in the stop quota besides what the nodes offer: a cluster may hold no node of it yet.
ALWAYS_STOPPED = "nvidia.com/gpu"
# How long a suspended owner may take to delete its pods before we do it.
OWNER_DELETES_WITHIN_S = 3.0


class Stopping:
    """Stops pods, and customers by their namespaces."""

    def __init__(
        self, *, cluster: str, api: Api, gate: Gate, stores: Stores, teller: Teller, attempts: Attempts
    ) -> None:
        self._cluster = cluster
        self._api, self._gate, self._stores, self._teller, self._attempts = api, gate, stores, teller, attempts
        self._quotas: set[str] | None = None
        self._static: set[str] = set()
        self._left_at: dict[str, float] = {}

    def run(self, state: ClusterState, cleared: set[str]) -> set[str]:
        """Stop what may not go on; returns the namespaces in which nothing may start."""
        booked = self._stores.read(lambda reader: reader.booked_until())
        # What is only metered holds nothing: that is no permission to run.
        held = {uid for uid, (it, _) in booked.items() if it is ReservationState.PENDING}
        decisions = {name: self._gate.must_stop(name) for name in state.namespaces if name not in cleared}
        blocked = {name for name, decision in decisions.items() if decision is not None}
        self._left_at = {uid: at for uid, at in self._left_at.items() if uid in state.pods}

        def act(pod: PodState) -> None:
            decision = decisions[pod.workload.ref.namespace]
            if decision is None and pod.uid not in held and not pod.gated:
                decision = verdict_on_unreserved(pod.workload)
            if decision is not None:
                self._stop(pod, decision)

        bound = self._bound()
        self._attempts.each("stop", _stoppable(state, cleared, held), act)
        self._attempts.each("stop", _strangers(state, bound - cleared), self._stop_stranger)
        self._keep_quotas(state, blocked & bound)
        return blocked

    def _bound(self) -> set[str]:
        """The namespaces of customers; all others may be the provider's own."""
        bindings = self._stores.read(lambda reader: reader.bindings())
        return {each.namespace for each in bindings if each.cluster == self._cluster}

    def _stop_stranger(self, pod: PodState) -> None:
        self._stop(pod, verdict_on_stranger(pod.workload, pod.node), with_owner=False)

    def _stop(self, pod: PodState, decision: Decision, *, with_owner: bool = True) -> None:
        if self._attempts.is_stale(pod.uid, pod.resource_version) or pod.static_hash in self._static:
            return
        if self._is_left_to_its_owner(pod, decision, with_owner=with_owner):
            self._attempts.again = True
            return
        delete_pod(self._api, pod)
        self._left_at.pop(pod.uid, None)
        self._attempts.changed(pod.uid, pod.resource_version)
        if pod.static_hash:
            # The node makes the object of a static pod again and again: it can be stopped on the node only.
            self._static.add(pod.static_hash)
            _log.warning("static_pod_runs_on", pod=str(pod.workload.ref), node=pod.node)

    def _is_left_to_its_owner(self, pod: PodState, decision: Decision, *, with_owner: bool) -> bool:
        """Record the stop and suspend the owner, which then deletes its pods itself, if it does so within its time.

        A pod that somebody else deletes counts as failed: a Job could use up its backoffLimit by being stopped, and
        could not go on when the stop is lifted.
        """
        now, left_at = time.monotonic(), self._left_at.get(pod.uid)
        if left_at is not None:
            return now - left_at < OWNER_DELETES_WITHIN_S
        self._gate.record_stop(pod.workload, decision)
        self._teller.tell(pod.workload.ref, "Stopped", decision.sentence)
        owner = pod.owner if with_owner else None
        if owner is not None and suspend_owners(self._api, owner, pod.workload.ref.namespace):
            self._left_at[pod.uid] = now
            return True
        return False

    def _keep_quotas(self, state: ClusterState, blocked: set[str]) -> None:
        if self._quotas is None:
            found, _ = self._api.list_all("/api/v1/resourcequotas", fieldSelector=f"metadata.name={STOP_QUOTA}")
            self._quotas = {each["metadata"]["namespace"] for each in found}
        self._quotas &= state.namespaces.keys()
        wanted = {name for name in blocked if not state.namespaces[name].deleting}
        offered = {offer.resource for node in state.nodes.values() for offer in node.offers} | {ALWAYS_STOPPED}
        self._attempts.each("set quota", wanted - self._quotas, lambda name: self._set_quota(name, offered))
        self._attempts.each("lift quota", self._quotas - wanted, self._lift_quota)

    def _set_quota(self, namespace: str, resources: Iterable[str]) -> None:
        assert self._quotas is not None
        set_stop_quota(self._api, namespace, resources)
        self._quotas.add(namespace)

    def _lift_quota(self, namespace: str) -> None:
        assert self._quotas is not None
        lift_stop_quota(self._api, namespace)
        self._quotas.discard(namespace)


def _stoppable(state: ClusterState, cleared: set[str], held: set[str]) -> list[PodState]:
    """Pods outside cleared namespaces that hold accelerators or a reservation, and have not ended."""
    return [
        pod
        for pod in state.pods.values()
        if pod.workload.asks
        and pod.workload.ref.namespace in state.namespaces
        and pod.workload.ref.namespace not in cleared
        and not pod.deleting
        and not pod.ended
        and (not pod.gated or pod.uid in held)
    ]


def _strangers(state: ClusterState, namespaces: set[str]) -> list[PodState]:
    """Running pods of customers that could reach the accelerators of their node without having asked for any.

    The gate sends such pods elsewhere. These started before it was there, under a clearance, or on a node that got its
    accelerators later.
    """
    accelerated = {node.name for node in state.nodes.values() if node.offers}
    return [
        pod
        for pod in state.pods.values()
        if pod.node in accelerated
        and not pod.workload.asks
        and pod.workload.host_access
        and pod.workload.ref.namespace in namespaces
        and not pod.deleting
        and not pod.ended
    ]
