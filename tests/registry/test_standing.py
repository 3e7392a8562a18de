"""Suspension, expiry and renewal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.policy import ActivePack
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.ports import Stores
from gatekeeper.registry import Outcome, Registry
from tests.registry.office import HandClock, enrol, log_types, org, record_of


def test_one_person_suspends_and_another_reinstates(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    suspended = registry.suspend("lab", by="ben", reason="sanctions hit")
    assert (suspended.standing, suspended.reason) == (Standing.SUSPENDED, "sanctions hit")
    with pytest.raises(NotPermitted):
        registry.approve("lab", by="Ben")
    assert registry.approve("lab", by="ana").standing is Standing.APPROVED
    assert log_types(stores)[-2:] == ["customer.suspended", "customer.approved"]


def test_who_changes_a_suspended_record_cannot_reinstate_it(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.suspend("lab", by="cem", reason="inquiry")
    assert registry.apply(record_of(org("lab", "GB")), by="ben").outcome is Outcome.AT_ONCE
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by="ben")
    assert registry.review("lab").customer.reason == "inquiry"


def test_a_suspension_needs_a_reason(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(InvalidInput, match="needs a reason"):
        registry.suspend("lab", by="ben", reason="  ")


def test_an_approval_that_has_ended_is_renewed_by_approving_again(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(NotPermitted, match="Nothing of customer lab waits"):
        registry.approve("lab", by="cem")
    clock.at += timedelta(days=365)
    assert registry.review("lab").standing is Standing.EXPIRED
    assert registry.approve("lab", by="ben").expires_at == clock.at + timedelta(days=365)


def test_an_approval_is_renewed_before_it_ends_so_that_nobody_is_stopped(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += timedelta(days=365 - 61)
    with pytest.raises(NotPermitted, match=r"renewed as it stands it can be from \d{4}-\d\d-\d\d on"):
        registry.approve("lab", by="ben")
    clock.at += timedelta(days=1)
    assert registry.approve("lab", by="ben").expires_at == clock.at + timedelta(days=365)


def test_who_changed_a_record_alone_cannot_renew_it_alone(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(org("lab", "GB")), by="ben")
    registry.apply(record_of(org("lab", "FR")), by="cem")
    clock.at += timedelta(days=365)
    for changer in ("ben", "Cem"):
        with pytest.raises(NotPermitted, match="since its approval"):
            registry.approve("lab", by=changer)
    assert registry.approve("lab", by="dia").standing is Standing.APPROVED


def test_a_pack_that_has_no_tier_1_shortens_nobody_s_approval(stores: Stores, clock: HandClock) -> None:
    every = tuple(ActivePack(pack, pack.default_mode) for pack in load_packs(bundled_dir()))
    registry = Registry(stores, clock, packs=every, cluster="east")
    assert enrol(registry, org("lab", "US")).expires_at == clock.at + timedelta(days=365)
    assert enrol(registry, org("two", "PL"), customer="two").expires_at == clock.at + timedelta(days=182)
    assert enrol(registry, org("three", "CN"), customer="three").expires_at == clock.at + timedelta(days=182)
