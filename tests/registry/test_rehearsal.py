"""Many customers are worked out beside the writer: what changes meanwhile is noticed, and all is stored or nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import pytest

from gatekeeper.api.inside import Inside
from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import Conflict, GatekeeperError, NotPermitted
from gatekeeper.domain.kyc_profile import KycProfile
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.tier import Tier
from gatekeeper.facts import new_record
from gatekeeper.ports import Stores, Transaction
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.registry.rehearsal import TRIES, Rehearsed
from gatekeeper.stores import open_stores
from tests.registry.batch_worker import folder_of, run
from tests.registry.office import NOON, PACKS, HandClock, enrol, log, log_types, org, record_of, tier

ROOT = Path(__file__).parents[2]
LAB = record_of(org("lab", "IN"), customer="lab")
SHOP = record_of(org("shop", "US"), customer="shop")


def once(act: Callable[[], object]) -> Callable[[int, int], None]:
    """To be told of progress: the first time something else happens, as if another process did it."""
    left = [act]

    def tell(_done: int, _total: int) -> None:
        if left:
            left.pop()()

    return tell


def append(stores: Stores, kind: RecordType) -> None:
    record = new_record(kind, Actor(ActorKind.SERVICE, "controller"), NOON, {"namespace": "team-a"})
    stores.transact(lambda tx: tx.append(record))


def test_a_change_made_while_a_batch_is_worked_out_is_seen_by_the_batch(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"), customer="lab")
    # While it is worked out the lab moves to a stricter country: what the batch says of it is milder now, and waits.
    meanwhile = once(lambda: registry.apply(record_of(org("lab", "CN"), customer="lab"), by="eve"))
    done = registry.apply_all([record_of(org("lab", "US"), customer="lab"), SHOP], by="ana", tell=meanwhile)
    assert done.counts == {"waits": 1, "enrolled": 1}
    assert tier(registry) is Tier.THREE
    assert log_types(stores)[-3:] == ["customer.submitted", "customer.submitted", "customer.enrolled"]


def test_an_approval_of_what_changed_meanwhile_approves_nothing(registry: Registry) -> None:
    applied = registry.apply_all([LAB, SHOP], by="ana")
    seen = registry.review_all(applied.batch_id).fingerprint
    meanwhile = once(lambda: registry.apply(record_of(org("shop", "DE"), customer="shop"), by="ana"))
    with pytest.raises(Conflict, match="not what was looked at"):
        registry.approve_all(applied.batch_id, by="ben", seen=seen, tell=meanwhile)
    assert registry.review("lab").standing is Standing.SUBMITTED


def test_a_customer_suspended_meanwhile_stays_suspended(registry: Registry) -> None:
    enrol(registry, org("lab", "IN"), customer="lab")
    applied = registry.apply_all([record_of(org("lab", "US"), customer="lab")], by="ana")
    seen = registry.review_all(applied.batch_id).fingerprint
    meanwhile = once(lambda: registry.suspend("lab", by="eve", reason="owner under inquiry"))
    with pytest.raises(Conflict, match="not what was looked at"):
        registry.approve_all(applied.batch_id, by="ben", seen=seen, tell=meanwhile)
    assert registry.review("lab").standing is Standing.SUSPENDED


def test_what_runs_meanwhile_does_not_make_a_batch_begin_again(registry: Registry, stores: Stores) -> None:
    told = list[object]()

    def meanwhile(done: int, _total: int) -> None:
        told.append(done)
        append(stores, RecordType.RESERVATION_SETTLED)

    registry.apply_all([LAB, SHOP], by="ana", tell=meanwhile)
    assert told == [1, 2]
    assert log_types(stores) == ["reservation.settled"] * 2 + ["customer.enrolled"] * 2


def test_drafts_hold_nobody_up_and_are_kept_all_or_none(registry: Registry, stores: Stores) -> None:
    done = registry.draft_all([LAB, SHOP], by="ana", tell=once(lambda: append(stores, RecordType.RESERVATION_SETTLED)))
    assert [each.outcome.value for each in done] == ["draft"] * 2
    assert log_types(stores) == ["reservation.settled"] + ["customer.drafted"] * 2
    registry.submit("shop", by="eve")
    with pytest.raises(NotPermitted) as refused:
        registry.draft_all([record_of(org("mill", "US"), customer="mill"), SHOP], by="ana")
    assert refused.value.about == "shop"
    assert len(log_types(stores)) == 4


def test_who_reads_files_all_the_time_does_not_make_a_batch_give_up(registry: Registry, stores: Stores) -> None:
    told = list[object]()

    def meanwhile(done: int, _total: int) -> None:
        told.append(done)
        for kind in (RecordType.EVIDENCE_READ, RecordType.EVIDENCE_ADDED, RecordType.ATTESTATION_MADE):
            append(stores, kind)

    registry.apply_all([LAB, SHOP], by="ana", tell=meanwhile)
    assert told == [1, 2]


def test_the_versions_of_a_batch_name_their_own_records_behind_what_came_meanwhile(
    registry: Registry, stores: Stores
) -> None:
    registry.apply_all([LAB, SHOP], by="ana", tell=once(lambda: append(stores, RecordType.WORKLOAD_REFUSED)))
    seen = registry.review_all().fingerprint
    registry.approve_all(None, by="ben", seen=seen, tell=once(lambda: append(stores, RecordType.WORKLOAD_REFUSED)))
    whole = log(stores)
    for customer in ("lab", "shop"):
        for kind in ("customer", "party", "proposal"):
            for version in stores.read(methodcaller("versions", kind, customer)):
                assert version.record is not None
                assert whole[version.seq]["facts"]["customer"] == customer


def test_whoever_changes_customers_all_the_time_makes_a_batch_give_up_and_change_nothing(
    registry: Registry, stores: Stores
) -> None:
    told = list[object]()

    def meanwhile(done: int, _total: int) -> None:
        told.append(done)
        registry.apply(record_of(org("mill", "US"), customer=f"mill-{len(told)}"), by="eve")

    with pytest.raises(Conflict, match="nothing was changed"):
        registry.apply_all([LAB], by="ana", tell=meanwhile)
    assert told == [1] * TRIES
    assert "lab" not in [each["facts"]["customer"] for each in log(stores)]


def test_the_same_key_used_twice_at_once_acts_once(registry: Registry, stores: Stores) -> None:
    meanwhile = once(lambda: registry.apply_all([LAB], by="ana", idempotency_key="nightly"))
    again = registry.apply_all([LAB], by="ana", idempotency_key="nightly", tell=meanwhile)
    assert again.repeated
    assert log_types(stores) == ["customer.enrolled"]


def test_nobody_writes_through_a_plan(registry: Registry, stores: Stores) -> None:
    registry.plan_all([LAB], tell=once(lambda: registry.apply(SHOP, by="ana")))
    assert [each["facts"]["customer"] for each in log(stores)] == ["shop"]


def test_a_rehearsal_answers_nothing_that_it_cannot_know(stores: Stores) -> None:
    def work(tx: Transaction) -> None:
        tx.put_checkpoint(1, "note")

    with pytest.raises(GatekeeperError, match="knows no `put_checkpoint`"):
        Rehearsed(stores).transact(work)


def test_what_a_sheet_says_is_what_the_store_says_once_it_is_stored(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "group"), org("group", "DE"), customer="lab")
    registry.apply(SHOP, by="ana")
    profile = KycProfile(names=("Lab Trading",))
    changed = [
        record_of(org("lab", "CN", "group"), org("group", "DE"), customer="lab"),
        KycRecord("mill", "mill", (org("mill", "IN", "group"),), profile=profile),
    ]
    told = list[object]()

    def look(tx: Transaction) -> object:
        parties, customers = tx.parties(), tx.customers()
        return (
            parties,
            customers,
            tx.proposals(),
            tx.proposals(["lab", "mill", "nobody"]),
            tx.some_parties(["lab", "group", "nobody"]),
            tx.owned_by(["group"]),
            tx.customers_of(["lab", "mill", "shop"]),
            [tx.customer(each.id) for each in customers],
            [tx.proposal(each.id) for each in customers],
            [tx.profile(each.profile_sha256) for each in customers if each.profile_sha256],
            tx.inquiries(),
            tx.hits(),
            tx.open_hits(),
            list(tx.records()),
            list(tx.records(types=(RecordType.CUSTOMER_ENROLLED,), customer="mill")),
            tx.log_size(),
        )

    def work(tx: Transaction) -> None:
        inside = Registry(Inside(tx, tx), HandClock(), packs=PACKS, cluster="east")
        for each in changed:
            inside.apply(each, by="ana")
        told.append(look(tx))

    Rehearsed(stores).transact(work)
    told.append(stores.transact(look))
    assert told[0] == told[1]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'two.db'}"


@pytest.mark.slow
def test_another_process_writes_at_every_moment_at_which_a_batch_is_worked_out(url: str) -> None:
    written = list[str]()

    def meanwhile(_done: int, _total: int) -> None:
        command = [sys.executable, "-m", "tests.stores.worker", url, f"pod{len(written)}", "1", "1000000"]
        written.append(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout)

    with open_stores(url, busy_s=0.2) as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        registry.apply_all([LAB, SHOP], by="ana", tell=meanwhile)
        seen = registry.review_all().fingerprint
        registry.approve_all(None, by="ben", seen=seen, tell=meanwhile)
        assert len(written) == 4
        assert all(written)
        assert {each.standing for each in stores.read(lambda reader: reader.customers())} == {Standing.APPROVED}


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["worked out", "half stored", "stored but not durable"])
@pytest.mark.parametrize("act", ["apply", "approve"])
def test_nothing_of_a_batch_is_left_where_its_process_is_killed(url: str, act: str, moment: str) -> None:
    with open_stores(url) as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        if act == "approve":
            registry.apply_all(folder_of(40), by="ana")
        before = _everything(stores)
    command = [sys.executable, "-m", "tests.registry.batch_worker", url, act, moment]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{moment}\n"
        process.kill()
    with open_stores(url) as stores:
        assert _everything(stores) == before
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        done = run(registry, act)
        assert done == 40


def _everything(stores: Stores) -> object:
    return stores.read(
        lambda reader: (reader.customers(), reader.parties(), reader.proposals(), reader.log_size(), reader.log_root())
    )
