"""A process in miniature: a real database, the real page of metrics, and a cluster that a test describes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gatekeeper.cluster.names import GATE
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.sight import InformerSight, Sight, Waits
from gatekeeper.cluster.state import ClusterState
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, Mode, Site
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.usage import Usage
from gatekeeper.domain.workload import Workload, WorkloadRef
from gatekeeper.facts import Facts, new_record
from gatekeeper.metrics.exporter import Exporter
from gatekeeper.metrics.families import PREFIX
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.ports import Transaction
from gatekeeper.stores import SqlStores
from tests.databases import new_stores
from tests.domain.questions import limit_of_pack

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ACTOR = Actor(ActorKind.SERVICE, "controller")
PACK = "us-ai-diffusion"
PACKS = (ActivePack(load_pack(bundled_dir() / PACK), Mode.ENFORCE),)
LIMIT = min(limit_of_pack(active.pack) for active in PACKS)
Labels = tuple[tuple[str, str], ...]
HOME = Site("US", ChipAuthorization.US_DOMESTIC)


@dataclass
class Stage:
    """`sight` is what the controller shows; `page()` is what a scrape gets."""

    stores: SqlStores
    packs: tuple[ActivePack, ...] = PACKS
    runs_max: int = 500
    telemetry: bool = False
    at: datetime = NOW
    sight: Sight | None = None

    def __post_init__(self) -> None:
        self.exporter = Exporter(
            self.stores, self, packs=self.packs, site=HOME, telemetry=self.telemetry, runs_max=self.runs_max,
            page_holds_s=0,
        )  # fmt: skip

    def now(self) -> datetime:
        return self.at

    def page(self) -> dict[str, dict[Labels, float]]:
        """All samples by name without our prefix, and by labels."""
        if self.sight is not None:
            seen = self.sight
            self.exporter.follow(lambda: seen)
        return samples(self.exporter.page())

    def enrol(self, customer: str, *, country: str = "IN", parents: tuple[str, ...] = (), days: int = 100) -> None:
        """An approved customer; its party has the same id."""
        party = Party(
            customer, PartyKind.ORG, f"The Secret Name of {customer}", country, parents, "" if parents else "x"
        )
        approved = Customer(customer, customer, Standing.APPROVED, "ana", 2, "ben", NOW + timedelta(days=days))

        def work(tx: Transaction) -> None:
            tx.put_party(party)
            tx.put_customer(approved)
            tx.append(record(RecordType.CUSTOMER_APPROVED, {"customer": customer}))

        self.stores.transact(work)

    def book(self, run: str, *, best: int = 0, high: int = 0, pending: int = 0, carried_in: int = 0) -> None:
        """The totals of a run."""
        account = Account(run, carried_in, Usage(0, best, high), pending)
        self.stores.transact(lambda tx: tx.put_account(account))


def samples(page: bytes) -> dict[str, dict[Labels, float]]:
    """Every sample of a page, by name without our prefix and by its labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(page.decode()):
        for each in family.samples:
            by_labels = found.setdefault(each.name.removeprefix(PREFIX), {})
            by_labels[tuple(sorted(each.labels.items()))] = each.value
    return found


def of(**labels: str) -> Labels:
    """Labels as `samples` keys them."""
    return tuple(sorted(labels.items()))


def record(kind: RecordType, facts: Facts) -> Record:
    return new_record(kind, ACTOR, NOW, facts)


def opened(folder: Path) -> SqlStores:
    return new_stores(folder / "gatekeeper.db")


def pod(
    uid: str,
    *,
    age_s: int = 60,
    gates: tuple[str, ...] = (GATE,),
    started_s: int | None = None,
    deadline_s: int | None = None,
) -> PodState:
    """A pod as the controller keeps it: gated, or running since `started_s` ago."""
    return PodState(
        workload=Workload(WorkloadRef("east", "team-secret", "Pod", f"secret-{uid}", uid)),
        unreadable="",
        resource_version="1",
        gates=gates,
        owner=None,
        reservation="",
        static_hash="",
        node="",
        deadline_s=deadline_s,
        affinity=None,
        has_annotations=False,
        deleting=False,
        created_at=NOW - timedelta(seconds=age_s),
        started_at=None if started_s is None else NOW - timedelta(seconds=started_s),
        ended_at=None,
        never_started=False,
    )


@dataclass
class Seen:
    """What the controller shows, with defaults for what a test does not care about."""

    pods: list[PodState] = field(default_factory=list)
    departed: list[PodState] = field(default_factory=list)
    waits: dict[str, Waits] = field(default_factory=dict)
    passed_s_ago: float | None = 3.0

    def sight(self) -> Sight:
        pods, departed = ({each.uid: each for each in group} for group in (self.pods, self.departed))
        informers = tuple(InformerSight(each, True, 60.0, 5.0) for each in ("nodes", "namespaces", "pods"))  # noqa: FBT003
        return Sight(ClusterState(pods, {}, {}, departed, 60.0), self.waits, informers, self.passed_s_ago)
