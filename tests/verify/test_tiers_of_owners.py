"""Tiers that rest on shares, listings, branches and persons are resolved again from the log alone."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.ownership import Ownership, ShareRule, Span
from gatekeeper.domain.ownership_facts import ownership_json, ownership_of
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.policies import tier_facts
from gatekeeper.registry.facts import state_facts
from gatekeeper.registry.kyc_record import KycRecord, owners_of
from gatekeeper.verify import TierCheck, Wrong
from tests.domain.graphs import DAY, TABLE, graphs, org, share, top

SHA256 = "ab" * 32


def record(kind: RecordType, facts: dict[str, Any]) -> Record:
    actor = Actor(ActorKind.PERSON, "ana")
    return Record("0195a3f0-1c2d-7e3f-8a4b-5c6d7e8f9012", datetime(2026, 11, 22, tzinfo=UTC), kind, actor, facts)


def loaded(**changes: Any) -> Record:
    tiers: dict[str, Any] = {**tier_facts(TABLE), **changes}
    return record(RecordType.POLICY_LOADED, {"pack": "us", "sha256": SHA256, "tiers": tiers})


def approved(parties: dict[str, Party], own: str) -> Record:
    chain = owners_of(parties, own)
    finding = resolve(chain, own, TABLE, DAY)
    state = state_facts(KycRecord("acme", own, tuple(chain.values())), {"us": finding}, {"us": SHA256})
    return record(RecordType.CUSTOMER_APPROVED, {"customer": "acme", "in_effect": state})


@given(graphs(), st.data())
def test_every_graph_that_the_registry_tells_is_resolved_again(parties: dict[str, Party], data: st.DataObject) -> None:
    check = TierCheck()
    check.see(loaded())
    check.see(approved(parties, data.draw(st.sampled_from(sorted(parties)))))
    assert check.unresolved_packs == set()


def test_a_share_that_was_changed_afterwards_is_found() -> None:
    told = approved({"a": org("a", "US", share("b", 60)), "b": top("b", "CN")}, "a")
    facts: Any = copy.deepcopy(dict(told.facts))
    facts["in_effect"]["parties"][0]["interests"][0].update({"least": 0, "most": 1})
    check = TierCheck()
    check.see(loaded())
    check.see(told)
    with pytest.raises(Wrong, match="its parties make it"):
        check.see(record(told.type, facts))


def test_a_pack_may_be_told_anew_with_its_ownership_rules_and_never_with_others() -> None:
    check = TierCheck()
    without = dict(loaded().facts)
    without["tiers"] = {name: value for name, value in tier_facts(TABLE).items() if name != "ownership"}
    check.see(record(RecordType.POLICY_LOADED, without))
    check.see(loaded())
    check.see(approved({"a": org("a", "US", share("b", 60)), "b": top("b", "CN")}, "a"))
    with pytest.raises(Wrong, match="not the one known by its SHA-256"):
        check.see(loaded(ownership=ownership_json(Ownership(house=ShareRule(spans=())))))


def test_ownership_rules_are_read_as_they_were_told() -> None:
    spans = (Span(date(2025, 9, 29), date(2025, 11, 10)), Span(date(2026, 11, 10)))
    rules = Ownership(frozenset({"meu", "sdn"}), ShareRule(spans=spans), ShareRule(1, ()))
    assert ownership_of(ownership_json(rules)) == rules
    assert ownership_of(ownership_json(Ownership())) == Ownership()
