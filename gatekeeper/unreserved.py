"""Use case: what runs without a reservation in a customer's namespace is metered all the same.

Pods under a clearance pass no gate, so nothing is held for them. Each gets a reservation that holds nothing, on the
run to which its namespace is bound when its metering begins: a pod's run never changes under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gatekeeper.belonging import belongs
from gatekeeper.domain.customer import Binding
from gatekeeper.domain.errors import GatekeeperError, Unavailable
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.metering import end_of, floor_s
from gatekeeper.domain.record import Actor, ActorKind, RecordType, decode
from gatekeeper.domain.workload import Workload
from gatekeeper.facts import metering_facts, new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.view import Provider

ACTOR = Actor(ActorKind.SERVICE, "controller")
# Pods of one transaction: a release that comes meanwhile waits for no more than these.
GROUP_PODS = 256
REFUSAL_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class Running:
    """A pod whose node has started it, or may have; the workload's ref carries its uid, its devices are what it can
    use."""

    workload: Workload
    started_at: datetime
    ended_at: datetime | None = None


class Unreserved:
    """Begins the metering of pods for which nothing was reserved."""

    def __init__(self, stores: Stores, provider: Provider, clock: Clock) -> None:
        self._stores, self._provider, self._clock = stores, provider, clock

    def begin(self, pods: Sequence[Running]) -> list[Reservation]:
        """Meter these pods from now on, and what they did since they started under this customer.

        A pod that has a reservation, ended or not, keeps it. What ran before its namespace came to the customer is not
        booked, and neither is anything in a namespace that belongs to nobody.

        Raises:
            Unavailable: the database does not answer.
            GatekeeperError: some cannot be metered; all others are.
        """
        since = self._stores.read(lambda reader: self._bound_since(reader, pods))
        begun: list[Reservation] = []
        refused: list[str] = []
        for begin in range(0, len(pods), GROUP_PODS):
            group = pods[begin : begin + GROUP_PODS]
            try:
                begun += self._stores.transact(partial(self._begin, group, since))
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - one pod must not keep those beside it from being metered
                for pod in group:
                    begun += self._alone(pod, since, refused)
        if refused:
            raise GatekeeperError(f"{len(refused)} pods cannot be metered, such as {refused[0]}.")
        return begun

    def _alone(self, pod: Running, since: dict[str, datetime], refused: list[str]) -> list[Reservation]:
        """The same for one pod; where it cannot be metered, it is added to those that are refused, with the reason."""
        try:
            return self._stores.transact(partial(self._begin, [pod], since))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - likewise
            refused.append(f"{pod.workload.ref}: {type(error).__name__}: {error}"[:REFUSAL_CHARACTERS_MAX])
            return []

    def _begin(self, pods: Sequence[Running], since: dict[str, datetime], tx: Transaction) -> list[Reservation]:
        known = tx.reservations([pod.workload.ref.uid for pod in pods])
        bindings: dict[str, Binding | None] = {}
        begun = []
        for pod in pods:
            namespace = pod.workload.ref.namespace
            if namespace not in bindings:
                bindings[namespace] = tx.binding(self._provider.cluster, namespace)
            binding, begins_at = bindings[namespace], floor_s(max(pod.started_at, since.get(namespace, pod.started_at)))
            over = pod.ended_at is not None and end_of(pod.ended_at) <= begins_at
            if binding is None or over or pod.workload.ref.uid in known:
                continue
            begun.append(self._reservation(pod, binding, belongs(tx, binding, pod.workload.runs).run_id, begins_at))
        tx.add_reservations(begun)
        now = self._clock.now()
        tx.append_all([new_record(RecordType.METERING_BEGUN, ACTOR, now, metering_facts(each)) for each in begun])
        return begun

    def _reservation(self, pod: Running, binding: Binding, run_id: str, begins_at: datetime) -> Reservation:
        fleet = self._provider.fleet()
        reservation = Reservation.of_cleared(
            id=pod.workload.ref.uid,
            run_id=run_id,
            customer_id=binding.customer_id,
            workload=pod.workload.ref,
            devices={key: count.least for key, count in pod.workload.devices.items()},
            rate_tflop_per_s=fleet.rate_tflop_per_s(pod.workload) or fleet.unknown_node_tflop_per_s,
            opened_at=self._clock.now(),
        )
        return replace(reservation, started_at=pod.started_at, metered_until=begins_at)

    def _bound_since(self, reader: Reader, pods: Sequence[Running]) -> dict[str, datetime]:
        """Namespace -> when it came to the customer that has it now, by the log; missing where no record says."""
        found: dict[str, datetime] = {}
        for namespace in {pod.workload.ref.namespace for pod in pods}:
            binding = reader.binding(self._provider.cluster, namespace)
            if binding is None:
                continue
            kinds = [RecordType.NAMESPACE_BOUND]
            for _, leaf in reader.records(types=kinds, customer=binding.customer_id):
                record = decode(leaf)
                facts, before = record.facts, record.facts.get("before")
                if (facts.get("cluster"), facts.get("namespace")) != (binding.cluster, namespace):
                    continue
                if not (isinstance(before, dict) and before.get("customer") == binding.customer_id):
                    found[namespace] = record.at
        return found
