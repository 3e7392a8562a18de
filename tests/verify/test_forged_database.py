"""Somebody who can write the database, and not the log, gets work started: the log alone says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from gatekeeper.domain.customer import Binding, Standing
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import Site
from gatekeeper.domain.record import Actor, ActorKind, RecordType, decode
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
from tests.test_gate import CLUSTER, FLEET, START, House, make_gang
from tests.verify.books import KEY, export_of

SERVICE = Actor(ActorKind.SERVICE, "gatekeeper")
HOME = Site("US", ChipAuthorization.US_DOMESTIC)
LISTED = ListEntry("csl", "Entity List", "1", ("vistula Ltd",))
OTHER = ListEntry("csl", "Entity List", "2", ("Some Other",))


class Office(House):
    """A provider in the US whose packs are on record; `forge` writes the database as no use case does."""

    def __init__(self, folder: Path, site: Site = HOME) -> None:
        super().__init__(new_stores(folder / "g.db"))
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

    def load(self, *entries: ListEntry) -> None:
        self.registry.load_list(NewList("csl", "0" * 64, date(2026, 11, 20), entries), by="pia")

    def start(self, namespace: str, pod: str) -> None:
        assert self.gate.release(make_gang(namespace, pod)).reservations

    def report(self) -> Report:
        return verify_totals_and_tiers(BytesIO(export_of(self.stores.read(lambda each: list(each.leaves())))), KEY)


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
