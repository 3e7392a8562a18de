"""Suspension, expiry and renewal."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.record import decode
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.ports import Stores
from gatekeeper.registry import Outcome, Registry
from gatekeeper.verify.life import LifeCheck
from tests.registry.office import HandClock, enrol, log_types, org, record_of


def test_a_suspension_is_lifted_by_one_who_asks_and_another_who_approves(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    suspended = registry.suspend("lab", by="ben", reason="sanctions hit")
    assert (suspended.standing, suspended.reason) == (Standing.SUSPENDED, "sanctions hit")
    with pytest.raises(NotPermitted, match="nobody has asked to lift that") as refused:
        registry.approve("lab", by="ana")
    assert "gatekeeper customer reinstate lab" in refused.value.hint
    registry.reinstate("lab", by="cem", reason="the hit was a namesake")
    review = registry.review("lab")
    assert (review.standing, review.ask.value, review.prepared_by) == (Standing.SUSPENDED, "reinstate", "cem")
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by="CEM")
    lifted = registry.approve("lab", by="ana", seen=review.fingerprint)
    assert (lifted.standing, lifted.prepared_by, lifted.approved_by) == (Standing.APPROVED, "ana", "ben")
    assert lifted.reason == "suspension lifted by ana, as cem asked"
    assert log_types(stores)[-3:] == ["customer.suspended", "customer.reinstatement_requested", "customer.approved"]


def lift(registry: Registry, *, ends: datetime | None = None) -> Customer:
    registry.suspend("lab", by="ben", reason="inquiry")
    registry.reinstate("lab", by="ben", reason="closed")
    return registry.approve("lab", by="ana", expires_at=ends)


def test_a_lifted_suspension_brings_the_approval_back_with_its_end_and_its_hands(
    registry: Registry, clock: HandClock
) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    ends = clock.at + timedelta(days=13)
    registry.approve("lab", by="ben", expires_at=ends)
    for _ in range(2):  # the second lift finds the approval behind the first
        clock.at += timedelta(days=1)
        lifted = lift(registry)
        assert (lifted.prepared_by, lifted.approved_by) == ("ana", "ben")
        assert lifted.expires_at == ends.replace(microsecond=0)
    with pytest.raises(InvalidInput, match="does not lengthen the approval"):
        lift(registry, ends=ends + timedelta(days=1))
    assert registry.approve("lab", by="ana", expires_at=ends - timedelta(days=2)).expires_at == ends - timedelta(days=2)
    assert lift(registry).expires_at == (ends - timedelta(days=2)).replace(microsecond=0)


def test_an_approval_that_had_ended_stays_ended_after_a_suspension(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += timedelta(days=400)
    assert lift(registry).standing_at(clock.at) is Standing.EXPIRED
    registry.renew("lab", by="cem", reason="register extract")
    assert registry.approve("lab", by="ben").standing_at(clock.at) is Standing.APPROVED


def test_what_one_person_approved_under_two_logins_is_approved_anew_by_the_two_who_lift_its_suspension(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    enrol(registry, org("lab", "US"))
    registry.link_login("ana", "ben", by=Caller("pia", Method.OIDC, frozenset({Role.POLICY_ADMIN})))
    clock.at += timedelta(days=100)
    registry.suspend("lab", by="cem", reason="one person approved it")
    registry.reinstate("lab", by="dia", reason="looked at again")
    assert registry.if_approved(registry.review("lab")) == (clock.at + timedelta(days=365), None)
    lifted = registry.approve("lab", by="cem")
    assert (lifted.standing, lifted.prepared_by, lifted.approved_by) == (Standing.APPROVED, "dia", "cem")
    check = LifeCheck()
    for leaf in stores.read(lambda reader: list(reader.leaves())):
        check.see(decode(leaf))


def test_a_change_that_is_decided_on_with_a_suspension_is_a_new_approval(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    clock.at += timedelta(days=100)
    approved = lift_by_a_third(registry)
    assert (approved.prepared_by, approved.approved_by) == ("dia", "cem")
    assert approved.expires_at == clock.at + timedelta(days=365)


def lift_by_a_third(registry: Registry) -> Customer:
    registry.suspend("lab", by="ben", reason="inquiry")
    registry.reinstate("lab", by="dia", reason="closed")
    return registry.approve("lab", by="cem")


def test_a_change_that_waits_does_not_lift_a_suspension_until_somebody_asks_for_both(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "hold"), org("hold", "US"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.suspend("lab", by="cem", reason="fraud")
    with pytest.raises(NotPermitted, match="nobody has asked to lift that"):
        registry.approve("lab", by="ben")
    registry.reinstate("lab", by="cem", reason="cleared")
    for author in ("ana", "cem"):
        with pytest.raises(NotPermitted, match="prepared the record"):
            registry.approve("lab", by=author)
    assert registry.approve("lab", by="ben").standing is Standing.APPROVED
    assert registry.explain("lab")["us-ai-diffusion"].deciding.path == ("lab",)


def test_a_later_suspension_voids_what_was_asked_before(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.suspend("lab", by="cem", reason="inquiry")
    registry.reinstate("lab", by="ana", reason="closed")
    registry.suspend("lab", by="cem", reason="another inquiry")
    with pytest.raises(NotPermitted, match="nobody has asked to lift that"):
        registry.approve("lab", by="ben")


def test_a_request_is_made_once_and_only_of_what_is_suspended(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(NotPermitted, match="not suspended"):
        registry.reinstate("lab", by="ana", reason="x")
    registry.suspend("lab", by="cem", reason="inquiry")
    with pytest.raises(InvalidInput, match="needs a reason"):
        registry.reinstate("lab", by="ana", reason=" ")
    registry.reinstate("lab", by="ana", reason="x")
    with pytest.raises(NotPermitted, match="asked for that already"):
        registry.reinstate("lab", by="eve", reason="x")
    assert registry.apply(record_of(org("lab", "US")), by="dia").outcome is Outcome.UNCHANGED
    assert registry.review("lab").ask.value == "reinstate"


def test_who_changes_a_suspended_record_cannot_reinstate_it(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.suspend("lab", by="cem", reason="inquiry")
    assert registry.apply(record_of(org("lab", "GB")), by="ben").outcome is Outcome.AT_ONCE
    assert registry.review("lab").customer.reason == "inquiry"
    registry.reinstate("lab", by="ana", reason="closed")
    with pytest.raises(NotPermitted, match="changed party lab of customer lab alone"):
        registry.approve("lab", by="ben")


def test_a_suspension_needs_a_reason(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(InvalidInput, match="needs a reason"):
        registry.suspend("lab", by="ben", reason="  ")


def test_an_approval_that_has_ended_is_renewed_by_two_people(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += timedelta(days=365)
    assert registry.review("lab").standing is Standing.EXPIRED
    with pytest.raises(NotPermitted, match="Nothing of customer lab waits") as refused:
        registry.approve("lab", by="ben")
    assert "gatekeeper customer renew lab" in refused.value.hint
    registry.renew("lab", by="cem", reason="register extract")
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by="cem")
    renewed = registry.approve("lab", by="ben")
    assert (renewed.expires_at, renewed.prepared_by) == (clock.at + timedelta(days=365), "cem")


def test_an_approval_is_renewed_before_it_ends_so_that_nobody_is_stopped(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += timedelta(days=365 - 61)
    with pytest.raises(NotPermitted, match="not near its end"):
        registry.renew("lab", by="ana")
    with pytest.raises(NotPermitted, match=r"renewed as it stands it can be from \d{4}-\d\d-\d\d on"):
        registry.approve("lab", by="ben")
    clock.at += timedelta(days=1)
    registry.renew("lab", by="ana")
    assert registry.review("lab").standing is Standing.EXPIRING
    assert registry.approve("lab", by="ben").expires_at == clock.at + timedelta(days=365)


def test_a_change_that_waits_is_approved_and_not_renewed(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    clock.at += timedelta(days=170)
    with pytest.raises(NotPermitted, match="approving it renews"):
        registry.renew("lab", by="cem")


def test_who_changed_a_record_alone_cannot_renew_it(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(org("lab", "GB")), by="ben")
    registry.apply(record_of(org("lab", "FR")), by="cem")
    clock.at += timedelta(days=365)
    registry.renew("lab", by="ana")
    for changer in ("ben", "Cem"):
        with pytest.raises(NotPermitted, match="alone since two people looked at it"):
            registry.approve("lab", by=changer)
    assert registry.approve("lab", by="dia").standing is Standing.APPROVED
    clock.at += timedelta(days=365)
    registry.renew("lab", by="ana")
    assert registry.approve("lab", by="ben").standing is Standing.APPROVED


def test_a_pack_that_has_no_tier_1_shortens_nobody_s_approval(stores: Stores, clock: HandClock) -> None:
    every = tuple(ActivePack(pack, pack.default_mode) for pack in load_packs(bundled_dir()))
    registry = Registry(stores, clock, packs=every, cluster="east")
    assert enrol(registry, org("lab", "US")).expires_at == clock.at + timedelta(days=365)
    assert enrol(registry, org("two", "PL"), customer="two").expires_at == clock.at + timedelta(days=182)
    assert enrol(registry, org("three", "CN"), customer="three").expires_at == clock.at + timedelta(days=182)
