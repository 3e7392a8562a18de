"""The controller: informers that follow the cluster, and one thread that brings ledger and cluster together.

It keeps nothing in memory that a restart could lose: each pass reads the ledger and what the informers hold.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.informer import Informer
from gatekeeper.cluster.inventory import NodeState, fleet_of, node_keeper
from gatekeeper.cluster.namespaces import NamespaceState, keep_namespace
from gatekeeper.cluster.pods import PodState, pod_keeper
from gatekeeper.cluster.sight import InformerSight, Listener, Sight
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.cluster.steps import Steps
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.fleet import Fleet
from gatekeeper.domain.workload import Workload
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.ports import Clock, Stores
from gatekeeper.unreserved import Unreserved

_log = structlog.get_logger(__name__)
FIRST_RETRY_S = 0.1
LOOK_AT_LEDGER_S = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How objects of the cluster are read; the admission room provides it.

    Attributes:
        cluster: our name of it.
        workload: manifest -> workload (None: none of ours).
        expected_pods: live owner -> how many pods it starts at once.
        is_accelerator: resource key -> whether it stands for an accelerator.
    """

    cluster: str
    workload: Callable[[Json], Workload | None]
    expected_pods: Callable[[Json], int | None]
    is_accelerator: Callable[[str], bool]


class Cluster:
    """What the cluster says, as followed by informers."""

    def __init__(self, api: Api, catalogue: Catalogue, reading: Reading, exempt: Iterable[str]) -> None:
        self.changed = threading.Event()
        self._catalogue = catalogue
        self._exempt = frozenset(exempt)
        self._departed: dict[str, PodState] = {}
        wake = self.changed.set
        self._pods: Informer[PodState] = Informer(
            api, "/api/v1/pods", pod_keeper(reading.workload, reading.cluster), wake, self._pod_gone
        )
        self._nodes: Informer[NodeState] = Informer(
            api, "/api/v1/nodes", node_keeper(reading.is_accelerator, catalogue), wake
        )
        self._namespaces: Informer[NamespaceState] = Informer(api, "/api/v1/namespaces", keep_namespace, wake)

    def start(self) -> None:
        """Begin to follow; nodes first, so that no pod is priced before its fleet is known."""
        for informer in (self._nodes, self._namespaces, self._pods):
            informer.start()

    def stop(self) -> None:
        """End soon."""
        for informer in (self._nodes, self._namespaces, self._pods):
            informer.stop()

    @property
    def synced(self) -> bool:
        """Whether all of the cluster has been seen since the start: nothing is decided before."""
        return self._pods.synced and self._nodes.synced and self._namespaces.synced

    def fleet(self) -> Fleet:
        """The accelerators of the cluster as last seen."""
        return fleet_of(self._catalogue, self._nodes.held().values())

    def state(self) -> ClusterState:
        """Everything that is held now, without the namespaces that are the provider's own."""
        pods = {uid: pod for uid, pod in self._pods.held().items() if pod.workload.ref.namespace not in self._exempt}
        namespaces = {each.name: each for each in self._namespaces.held().values() if each.name not in self._exempt}
        nodes = {each.name: each for each in self._nodes.held().values()}
        return ClusterState(pods, namespaces, nodes, self._departed, self._pods.in_sight_s)

    def informers(self) -> tuple[InformerSight, ...]:
        """How well each collection is followed."""
        each = (("nodes", self._nodes), ("namespaces", self._namespaces), ("pods", self._pods))
        return tuple(InformerSight(name, it.synced, it.in_sight_s, it.silent_s) for name, it in each)

    def _pod_gone(self, state: PodState, *, last: bool) -> None:
        self._departed[state.uid] = state.departed() if last else state


class Controller:
    """Runs the steps over the cluster whenever it changed, and at least every `resync_s`."""

    def __init__(
        self,
        *,
        api: Api,
        cluster: Cluster,
        gate: Gate,
        meter: Meter,
        unreserved: Unreserved,
        stores: Stores,
        clock: Clock,
        reading: Reading,
        times: Times,
        listener: Listener | None = None,
    ) -> None:
        self._cluster, self._times, self._stores = cluster, times, stores
        self._listener = listener or Listener()
        self._seen = 0
        self._passed_at: float | None = None
        self._steps = Steps(
            cluster=reading.cluster,
            api=api,
            gate=gate,
            meter=meter,
            unreserved=unreserved,
            stores=stores,
            clock=clock,
            expected_pods=reading.expected_pods,
            times=times,
            listener=self._listener,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="controller", daemon=True)

    def start(self) -> None:
        """Begin to act."""
        self._cluster.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the pass that runs."""
        self._stopping.set()
        self._cluster.stop()
        self._cluster.changed.set()
        self._thread.join(timeout=30)

    @property
    def ready(self) -> bool:
        """Whether it acts: the cluster has been seen whole and the thread lives."""
        return self._cluster.synced and self._thread.is_alive()

    def sight(self) -> Sight:
        """What it sees and does now; for people who watch it."""
        passed_s_ago = None if self._passed_at is None else time.monotonic() - self._passed_at
        return Sight(self._cluster.state(), self._steps.waits, self._cluster.informers(), passed_s_ago)

    def _run(self) -> None:
        wait_s = float(self._times.resync_s)
        while not self._stopping.is_set():
            self._wait(wait_s)
            if self._cluster.synced and not self._stopping.is_set():
                wait_s = self._next_wait_s(wait_s) if self._pass() else float(self._times.resync_s)

    def _wait(self, longest_s: float) -> None:
        """Wait for a change of the cluster or of the ledger, which other processes write too (a person suspends)."""
        end = time.monotonic() + longest_s
        while (left_s := end - time.monotonic()) > 0:
            if self._cluster.changed.wait(min(left_s, LOOK_AT_LEDGER_S)) or self._log_size() != self._seen:
                break
        self._cluster.changed.clear()

    def _log_size(self) -> int:
        """Number of records; the one seen last where the database does not answer."""
        try:
            return self._stores.read(lambda reader: reader.log_size())
        except GatekeeperError as error:
            _log.warning("ledger_not_seen", error=str(error)[:300])
            return self._seen

    def _pass(self) -> bool:
        """One pass; tells whether another one is due soon."""
        began_at, well = time.monotonic(), False
        try:
            self._seen = self._log_size()
            again = self._steps.run(self._cluster.state())
        except GatekeeperError as error:
            _log.warning("pass_failed", error=str(error)[:500])
        except Exception:  # noqa: BLE001
            # A dead controller leaves every gated pod waiting for ever; a failed pass is tried again.
            _log.exception("pass_failed")
        else:
            well, self._passed_at = True, time.monotonic()
            return again
        finally:
            self._listener.passed(time.monotonic() - began_at, well=well)
        return True

    def _next_wait_s(self, last_s: float) -> float:
        """Soon, then ever later: what stays in the way must not keep a processor busy. A change wakes us at once."""
        return FIRST_RETRY_S if last_s >= self._times.resync_s else min(last_s * 2, self._times.resync_s)
