"""The gate over the real SQLite store: what is considered, held, refused, stopped and cleared, and what is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import Conflict, InvalidInput
from gatekeeper.domain.fleet import Fleet, NodeOffer
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import Action, ActivePack, ChipAuthorization, Mode, Site
from gatekeeper.domain.record import Actor, ActorKind, RecordType, decode
from gatekeeper.domain.threshold import Threshold
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.gate import Gang, Gate
from gatekeeper.policies import record_packs
from gatekeeper.policy_files import bundled_dir, load_pack
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.simulate.engine import VirtualClock
from gatekeeper.stores import SqlStores
from gatekeeper.view import Provider
from tests.databases import new_stores
from tests.domain.questions import limit_of_pack

CLUSTER = "east"
GPU = "nvidia.com/gpu"
START = datetime(2026, 11, 22, tzinfo=UTC)
PACK = load_pack(bundled_dir() / "us-ai-diffusion")
CATALOGUE = load_catalogue()
FLEET = Fleet.of(CATALOGUE, [NodeOffer("n1", GPU, "NVIDIA-H100-80GB-HBM3", 8)])
H100_TFLOP_PER_S = FLEET.device_rate_tflop_per_s(GPU)


class House:
    """A provider with a store, a registry and a gate."""

    def __init__(self, stores: SqlStores, mode: Mode = Mode.ENFORCE, others: tuple[ActivePack, ...] = ()) -> None:
        packs = (ActivePack(PACK, mode), *others)
        self.stores = stores
        self.clock = VirtualClock(START)
        self.registry = Registry(stores, self.clock, packs=packs, cluster=CLUSTER)
        provider = Provider(CLUSTER, Site("US", ChipAuthorization.US_DOMESTIC), packs, lambda: FLEET, grace_s=120)
        self.gate = Gate(stores, provider, self.clock)

    def record_packs(self) -> None:
        """Put on record what holds, as the service does when it starts: a verifier compares more from there on."""
        provider = self.gate._provider
        by = Actor(ActorKind.SERVICE, "gatekeeper")
        record_packs(self.stores, self.clock, provider.packs, cluster=CLUSTER, by=by, site=provider.site)

    def enrol(self, customer: str, country: str, *, namespace: str = "", parents: tuple[str, ...] = ()) -> None:
        reason = "" if parents else "listed, no controlling owner"
        own = Party(customer, PartyKind.ORG, f"{customer} Ltd", country, parents, reason)
        self.registry.apply(KycRecord(customer, customer, (own,)), by="ana")
        self.registry.approve(customer, by="ben")
        self.bind(namespace or customer, customer)

    def bind(self, namespace: str, customer: str, run: str | None = None) -> None:
        """One person proposes, another approves."""
        self.registry.bind(namespace, customer, by="ana", run_id=run)
        self.registry.approve_binding(namespace, by="ben")

    def records(self, kind: RecordType) -> list[dict[str, object]]:
        leaves = self.stores.read(lambda reader: list(reader.leaves()))
        found = [record for record in map(decode, leaves) if record.type is kind]
        return [json.loads(json.dumps(record.facts, default=dict)) for record in found]

    def pending_tflop(self, run_id: str) -> int:
        return self.stores.read(lambda reader: reader.account(run_id)).pending_tflop


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with new_stores(tmp_path / "gate.db") as opened:
        yield opened


@pytest.fixture
def house(stores: SqlStores) -> House:
    return House(stores)


def make_pod(namespace: str, uid: str, *, gpus: int = 8) -> Workload:
    return Workload(WorkloadRef(CLUSTER, namespace, "Pod", f"pod-{uid}", uid), {GPU: Count(gpus, gpus)})


def make_gang(namespace: str, *uids: str, gpus: int = 8) -> Gang:
    owner = WorkloadRef(CLUSTER, namespace, "Job", "train", f"{namespace}-owner")
    return Gang(owner, tuple(make_pod(namespace, uid, gpus=gpus) for uid in uids))


def test_a_tier_2_gang_is_held_for_at_its_worst_rate_and_recorded_pod_by_pod(house: House) -> None:
    house.enrol("vistula", "PL")
    release = house.gate.release(make_gang("vistula", "a", "b"))
    assert release.lets_start
    assert {each.id for each in release.reservations} == {"a", "b"}
    lease = release.reservations[0]
    assert lease.rate_tflop_per_s == 8 * H100_TFLOP_PER_S
    assert lease.held_s == lease.lease_s + 120
    assert house.pending_tflop("undeclared.vistula") == 2 * lease.amount_tflop
    recorded = house.records(RecordType.RESERVATION_PENDING)
    assert [each["reservation"] for each in recorded] == ["a", "b"]


def test_asking_again_for_the_same_pods_gives_the_first_answer_and_holds_nothing_more(house: House) -> None:
    house.enrol("vistula", "PL")
    first = house.gate.release(make_gang("vistula", "a", "b"))
    again = house.gate.release(make_gang("vistula", "a", "b"))
    assert again.reservations == first.reservations
    assert len(house.records(RecordType.RESERVATION_PENDING)) == 2


def test_a_pod_that_joins_a_running_gang_is_decided_on_alone(house: House) -> None:
    house.enrol("vistula", "PL")
    house.gate.release(make_gang("vistula", "a"))
    joined = house.gate.release(make_gang("vistula", "a", "b"))
    assert [each.id for each in joined.reservations] == ["a", "b"]
    assert len(house.records(RecordType.RESERVATION_PENDING)) == 2


def test_a_pack_that_allows_the_customer_does_not_hold_it_to_its_own_limit(stores: SqlStores) -> None:
    everybody = replace(
        PACK.rules[0],
        tiers=frozenset({Tier.ONE, Tier.TWO, Tier.THREE}),
        action=Action.ALLOW,
        authorizations=None,
        countries=None,
        site_tiers=None,
    )
    strict = Threshold(1, reached_is_controlled=True, source="test")
    other = replace(PACK, id="other-regime", threshold=strict, rules=(everybody,))
    house = House(stores, others=(ActivePack(other, Mode.ENFORCE),))
    house.enrol("vistula", "PL")
    (reservation,) = house.gate.release(make_gang("vistula", "a")).reservations
    (recorded,) = house.records(RecordType.RESERVATION_PENDING)
    assert recorded["limit_tflop"] == str(limit_of_pack(PACK))
    assert reservation.amount_tflop < limit_of_pack(PACK)


def test_a_pod_whose_reservation_has_ended_is_never_released_on_it_again(house: House) -> None:
    house.enrol("vistula", "PL")
    house.gate.release(make_gang("vistula", "a"))
    house.gate.void("a", reason="it was deleted")
    assert house.pending_tflop("undeclared.vistula") == 0
    with pytest.raises(Conflict, match="has ended"):
        house.gate.release(make_gang("vistula", "a"))


def test_two_accounts_of_one_corporate_group_share_one_budget(house: House) -> None:
    house.enrol("parent", "PL")
    house.enrol("child", "PL", parents=("parent",))
    gpus = 4_000_000  # one shortest lease of 2 pods takes 64 % of the limit
    assert house.gate.release(make_gang("parent", "a", "b", gpus=gpus)).lets_start
    refused = house.gate.release(make_gang("child", "c", "d", gpus=gpus))
    assert refused.decision is not None
    assert refused.decision.verdict is Verdict.HOLD  # until somebody has inquired
    assert refused.decision.reasons[0].code == "budget.exhausted"
    assert house.pending_tflop("undeclared.child") == 0


def test_a_declared_run_has_a_budget_of_its_own_that_begins_with_what_it_carries_in(house: House) -> None:
    house.enrol("vistula", "PL")
    carried = 99 * 10**12  # of 10^14 TFLOP
    house.registry.declare_run(
        "big-model",
        "vistula",
        title="Big",
        by="ana",
        carried_in_tflop=carried,
        carried_in_source="attested by its maker",
    )
    house.registry.approve_run("big-model", by="ben")
    house.bind("vistula", "vistula", "big-model")
    refused = house.gate.release(make_gang("vistula", "a", gpus=300_000))
    assert refused.decision is not None
    assert refused.decision.reasons[0].code == "budget.exhausted"
    assert refused.decision.used_tflop == carried
    assert house.gate.release(make_gang("vistula", "b")).lets_start


def test_a_namespace_bound_to_nobody_is_refused_and_the_refusal_is_durable(house: House) -> None:
    considered = house.gate.consider(make_pod("stray", "a"), dry_run=False)
    assert considered.decision.verdict is Verdict.DENY
    assert considered.durable is not None
    considered.durable.result(timeout=10)
    [recorded] = house.records(RecordType.WORKLOAD_REFUSED)
    assert recorded["customer"] is None


def test_a_dry_run_leaves_no_trace(house: House) -> None:
    before = house.stores.read(lambda reader: reader.log_size())
    assert house.gate.consider(make_pod("stray", "a"), dry_run=True).durable is None
    assert house.stores.read(lambda reader: reader.log_size()) == before


def test_the_same_refusal_within_a_minute_is_one_record(house: House) -> None:
    for _ in range(3):
        durable = house.gate.consider(make_pod("stray", "a"), dry_run=False).durable
        if durable is not None:
            durable.result(timeout=10)
    assert len(house.records(RecordType.WORKLOAD_REFUSED)) == 1
    house.clock.move_to(START + timedelta(seconds=61))
    durable = house.gate.consider(make_pod("stray", "a"), dry_run=False).durable
    assert durable is not None
    durable.result(timeout=10)
    assert len(house.records(RecordType.WORKLOAD_REFUSED)) == 2


def test_a_pod_that_waits_is_one_record_a_day_however_often_it_is_asked_for(house: House) -> None:
    """A gated pod costs a tenant nothing: a record a minute for each would fill the disk, and then nobody starts."""
    for minute in range(0, 60 * 24, 7):
        house.clock.move_to(START + timedelta(minutes=minute))
        assert not house.gate.release(make_gang("stray", "a")).lets_start
    assert len(house.records(RecordType.WORKLOAD_HELD)) == 1
    house.clock.move_to(START + timedelta(days=1, minutes=1))
    house.gate.release(make_gang("stray", "a"))
    assert len(house.records(RecordType.WORKLOAD_HELD)) == 2


def test_more_pods_that_wait_than_fit_into_one_memory_are_recorded_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.gate.REMEMBERED_REFUSALS", 10)
    gangs = [Gang(make_pod("stray", str(number)).ref, (make_pod("stray", str(number)),)) for number in range(15)]
    for _ in range(5):
        for gang in gangs:
            house.gate.release(gang)
    assert len(house.records(RecordType.WORKLOAD_HELD)) == 15


def test_a_stop_is_on_record_whatever_the_pod_asks_for(house: House) -> None:
    """A record that is too large cannot be written, and a stop that is not on record is not carried out."""
    keys = {f"{'a' * 60}.{'b' * 60}.example.com/kind-{number}": Count(0, 0) for number in range(3_000)}
    odd = replace(make_pod("stray", "a"), devices={**keys, GPU: Count(8, 8)}, reason="x" * 100_000)
    decision = house.gate.must_stop("stray")
    assert decision is not None
    house.gate.record_stop(odd, decision)
    [recorded] = house.records(RecordType.WORKLOAD_STOPPED)
    assert isinstance(devices := recorded["devices"], dict)
    assert devices[GPU] == 8


def test_a_suspended_customer_is_stopped_and_its_clearance_is_gone(house: House) -> None:
    house.enrol("cascade", "US")
    assert house.gate.cleared_until("cascade", at_most=timedelta(days=7)) == START + timedelta(days=7)
    assert house.gate.must_stop("cascade") is None
    house.registry.suspend("cascade", by="ana", reason="an open inquiry")
    assert house.gate.cleared_until("cascade", at_most=timedelta(days=7)) is None
    stop = house.gate.must_stop("cascade")
    assert stop is not None
    assert stop.verdict is Verdict.STOP
    assert "stopped" in stop.sentence.lower()


def test_an_exhausted_budget_stops_nobody_who_runs_on_a_reservation(house: House) -> None:
    house.enrol("vistula", "PL")
    assert house.gate.release(make_gang("vistula", "a", "b", gpus=4_000_000)).lets_start
    assert house.gate.must_stop("vistula") is None


def test_a_clearance_never_outlives_the_approval(house: House) -> None:
    house.enrol("cascade", "US")
    house.clock.move_to(START + timedelta(days=360))
    until = house.gate.cleared_until("cascade", at_most=timedelta(days=30))
    customer = house.stores.read(lambda reader: reader.customer("cascade"))
    assert customer is not None
    assert until == customer.expires_at


def test_where_no_pack_enforces_every_namespace_is_cleared_and_nothing_is_held(stores: SqlStores) -> None:
    house = House(stores, Mode.WARN)
    assert house.gate.cleared_until("stray", at_most=timedelta(days=7)) == START + timedelta(days=7)
    release = house.gate.release(make_gang("stray", "a"))
    assert release.lets_start
    assert release.reservations == ()


def test_a_gang_of_pods_from_two_namespaces_is_refused_when_built() -> None:
    gang = make_gang("vistula", "a")
    with pytest.raises(InvalidInput, match="one namespace"):
        replace(gang, pods=(*gang.pods, make_pod("other", "b")))
