"""Somebody who can write the database, and not the log, gets work started: the log alone says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from gatekeeper.domain.customer import Binding, Standing
from gatekeeper.domain.inquiry import InquiryState
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import Mode, Site
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType, decode, encode
from gatekeeper.domain.run import RunState
from gatekeeper.domain.screening import HitState
from gatekeeper.domain.site import ChipAuthorization
from gatekeeper.facts import clearance_facts, new_record
from gatekeeper.gate import CONTROLLER, Gate
from gatekeeper.policies import record_packs
from gatekeeper.ports import Transaction
from gatekeeper.registry import KycRecord
from gatekeeper.registry.lists import NewList
from gatekeeper.registry.proposal import Proposal
from gatekeeper.stores.screening import screening_list
from gatekeeper.verify import Report, verify_totals_and_tiers
from gatekeeper.verify.telling import as_json, tell
from gatekeeper.view import Provider
from tests.databases import new_stores
from tests.registry.serving import use
from tests.test_gate import CLUSTER, FLEET, PACK, START, House, make_gang
from tests.verify.books import KEY, export_of

SERVICE = Actor(ActorKind.SERVICE, "gatekeeper")
HOME = Site("US", ChipAuthorization.US_DOMESTIC)
LISTED = ListEntry("csl", "Entity List", "1", ("vistula Ltd",))
QUESTION = f"{PACK.id}.m1.export-of-the-model"
OTHER = ListEntry("csl", "Entity List", "2", ("Some Other",))


class Office(House):
    """A provider in the US whose packs are on record; `forge` writes the database as no use case does."""

    def __init__(self, folder: Path, site: Site = HOME) -> None:
        super().__init__(new_stores(folder / "g.db"))
        self.swapped: Record | None = None
        packs = self.gate._provider.packs
        record_packs(self.stores, self.clock, packs, cluster=CLUSTER, by=SERVICE, site=site)
        self._provider = Provider(CLUSTER, site, packs, lambda: FLEET, grace_s=120)
        self.restart()

    def restart(self) -> None:
        """As a controller after its start, which has read nothing of the database yet."""
        self.gate = Gate(self.stores, self._provider, self.clock)

    def apply(self, country: str, by: str, customer: str = "mud") -> None:
        own = Party(customer, PartyKind.ORG, "Mud Ltd", country, (), "listed")
        self.registry.apply(KycRecord(customer, customer, (own,)), by=by)

    def forge(self, change: Callable[[Transaction], object]) -> None:
        self.stores.transact(change)
        self.restart()

    def forge_customer(self, customer: str, **fields: object) -> None:
        def change(tx: Transaction) -> None:
            before = tx.customer(customer)
            assert before is not None
            tx.put_customer(replace(before, **fields))  # type: ignore[arg-type]

        self.forge(change)

    def forge_run(self, run: str, **fields: object) -> None:
        def change(tx: Transaction) -> None:
            before = tx.run(run)
            assert before is not None
            tx.put_run(replace(before, **fields))  # type: ignore[arg-type]

        self.forge(change)

    def forge_proposal(self, customer: str, **fields: object) -> None:
        def change(tx: Transaction) -> None:
            before = Proposal.from_text(tx.proposal(customer) or "")
            tx.put_proposal(customer, replace(before, **fields).to_text())  # type: ignore[arg-type]

        self.forge(change)

    def forge_inquiry(self, **fields: object) -> None:
        def change(tx: Transaction) -> None:
            before = tx.inquiry(QUESTION)
            assert before is not None
            tx.put_inquiry(replace(before, **fields))  # type: ignore[arg-type]

        self.forge(change)

    def swap_last(self, record: Record) -> None:
        """What the log would hold, had this been written in place of its last record."""
        self.swapped = record

    def load(self, *entries: ListEntry) -> None:
        self.registry.load_list(NewList("csl", "0" * 64, date(2026, 11, 20), entries), by="pia")

    def start(self, namespace: str, pod: str) -> None:
        assert self.gate.release(make_gang(namespace, pod)).reservations

    def report(self) -> Report:
        leaves = self.stores.read(lambda each: list(each.leaves()))
        if self.swapped is not None:
            leaves[-1] = encode(self.swapped)
        return verify_totals_and_tiers(BytesIO(export_of(leaves)), KEY)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path)
    yield found
    found.stores.close()


def suspended(office: Office) -> None:
    office.registry.suspend("vistula", by="ana", reason="x")
    office.forge_customer(
        "vistula",
        standing=Standing.APPROVED,
        approved_by="ben",
        prepared_by="ana",
        expires_at=START + timedelta(days=99),
    )
    office.start("vistula", "b")


def end_moved(office: Office) -> None:
    office.forge_customer("vistula", expires_at=START + timedelta(days=3000))
    office.clock.move_to(START + timedelta(days=400))
    office.start("vistula", "b")


def never_approved(office: Office) -> None:
    office.apply("PL", "mallory")
    office.forge_customer("mud", standing=Standing.APPROVED, approved_by="ben", expires_at=START + timedelta(days=99))
    office.forge(lambda tx: tx.put_party(Party("mud", PartyKind.ORG, "Mud Ltd", "PL", (), "listed")))
    office.bind("mud", "mud")
    office.start("mud", "b")


def preparer_forged(office: Office) -> None:
    office.apply("PL", "mallory")
    office.forge_proposal("mud", prepared_by="ana", authors=("ana",))
    office.forge_customer("mud", prepared_by="ana")
    office.registry.approve("mud", by="mallory")


def preparer_of_a_change_forged(office: Office) -> None:
    office.apply("CN", "ana")
    office.registry.approve("mud", by="ben")
    office.apply("PL", "mallory")
    office.forge_proposal("mud", prepared_by="ana", authors=("ana",))
    office.registry.approve("mud", by="mallory")


def author_forged(office: Office) -> None:
    office.apply("PL", "mallory")
    office.apply("AE", "ana")
    office.forge_proposal("mud", authors=("ana",))
    office.registry.approve("mud", by="mallory")


def asker_forged(office: Office) -> None:
    office.registry.suspend("vistula", by="ana", reason="x")
    office.registry.reinstate("vistula", by="mallory", reason="x")
    office.forge_proposal("vistula", prepared_by="ana", authors=("ana",))
    office.registry.approve("vistula", by="mallory")


def drafter_forged(office: Office) -> None:
    own = Party("mud", PartyKind.ORG, "Mud Ltd", "PL", (), "listed")
    office.registry.draft(KycRecord("mud", "mud", (own,)), by="mallory")
    office.forge_proposal("mud", prepared_by="ana")
    office.registry.submit("mud", by="cora")


def another_record_approved(office: Office) -> None:
    office.apply("PL", "mallory")
    own = Party("mud", PartyKind.ORG, "Mud Ltd", "US", (), "listed")
    office.forge_proposal("mud", record=KycRecord("mud", "mud", (own,)))
    office.registry.approve("mud", by="ben")


def namespace_of_another(office: Office) -> None:
    office.enrol("dragon", "CN")
    office.forge(lambda tx: tx.put_binding(Binding(CLUSTER, "dragon", "vistula")))
    office.start("dragon", "b")


def namespace_of_nobody(office: Office) -> None:
    office.forge(lambda tx: tx.put_binding(Binding(CLUSTER, "ghost", "vistula")))
    office.start("ghost", "b")


def declarer_forged(office: Office) -> None:
    office.registry.declare_run("m1", "vistula", by="mallory", title="M")
    office.forge_run("m1", declared_by="ana")
    office.registry.approve_run("m1", by="mallory")


def carried_in_forged(office: Office) -> None:
    carried = {"carried_in_tflop": 9 * 10**13, "carried_in_source": "their invoice"}
    office.registry.declare_run("m1", "vistula", by="ana", title="M", **carried)  # type: ignore[arg-type]
    office.forge_run("m1", carried_in_tflop=0)
    office.registry.approve_run("m1", by="ben")


def run_never_approved(office: Office) -> None:
    office.registry.declare_run("m1", "vistula", by="mallory", title="M")
    office.forge_run("m1", state=RunState.APPROVED, approved_by="ben")
    office.bind("vistula", "vistula", "m1")
    office.start("vistula", "c")


def hit_put_aside(office: Office) -> None:
    office.load(LISTED)
    (hit,) = office.registry.hits()
    aside = replace(hit, state=HitState.FALSE_POSITIVE, judged_by="ana", confirmed_by="ben", reason="x")
    office.forge(lambda tx: tx.put_hits([aside]))
    office.start("vistula", "b")


def entry_removed(office: Office) -> None:
    office.load(replace(LISTED, names=("Mud Ltd",)), OTHER)
    gone = replace(LISTED, names=("Mud Ltd",)).sha256
    office.forge(lambda tx: tx.replace_entries("csl", removed=[gone], added=[]))
    office.apply("PL", "ana")
    assert office.registry.hits() == []


def lists_removed(office: Office) -> None:
    office.load(replace(LISTED, names=("Mud Ltd",)))
    office.forge(lambda tx: tx._connection.execute(screening_list.delete()))  # type: ignore[attr-defined]
    office.enrol("mud", "PL")
    office.start("mud", "b")


def clearance_of_tier_3(office: Office) -> None:
    office.enrol("dragon", "CN")
    sha256 = {each.pack.id: each.pack.sha256 for each in office.gate._provider.enforcing}
    until = START + timedelta(days=7)
    facts = clearance_facts(CLUSTER, "dragon", until, customer_id="dragon", packs=sha256)
    record = new_record(RecordType.CLEARANCE_GIVEN, CONTROLLER, office.clock.now(), facts)
    office.forge(lambda tx: tx.append(record))


def clearance_past_the_approval(office: Office) -> None:
    office.enrol("cascade", "US")
    office.forge_customer("cascade", expires_at=START + timedelta(days=3000))
    until = office.gate.cleared_until("cascade", at_most=timedelta(days=2000))
    office.gate.record_clearance("cascade", until)


def used_up(office: Office, *, carried_in_tflop: int = 0) -> None:
    """An approved run of vistula that has used all that it may."""
    office.registry.declare_run(
        "m1", "vistula", by="ana", title="M", carried_in_tflop=carried_in_tflop, carried_in_source="their invoice"
    )
    office.registry.approve_run("m1", by="ben")
    office.bind("vistula", "vistula", "m1")
    use(office, "m1", 10**14 - 1 - carried_in_tflop)
    office.gate.release(make_gang("vistula", "held"))


def permitted(office: Office, until: date) -> None:
    seen = office.registry.answer_inquiry(
        QUESTION, answer="Exported.", licence="D1", until=until, limit_tflop=15 * 10**13, by="ana"
    )
    office.registry.approve_inquiry(QUESTION, by="ben", seen=seen)


def lineage_of_another_raises_the_limit(office: Office) -> None:
    used_up(office, carried_in_tflop=9 * 10**13)
    base = BaseModel("Open", "its maker", 9 * 10**13, "its report", published=True)
    office.forge_run("m1", lineage=Lineage(base, 9 * 10**13))
    office.start("vistula", "b")


def data_of_models_left_out(office: Office) -> None:
    made = Lineage(generators=(Generator("maker", 50, 10**13, 10**13, "its report"),))
    office.registry.declare_run("m1", "vistula", by="ana", title="M", lineage=made)
    office.registry.approve_run("m1", by="ben")
    office.bind("vistula", "vistula", "m1")
    office.forge_run("m1", lineage=None)
    office.start("vistula", "b")


def hold_turned_into_a_start(office: Office) -> None:
    used_up(office)
    until = office.clock.now().date() + timedelta(days=9)
    said: dict[str, object] = {
        "answer": "x",
        "licence": "D1",
        "until": until,
        "limit_tflop": 15 * 10**13,
        "answered_by": "ana",
    }
    office.forge_inquiry(state=InquiryState.APPROVED, approved_by="ben", **said)
    office.start("vistula", "b")


def permit_past_its_day(office: Office) -> None:
    used_up(office)
    permitted(office, office.clock.now().date())
    office.forge_inquiry(until=office.clock.now().date() + timedelta(days=99))
    office.clock.move_to(office.clock.now() + timedelta(days=2))
    office.start("vistula", "b")


def refusal_by_the_chips_left_out(office: Office) -> None:
    used_up(office)
    permitted(office, office.clock.now().date() + timedelta(days=9))
    # On record since then: chips whose certificate forbids it. Decided is as if they were others.
    record_packs(
        office.stores,
        office.clock,
        office.gate._provider.packs,
        cluster=CLUSTER,
        by=SERVICE,
        site=Site("US", ChipAuthorization.AIA),
    )
    office.clock.move_to(office.clock.now() + timedelta(hours=2))
    office.start("vistula", "b")


def decided(office: Office, **changes: object) -> None:
    """A start whose decision says something else than the one that was made."""
    office.clock.move_to(office.clock.now() + timedelta(hours=2))
    office.start("vistula", "b")
    leaves = office.stores.read(lambda each: list(each.leaves()))
    last = decode(leaves[-1])
    decision: dict[str, JsonValue] = {**last.facts["decision"], **changes}  # type: ignore[dict-item]
    office.swap_last(replace(last, facts={**last.facts, "decision": decision}))


def pack_left_out(office: Office) -> None:
    decided(office, packs={}, reasons=[])


def reason_left_out(office: Office) -> None:
    decided(office, reasons=[])


def another_reason(office: Office) -> None:
    said = {"pack": PACK.id, "code": "partner", "text": "x", "verdict": "allow", "unmoderated": "allow"}
    decided(office, reasons=[said])


def milder_than_its_reasons(office: Office) -> None:
    said = {"pack": PACK.id, "code": "budget.exhausted", "text": "x", "verdict": "hold", "unmoderated": "hold"}
    decided(office, reasons=[said])


def milder_than_its_mode(office: Office) -> None:
    said = {"pack": PACK.id, "code": "budget.exhausted", "text": "x", "verdict": "warn", "unmoderated": "hold"}
    decided(office, reasons=[said], verdict="warn")


def early_answer_too_mild(office: Office) -> None:
    used_up(office)
    office.gate.consider(make_gang("vistula", "c").pods[0], dry_run=False)
    leaves = office.stores.read(lambda each: list(each.leaves()))
    last = decode(leaves[-1])
    assert last.type is RecordType.WORKLOAD_HELD
    said = {"pack": PACK.id, "code": "budget.exhausted", "text": "x", "verdict": "warn", "unmoderated": "warn"}
    decision = {**last.facts["decision"], "verdict": "warn", "reasons": [said]}  # type: ignore[dict-item]
    facts = {**last.facts, "decision": decision}
    office.swap_last(replace(last, type=RecordType.WORKLOAD_WARNED, facts=facts))


FORGED: dict[Callable[[Office], None], str] = {
    suspended: "which is suspended",
    end_moved: "its approval ended",
    never_approved: "which is submitted",
    preparer_forged: "prepared by ana; it was mallory",
    preparer_of_a_change_forged: "prepared by ana; it was mallory",
    author_forged: "mallory wrote what was approved",
    asker_forged: "prepared by ana; it was mallory",
    drafter_forged: "handed in by cora as work of ana",
    another_record_approved: "that nobody handed in",
    namespace_of_another: "belongs to customer dragon",
    namespace_of_nobody: "bound to nobody",
    declarer_forged: "declared by ana; it was mallory",
    carried_in_forged: "another carried_in_tflop",
    run_never_approved: "booked on run m1",
    hit_put_aside: "unresolved may not",
    entry_removed: "other entries of the list csl",
    lists_removed: "were not screened",
    clearance_of_tier_3: "its Tier 3 may not",
    clearance_past_the_approval: "lasts longer",
    lineage_of_another_raises_the_limit: "none of its packs sets it",
    data_of_models_left_out: "its packs count others",
    hold_turned_into_a_start: "none of its packs sets it",
    permit_past_its_day: "none of its packs sets it",
    refusal_by_the_chips_left_out: "none of its packs sets it",
    pack_left_out: "does not ask it",
    reason_left_out: "not one reason of each pack",
    another_reason: "allow with partner, which no rule of it says here",
    milder_than_its_reasons: "the strictest of its reasons hold",
    milder_than_its_mode: "in no mode of its own it says warn",
    early_answer_too_mild: "which no rule of it says here",
}


@pytest.mark.parametrize("forge", FORGED, ids=lambda each: each.__name__)
def test_what_the_database_says_and_the_log_does_not_is_noticed(
    office: Office, forge: Callable[[Office], None]
) -> None:
    office.enrol("vistula", "PL")
    office.start("vistula", "a")
    assert office.report().verified, office.report().problems
    forge(office)
    assert FORGED[forge] in " ".join(each.message for each in office.report().problems)


def test_honest_work_of_all_kinds_verifies_and_leaves_nothing_unchecked(office: Office) -> None:
    registry = office.registry
    office.load(OTHER)
    for customer, country in (("vistula", "PL"), ("cascade", "US")):
        office.enrol(customer, country)
    own = Party("mud", PartyKind.ORG, "Mud Ltd", "PL", (), "listed")
    registry.draft(KycRecord("mud", "mud", (own,)), by="cora")
    registry.submit("mud", by="ana")
    registry.approve("mud", by="ben")
    registry.declare_run("m1", "vistula", by="ana", title="M")
    registry.approve_run("m1", by="ben")
    office.bind("vistula", "vistula", "m1")
    office.start("vistula", "a")
    registry.suspend("vistula", by="ana", reason="x")
    registry.reinstate("vistula", by="ana", reason="x")
    registry.approve("vistula", by="ben")
    office.start("vistula", "b")
    office.gate.record_clearance("cascade", office.gate.cleared_until("cascade", at_most=timedelta(days=7)))
    office.apply("CN", "ana", customer="mud")
    office.apply("PL", "cora", customer="mud")
    registry.approve("mud", by="ben")
    report = office.report()
    assert report.verified, report.problems
    assert report.unchecked == ()


def test_a_start_while_one_process_takes_over_from_another_may_be_by_what_held_before(office: Office) -> None:
    office.enrol("vistula", "PL")
    office.start("vistula", "a")
    packs, site = office.gate._provider.packs, Site("US", ChipAuthorization.AIA)
    office.clock.move_to(office.clock.now() + timedelta(days=1))
    record_packs(office.stores, office.clock, packs, cluster=CLUSTER, by=SERVICE, site=site)
    softer = tuple(replace(each, mode=Mode.WARN) for each in packs)
    record_packs(office.stores, office.clock, softer, cluster=CLUSTER, by=SERVICE, site=site)
    office.start("vistula", "b")
    report = office.report()
    assert report.verified, report.problems


def test_a_log_without_terms_tells_how_many_starts_could_not_be_checked(tmp_path: Path) -> None:
    house = House(new_stores(tmp_path / "g.db"))
    house.enrol("vistula", "PL")
    house.gate.release(make_gang("vistula", "a", "b"))
    leaves = house.stores.read(lambda each: list(each.leaves()))
    house.stores.close()
    assert {decode(each).type for each in leaves} >= {RecordType.RESERVATION_PENDING}
    report = verify_totals_and_tiers(BytesIO(export_of(leaves)), KEY)
    assert report.verified, report.problems
    assert report.unchecked == ("starts before the log told the terms of the packs of their cluster: 2",)
    said = "starts before the log told the terms of the packs of their cluster: 2"
    assert as_json(report)["unchecked"] == [said]
    assert any("not checked" in line and said in line for line in tell(report))
