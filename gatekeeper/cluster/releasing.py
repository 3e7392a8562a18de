"""Step 3 of a pass: gated pods start, under a lease, freely where cleared, or away from accelerators; or they wait."""

from __future__ import annotations

from datetime import timedelta

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.gangs import GangSizes, gang_owner, group
from gatekeeper.cluster.identifying import Identifying
from gatekeeper.cluster.pods import Owner, PodState
from gatekeeper.cluster.release import has_empty_term, release, release_away, release_freely
from gatekeeper.cluster.sight import Listener, Waits, Way
from gatekeeper.cluster.state import ClusterState
from gatekeeper.cluster.tell import Teller
from gatekeeper.cluster.turns import Turns
from gatekeeper.domain.ledger import Reservation
from gatekeeper.gate import Gang, Gate


class Releasing:
    """Lifts our gate where the gate's use cases allow it."""

    def __init__(
        self,
        *,
        api: Api,
        gate: Gate,
        identifying: Identifying,
        sizes: GangSizes,
        teller: Teller,
        attempts: Attempts,
        listener: Listener | None = None,
    ) -> None:
        self._api, self._gate, self._sizes, self._teller, self._attempts = api, gate, sizes, teller, attempts
        self._identifying, self._listener = identifying, listener or Listener()
        self.waits: dict[str, Waits] = {}
        self._passed_by: set[str] = set()
        self._turns = Turns[tuple[Owner | None, list[PodState]]](lambda gang: gang[1][0].workload.ref.namespace)
        self._turns_away = Turns[PodState](lambda pod: pod.workload.ref.namespace)

    def run(self, state: ClusterState, *, cleared: set[str], blocked: set[str], marked: bool) -> None:
        """Release what may start.

        Args:
            cleared: namespaces that need no budget. blocked: namespaces in which nothing may start.
            marked: every accelerator node carries our mark; without that no pod can be sent away from them.
        """
        waiting = [pod for pod in state.pods.values() if pod.gated and not pod.deleting and not pod.ended]
        self.waits = {pod.uid: self.waits[pod.uid] for pod in waiting if pod.uid in self.waits}
        waiting = [pod for pod in waiting if not self._attempts.is_stale(pod.uid, pod.resource_version)]
        passing = [pod for pod in waiting if not pod.workload.asks and pod.only_ours and marked]
        passing, more_away = self._turns_away.of(passing)
        self._attempts.each("release away", passing, self._release_away)
        asking = [pod for pod in waiting if pod.workload.asks]
        freely = [pod for pod in asking if pod.workload.ref.namespace in cleared and pod.only_ours]
        self._attempts.each("release", freely, self._release_freely)
        budgeted = [pod for pod in asking if pod.workload.ref.namespace not in cleared]
        gangs, more_gangs = self._turns.of(group(budgeted))
        self._attempts.each("release", gangs, lambda gang: self._release_gang(state, blocked, *gang))
        self._attempts.again |= more_away or more_gangs

    def _release_away(self, pod: PodState) -> None:
        if pod.unreadable:
            self._tell([pod], Waits.HELD, f"Held, because nobody can tell where it may run: {pod.unreadable}")
            return
        if has_empty_term(pod.affinity):
            sentence = "Held: its node affinity has an empty term, which matches no node; make it again without that."
            self._tell([pod], Waits.HELD, sentence)
            return
        if pod.uid not in self._passed_by:
            self._gate.pass_by(pod.workload)
            self._passed_by.add(pod.uid)
        release_away(self._api, pod)
        self._passed_by.discard(pod.uid)
        self._released(pod, Way.AWAY)

    def _release_freely(self, pod: PodState) -> None:
        namespace = pod.workload.ref.namespace
        self._identifying.look(namespace, [pod])
        if self._gate.cleared_until(namespace, at_most=timedelta(0)) is None:
            self._attempts.again = True  # It was made anew since this pass began.
            return
        release_freely(self._api, pod)
        self._released(pod, Way.FREELY)

    def _release_gang(self, state: ClusterState, blocked: set[str], owner: Owner | None, pods: list[PodState]) -> None:
        if not all(pod.only_ours for pod in pods):
            return  # Somebody else holds it too; whoever lifts their gate last wakes us by that change.
        unreadable = next((pod.unreadable for pod in pods if pod.unreadable), "")
        if unreadable:
            self._tell(pods, Waits.HELD, f"Held, because nobody can tell what is asked for: {unreadable}")
            return
        namespace = pods[0].workload.ref.namespace
        missing = 0 if owner is None or namespace in blocked else self._missing(state, owner, pods)
        if missing and owner is not None:
            together = f"{missing} more pods of {owner.kind} {owner.name}"
            self._tell(pods, Waits.GANG, f"Waiting for {together}, to start together.")
            return
        self._identifying.look(namespace, pods)
        answer = self._gate.release(Gang(gang_owner(owner, pods), tuple(pod.workload for pod in pods)))
        if not answer.lets_start or namespace in blocked:
            self._tell(pods, Waits.HELD, answer.decision.sentence if answer.decision else "")
            return
        held = {reservation.id: reservation for reservation in answer.reservations}
        if not held:
            # Allowed without a budget since this pass began: the next one clears the namespace.
            self._attempts.again = True
            return
        self._attempts.each("release", pods, lambda pod: self._release(pod, held[pod.uid]))

    def _missing(self, state: ClusterState, owner: Owner, pods: list[PodState]) -> int:
        """How many pods of a gang are not there yet; those that run count, those that have ended do not."""
        present = {pod.uid for pod in pods}
        present |= {pod.uid for pod in state.pods.values() if pod.owner == owner and self._is_under_way(pod)}
        return self._sizes.missing(owner, pods[0].workload.ref.namespace, len(present))

    def _is_under_way(self, pod: PodState) -> bool:
        """Whether a pod was released and has not ended; our own patch may not have been seen yet."""
        freed = not pod.gated or self._attempts.is_stale(pod.uid, pod.resource_version)
        return freed and not pod.ended and not pod.deleting

    def _release(self, pod: PodState, reservation: Reservation) -> None:
        release(self._api, pod, reservation)
        self._released(pod, Way.LEASE)

    def _released(self, pod: PodState, way: Way) -> None:
        self._attempts.changed(pod.uid, pod.resource_version)
        self._listener.pod_released(pod, way)

    def _tell(self, pods: list[PodState], why: Waits, sentence: str) -> None:
        self.waits.update({pod.uid: why for pod in pods})
        for pod in pods if sentence else ():
            self._teller.tell(pod.workload.ref, _EVENT_REASONS[why], sentence)


# The reason of the Kubernetes event.
_EVENT_REASONS = {Waits.HELD: "Held", Waits.GANG: "Waiting"}
