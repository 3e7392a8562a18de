"""Drafts, rejections, closed accounts: every standing and the ways between them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.ports import Stores
from gatekeeper.registry import Outcome, Registry
from tests.registry.office import HandClock, enrol, log, log_types, org, record_of


def test_a_draft_waits_for_nobody_until_it_is_submitted(registry: Registry, stores: Stores) -> None:
    record = record_of(org("lab", "US"))
    assert registry.draft(record, by="ana").outcome is Outcome.DRAFT
    assert registry.review("lab").standing is Standing.DRAFT
    assert registry.review("lab").proposed is None
    with pytest.raises(NotPermitted, match=r"draft: nothing of it waits.*customer submit lab"):
        registry.approve("lab", by="ben")
    assert registry.submit("lab", by="ben").outcome is Outcome.WAITS
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by="ANA")
    assert registry.approve("lab", by="ben").standing is Standing.APPROVED
    assert log_types(stores)[-3:] == ["customer.drafted", "customer.submitted", "customer.approved"]


def test_a_draft_can_be_written_again_and_applied_in_place_of_being_submitted(registry: Registry) -> None:
    registry.draft(record_of(org("lab", "US")), by="ana")
    assert registry.draft(record_of(org("lab", "US")), by="ben").outcome is Outcome.UNCHANGED
    assert registry.draft(record_of(org("lab", "GB")), by="ben").outcome is Outcome.DRAFT
    assert registry.apply(record_of(org("lab", "GB")), by="ben").outcome is Outcome.WAITS
    assert registry.review("lab").standing is Standing.SUBMITTED
    with pytest.raises(NotPermitted, match="no draft"):
        registry.submit("lab", by="ana")


def test_a_draft_cannot_hide_a_change_of_a_customer_that_was_handed_in(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(NotPermitted, match="only a first record can be a draft"):
        registry.draft(record_of(org("lab", "CN")), by="ana")
    registry.approve("lab", by="ben")
    with pytest.raises(NotPermitted, match="only a first record can be a draft"):
        registry.draft(record_of(org("lab", "CN")), by="ana")


def test_a_rejected_record_may_be_applied_again_and_counts_its_attempts(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    rejected = registry.reject("lab", by="ben", reason="forged extract", comment="please send the register's extract")
    assert (rejected.standing, rejected.final, rejected.attempts) == (Standing.REJECTED, False, 1)
    with pytest.raises(NotPermitted, match="rejected: nothing of it waits"):
        registry.approve("lab", by="ben")
    assert registry.review("lab").looked_at.party_id == "lab"
    registry.apply(record_of(org("lab", "US")), by="ana")
    assert registry.review("lab").customer.attempts == 2
    assert registry.approve("lab", by="ben").comment == ""


def test_a_suspension_does_not_bring_a_rejected_record_or_a_draft_back(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.reject("lab", by="ben", reason="x")
    registry.draft(record_of(org("two", "US"), customer="two"), by="ana")
    for customer in ("lab", "two"):
        with pytest.raises(NotPermitted, match="nothing of it can run"):
            registry.suspend(customer, by="cem", reason="x")


def test_what_was_rejected_for_good_is_reopened_only_by_somebody_else(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.reject("lab", by="ben", reason="on a list", final=True)
    for again in (registry.apply, registry.draft):
        with pytest.raises(NotPermitted, match=r"rejected for good.*customer reopen lab"):
            again(record_of(org("lab", "US")), by="ana")
    with pytest.raises(NotPermitted, match="rejected customer lab for good and so cannot reopen"):
        registry.reopen("lab", by=" BEN", reason="x")
    assert not registry.reopen("lab", by="cem", reason="the court decided").final
    registry.apply(record_of(org("lab", "US")), by="ana")
    assert registry.approve("lab", by="cem").standing is Standing.APPROVED


def test_to_reject_a_change_leaves_what_is_in_effect(registry: Registry, stores: Stores) -> None:
    before = enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(NotPermitted, match="only its first record can be rejected for good"):
        registry.reject("lab", by="ben", reason="x", final=True)
    after = registry.reject("lab", by="ben", reason="no proof of the move")
    assert (after.standing, after.expires_at, after.approved_by) == (before.standing, before.expires_at, "ben")
    review = registry.review("lab")
    assert review.proposed is None
    assert review.in_effect is not None
    assert review.in_effect.parties[0].headquarters == "CN"
    assert log(stores)[-1]["facts"]["reason"] == "no proof of the move"
    with pytest.raises(NotPermitted, match="Nothing of customer lab waits"):
        registry.reject("lab", by="ben", reason="again")


def test_one_person_closes_an_account_and_nobody_opens_it_again(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(org("lab", "GB")), by="ana")
    assert registry.close("lab", by="ana", reason="contract ended").standing is Standing.CLOSED
    for act in (
        lambda: registry.approve("lab", by="ben"),
        lambda: registry.apply(record_of(org("lab", "US")), by="ben"),
        lambda: registry.suspend("lab", by="ben", reason="x"),
        lambda: registry.reject("lab", by="ben", reason="x"),
        lambda: registry.reopen("lab", by="ben", reason="x"),
        lambda: registry.close("lab", by="ben", reason="x"),
        lambda: registry.draft(record_of(org("lab", "US")), by="ben"),
    ):
        with pytest.raises(NotPermitted):
            act()
    assert [each.standing for each in registry.reviews()] == [Standing.CLOSED]


@pytest.mark.parametrize("act", ["suspend", "reject", "close", "reopen"])
@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
def test_what_makes_things_stricter_needs_a_reason_of_sensible_length(
    registry: Registry, stores: Stores, act: str, reason: str
) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    size = len(log(stores))
    with pytest.raises(InvalidInput, match="reason"):
        getattr(registry, act)("lab", by="ben", reason=reason)
    assert len(log(stores)) == size


def test_an_approval_near_its_end_is_expiring_and_holds_as_before(registry: Registry, clock: HandClock) -> None:
    customer = enrol(registry, org("lab", "US"))
    assert customer.expires_at is not None
    for left, standing in ((61, Standing.APPROVED), (60, Standing.EXPIRING), (1, Standing.EXPIRING)):
        assert customer.standing_at(customer.expires_at - timedelta(days=left)) is standing
        assert standing.holds
    assert customer.standing_at(customer.expires_at) is Standing.EXPIRED
    assert not Standing.EXPIRED.holds
    clock.at = customer.expires_at - timedelta(days=1)
    assert registry.review("lab").standing is Standing.EXPIRING
    with pytest.raises(InvalidInput, match="never stored"):
        Customer("lab", "lab", Standing.EXPIRING, "ana")


def test_a_refused_customer_is_told_what_to_do_and_nothing_that_people_wrote_for_each_other(
    registry: Registry, clock: HandClock
) -> None:
    told = set()
    registry.draft(record_of(org("lab", "US")), by="ana")
    told.add(registry.review("lab").customer.refusal(clock.at))
    registry.submit("lab", by="ana")
    told.add(registry.review("lab").customer.refusal(clock.at))
    rejected = registry.reject("lab", by="ben", reason="the owner lies", comment="send the extract")
    text, remedy = rejected.refusal(clock.at)
    assert "send the extract" in text
    assert "lies" not in text + remedy
    assert "ben" not in text + remedy
    told.add((text, remedy))
    registry.apply(record_of(org("lab", "US")), by="ana")
    told.add(registry.reject("lab", by="ben", reason="on a list", final=True).refusal(clock.at))
    enrolled = enrol(registry, org("two", "US"), customer="two")
    assert enrolled.expires_at is not None
    told.add(enrolled.refusal(enrolled.expires_at))
    told.add(registry.suspend("two", by="ben", reason="inquiry").refusal(clock.at))
    told.add(registry.close("two", by="ben", reason="fraud").refusal(clock.at))
    assert len(told) == len({remedy for _, remedy in told}) == 7
    assert all(remedy for _, remedy in told)
