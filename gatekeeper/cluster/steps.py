"""One pass over the cluster: settle, clear, stop, release, in this order.

It begins with what is certain (ended and departed pods), then takes away (clearances, running work), and only then
gives (releases). Every step writes its record before its effect, and is safe to repeat and to interrupt at any line:
what was cut off, the next pass finds in the ledger and in the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.gangs import GangSizes, gang_owner, group
from gatekeeper.cluster.inventory import NodeState, mark_accelerator_nodes
from gatekeeper.cluster.names import STOP_QUOTA
from gatekeeper.cluster.namespaces import NamespaceState, write_clearance
from gatekeeper.cluster.pods import Owner, PodState
from gatekeeper.cluster.release import release, release_away, release_freely
from gatekeeper.cluster.stop import lift_stop_quota, set_stop_quota, stop_pod
from gatekeeper.cluster.tell import Teller
from gatekeeper.domain.decision import verdict_on_unreserved
from gatekeeper.domain.errors import Conflict, GatekeeperError, NotFound
from gatekeeper.domain.ledger import Reservation
from gatekeeper.gate import Gang, Gate
from gatekeeper.meter import Meter, PodFacts
from gatekeeper.ports import Clock, Stores

_log = structlog.get_logger(__name__)
T = TypeVar("T")
# Named in the stop quota besides what the nodes offer: a cluster may hold no node of it yet.
ALWAYS_STOPPED = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Times:
    """When the controller does what.

    Attributes:
        resync_s: the longest pause between two passes.
        clearance_s: how long a clearance lasts if nobody renews it; renewed when half of it is over.
    """

    resync_s: int = 60
    clearance_s: int = 7 * 86_400


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What the cluster says at one moment: pods by uid, namespaces and nodes by name.

    Attributes:
        departed: pods that are gone, in their last known state; shared, emptied as they are settled.
    """

    pods: dict[str, PodState]
    namespaces: dict[str, NamespaceState]
    nodes: dict[str, NodeState]
    departed: dict[str, PodState]


class Steps:
    """The four steps of a pass. `run` tells whether something moved meanwhile, so that another pass is due at once."""

    def __init__(
        self,
        *,
        api: Api,
        gate: Gate,
        meter: Meter,
        stores: Stores,
        clock: Clock,
        expected_pods: Callable[[Json], int | None],
        times: Times,
    ) -> None:
        self._api, self._gate, self._meter, self._stores, self._clock = api, gate, meter, stores, clock
        self._times = times
        self._sizes = GangSizes(api, expected_pods)
        self._teller = Teller(api)
        self._stop_quotas: set[str] | None = None
        self._passed_by: set[str] = set()
        self._again = False

    def run(self, state: ClusterState) -> bool:
        """One pass."""
        self._again = False
        mark_accelerator_nodes(self._api, state.nodes.values())
        self._settle(state)
        cleared = self._clear(state)
        blocked = self._stop(state, cleared)
        self._release(state, cleared, blocked)
        return self._again

    def _each(self, step: str, things: Iterable[T], act: Callable[[T], None]) -> None:
        """Act on each thing; one that fails is logged and left to a later pass."""
        for thing in things:
            try:
                act(thing)
            except (Conflict, NotFound) as error:
                self._again = True  # The cluster moved on: look again at once.
                _log.info("moved_on", step=step, error=str(error)[:300])
            except GatekeeperError as error:
                _log.warning("step_failed", step=step, error=str(error)[:500])

    # 4. meter: usage of running and ended pods

    def _settle(self, state: ClusterState) -> None:
        def act(reservation: Reservation) -> None:
            pod = state.pods.get(reservation.id) or state.departed.get(reservation.id)
            if pod is None or (pod.gated and reservation.id in state.pods):
                return
            if pod.never_started and reservation.started_at is None:
                self._gate.void(reservation.id, reason="the pod never started")
            elif pod.ended_at is not None and pod.started_at is not None:
                self._meter.settle_end(reservation.id, self._facts(state, reservation, pod))
            elif pod.started_at is not None:
                facts = self._facts(state, reservation, pod)
                self._meter.settle_through(reservation.id, facts, through=self._clock.now())

        self._each("settle", self._open(), act)
        still_open = {reservation.id for reservation in self._open()}
        for uid in [uid for uid in state.departed if uid not in still_open]:
            del state.departed[uid]

    def _open(self) -> list[Reservation]:
        return self._stores.read(lambda reader: reader.open_reservations())

    def _facts(self, state: ClusterState, reservation: Reservation, pod: PodState) -> PodFacts:
        node = state.nodes.get(pod.node)
        products = dict.fromkeys(reservation.devices, node.product) if node else {}
        return PodFacts(
            namespace=pod.workload.ref.namespace,
            name=pod.workload.ref.name,
            devices=reservation.devices,
            products=products,
            started_at=pod.started_at or reservation.opened_at,
            ended_at=pod.ended_at,
            countable=not (pod.workload.claims or pod.workload.unknown),
        )

    # 2. clearances

    def _clear(self, state: ClusterState) -> set[str]:
        """Give and withdraw clearances; returns the namespaces that have one now."""
        cleared: set[str] = set()

        def act(namespace: NamespaceState) -> None:
            wanted = self._gate.cleared_until(namespace.name, at_most=timedelta(seconds=self._times.clearance_s))
            if wanted is None and not namespace.cleared:
                return
            if wanted is None or self._outdated(namespace, wanted):
                self._gate.record_clearance(namespace.name, wanted)
                write_clearance(self._api, namespace.name, wanted)
            if wanted is not None:
                cleared.add(namespace.name)

        self._each("clear", (each for each in state.namespaces.values() if not each.deleting), act)
        return cleared

    def _outdated(self, namespace: NamespaceState, wanted: datetime) -> bool:
        if not namespace.cleared or namespace.until is None or namespace.until > wanted:
            return True
        half_over = namespace.until - self._clock.now() < timedelta(seconds=self._times.clearance_s / 2)
        return half_over and wanted - namespace.until > timedelta(seconds=1)

    # 5. stop

    def _stop(self, state: ClusterState, cleared: set[str]) -> set[str]:
        """Stop what may not go on; returns the namespaces in which nothing may start."""
        held = {reservation.id for reservation in self._open()}
        decisions = {name: self._gate.must_stop(name) for name in state.namespaces if name not in cleared}
        blocked = {name for name, decision in decisions.items() if decision is not None}

        def act(pod: PodState) -> None:
            decision = decisions.get(pod.workload.ref.namespace)
            if decision is None and pod.uid not in held and not pod.gated:
                decision = verdict_on_unreserved(pod.workload)
            if decision is None:
                return
            self._gate.record_stop(pod.workload, decision)
            self._teller.tell(pod.workload.ref, "Stopped", decision.sentence)
            stop_pod(self._api, pod)

        self._each("stop", self._stoppable(state, cleared, held), act)
        self._each(
            "stop quota", self._quotas_to_change(state, blocked), lambda name: self._set_quota(state, blocked, name)
        )
        return blocked

    def _stoppable(self, state: ClusterState, cleared: set[str], held: set[str]) -> list[PodState]:
        """Pods outside cleared namespaces that hold accelerators or a reservation, and have not ended."""
        return [
            pod
            for pod in state.pods.values()
            if pod.workload.asks
            and pod.workload.ref.namespace in state.namespaces
            and pod.workload.ref.namespace not in cleared
            and not pod.deleting
            and pod.ended_at is None
            and not pod.never_started
            and (not pod.gated or pod.uid in held)
        ]

    def _quotas_to_change(self, state: ClusterState, blocked: set[str]) -> set[str]:
        if self._stop_quotas is None:
            selector = f"metadata.name={STOP_QUOTA}"
            found, _ = self._api.list_all("/api/v1/resourcequotas", fieldSelector=selector)
            self._stop_quotas = {each["metadata"]["namespace"] for each in found}
        bound = {each.namespace for each in self._stores.read(lambda reader: reader.bindings())}
        wanted = {name for name in blocked & bound if not state.namespaces[name].deleting}
        return wanted ^ (self._stop_quotas & state.namespaces.keys())

    def _set_quota(self, state: ClusterState, blocked: set[str], namespace: str) -> None:
        assert self._stop_quotas is not None
        if namespace in blocked:
            offered = {offer.resource for node in state.nodes.values() for offer in node.offers}
            set_stop_quota(self._api, namespace, offered | {ALWAYS_STOPPED})
            self._stop_quotas.add(namespace)
        else:
            lift_stop_quota(self._api, namespace)
            self._stop_quotas.discard(namespace)

    # 3. release

    def _release(self, state: ClusterState, cleared: set[str], blocked: set[str]) -> None:
        gated = [pod for pod in state.pods.values() if pod.gated and not pod.deleting]
        self._each("release away", (pod for pod in gated if not pod.workload.asks), self._release_away)
        asking = [pod for pod in gated if pod.workload.asks]
        freely = [pod for pod in asking if pod.workload.ref.namespace in cleared and pod.only_ours]
        self._each("release", freely, lambda pod: release_freely(self._api, pod))
        budgeted = [pod for pod in asking if pod.workload.ref.namespace not in cleared]
        self._each("release", group(budgeted), lambda gang: self._release_gang(state, blocked, *gang))

    def _release_away(self, pod: PodState) -> None:
        if not pod.only_ours:
            return
        if pod.uid not in self._passed_by:
            self._gate.pass_by(pod.workload)
            self._passed_by.add(pod.uid)
        release_away(self._api, pod)
        self._passed_by.discard(pod.uid)

    def _release_gang(self, state: ClusterState, blocked: set[str], owner: Owner | None, pods: list[PodState]) -> None:
        namespace = pods[0].workload.ref.namespace
        if not all(pod.only_ours for pod in pods):
            return  # Somebody else holds it too; whoever lifts their gate last wakes us by that change.
        if namespace not in blocked:
            siblings = sum(1 for pod in state.pods.values() if owner and pod.owner == owner and not pod.gated)
            missing = self._sizes.missing(owner, namespace, len(pods) + siblings)
            if missing:
                self._tell(
                    pods,
                    "Waiting",
                    f"Waiting for {missing} more pods of {owner.kind} {owner.name}, to start together."
                    if owner
                    else "",
                )
                return
        answer = self._gate.release(Gang(gang_owner(owner, pods), tuple(pod.workload for pod in pods)))
        if not answer.lets_start or namespace in blocked:
            self._tell(pods, "Held", answer.decision.sentence if answer.decision else "")
            return
        reservations = {reservation.id: reservation for reservation in answer.reservations}
        if not reservations:
            self._again = True  # Allowed without a budget since this pass began: the next one clears the namespace.
            return
        self._each("release", pods, lambda pod: release(self._api, pod, reservations[pod.uid]))

    def _tell(self, pods: list[PodState], reason: str, sentence: str) -> None:
        for pod in pods if sentence else ():
            self._teller.tell(pod.workload.ref, reason, sentence)
