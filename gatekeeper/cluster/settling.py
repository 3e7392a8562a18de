"""Step 1 of a pass: usage of running pods is booked now and then, ended ones are settled, unstarted ones voided.

What runs without a reservation in a customer's namespace is found here and metered from then on. All that is due goes
to the meter at once; a pass over ten thousand reservations of which few are due reads only those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from gatekeeper.cluster.allocations import Allocations, Given
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.starts import Starts
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.domain.ledger import Reservation, ReservationState
from gatekeeper.domain.metering import floor_s
from gatekeeper.domain.usage import PodFacts
from gatekeeper.domain.workload import Count
from gatekeeper.gate import Gate
from gatekeeper.meter import Due, Meter
from gatekeeper.ports import Clock, Stores
from gatekeeper.unreserved import Running, Unreserved

_log = structlog.get_logger(__name__)
_SECOND = timedelta(seconds=1)
Booked = Mapping[str, tuple[ReservationState, datetime | None]]


class Settling:
    """Brings open reservations up to what the cluster says of their pods."""

    def __init__(
        self,
        *,
        cluster: str,
        gate: Gate,
        meter: Meter,
        unreserved: Unreserved,
        allocations: Allocations,
        stores: Stores,
        clock: Clock,
        times: Times,
        attempts: Attempts,
    ) -> None:
        self._cluster = cluster
        self._gate, self._meter, self._unreserved = gate, meter, unreserved
        self._stores, self._clock, self._attempts, self._allocations = stores, clock, attempts, allocations
        self._hearsay_s = times.hearsay_s
        self._every = {
            ReservationState.PENDING: timedelta(seconds=times.settle_every_s),
            ReservationState.METERED: timedelta(seconds=times.settle_cleared_every_s),
        }
        self._delay = timedelta(seconds=meter.times.delay_s)
        self._starts = Starts()
        self._looked_up: set[str] = set()

    def run(self, state: ClusterState) -> None:
        """Meter, settle and void. What holds budget stays as it is while nothing is known of its pod: a vanished object
        is no end."""
        now = self._clock.now()
        shared = state.departed
        state = replace(state, departed=dict(shared))  # What leaves meanwhile is the next pass's.
        self._starts.see(state, now)
        self._attempts.each("meter", [self._booked()], lambda booked: self._begin(state, booked, now))
        booked = self._booked()
        uids = {uid for uid, (it, until) in booked.items() if self._is_due(state, uid, it, until, now)}
        self._learn(state, booked, uids)
        reservations = self._stores.read(lambda reader: reader.reservations(uids))
        due: list[Due] = []
        self._attempts.each("settle", reservations.values(), lambda each: self._look(state, each, now, due))
        self._attempts.each("settle", [due] if due else [], self._settle)
        self._forget(state, shared)

    def _booked(self) -> Booked:
        return self._stores.read(lambda reader: reader.booked_until())

    def _begin(self, state: ClusterState, booked: Booked, now: datetime) -> None:
        """Find pods that run without a reservation; each is looked up in the ledger once."""
        seen = {**state.departed, **state.pods}
        self._looked_up &= seen.keys()
        unknown = (pod for uid, pod in seen.items() if uid not in booked and uid not in self._looked_up)
        new = [each for pod in unknown if (each := self._running(state, pod, now)) is not None]
        if not new:
            return
        bindings = self._stores.read(lambda reader: reader.bindings())
        bound = {each.namespace for each in bindings if each.cluster == self._cluster}
        new = [each for each in new if each.workload.ref.namespace in bound]
        self._unreserved.begin(new)
        self._looked_up |= {each.workload.ref.uid for each in new}

    def _running(self, state: ClusterState, pod: PodState, now: datetime) -> Running | None:
        """A pod as it is metered without a reservation; None where it has not begun, or has nothing to compute on.

        One that could reach the devices of its node without having asked for any counts as all of them.
        """
        started_at = self._starts.of(pod, not_before=pod.created_at)
        if started_at is None or pod.workload.asks:
            return None if started_at is None else Running(pod.workload, started_at, pod.ended_at)
        node = state.nodes.get(pod.node)
        if node is None or not node.offers or not pod.workload.host_access:
            return None
        namespace = state.namespaces.get(pod.workload.ref.namespace)
        if namespace is None or not namespace.cleared:
            started_at = now  # It is stopped; its node may have got its devices just now.
        devices = {offer.resource: Count(offer.count, offer.count) for offer in node.offers}
        return Running(replace(pod.workload, devices=devices), started_at, pod.ended_at)

    def _learn(self, state: ClusterState, booked: Booked, due: set[str]) -> None:
        """Find out what claims gave to pods: as soon as they have started, and again when it is needed."""
        seen = {**state.departed, **state.pods}
        self._allocations.keep(seen.keys())
        claiming = [seen[uid] for uid in booked if uid in seen and seen[uid].claims is not None]
        asked = [pod for pod in claiming if pod.uid in due or not self._allocations.has_looked(pod)]
        self._allocations.learn(asked, state.nodes)

    def _is_due(
        self, state: ClusterState, uid: str, it: ReservationState, until: datetime | None, now: datetime
    ) -> bool:
        """Whether a reservation is worth a look; every change in the cluster wakes us, and a record for each pod each
        time would fill the log."""
        pod = state.pods.get(uid) or state.departed.get(uid)
        held = it is ReservationState.PENDING
        if pod is None:
            return not held and until is not None and now - self._delay >= until + self._every[it]
        if pod.gated and pod.uid in state.pods:
            return False
        began_at = self._starts.of(pod, not_before=pod.created_at)
        if pod.ended or began_at is None:
            return pod.ended
        if held and until is None and pod.silent and now < pod.created_at + timedelta(seconds=pod.deadline_s or 0):
            return False  # What is held covers it: for longer than its deadline, from its release on.
        if state.in_sight_s < self._hearsay_s:
            return False  # That it runs may be old news, and what is booked is never taken back.
        return now - self._delay >= (until or began_at) + self._every[it]

    def _look(self, state: ClusterState, reservation: Reservation, now: datetime, due: list[Due]) -> None:
        pod = state.pods.get(reservation.id) or state.departed.get(reservation.id)
        vanished = pod is None or pod.uid not in state.pods
        if pod is not None and pod.never_started:
            self._give_back(state, reservation, pod, due)
        elif pod is not None and pod.started_at is not None and not self._allocations.has_looked(pod):
            self._attempts.again = True  # There were too many claims to read in one pass.
        elif pod is not None and pod.ended_at is not None:
            due.append(Due(reservation.id, self._facts(state, reservation, pod)))
        elif vanished and reservation.state is ReservationState.METERED:
            due.append(self._ended_unseen(state, reservation, pod, now))
        elif pod is not None and self._is_known_to_run(state, reservation, pod, now):
            due.append(Due(reservation.id, self._facts(state, reservation, pod), now))

    def _is_known_to_run(self, state: ClusterState, reservation: Reservation, pod: PodState, now: datetime) -> bool:
        """Whether the node can be believed that the pod runs.

        While the reservation covers it, nothing is lost by waiting for the node. After that, not knowing counts as
        running on.
        """
        node, began_at = state.nodes.get(pod.node), self._starts.of(pod, not_before=reservation.opened_at)
        if pod.silent or began_at is None:
            return now >= reservation.opened_at + timedelta(seconds=reservation.held_s)
        return (node is not None and node.ready) or now >= began_at + timedelta(seconds=reservation.held_s)

    def _settle(self, due: list[Due]) -> None:
        for each, answer in zip(due, self._meter.settle(due), strict=True):
            if answer.waits_for:
                _log.info("not_settled", reservation=each.reservation_id, waits_for=answer.waits_for[:300])

    def _ended_unseen(self, state: ClusterState, reservation: Reservation, pod: PodState | None, now: datetime) -> Due:
        """A pod that holds nothing, and vanished: it counts until its next settlement, and no further.

        Somebody may have deleted it by force, or while we were away. Nothing is given back by its end, so all that is
        at stake is to count it too long, and not for ever.
        """
        until = floor_s(now - self._delay) - _SECOND
        return Due(reservation.id, self._facts(state, reservation, pod, ended_at=until), note="its end was not seen")

    def _give_back(self, state: ClusterState, reservation: Reservation, pod: PodState, due: list[Due]) -> None:
        if reservation.metered_until is None:
            self._gate.void(reservation.id, reason="the pod never started")
            return
        # Booked by mistake of whoever said that it ran; what is booked stays, the rest goes back.
        ended_at = reservation.metered_until - _SECOND
        due.append(Due(reservation.id, self._facts(state, reservation, pod, ended_at=ended_at)))

    def _facts(
        self, state: ClusterState, reservation: Reservation, pod: PodState | None, *, ended_at: datetime | None = None
    ) -> PodFacts:
        """What is known of the pod; of one that is not held any more only what was reserved."""
        node = state.nodes.get(pod.node) if pod else None
        began_at = self._starts.of(pod, not_before=reservation.opened_at) if pod else None
        given = self._allocations.of(pod) if pod else None
        products = {key: node.product(key) for key in reservation.devices} if node else {}
        devices = _all_devices(reservation, pod, given)
        return PodFacts(
            namespace=reservation.workload.namespace,
            name=reservation.workload.name,
            devices=reservation.devices if devices is None else devices,
            products={**products, **given.products} if given else products,
            started_at=began_at or reservation.started_at or reservation.opened_at,
            ended_at=ended_at or (pod.ended_at if pod else None),
            countable=devices is not None,
            exclusive=(given is None or given.exclusive) and _is_counted_alone(state, pod),
        )

    def _forget(self, state: ClusterState, shared: dict[str, PodState]) -> None:
        """Let go of departed pods whose reservation has ended; of those alone that this pass has looked at."""
        still_open = self._booked() if state.departed else {}
        for uid in state.departed:
            # A pod that this pass still holds may yet be reserved for, before anybody notices that it has gone.
            if uid not in still_open and uid not in state.pods:
                del shared[uid]


def _is_counted_alone(state: ClusterState, pod: PodState | None) -> bool:
    """Whether counters that carry the pod's name speak of it alone.

    They name no uids: once it has vanished without an end, another pod of its name may be meant. And one that asked for
    no device may use those of others.
    """
    return pod is not None and pod.workload.asks and (pod.uid in state.pods or pod.ended_at is not None)


def _all_devices(reservation: Reservation, pod: PodState | None, given: Given | None) -> Mapping[str, int] | None:
    """Everything that the pod has, by keys and by claims; None where nobody can tell."""
    if pod is None or pod.workload.unknown:
        return None
    if pod.claims is None:
        return None if pod.workload.claims else reservation.devices
    return given.beside(reservation.devices, pod.claims.keys) if given else None
