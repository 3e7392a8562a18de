"""The second of two people: who may be it, what is shown, and what is approved exactly as it was shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.observation import Observed
from gatekeeper.domain.party import Listing
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import KycRecord, Outcome, Registry
from gatekeeper.registry.consequences import GroupChange, TierChange
from tests.registry.office import NOON, PACK, HandClock, enrol, log, org, record_of, tier

LEI = "529900T8BM49AURSDO55"


def sisters(registry: Registry) -> None:
    """Customers lab and sis under one holding; mallory wants tiny out of the record of sis, and repeats the holding."""
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    enrol(registry, org("sis", "US", "hold", "tiny"), org("hold", "US"), org("tiny", "US"), customer="sis")
    assert registry.apply(without_tiny(), by="mallory").outcome is Outcome.WAITS


def without_tiny(*hold: str) -> KycRecord:
    return record_of(org("sis", "US", "hold"), org("hold", *(hold or ("US",))), customer="sis")


def test_a_register_leaves_what_waits_to_its_author(registry: Registry) -> None:
    tiny = replace(org("tiny", "US"), lei=LEI)
    enrol(registry, org("lab", "US", "cnco", "tiny"), org("cnco", "CN"), tiny)
    registry.apply(record_of(org("lab", "US", "tiny"), tiny), by="mallory")
    word = Observed(LEI, "Tiny", "IN", "IN", "ACTIVE", "ISSUED", (), (), "2026-01-01", ("f" * 64,), NOON)
    assert registry.observe({LEI: word}, by="ana").conflicts[0].taken
    review = registry.review("lab")
    assert (review.prepared_by, review.stale) == ("mallory", ("tiny",))
    with pytest.raises(NotPermitted, match="mallory prepared the record"):
        registry.approve("lab", by="mallory")
    with pytest.raises(Conflict, match="Party tiny has changed"):
        registry.approve("lab", by="ben")
    assert tier(registry) is Tier.THREE


def test_a_stale_proposal_undoes_no_stricter_owner(registry: Registry) -> None:
    sisters(registry)
    seen = registry.review("sis").fingerprint
    assert registry.apply(record_of(org("lab", "US", "hold"), org("hold", "CN")), by="ana").outcome is Outcome.AT_ONCE
    review = registry.review("sis")
    assert review.fingerprint != seen
    assert TierChange("lab", PACK, Tier.THREE, Tier.ONE) in review.changes
    with pytest.raises(Conflict, match="not the one that ben looked at"):
        registry.approve("sis", by="ben", seen=seen)
    with pytest.raises(Conflict, match="Party hold has changed since mallory wrote what waits"):
        registry.approve("sis", by="ben", seen=review.fingerprint)
    assert tier(registry) is Tier.THREE


def test_a_stale_proposal_takes_no_listing_back(registry: Registry) -> None:
    sisters(registry)
    listed = replace(org("hold", "US"), listings=(Listing("entity-list", date(2026, 1, 1)),))
    registry.apply(record_of(org("lab", "US", "hold"), listed), by="ana")
    with pytest.raises(Conflict, match="Party hold has changed"):
        registry.approve("sis", by="ben")


def test_a_stale_proposal_is_applied_again_and_then_approved_for_what_it_does_now(registry: Registry) -> None:
    sisters(registry)
    registry.apply(record_of(org("lab", "US", "hold"), org("hold", "CN")), by="ana")
    assert registry.apply(without_tiny(), by="dia").outcome is Outcome.WAITS
    review = registry.review("sis")
    assert (review.stale, review.waiting and review.waiting.authors) == ((), ("mallory", "dia"))
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("sis", by="mallory")
    registry.approve("sis", by="ben", seen=review.fingerprint)
    assert tier(registry) is Tier.ONE


def test_a_stale_batch_is_not_approved_as_it_was_seen(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    enrol(registry, org("sis", "US", "hold", "tiny"), org("hold", "US"), org("tiny", "US"), customer="sis")
    batch = registry.apply_all([without_tiny()], by="mallory").batch_id
    seen = registry.review_all(batch).fingerprint
    registry.apply(record_of(org("lab", "US", "hold"), org("hold", "CN")), by="ana")
    with pytest.raises(Conflict, match="not what was looked at"):
        registry.approve_all(batch, by="ben", seen=seen)
    assert tier(registry) is Tier.THREE


def test_two_records_of_a_batch_say_the_same_of_a_party(registry: Registry, stores: Stores) -> None:
    records = [record_of(org("lab", "US", "hold"), org("hold", "CN")), without_tiny()]
    for act in (lambda: registry.apply_all(records, by="ana"), lambda: registry.plan_all(records)):
        with pytest.raises(InvalidInput, match="Party hold stands differently in the records of customers lab and sis"):
            act()
    assert log(stores) == []


def test_of_two_first_records_that_disagree_the_second_is_stale_and_each_approver_sees_the_other(
    registry: Registry,
) -> None:
    registry.apply(record_of(org("lab", "US", "hold"), org("hold", "CN")), by="ana")
    registry.apply(without_tiny("US"), by="ana")
    whole = registry.review_all()
    for review in (registry.review("sis"), next(each for each in whole.reviews if each.customer.id == "sis")):
        assert review.changes == (TierChange("lab", PACK, Tier.THREE, Tier.ONE),)
    registry.approve("lab", by="ben")
    with pytest.raises(Conflict, match="Party hold has changed"):
        registry.approve("sis", by="ben")


def test_who_changed_an_owner_through_another_file_approves_nothing_under_it(
    registry: Registry, clock: HandClock
) -> None:
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    enrol(registry, org("sis", "US", "hold"), org("hold", "US"), customer="sis")
    assert registry.apply(without_tiny("GB"), by="mallory").outcome is Outcome.AT_ONCE
    clock.at += timedelta(days=340)
    registry.renew("lab", by="ana")
    with pytest.raises(NotPermitted, match="Mallory changed party hold of customer lab alone"):
        registry.approve("lab", by="Mallory")
    assert registry.review("lab").customer.reason == ""


def test_a_suspension_forgets_nobody_who_changed_a_record_alone(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(org("lab", "GB")), by="mallory")
    registry.suspend("lab", by="ana", reason="checking")
    registry.reinstate("lab", by="ana", reason="checked")
    with pytest.raises(NotPermitted, match="mallory changed party lab"):
        registry.approve("lab", by="mallory")


def test_an_approver_sees_the_tier_that_comes_when_a_share_ends(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    whole = Interest("cnco", 60_000_000, 60_000_000)
    lab = replace(org("lab", "US"), interests=(whole,))
    enrol(registry, lab, org("cnco", "CN"))
    end = clock.at.date() + timedelta(days=2)
    registry.apply(record_of(replace(lab, interests=(replace(whole, ends=end),)), org("cnco", "CN")), by="ana")
    review = registry.review("lab")
    assert review.findings[PACK].tier is Tier.THREE
    assert review.changes == (TierChange("lab", PACK, Tier.THREE, Tier.ONE, end),)
    registry.approve("lab", by="ben", seen=review.fingerprint)
    told = log(stores)[-1]["facts"]["changes"]
    assert told == [{"customer": "lab", "pack": PACK, "before": "3", "after": "1", "day": end.isoformat()}]


def test_the_approver_of_a_first_record_sees_how_its_tier_moves_by_itself(registry: Registry, clock: HandClock) -> None:
    end = clock.at.date() + timedelta(days=2)
    lab = replace(org("lab", "US"), interests=(Interest("cnco", 60_000_000, 60_000_000, None, end),))
    registry.apply(record_of(lab, org("cnco", "CN")), by="ana")
    assert registry.review("lab").changes == (TierChange("lab", PACK, Tier.THREE, Tier.ONE, end),)


def test_an_approver_sees_who_leaves_a_corporate_group(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN", "group"), org("group", "IN"))
    enrol(registry, org("sis", "IN", "group"), org("group", "IN"), customer="sis")
    registry.apply(record_of(org("sis", "IN", reason="sold"), customer="sis"), by="ana")
    splits = (GroupChange("lab", ("sis",)), GroupChange("sis", ("group", "lab")))
    alone, (together,) = registry.review("sis"), registry.review_all().reviews
    assert (alone.changes, alone.groups) == ((), splits)
    assert (together.groups, together.fingerprint) == (splits, alone.fingerprint)
    registry.approve("sis", by="ben", seen=alone.fingerprint)
    told = log(stores)[-1]["facts"]
    assert (told["groups_total"], told["groups"][0]["left"]) == (2, ["sis"])


def test_another_party_as_the_customer_s_own_leaves_the_group_too(registry: Registry) -> None:
    enrol(registry, org("lab", "IN", "group"), org("group", "IN"))
    registry.apply(record_of(org("fresh", "IN")), by="ana")
    assert registry.review("lab").groups == (GroupChange("lab", ("group", "lab")),)
