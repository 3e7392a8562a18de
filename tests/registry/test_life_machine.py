"""Whatever happens to a customer, in whatever order: one person alone never ends in an approval, what is closed stays
closed, every change has its version and its record, and the records alone give the registry back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.party import Party
from gatekeeper.domain.party_facts import party_of
from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.kyc_record import in_order
from gatekeeper.verify.life import LifeCheck
from gatekeeper.verify.unchecked import Unchecked
from gatekeeper.verify.waiting import WaitingCheck
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock, org, record_of

EVE = ("eve", "Eve", " EVE ", "e v e", "ＥＶＥ")
OTHERS = ("ana", "Ben")
WAYS = ("approve", "suspend", "reject", "final", "reopen", "close", "submit", "reinstate", "renew", "ask", "let", "end")


class Lives(RuleBasedStateMachine):
    """One customer, and whoever acts."""

    people: tuple[str, ...] = (*EVE, *OTHERS)

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.stores = new_stores(Path(self._folder.name) / "life.db")
        self.clock = HandClock()
        self.registry = Registry(self.stores, self.clock, packs=PACKS, cluster="east")
        self.closed = False

    def teardown(self) -> None:
        self.stores.close()
        self._folder.cleanup()

    def _act(self, way: str, by: str) -> None:
        registry = self.registry
        acts: dict[str, Callable[[], object]] = {
            "approve": lambda: registry.approve("lab", by=by),
            "suspend": lambda: registry.suspend("lab", by=by, reason="x"),
            "reject": lambda: registry.reject("lab", by=by, reason="x"),
            "final": lambda: registry.reject("lab", by=by, reason="x", final=True),
            "reopen": lambda: registry.reopen("lab", by=by, reason="x"),
            "close": lambda: registry.close("lab", by=by, reason="x"),
            "submit": lambda: registry.submit("lab", by=by),
            "reinstate": lambda: registry.reinstate("lab", by=by, reason="x"),
            "renew": lambda: registry.renew("lab", by=by),
            "ask": lambda: registry.override("lab", tier=Tier.ONE, hours=12, reason="x", by=by),
            "let": lambda: registry.approve_override("lab", by=by),
            "end": lambda: registry.end_override("lab", by=by),
        }
        try:
            acts[way]()
        except GatekeeperError:
            return

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def act(self, data: st.DataObject, way: str) -> None:
        self._act(way, data.draw(st.sampled_from(self.people)))

    @rule(data=st.data(), country=st.sampled_from(["US", "CN", ""]), draft=st.booleans())
    def write(self, data: st.DataObject, country: str, draft: bool) -> None:
        by = data.draw(st.sampled_from(self.people))
        apply = self.registry.draft if draft else self.registry.apply
        try:
            apply(record_of(org("lab", country)), by=by)
        except GatekeeperError:
            return

    @rule(hours=st.sampled_from([1, 13, 24 * 200]))
    def wait(self, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        self.registry.record_notices()

    @invariant()
    def two_people_stand_behind_every_approval(self) -> None:
        customer = self.stores.read(lambda reader: reader.customer("lab"))
        if customer is not None and customer.approved_by:
            assert not same_person(customer.prepared_by, customer.approved_by)
        for each in self.registry.overrides():
            assert not each.approved_by or not same_person(each.requested_by, each.approved_by)

    @invariant()
    def what_is_closed_stays_closed(self) -> None:
        customer = self.stores.read(lambda reader: reader.customer("lab"))
        now = customer is not None and customer.standing is Standing.CLOSED
        assert now or not self.closed
        self.closed = now

    @invariant()
    @precondition(lambda self: self.stores.read(lambda reader: reader.log_size()) > 0)
    def every_change_has_its_version_and_its_record(self) -> None:
        def read(reader: Reader) -> None:
            size = reader.log_size()
            assert reader.customers_known(size) == {each.id: each for each in reader.customers()}
            assert reader.parties_known(size) == reader.parties()
            assert reader.proposal_known("lab", size) == reader.proposal("lab")
            for kind in ("customer", "proposal", "party"):
                for version in reader.versions(kind, "lab"):
                    assert version.record is not None
                    assert version.record.facts["customer"] == "lab"

        self.stores.read(read)

    @invariant()
    def the_records_give_the_registry_back(self) -> None:
        def read(reader: Reader) -> None:
            check, waiting, standing = LifeCheck(), WaitingCheck(Unchecked()), None
            parties: dict[str, Party] = {}
            for leaf in reader.leaves():
                record = decode(leaf)
                check.see(record)
                waiting.see(record)
                facts = json.loads(leaf)["facts"]
                parties |= {each["id"]: party_of(each) for each in facts.get("written", ())}
                if record.type is not RecordType.CUSTOMER_NOTICE and "standing" in facts:
                    standing = facts["standing"]
            customer = reader.customer("lab")
            assert standing == (customer.standing.value if customer else None)
            assert parties == {uid: in_order(each) for uid, each in reader.parties().items()}

        self.stores.read(read)


class Alone(Lives):
    """The same with one person under many spellings."""

    people = EVE

    @invariant()
    def one_person_alone_never_ends_in_an_approval(self) -> None:
        customer = self.stores.read(lambda reader: reader.customer("lab"))
        assert customer is None or not customer.approved_by
        assert not any(each.approved_at for each in self.registry.overrides())


TestLives = Lives.TestCase
TestAlone = Alone.TestCase
TestLives.settings = TestAlone.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
pytestmark = pytest.mark.slow
