"""One company is one party: an LEI that is known stands for whoever has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.domain.errors import Conflict
from gatekeeper.registry import Registry
from gatekeeper.registry.plan import Outcome
from tests.registry.office import enrol, org, record_of

LEI = "529900T8BM49AURSDO55"
NILE = replace(org("nile", "IN"), legal_name="Nile Robotics Ltd", lei=LEI)
AGAIN = replace(NILE, id="nile-robotics")


def test_a_company_is_not_enrolled_again_under_another_id(registry: Registry) -> None:
    enrol(registry, NILE, customer="nile")
    with pytest.raises(Conflict, match="so has party nile:"):
        registry.apply(record_of(AGAIN, customer="nile2"), by="ana")
    with pytest.raises(Conflict, match="so has party nile:"):
        registry.apply_all([record_of(AGAIN, customer="nile2")], by="ana")


def test_of_two_that_wait_with_one_lei_only_one_is_approved(registry: Registry) -> None:
    registry.apply_all([record_of(NILE, customer="nile"), record_of(AGAIN, customer="nile2")], by="ana")
    registry.approve("nile", by="ben")
    with pytest.raises(Conflict, match="so has party nile:"):
        registry.approve("nile2", by="ben")
    seen = registry.review_all()
    with pytest.raises(Conflict, match="so has party nile:"):
        registry.approve_all(None, by="ben", seen=seen.fingerprint)


def test_whoever_has_an_lei_may_change_all_else(registry: Registry) -> None:
    enrol(registry, NILE, customer="nile")
    assert (
        registry.apply(record_of(replace(NILE, headquarters="CN"), customer="nile"), by="ana").outcome
        is Outcome.AT_ONCE
    )
