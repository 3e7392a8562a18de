"""The verifier follows customers: four eyes, closed accounts, overrides, and no decision milder than its owners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType, decode
from gatekeeper.domain.tier import Tier
from gatekeeper.policies import record_packs
from gatekeeper.stores import SqlStores
from gatekeeper.verify import TierCheck, Wrong
from gatekeeper.verify.life import LifeCheck
from gatekeeper.verify.overrides import OverrideCheck
from gatekeeper.verify.screening import ScreeningCheck
from tests.databases import new_stores
from tests.registry.office import org, record_of
from tests.test_gate import PACK, House, make_gang

Change = Callable[[Record], Record]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "life.db") as stores:
        yield begun(stores)


def begun(stores: SqlStores) -> House:
    house = House(stores)
    actor = Actor(ActorKind.SYSTEM, "service")
    record_packs(stores, house.clock, (ActivePack(PACK, Mode.ENFORCE),), cluster="east", by=actor)
    return house


def records(house: House) -> list[Record]:
    return [decode(leaf) for leaf in house.stores.read(lambda reader: list(reader.leaves()))]


def verify(found: list[Record]) -> None:
    tiers, screening = TierCheck(), ScreeningCheck()
    checks = (tiers, screening, LifeCheck(), OverrideCheck(tiers, screening))
    for record in found:
        for check in checks:
            check.see(record)


def forged(found: list[Record], kind: RecordType, change: Change) -> list[Record]:
    """The log with the last record of a kind written otherwise."""
    last = max(index for index, each in enumerate(found) if each.type is kind)
    return [change(each) if index == last else each for index, each in enumerate(found)]


def by(name: str) -> Change:
    return lambda each: replace(each, actor=replace(each.actor, name=name))


def told(**facts: Any) -> Change:
    return lambda each: replace(each, facts={**each.facts, **facts})


def live(house: House) -> list[Record]:
    """A whole life: draft, rejections, approval, work under an override, and the end."""
    registry = house.registry
    registry.draft(record_of(org("lab", "")), by="ana")
    registry.submit("lab", by="ana")
    registry.reject("lab", by="ben", reason="x", final=True)
    registry.reopen("lab", by="cem", reason="x")
    registry.apply(record_of(org("lab", "")), by="ana")
    registry.approve("lab", by="ben")
    house.bind("lab", "lab")
    registry.override("lab", tier=Tier.TWO, hours=12, reason="x", by="ana")
    registry.approve_override("lab", by="ben")
    assert house.gate.release(make_gang("lab", "one")).lets_start
    registry.end_override("lab", by="cem")
    registry.suspend("lab", by="eve", reason="x")
    registry.reinstate("lab", by="cem", reason="x")
    registry.approve("lab", by="ben")
    house.clock.move_to(house.clock.now() + timedelta(days=170))
    registry.renew("lab", by="cem")
    registry.approve("lab", by="ben")
    registry.close("lab", by="dia", reason="x")
    return records(house)


def test_a_whole_life_verifies(house: House) -> None:
    verify(live(house))


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        (RecordType.CUSTOMER_APPROVED, by(" CEM"), "alone prepared and approved"),
        (RecordType.CUSTOMER_APPROVED, told(authors=["cem", "Ben"]), "wrote what was approved"),
        (RecordType.CUSTOMER_RENEWAL, by("ben"), "nobody else had asked for it"),
        (RecordType.CUSTOMER_REINSTATEMENT, by("ben"), "nobody else had asked for it"),
        (RecordType.CUSTOMER_SUSPENDED, told(standing="approved"), "it is not suspended"),
        (RecordType.CUSTOMER_REOPENED, by("Ben"), "alone rejected customer lab for good and reopened"),
        (RecordType.OVERRIDE_APPROVED, by("Ana"), "alone asked for override"),
        (RecordType.OVERRIDE_APPROVED, told(tier="1"), "not approved as it was asked for"),
        (RecordType.OVERRIDE_APPROVED, told(ends_at="2027-01-01T00:00:00Z"), "not approved as it was asked for"),
        (RecordType.OVERRIDE_APPROVED, told(override="o999"), "nobody had asked for it"),
        (RecordType.OVERRIDE_REQUESTED, told(hours=73), "for Tier 2 and 73 hours"),
        (RecordType.OVERRIDE_ENDED, told(override="o999"), "there was none"),
        (RecordType.CUSTOMER_REJECTED, told(final=False), "was not rejected for good"),
        (RecordType.CUSTOMER_APPROVED, told(version=1), "had version"),
        (RecordType.CUSTOMER_REOPENED, told(standing="closed"), "closed; nothing can become of it"),
    ],
)
def test_a_log_that_one_person_wrote_is_refused(house: House, kind: RecordType, change: Change, says: str) -> None:
    found = forged(live(house), kind, change)
    with pytest.raises(Wrong, match=says):
        verify(found)


def test_no_suspension_is_lifted_that_nobody_asked_to_lift(house: House) -> None:
    found = [each for each in live(house) if each.type is not RecordType.CUSTOMER_REINSTATEMENT]
    with pytest.raises(Wrong, match="nobody else had asked for it"):
        verify(found)
    with pytest.raises(Wrong, match="is lifted, and nobody had asked for it"):
        verify([told(ask="change")(each) if "ask" in each.facts else each for each in found])


def test_a_log_from_before_suspensions_were_lifted_on_request_verifies(house: House) -> None:
    asked = (RecordType.CUSTOMER_REINSTATEMENT, RecordType.CUSTOMER_RENEWAL)
    old = [each for each in live(house) if each.type not in asked]
    newer = ("ask", "stands")
    verify([replace(each, facts={k: v for k, v in each.facts.items() if k not in newer}) for each in old])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stands": {"prepared_by": "cem", "approved_by": "ben", "expires_at": "END"}}, "to another approval than it"),
        ({"stands": {"prepared_by": "ana", "approved_by": "ben", "expires_at": "2029-01-01T00:00:00Z"}}, "to another"),
        ({"expires_at": "2029-01-01T00:00:00Z"}, "its approval lasts longer by that"),
        ({"written": [{"id": "lab"}]}, "was no lift of a suspension alone"),
        ({"stands": None}, "was no lift of a suspension alone"),
    ],
)
def test_a_lifted_suspension_that_made_another_approval_is_refused(
    house: House, change: dict[str, Any], says: str
) -> None:
    found = live(house)
    lifted = next(index for index, each in enumerate(found) if "stands" in each.facts)
    end = found[lifted].facts["expires_at"]
    if isinstance(change.get("stands"), dict):
        change = {"stands": {k: end if v == "END" else v for k, v in change["stands"].items()}}
    found[lifted] = told(**change)(found[lifted])
    with pytest.raises(Wrong, match=says):
        follow(found)


def follow(found: list[Record]) -> None:
    """By the life of customers alone."""
    life = LifeCheck()
    for record in found:
        life.see(record)


def test_nothing_becomes_of_a_closed_customer(house: House) -> None:
    found = live(house)
    again = next(each for each in found if each.type is RecordType.CUSTOMER_SUBMITTED)
    with pytest.raises(Wrong, match="closed; nothing can become of it"):
        verify([*found, again])


def test_a_decision_milder_than_the_owners_needs_an_override_in_force(house: House) -> None:
    found = live(house)
    without = [each for each in found if "override" not in each.type.value]
    with pytest.raises(Wrong, match="rests on an override, and none was in force"):
        verify(without)

    def hidden(each: Record) -> Record:
        decision: Any = each.facts["decision"]
        reasons = [reason for reason in decision["reasons"] if reason["code"] != "override"]
        return replace(each, facts={**each.facts, "decision": {**decision, "reasons": reasons}})

    with pytest.raises(Wrong, match="tier 2; its owners make it tier unresolved"):
        verify(forged(without, RecordType.RESERVATION_PENDING, hidden))
    late = forged(found, RecordType.RESERVATION_PENDING, lambda each: replace(each, at=each.at + timedelta(hours=12)))
    with pytest.raises(Wrong, match="none was in force"):
        verify(late)
    with pytest.raises(Wrong, match="tier 1; its owners make it"):
        verify(forged(found, RecordType.RESERVATION_PENDING, _tier_1))


def test_a_decision_after_a_newer_fact_ended_the_override_is_not_under_it(house: House) -> None:
    house.enrol("lab", "")
    house.registry.override("lab", tier=Tier.TWO, hours=12, reason="x", by="ana")
    house.registry.approve_override("lab", by="ben")
    assert house.gate.release(make_gang("lab", "one")).lets_start
    house.registry.apply(record_of(org("lab", "CN")), by="eve")
    after = house.gate.release(make_gang("lab", "two")).decision
    assert after is not None
    assert after.tier is Tier.THREE
    found = records(house)
    verify(found)
    ended = next(each for each in found if each.type is RecordType.OVERRIDE_ENDED)
    assert ended.facts["newer_fact"] is True
    decided = next(each for each in found if each.type is RecordType.RESERVATION_PENDING)
    with pytest.raises(Wrong, match="rests on an override, and none was in force"):
        verify([*found, replace(decided, at=ended.at)])


def test_no_override_makes_a_decision_milder_against_a_list(house: House) -> None:
    def listed(each: Record) -> Record:
        written: Any = each.facts["written"]
        listings = [{"list": "entity-list", "from": None, "to": None}]
        return replace(each, facts={**each.facts, "written": [{**party, "listings": listings} for party in written]})

    found = [listed(each) if each.facts.get("written") else each for each in live(house)]
    with pytest.raises(Wrong, match="no override holds against a list"):
        decide_again(found, ScreeningCheck())


def test_no_override_makes_a_decision_milder_while_a_screening_is_open(house: House) -> None:
    screening = ScreeningCheck()
    screening.open_hits["h1"] = "lab"
    with pytest.raises(Wrong, match="no override holds against a list"):
        decide_again(live(house), screening)


def decide_again(found: list[Record], screening: ScreeningCheck) -> None:
    """Only what overrides do, with the tables of the packs."""
    tables = TierCheck()
    check = OverrideCheck(tables, screening)
    for each in found:
        if each.type is RecordType.POLICY_LOADED:
            tables.see(each)
        check.see(each)


def _tier_1(each: Record) -> Record:
    decision: Any = each.facts["decision"]
    return replace(each, facts={**each.facts, "decision": {**decision, "tier": "1"}})
