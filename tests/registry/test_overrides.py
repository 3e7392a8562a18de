"""Break-glass: two people, hours, and every decision that names them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.grounds import REASONS_MAX
from gatekeeper.domain.interest import PERCENT_1, Interest
from gatekeeper.domain.open_screening import with_open_hits
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Listing
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Reader, Stores, Transaction
from gatekeeper.registry import Registry
from gatekeeper.stores import SqlStores
from tests.domain.graphs import DAY as DAY_OF_GRAPHS
from tests.domain.graphs import TABLE, top
from tests.registry.office import NOON, PACK, PACKS, HandClock, enrol, log, org, record_of
from tests.test_gate import House, make_gang

DAY = timedelta(days=1)
T = TypeVar("T")


def ask(registry: Registry, tier: Tier = Tier.ONE, hours: int = 12, by: str = "ana") -> None:
    registry.override("lab", tier=tier, hours=hours, reason="the register is down", by=by)


def let(house: House, hours: int = 12) -> None:
    house.registry.override("lab", tier=Tier.ONE, hours=hours, reason="the register is down", by="ana")
    house.registry.approve_override("lab", by="ben")


def test_an_override_takes_two_people_however_they_spell_their_names(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "CN"))
    ask(registry)
    for same in ("ana", "ANA", " Ana "):
        with pytest.raises(NotPermitted, match="asked for override"):
            registry.approve_override("lab", by=same)
    approved = registry.approve_override("lab", by="ben")
    facts = log(stores)[-1]["facts"]
    assert (facts["requested_by"], facts["approved_by"], facts["tier"], facts["hours"]) == ("ana", "ben", "1", 12)
    assert approved.ends_at == approved.approved_at + timedelta(hours=12) if approved.approved_at else False


def test_whoever_looks_at_a_customer_sees_the_override_that_decisions_are_under(
    registry: Registry, clock: HandClock
) -> None:
    enrol(registry, org("lab", "CN"))
    ask(registry)
    assert registry.review("lab").override is None
    approved = registry.approve_override("lab", by="ben")
    for review in (registry.review("lab"), *registry.reviews()):
        assert review.override == approved
        assert review.shown[PACK].tier is Tier.ONE
        assert review.findings[PACK].tier is Tier.THREE
    assert registry.explain("lab")[PACK].deciding.code == "override"
    assert registry.explain("lab", as_of=clock.now().date() + DAY)[PACK].tier is Tier.THREE
    clock.at += timedelta(hours=12)
    assert registry.review("lab").override is None
    assert registry.review("lab").shown[PACK].tier is Tier.THREE


def test_an_override_to_a_tier_that_is_not_milder_is_refused_unless_it_carries_an_expired_approval(
    registry: Registry, clock: HandClock
) -> None:
    enrol(registry, org("lab", "IN"))
    with pytest.raises(NotPermitted, match="Tier 2 is not milder"):
        ask(registry, Tier.TWO)
    ask(registry, Tier.ONE)
    registry.end_override("lab", by="ana")
    end = registry.review("lab").customer.expires_at
    assert end is not None
    clock.at = end
    ask(registry, Tier.TWO)


@pytest.mark.parametrize("hours", [0, 73, -1, 10**6])
def test_it_lasts_an_hour_to_three_days(registry: Registry, hours: int) -> None:
    enrol(registry, org("lab", "CN"))
    with pytest.raises(InvalidInput, match="1 to 72 whole hours"):
        ask(registry, hours=hours)


@pytest.mark.parametrize("tier", [Tier.THREE, Tier.UNRESOLVED])
def test_it_treats_nobody_as_anything_but_tier_one_or_two(registry: Registry, tier: Tier) -> None:
    enrol(registry, org("lab", "CN"))
    with pytest.raises(InvalidInput, match="Tier 1 or 2"):
        ask(registry, tier)


def test_one_at_a_time_and_what_waits_can_be_withdrawn(registry: Registry) -> None:
    enrol(registry, org("lab", "CN"))
    ask(registry)
    with pytest.raises(Conflict, match="has override"):
        ask(registry, by="cem")
    registry.end_override("lab", by="cem")
    with pytest.raises(NotFound, match="No override of customer lab waits"):
        registry.approve_override("lab", by="ben")
    ask(registry, by="cem")
    registry.approve_override("lab", by="ben")
    with pytest.raises(Conflict):
        ask(registry, by="dia")


def test_an_approver_approves_what_was_looked_at_and_nothing_else(registry: Registry) -> None:
    enrol(registry, org("lab", "CN"))
    ask(registry, hours=1)
    seen = registry.waiting_override("lab")
    registry.end_override("lab", by="ana")
    ask(registry, hours=72)
    with pytest.raises(Conflict, match="not the one that ben looked at"):
        registry.approve_override("lab", by="ben", seen=seen)


def test_it_carries_only_an_approval(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "CN"))
    ask(registry)
    registry.suspend("lab", by="cem", reason="inquiry")
    with pytest.raises(NotPermitted, match="an override carries only an approval"):
        registry.approve_override("lab", by="ben")
    registry.close("lab", by="cem", reason="fraud")
    with pytest.raises(NotPermitted):
        ask(registry)


def test_decisions_under_an_override_name_both_people_and_what_would_hold_without(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("lab", "")  # nobody knows where it is
    assert not house.gate.release(make_gang("lab", "one")).lets_start
    let(house)
    decision = house.gate.consider(make_gang("lab", "two").pods[0], dry_run=True).decision
    assert decision.verdict.lets_start
    assert decision.tier is Tier.ONE
    reason = next(each for each in decision.reasons if each.code == "override")
    assert "ana and ben" in reason.text
    assert "without it tier unresolved" in decision.sentence


def test_when_it_ends_the_same_work_is_decided_on_again(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("lab", "")  # nobody knows where it is
    let(house, hours=12)
    end = house.clock.now() + timedelta(hours=12)
    assert house.gate.must_stop("lab") is None
    assert house.gate.cleared_until("lab", at_most=30 * DAY) == end
    house.clock.move_to(end - timedelta(microseconds=1))
    assert house.gate.must_stop("lab") is None
    house.clock.move_to(end)
    stop = house.gate.must_stop("lab")
    assert stop is not None
    assert stop.verdict is Verdict.STOP
    assert all(each.code != "override" for each in stop.reasons)
    assert house.gate.cleared_until("lab", at_most=30 * DAY) is None


def test_one_person_ends_it_and_it_is_over_at_once(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("lab", "")  # nobody knows where it is
    let(house)
    assert house.gate.must_stop("lab") is None
    house.registry.end_override("lab", by="ana")
    assert house.gate.must_stop("lab") is not None


def test_it_carries_an_approval_that_has_expired_but_no_suspension(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("lab", "US")
    end = house.registry.review("lab").customer.expires_at
    assert end is not None
    house.clock.move_to(end + DAY)
    assert house.gate.must_stop("lab") is not None
    let(house, hours=2)
    assert house.gate.must_stop("lab") is None
    assert house.gate.cleared_until("lab", at_most=DAY) == house.clock.now() + timedelta(hours=2)
    house.registry.suspend("lab", by="cem", reason="inquiry")
    assert house.gate.must_stop("lab") is not None
    assert house.registry.review("lab").standing is Standing.SUSPENDED


@pytest.mark.parametrize("owned", [False, True])
def test_it_does_not_hold_against_a_list(stores: SqlStores, *, owned: bool) -> None:
    house = House(stores)
    listed = replace(org("on-list", "US"), listings=(Listing("entity-list"),))
    whole = (Interest("on-list", 60 * PERCENT_1, 60 * PERCENT_1),)
    party = replace(org("lab", "US"), interests=whole) if owned else replace(listed, id="lab")
    house.registry.apply(record_of(party, *([listed] if owned else [])), by="ana")
    house.registry.approve("lab", by="ben")
    house.bind("lab", "lab")
    let(house)
    decision = house.gate.consider(make_gang("lab", "one").pods[0], dry_run=True).decision
    assert decision.tier is Tier.THREE
    assert all(each.code != "override" for each in decision.reasons)
    assert house.gate.cleared_until("lab", at_most=DAY) is None


def test_it_does_not_hold_while_a_screening_is_open_nor_against_a_list_among_many_reasons() -> None:
    asked = Override("o1", "lab", Tier.ONE, 12, "x", "ana", NOON).approve(by="ben", now=NOON)
    parents = tuple(f"p{n:02}" for n in range(REASONS_MAX))
    parties = {each: top(each, "CN") for each in parents}
    lab = replace(top("lab", "CN"), parents=parents, no_parent_reason="")
    without = resolve({**parties, "lab": lab}, "lab", TABLE, DAY_OF_GRAPHS)
    assert asked.lowers(without).tier is Tier.ONE
    parties["p19"] = replace(parties["p19"], parents=("far",), no_parent_reason="")
    behind = resolve({**parties, "lab": lab, "far": top("far", "US", "sdn")}, "lab", TABLE, DAY_OF_GRAPHS)
    assert all(not each.code.startswith("listed.") for each in behind.reasons)
    assert asked.lowers(behind) == behind
    unknown = resolve({"lab": top("lab", "")}, "lab", TABLE, DAY_OF_GRAPHS)
    assert asked.lowers(unknown).tier is Tier.ONE
    open_ = with_open_hits(unknown, {"lab": top("lab", "")}, {"lab"})
    assert asked.lowers(open_) == open_


def test_it_never_makes_anybody_stricter(stores: SqlStores) -> None:
    house = House(stores)
    house.enrol("lab", "CN")
    house.registry.override("lab", tier=Tier.TWO, hours=1, reason="x", by="ana")
    house.registry.approve_override("lab", by="ben")
    house.registry.apply(record_of(org("lab", "US")), by="ana")
    house.registry.approve("lab", by="ben")
    assert house.gate.consider(make_gang("lab", "one").pods[0], dry_run=True).decision.tier is Tier.ONE


def test_an_override_refuses_nonsense() -> None:
    asked = Override("o1", "lab", Tier.ONE, 12, "x", "ana", NOON)
    assert asked.ends_at is None
    for nonsense in (
        {"reason": " "},
        {"requested_by": ""},
        {"approved_by": "ben"},
        {"approved_at": NOON},
        {"ended_by": "ben"},
    ):
        with pytest.raises(InvalidInput):
            replace(asked, **nonsense)
    ended = asked.approve(by="ben", now=NOON).end(by="ana", now=NOON + timedelta(hours=1))
    assert ended.ends_at == NOON + timedelta(hours=1)
    with pytest.raises(NotPermitted, match="over already"):
        ended.end(by="ana", now=NOON + timedelta(hours=2))


def overridden(house: House, headquarters: str = "IN") -> None:
    house.enrol("lab", headquarters)
    let(house, hours=72)


def ends(house: House) -> list[dict[str, object]]:
    return [each["facts"] for each in log(house.stores) if each["type"] == "customer.override_ended"]


def test_a_newer_fact_that_makes_the_customer_stricter_ends_an_override_and_whoever_applies_it_is_told(
    stores: SqlStores,
) -> None:
    house = House(stores)
    overridden(house)
    assert house.gate.cleared_until("lab", at_most=30 * DAY) is not None
    planned = house.registry.plan(record_of(org("lab", "CN")))
    plan = house.registry.apply(record_of(org("lab", "CN")), by="eve")
    [ended] = plan.ended
    assert planned.ended == plan.ended
    assert (ended.requested_by, ended.approved_by) == ("ana", "ben")
    [facts] = ends(house)
    assert (facts["override"], facts["newer_fact"], facts["approved_by"]) == (ended.id, True, "ben")
    assert house.registry.overrides("lab")[0].ended_by == "eve"
    assert house.registry.review("lab").override is None
    assert house.gate.cleared_until("lab", at_most=30 * DAY) is None
    decision = house.gate.consider(make_gang("lab", "one").pods[0], dry_run=True).decision
    assert decision.tier is Tier.THREE


def test_what_leaves_the_tier_as_it_is_or_makes_it_milder_ends_no_override(stores: SqlStores) -> None:
    house = House(stores)
    overridden(house, "CN")
    house.registry.apply(record_of(replace(org("lab", "CN"), other_names=("Lab",))), by="eve")
    house.registry.apply(record_of(org("lab", "IN")), by="eve")
    house.registry.approve("lab", by="cem")
    assert ends(house) == []
    assert house.registry.review("lab").override is not None


def test_what_makes_the_customer_stricter_by_an_approval_or_by_an_owner_of_several_ends_it_too(
    stores: SqlStores,
) -> None:
    house = House(stores)
    house.registry.apply(record_of(org("lab", "IN", "group"), org("group", "IN")), by="ana")
    house.registry.approve("lab", by="ben")
    let(house)
    sister = record_of(org("sister", "IN", "group"), org("group", "CN"), customer="sister")
    house.registry.apply_all([sister], by="eve")
    [facts] = ends(house)
    assert (facts["customer"], facts["newer_fact"]) == ("lab", True)


def test_an_override_that_waits_is_withdrawn_by_a_fact_that_its_approver_would_not_be_shown(
    registry: Registry,
) -> None:
    enrol(registry, org("lab", "IN"))
    ask(registry)
    registry.apply(record_of(org("lab", "CN")), by="eve")
    with pytest.raises(NotFound, match="No override of customer lab waits"):
        registry.approve_override("lab", by="ben")
    ask(registry)
    registry.approve_override("lab", by="ben")


class Late:
    """Stores whose writer lets somebody else go first, once."""

    def __init__(self, stores: Stores, first: Callable[[], object]) -> None:
        self._stores, self._first = stores, [first]

    def transact(self, work: Callable[[Transaction], T]) -> T:
        if self._first:
            self._first.pop()()
        return self._stores.transact(work)

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        return self._stores.submit(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        return self._stores.read(work)


def test_an_override_that_is_approved_while_a_stricter_fact_waits_for_the_writer_ends_with_it(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    enrol(registry, org("lab", "IN"))
    ask(registry)

    def approved_first() -> None:
        clock.at += timedelta(seconds=5)
        registry.approve_override("lab", by="ben")

    late = Registry(Late(stores, approved_first), clock, packs=PACKS, cluster="east")
    [ended] = late.apply(record_of(org("lab", "CN")), by="eve").ended
    assert (ended.approved_by, ended.ended_by) == ("ben", "")
    assert not registry.overrides("lab")[0].holds_at(clock.at)
    assert registry.review("lab").override is None


def test_an_override_that_is_over_is_not_ended_again(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "IN"))
    ask(registry, hours=1)
    registry.approve_override("lab", by="ben")
    clock.at += timedelta(hours=1)
    assert registry.apply(record_of(org("lab", "CN")), by="eve").ended == ()
