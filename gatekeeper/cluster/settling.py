"""Step 4 of a pass: usage of running pods is booked now and then, ended ones are settled, unstarted ones voided."""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.usage import PodFacts
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.ports import Clock, Stores

_SECOND = timedelta(seconds=1)


class Settling:
    """Brings open reservations up to what the cluster says of their pods."""

    def __init__(
        self, *, gate: Gate, meter: Meter, stores: Stores, clock: Clock, times: Times, attempts: Attempts
    ) -> None:
        self._gate, self._meter, self._stores, self._clock, self._attempts = gate, meter, stores, clock, attempts
        self._every, self._hearsay_s = timedelta(seconds=times.settle_every_s), times.hearsay_s

    def run(self, state: ClusterState) -> None:
        """Settle and void. A reservation of whose pod nothing is known stays as it is: a vanished object is no end."""
        self._attempts.each("settle", self._open(), lambda reservation: self._settle(state, reservation))
        still_open = {reservation.id for reservation in self._open()}
        for uid in list(state.departed):
            # A pod that this pass still holds may yet be reserved for, before anybody notices that it has gone.
            if uid not in still_open and uid not in state.pods:
                del state.departed[uid]

    def _open(self) -> list[Reservation]:
        return self._stores.read(lambda reader: reader.open_reservations())

    def _settle(self, state: ClusterState, reservation: Reservation) -> None:
        pod = state.pods.get(reservation.id) or state.departed.get(reservation.id)
        if pod is None or (pod.gated and pod.uid in state.pods):
            return
        if pod.never_started:
            self._give_back(state, reservation, pod)
        elif pod.started_at is None:
            return
        elif pod.ended_at is not None:
            self._meter.settle_end(reservation.id, _facts(state, reservation, pod))
        else:
            self._settle_piece(state, reservation, pod)

    def _settle_piece(self, state: ClusterState, reservation: Reservation, pod: PodState) -> None:
        """Every change in the cluster wakes us: without a shortest piece each would cost a record for each pod."""
        assert pod.started_at is not None
        now = self._clock.now()
        due_at = (reservation.metered_until or pod.started_at) + self._every
        through = now - timedelta(seconds=self._meter.times.delay_s)
        if through >= due_at and self._is_known_to_run(state, reservation, pod, now):
            self._meter.settle_through(reservation.id, _facts(state, reservation, pod), through=now)

    def _is_known_to_run(self, state: ClusterState, reservation: Reservation, pod: PodState, now: datetime) -> bool:
        """Whether "it runs" can be booked: it may be old news, and what is booked is never taken back.

        While the reservation covers it, nothing is lost by waiting for the node. After that, not knowing counts as
        running on.
        """
        assert pod.started_at is not None
        if state.in_sight_s < self._hearsay_s:
            return False
        node = state.nodes.get(pod.node)
        heard_of = node is not None and node.ready
        return heard_of or now >= pod.started_at + timedelta(seconds=reservation.held_s)

    def _give_back(self, state: ClusterState, reservation: Reservation, pod: PodState) -> None:
        if reservation.metered_until is None:
            self._gate.void(reservation.id, reason="the pod never started")
            return
        # Booked by mistake of whoever said that it ran; what is booked stays, the rest goes back.
        facts = _facts(state, reservation, pod, ended_at=reservation.metered_until - _SECOND)
        self._meter.settle_end(reservation.id, facts)


def _facts(
    state: ClusterState, reservation: Reservation, pod: PodState, *, ended_at: datetime | None = None
) -> PodFacts:
    node = state.nodes.get(pod.node)
    return PodFacts(
        namespace=pod.workload.ref.namespace,
        name=pod.workload.ref.name,
        devices=reservation.devices,
        products=dict.fromkeys(reservation.devices, node.product) if node else {},
        started_at=pod.started_at or reservation.started_at or reservation.opened_at,
        ended_at=ended_at or pod.ended_at,
        countable=not (pod.workload.claims or pod.workload.unknown),
    )
