"""KYC profiles: looked at by people, approved by two, and never in the log but as a salted hash."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.kyc_profile import (
    Access,
    Address,
    AddressKind,
    KycProfile,
    Payment,
    PaymentMeans,
    TrainingPlan,
    VerificationMethod,
)
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.profile_facts import profile_of_text, profile_text
from gatekeeper.ports import Stores
from gatekeeper.registry import KycRecord, Outcome, Registry
from tests.registry.office import PACKS, HandClock, log, org

PROFILE = KycProfile(
    names=("Lab",),
    address=Address("1 Lab Street, Bengaluru", "IN"),
    headquarters_address_kind=AddressKind.OFFICE,
    emails=("kyc@lab.example",),
    telephones=("+91 80 1234567",),
)


def lab(profile: KycProfile | None = PROFILE, hq: str = "IN") -> KycRecord:
    return KycRecord("lab", "lab", (org("lab", hq),), profile=profile)


def enrol(registry: Registry) -> None:
    registry.apply(lab(), by="ana")
    registry.approve("lab", by="ben", seen=registry.review("lab").fingerprint)


def test_the_log_holds_a_salted_hash_and_nothing_of_the_person(registry: Registry, stores: Stores) -> None:
    enrol(registry)
    whole = b"".join(stores.read(lambda reader: list(reader.leaves())))
    for secret in (b"kyc@", b"Street", b"+91", hashlib.sha256(profile_text(PROFILE).encode()).hexdigest().encode()):
        assert secret not in whole
    approved = log(stores)[-1]["facts"]["in_effect"]["profile_sha256"]
    sealed = stores.read(lambda reader: reader.profile(approved))
    assert sealed is not None
    assert hashlib.sha256(sealed.salt + sealed.text.encode()).hexdigest() == approved
    assert profile_of_text(sealed.text) == PROFILE


def test_who_approves_sees_it(registry: Registry) -> None:
    registry.apply(lab(), by="ana")
    assert registry.review("lab").looked_at.profile == PROFILE


def test_the_same_file_again_changes_nothing(registry: Registry) -> None:
    enrol(registry)
    assert registry.apply(lab(), by="ana").outcome is Outcome.UNCHANGED
    assert registry.apply(lab(None), by="ana").outcome is Outcome.UNCHANGED


def test_another_profile_waits_for_a_second_person_and_the_old_one_stays_on_record(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry)
    before = registry.review("lab").looked_at.profile_sha256
    plan = registry.apply(lab(replace(PROFILE, emails=("other@lab.example",))), by="ana")
    assert plan.outcome is Outcome.WAITS
    assert plan.before is not None
    assert plan.before.profile == PROFILE
    review = registry.review("lab")
    assert review.in_effect is not None
    assert review.in_effect.profile == PROFILE
    registry.approve("lab", by="ben")
    assert registry.review("lab").looked_at.profile_sha256 != before
    assert stores.read(lambda reader: reader.profile(before)) is not None


def test_the_profile_is_part_of_what_the_approver_looked_at(registry: Registry) -> None:
    registry.apply(lab(), by="ana")
    seen = registry.review("lab").fingerprint
    registry.apply(lab(replace(PROFILE, emails=("other@lab.example",))), by="ana")
    assert registry.review("lab").fingerprint != seen


@pytest.mark.parametrize("kind", [AddressKind.PO_BOX, AddressKind.REGISTERED_AGENT])
def test_a_letter_box_is_no_headquarters(registry: Registry, kind: AddressKind) -> None:
    box = replace(PROFILE, headquarters_address_kind=kind)
    with pytest.raises(InvalidInput, match="nobody knows where it is run from"):
        lab(box)
    registry.apply(lab(box, hq=""), by="ana")
    # Nor may a later file, which says nothing of the address, bring them back.
    with pytest.raises(InvalidInput, match="nobody knows where it is run from"):
        registry.apply(lab(None), by="ana")
    assert registry.apply(lab(), by="ana").outcome is Outcome.WAITS


def test_it_is_not_shown_by_chance() -> None:
    assert "kyc@" not in repr(lab())


TEXT = st.text(st.characters(whitelist_categories=["L", "N", "P"]), min_size=1, max_size=40)
ADDRESSES = st.builds(Address, TEXT, st.sampled_from(["", "DE", "UA-43"]))
DAYS = st.none() | st.dates(date(2026, 1, 1), date(2026, 6, 1))
PROFILES = st.builds(
    KycProfile,
    names=st.lists(TEXT, max_size=3).map(tuple),
    address=st.none() | ADDRESSES,
    headquarters_address_kind=st.none() | st.sampled_from(AddressKind),
    locations_of_use=st.lists(ADDRESSES, max_size=2).map(tuple),
    beneficial_owners=st.lists(TEXT, max_size=2).map(tuple),
    payments=st.lists(st.builds(Payment, st.sampled_from(PaymentMeans), TEXT), max_size=2).map(tuple),
    accesses=st.lists(
        st.builds(
            Access,
            st.ip_addresses().map(str),
            st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1)),  # noqa: DTZ001 - Hypothesis wants it naive
        ),
        max_size=2,
    ).map(tuple),
    training_plans=st.lists(
        st.builds(TrainingPlan, st.integers(1, 10**15), TEXT, DAYS, st.none(), st.lists(TEXT, max_size=2).map(tuple)),
        max_size=2,
    ).map(tuple),
    method=st.none() | st.sampled_from(VerificationMethod),
)


@given(PROFILES)
def test_a_profile_is_read_back_as_it_was_written(profile: KycProfile) -> None:
    assert profile_of_text(profile_text(profile)) == profile


WHOLE = replace(
    PROFILE,
    locations_of_use=(Address("2 Use Street, Pune", "IN"),),
    beneficial_owners=("A Person",),
    payments=(Payment(PaymentMeans.TRANSACTION_ID, "tx-1"),),
    accesses=(Access("192.0.2.1", datetime(2026, 11, 1, tzinfo=UTC)),),
)
FOUNDED = replace(org("lab", "IN"), jurisdiction="IN")


@pytest.fixture
def demanding(stores: Stores, clock: HandClock) -> Registry:
    return Registry(stores, clock, packs=PACKS, cluster="east", demands_profile=True)


@pytest.mark.parametrize(
    ("missing", "key"),
    [
        ({"address": None}, "address"),
        ({"locations_of_use": ()}, "locations_of_use"),
        ({"beneficial_owners": ()}, "beneficial_owners"),
        ({"payments": ()}, "payment"),
        ({"emails": ()}, "email"),
        ({"telephones": ()}, "telephone"),
        ({"accesses": ()}, "access"),
    ],
)
def test_each_field_of_the_proposal_is_demanded_by_its_name(
    demanding: Registry, missing: dict[str, object], key: str
) -> None:
    profile = replace(WHOLE, **missing)  # type: ignore[arg-type]
    for act in (demanding.plan, lambda record: demanding.apply(record, by="ana")):
        with pytest.raises(InvalidInput, match=rf"Customer lab lacks {key}, "):
            act(KycRecord("lab", "lab", (FOUNDED,), profile=profile))
    demanding.apply(KycRecord("lab", "lab", (FOUNDED,), profile=WHOLE), by="ana")


def test_the_law_of_an_entity_is_demanded_and_a_person_has_none(demanding: Registry) -> None:
    with pytest.raises(InvalidInput, match="lacks jurisdiction, "):
        demanding.apply(KycRecord("lab", "lab", (org("lab", "IN"),), profile=WHOLE), by="ana")
    person = Party("ann", PartyKind.PERSON, "Ann", "IN")
    demanding.apply(KycRecord("ann", "ann", (person,), profile=replace(WHOLE, beneficial_owners=())), by="ana")


def test_without_a_profile_all_is_named_and_a_draft_waits_for_the_rest(demanding: Registry) -> None:
    bare = KycRecord("lab", "lab", (org("lab", "IN"),))
    with pytest.raises(InvalidInput, match=r"lacks address, .*, beneficial_owners, payment, email, telephone, access,"):
        demanding.apply_all([bare], by="ana")
    demanding.draft(bare, by="ana")
    with pytest.raises(InvalidInput, match="lacks address"):
        demanding.submit("lab", by="ana")
    demanding.draft(KycRecord("lab", "lab", (FOUNDED,), profile=WHOLE), by="ana")
    assert demanding.submit("lab", by="ana").outcome is Outcome.WAITS


def test_nobody_approves_what_owes_a_field_that_was_not_demanded_when_it_was_prepared(
    registry: Registry, demanding: Registry
) -> None:
    registry.apply(lab(), by="ana")
    with pytest.raises(InvalidInput, match="lacks locations_of_use"):
        demanding.approve("lab", by="ben")
    registry.approve("lab", by="ben")
    registry.suspend("lab", by="ana", reason="x")
    registry.reinstate("lab", by="ana", reason="x")
    with pytest.raises(InvalidInput, match="lacks locations_of_use"):
        demanding.approve("lab", by="ben")


def test_what_is_stricter_takes_effect_whatever_is_missing(registry: Registry, demanding: Registry) -> None:
    enrol(registry)
    assert demanding.apply(lab(None, hq="CN"), by="ana").outcome is Outcome.AT_ONCE
    with pytest.raises(InvalidInput, match="lacks locations_of_use"):
        demanding.apply(lab(None, hq="US"), by="ana")
