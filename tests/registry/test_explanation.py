"""Why a customer has its tier."""

from __future__ import annotations

from datetime import date

import pytest

from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.strictness import Yardstick
from tests.registry.office import PACK, PACKS, enrol, log, org, record_of, tier


def test_an_explanation_names_the_path_to_the_owner_that_decides(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "holding"), org("holding", "GB", "parent"), org("parent", "CN"))
    deciding = registry.explain("lab")[PACK].deciding
    assert (deciding.tier, deciding.path) == (Tier.THREE, ("lab", "holding", "parent"))
    assert all(name in deciding.text for name in ("Lab (US)", "Holding (GB)", "Parent (CN)"))


def test_an_explanation_can_be_asked_for_another_day(registry: Registry) -> None:
    enrol(registry, org("lab", "KH"))
    assert registry.explain("lab", as_of=date(2025, 6, 1))[PACK].tier is Tier.THREE
    assert registry.explain("lab", as_of=date(2026, 11, 22))[PACK].tier is Tier.TWO


def test_a_day_before_the_table_leaves_a_customer_unresolved_and_says_when_the_table_begins(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    for day in (date(2025, 1, 12), date(1999, 1, 1)):
        deciding = registry.explain("lab", as_of=day)[PACK].deciding
        assert (deciding.tier, deciding.code) == (Tier.UNRESOLVED, "table.not_yet")
        assert "begins on 2025-01-13" in deciding.text
    assert registry.explain("lab", as_of=date(2025, 1, 13))[PACK].tier is Tier.ONE


def test_a_customer_that_waits_is_explained_by_what_waits(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "IN")), by="ana")
    assert tier(registry) is Tier.TWO


def test_an_unknown_customer_is_named(registry: Registry) -> None:
    for ask in (registry.explain, registry.review):
        with pytest.raises(NotFound, match="no customer 'nobody'"):
            ask("nobody")


def test_the_log_alone_resolves_the_tier_again(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "parent"), org("parent", "CN"))
    state = log(stores)[-1]["facts"]["in_effect"]
    parties = {
        each["id"]: Party(**{**each, "kind": PartyKind(each["kind"]), "parents": tuple(each["parents"])})
        for each in state["parties"]
    }
    found = Yardstick.of(PACKS, date.fromisoformat(state["as_of"])).findings(parties, state["party"])[PACK]
    stated = state["tiers"][PACK]
    assert stated["sha256"] == PACKS[0].pack.sha256
    assert stated["tier"] == found.tier.value == "3"
    assert stated["reasons"][0] == {"code": "hq.owner", "path": ["lab", "parent"], "tier": "3"}
    assert [tuple(each["path"]) for each in stated["reasons"]] == [each.path for each in found.reasons]
