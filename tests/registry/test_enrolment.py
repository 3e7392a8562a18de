"""Enrolment: a new customer, its approval, and who may not approve."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gatekeeper.country_files import checked_code
from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.party import Listing
from gatekeeper.ports import Stores
from gatekeeper.registry import Outcome, Registry
from tests.registry.office import NOON, PACK, PACKS, HandClock, enrol, log_types, org, record_of


def test_a_new_customer_waits_until_a_second_person_approves(registry: Registry, stores: Stores) -> None:
    assert registry.apply(record_of(org("lab", "US")), by="ana").outcome is Outcome.ENROLLED
    assert registry.review("lab").standing is Standing.SUBMITTED
    assert stores.read(lambda reader: reader.parties()) == {}
    approved = registry.approve("lab", by="ben")
    assert (approved.standing, approved.prepared_by, approved.approved_by) == (Standing.APPROVED, "ana", "ben")
    assert stores.read(lambda reader: reader.parties()) == {"lab": org("lab", "US")}
    assert log_types(stores) == ["customer.enrolled", "customer.approved"]


@pytest.mark.parametrize(
    "changes", [{"headquarters": "UK"}, {"jurisdiction": "UK-ENG"}, {"other": "SU"}], ids=["seat", "law", "owner"]
)
def test_the_registry_takes_no_code_that_nobody_has(stores: Stores, changes: dict[str, str]) -> None:
    registry = Registry(stores, HandClock(), packs=PACKS, cluster="east", check_code=checked_code)
    owner = org("fund", changes.get("other", "DE"))
    lab = replace(org("lab", changes.get("headquarters", "US"), "fund"), jurisdiction=changes.get("jurisdiction", ""))
    record = record_of(lab, owner)
    for use in (registry.plan, registry.plan_draft):
        with pytest.raises(InvalidInput, match=r"Party (lab|fund): '(UK|SU)'"):
            use(record)
    for act in (registry.apply, registry.draft):
        with pytest.raises(InvalidInput, match=r"Party (lab|fund): '(UK|SU)'"):
            act(record, by="ana")
    assert log_types(stores) == []


def test_a_code_that_a_party_has_from_before_keeps_nobody_from_being_stricter(stores: Stores) -> None:
    enrol(Registry(stores, HandClock(), packs=PACKS, cluster="east"), org("lab", "SU"))
    registry = Registry(stores, HandClock(), packs=PACKS, cluster="east", check_code=checked_code)
    listed = replace(org("lab", "SU"), listings=(Listing("us-sdn"),))
    assert registry.apply(record_of(listed), by="ana").outcome is Outcome.AT_ONCE


@pytest.mark.parametrize("spelling", ["ana", "Ana", "ANA ", "a na", "ａｎａ"])
def test_the_preparer_cannot_approve_under_any_spelling(registry: Registry, stores: Stores, spelling: str) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by=spelling)
    assert registry.review("lab").standing is Standing.SUBMITTED
    assert log_types(stores) == ["customer.enrolled"]


@pytest.mark.parametrize("name", ["аna", "ana\u200b", "ana\u202e", "", " ", "ana\n", "x" * 201, "an,a"])
def test_a_name_that_only_looks_like_another_one_cannot_act(registry: Registry, name: str) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(InvalidInput, match="name of a person"):
        registry.approve("lab", by=name + "\u200b" if name == "ana\n" else name)


def test_who_submits_again_becomes_the_preparer_and_nobody_who_wrote_any_of_it_approves(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.apply(record_of(org("lab", "CA")), by="ben")
    for author in ("ben", "ana"):
        with pytest.raises(NotPermitted, match="prepared the record"):
            registry.approve("lab", by=author)
    assert registry.approve("lab", by="cem").prepared_by == "ben"
    assert "Lab (CA)" in registry.explain("lab")[PACK].deciding.text


def test_an_approval_lasts_a_year_in_tier_1_and_half_a_year_elsewhere(registry: Registry) -> None:
    assert enrol(registry, org("one", "US"), customer="one").expires_at == NOON + timedelta(days=365)
    assert enrol(registry, org("two", "IN"), customer="two").expires_at == NOON + timedelta(days=182)


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(days=1), NOON + timedelta(days=366)])
def test_an_approval_ends_neither_in_the_past_nor_later_than_the_terms(registry: Registry, end: datetime) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(InvalidInput, match="can end between"):
        registry.approve("lab", by="ben", expires_at=end)


def test_an_approver_approves_what_it_saw_or_nothing(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.apply(record_of(org("lab", "GB")), by="ana")
    with pytest.raises(Conflict, match="not the one that ben looked at"):
        registry.approve("lab", by="ben", seen=seen)
    assert registry.approve("lab", by="ben", seen=registry.review("lab").fingerprint).standing is Standing.APPROVED


def test_what_an_approver_saw_includes_owners_that_stand_in_another_file(registry: Registry) -> None:
    enrol(registry, org("sister", "US", "group"), org("group", "US"), customer="sister")
    registry.apply(record_of(org("lab", "US", "group")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.apply(record_of(org("sister", "US", "group"), org("group", "CN"), customer="sister"), by="cem")
    with pytest.raises(Conflict):
        registry.approve("lab", by="ben", seen=seen)


def test_an_approval_does_not_lift_a_suspension_that_its_approver_did_not_see(registry: Registry) -> None:
    enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.suspend("lab", by="cem", reason="court order")
    with pytest.raises(Conflict):
        registry.approve("lab", by="ben", seen=seen)
