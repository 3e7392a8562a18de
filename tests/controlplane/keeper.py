"""Our controller in the test's own process: on a real control plane, with a ledger and a registry of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from admission.manifests.reach import default_reach
from admission.manifests.registry import expected_pods, read
from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.api import Api, Json, connect
from gatekeeper.cluster.controller import Cluster, Controller, Reading
from gatekeeper.cluster.state import Times
from gatekeeper.domain.ledger import Account, Reservation
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, LeaseTerms, Mode, Site, Threshold
from gatekeeper.domain.run import undeclared_run_id
from gatekeeper.gate import Gate
from gatekeeper.meter import Meter
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.stores import SqlStores, open_stores
from gatekeeper.telemetry.absent import NoCounters
from gatekeeper.unreserved import Unreserved
from gatekeeper.view import Provider
from tests.controlplane.chart import NAMESPACE
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import wait_until

CLUSTER = "test"
PACK = "us-ai-diffusion"
ENFORCED = (ActivePack(load_pack(bundled_dir() / PACK), Mode.ENFORCE),)


def with_limit(tflop: int) -> tuple[ActivePack, ...]:
    """The pack with another threshold, so that a test can use its budget up."""
    (active,) = ENFORCED
    return (
        replace(
            active,
            pack=replace(active.pack, threshold=Threshold(tflop, reached_is_controlled=True, source="this test")),
        ),
    )


def with_lease(seconds: int) -> tuple[ActivePack, ...]:
    """The pack with one length of lease, short enough to see its end."""
    (active,) = ENFORCED
    return (replace(active, pack=replace(active.pack, lease=LeaseTerms(seconds, seconds, 100))),)


# Grace 60 s and slack 60 s, the defaults of the settings.
GRACE_S = 120


@dataclass(slots=True)
class ShiftedClock:
    """The machine's clock, moved ahead by as much as a test says."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Books:
    """Customers, reservations and records in one database: what a person does, and what they can look up."""

    def __init__(self, stores: SqlStores, clock: ShiftedClock) -> None:
        self.stores = stores
        self.registry = Registry(stores, clock, packs=ENFORCED, cluster=CLUSTER)

    def enrol(self, customer: str, country: str) -> None:
        """An approved customer whose headquarters is there."""
        self.apply(customer, country)
        self.registry.approve(customer, by="ben")

    def apply(self, customer: str, country: str) -> None:
        """What one person writes about a customer."""
        party = Party(customer, PartyKind.ORG, customer.title(), country, (), "listed company")
        self.registry.apply(KycRecord(customer, party.id, (party,)), by="ana")

    def bind(self, namespace: str, customer: str) -> None:
        self.registry.bind(namespace, customer, by="ana")
        self.registry.approve_binding(namespace, by="ben")

    def account(self, customer: str) -> Account:
        """The account of its undeclared run."""
        return self.stores.read(lambda reader: reader.account(undeclared_run_id(customer)))

    def reservation(self, uid: str) -> Reservation | None:
        return self.stores.read(lambda reader: reader.reservation(uid))

    def open_reservations(self, namespace: str) -> list[Reservation]:
        found = self.stores.read(lambda reader: reader.open_reservations())
        return [each for each in found if each.workload.namespace == namespace]

    def records(self, *types: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """Facts of all records of these types, oldest first; of one namespace, where one is named."""
        decoded = [json.loads(leaf) for leaf in self.stores.read(lambda reader: list(reader.leaves()))]
        facts = [each["facts"] for each in decoded if each["type"] in types]
        return [each for each in facts if namespace is None or _namespace(each) == namespace]


def _namespace(facts: dict[str, Any]) -> object:
    return facts.get("namespace") or (facts.get("workload") or {}).get("namespace")


@dataclass
class Keeper:
    """The controller, to be started and stopped as often as a test likes; its books stay.

    It calls with a token of the chart's own service account.
    """

    plane: ControlPlane
    folder: Path
    times: Times = field(default_factory=lambda: Times(resync_s=2, clearance_s=3600, settle_every_s=5, hearsay_s=3))
    packs: tuple[ActivePack, ...] = ENFORCED
    grace_s: int = GRACE_S

    def __post_init__(self) -> None:
        self.clock = ShiftedClock()
        self.stores = open_stores(f"sqlite:///{self.folder / 'gatekeeper.db'}")
        self.books = Books(self.stores, self.clock)
        self.catalogue = load_catalogue()
        self.controller: Controller | None = None
        kubeconfig = self.plane.service_account_kubeconfig(NAMESPACE, "controller")
        self.api = Api(connect(str(kubeconfig)))

    def start(self) -> None:
        """Start, and return when it has seen the whole cluster."""
        reach = default_reach()
        reading = Reading(CLUSTER, _reader(), expected_pods, reach.is_device)
        cluster = Cluster(self.api, self.catalogue, reading, reach.exempt_namespaces)
        provider = Provider(CLUSTER, Site("US", ChipAuthorization.AIA), self.packs, cluster.fleet, self.grace_s)
        gate = Gate(self.stores, provider, self.clock)
        meter = Meter(self.stores, NoCounters(), self.clock, self.catalogue, MeterTimes(delay_s=0))
        self.controller = Controller(
            api=self.api, cluster=cluster, gate=gate, meter=meter,
            unreserved=Unreserved(self.stores, provider, self.clock), stores=self.stores, clock=self.clock,
            reading=reading, times=self.times,
        )  # fmt: skip
        self._cluster = cluster
        self.controller.start()
        wait_until(lambda: self.controller and self.controller.ready, "the controller to see the cluster")

    def rate_tflop_per_s(self) -> int:
        """Worst rate of one GPU, as the controller sees the cluster."""
        return self._cluster.fleet().device_rate_tflop_per_s("nvidia.com/gpu")

    def stop(self) -> None:
        """Stop it; its books can be read on."""
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    def close(self) -> None:
        self.stop()
        self.stores.close()


def _reader() -> Callable[[Json], Any]:
    return lambda pod: read(pod, cluster=CLUSTER, namespace=pod["metadata"]["namespace"])
