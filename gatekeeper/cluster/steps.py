"""One pass over the cluster: identify, settle, clear, stop, release, in this order.

It begins with what is certain (ended and departed pods), then takes away (clearances, running work), and only then
gives (releases). Every step writes its record before its effect, and is safe to repeat and to interrupt at any line:
what was cut off, the next pass finds in the ledger and in the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatekeeper.cluster.allocations import Allocations
from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.clearing import Clearing
from gatekeeper.cluster.gangs import GangSizes
from gatekeeper.cluster.identifying import Identifying
from gatekeeper.cluster.inventory import mark_accelerator_node
from gatekeeper.cluster.releasing import Releasing
from gatekeeper.cluster.settling import Settling
from gatekeeper.cluster.sight import Listener, Waits
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.cluster.stopping import Stopping
from gatekeeper.cluster.tell import Teller
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.ports import Clock, Stores
from gatekeeper.registry.namespaces import NamespaceRegistry
from gatekeeper.unreserved import Unreserved


class Steps:
    """The steps of a pass, and what they remember from one pass to the next: nothing that a restart may not lose."""

    def __init__(
        self,
        *,
        cluster: str,
        api: Api,
        gate: Gate,
        meter: Meter,
        unreserved: Unreserved,
        stores: Stores,
        clock: Clock,
        expected_pods: Callable[[Json], int | None],
        times: Times,
        listener: Listener | None = None,
    ) -> None:
        self._api, self._attempts = api, Attempts(listener)
        attempts, teller = self._attempts, Teller(api)
        sizes = GangSizes(api, expected_pods)
        self._settling = Settling(
            cluster=cluster,
            gate=gate,
            meter=meter,
            unreserved=unreserved,
            allocations=Allocations(api, meter.catalogue),
            stores=stores,
            clock=clock,
            times=times,
            attempts=attempts,
        )
        self._identifying = Identifying(api, NamespaceRegistry(stores, clock, cluster))
        self._clearing = Clearing(api=api, gate=gate, clock=clock, times=times, attempts=attempts)
        self._stopping = Stopping(cluster=cluster, api=api, gate=gate, stores=stores, teller=teller, attempts=attempts)
        self._releasing = Releasing(
            api=api,
            gate=gate,
            identifying=self._identifying,
            sizes=sizes,
            teller=teller,
            attempts=attempts,
            listener=listener,
        )

    @property
    def waits(self) -> Mapping[str, Waits]:
        """What gated pods were last told, by uid; a copy, so that other threads may look at it."""
        return dict(self._releasing.waits)

    def run(self, state: ClusterState) -> bool:
        """One pass; tells whether something moved meanwhile, so that another one is due soon."""
        self._attempts.again = False
        unmarked = [node for node in state.nodes.values() if node.offers and not node.marked]
        marked = self._attempts.each("mark node", unmarked, lambda node: mark_accelerator_node(self._api, node))
        self._identifying.run(state)
        self._settling.run(state)
        cleared = self._clearing.run(state)
        blocked = self._stopping.run(state, cleared)
        self._releasing.run(state, cleared=cleared, blocked=blocked, marked=marked)
        return self._attempts.again
