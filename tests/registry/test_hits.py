"""Hits on lists: who may judge them, and what a change of either side does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import Listing
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.screening import HitState
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from tests.registry.office import enrol, record_of, tier
from tests.registry.screened import ENTRY, OTHER, cleared, listed, loaded, named, renamed, the_hit


def test_a_true_match_takes_effect_at_once_and_makes_tier_3(registry: Registry, stores: Stores) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    registry.judge(the_hit(registry).id, true_match=True, reason="same address", by="ana")
    assert listed(stores) == (Listing("csl", date(2024, 5, 1)),)
    assert tier(registry) is Tier.THREE


def test_a_false_positive_needs_two_people(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    hit = the_hit(registry)
    with pytest.raises(NotPermitted, match="Nobody says"):
        registry.confirm(hit.id, by="ben")
    registry.judge(hit.id, true_match=False, reason="another country and trade", by="ana")
    assert tier(registry) is Tier.UNRESOLVED
    with pytest.raises(NotPermitted, match="cannot confirm"):
        registry.confirm(hit.id, by="ANA")
    registry.confirm(hit.id, by="ben")
    assert tier(registry) is Tier.ONE


def test_a_true_match_that_was_wrong_is_taken_back_by_two(registry: Registry, stores: Stores) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    hit = the_hit(registry)
    registry.judge(hit.id, true_match=True, reason="looks the same", by="ana")
    registry.judge(hit.id, true_match=False, reason="another registry number", by="cleo")
    assert tier(registry) is Tier.THREE
    registry.confirm(hit.id, by="ben")
    assert listed(stores) == ()
    assert tier(registry) is Tier.ONE


def test_a_judgement_needs_a_reason_and_the_right(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    with pytest.raises(InvalidInput, match="reason"):
        registry.judge(the_hit(registry).id, true_match=False, reason="  ", by="ana")
    viewer = Caller("vic", Method.LOCAL, frozenset({Role.VIEWER}))
    with pytest.raises(NotPermitted, match="kyc-editor"):
        registry.judge(the_hit(registry).id, true_match=False, reason="no", by=viewer)
    editor = Caller("ed", Method.LOCAL, frozenset({Role.KYC_EDITOR}))
    with pytest.raises(NotPermitted, match="policy-admin"):
        registry.load_list(NewList("csl", "cd" * 32, date(2026, 11, 21), ()), by=editor)


def test_a_change_of_the_entry_opens_a_hit_again(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    cleared(registry, the_hit(registry))
    assert tier(registry) is Tier.ONE
    assert loaded(registry, ENTRY) == []  # the same list again opens nothing
    loaded(registry, replace(ENTRY, countries=("US",)))
    assert tier(registry) is Tier.UNRESOLVED


def test_a_change_of_the_party_opens_a_hit_again(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    cleared(registry, the_hit(registry))
    renamed(registry, replace(named("Korvet Dynamics Zavod"), other_names=("Korvet",)))
    assert tier(registry) is Tier.UNRESOLVED


def test_neither_a_new_name_nor_a_shorter_list_ends_an_open_hit(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    renamed(registry, named("Innocent Garden Furniture"))
    assert tier(registry) is Tier.UNRESOLVED
    loaded(registry, OTHER)
    assert tier(registry) is Tier.UNRESOLVED
    cleared(registry, the_hit(registry))
    assert tier(registry) is Tier.ONE


def test_an_old_name_that_comes_back_is_open_again(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    renamed(registry, named("Korvet Dynamics Zavods"))
    current = [each for each in registry.hits() if each.blocks]
    assert [each.party_name for each in current] == ["Korvet Dynamics Zavods"]
    cleared(registry, current[0])
    renamed(registry, named("Korvet Dynamics Zavod"))
    assert tier(registry) is Tier.UNRESOLVED


def test_a_record_that_leaves_the_listing_out_does_not_take_it_away(registry: Registry, stores: Stores) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    registry.judge(the_hit(registry).id, true_match=True, reason="same", by="ana")
    registry.apply(record_of(named("Korvet Dynamics Zavod")), by="ana")
    assert listed(stores)
    registry.approve("lab", by="ben")
    assert listed(stores)
    assert tier(registry) is Tier.THREE


def test_the_database_itself_refuses_one_pair_of_eyes(registry: Registry, stores: Stores) -> None:
    from sqlalchemy.exc import IntegrityError

    from gatekeeper.domain.errors import GatekeeperError

    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    columns = "SET state = 'false_positive', judged_by = 'Ana B', confirmed_by = 'anab'"

    def write(tx: object) -> None:
        tx._connection.exec_driver_sql(f"UPDATE screening_hit {columns}")  # type: ignore[attr-defined]

    with pytest.raises((IntegrityError, GatekeeperError)):
        stores.transact(write)
    assert the_hit(registry).state is HitState.OPEN


def test_a_true_match_stays_one_under_a_new_name_until_two_people_say_otherwise(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, ENTRY)
    registry.judge(the_hit(registry).id, true_match=True, reason="same", by="ana")
    renamed(registry, named("Korvet Dynamics Zavods"))
    assert {each.state for each in registry.hits()} == {HitState.TRUE_MATCH}
    renamed(registry, named("Blue Meadow"))
    assert (tier(registry), len(listed(stores))) == (Tier.THREE, 1)
    for each in registry.hits():
        cleared(registry, each)
    assert (tier(registry), listed(stores)) == (Tier.ONE, ())
