"""Screening of customers: what a list brings, who may judge, and what a change of either side does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import Listing, Party
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.screening import Hit, HitState
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from gatekeeper.snapshots import Snapshots
from gatekeeper.view import findings_of
from tests.registry.office import NOON, PACK, PACKS, enrol, log, org, record_of, tier

ENTRY = ListEntry("csl", "Entity List", "77", ("Korvet Dynamics Zavod", "Korvet Works"), begins=date(2024, 5, 1))
OTHER = ListEntry("csl", "Entity List", "78", ("Zarya Rocket Fuel Plant",))


def named(name: str, id_: str = "korvet", hq: str = "US") -> Party:
    return replace(org(id_, hq), legal_name=name)


def renamed(registry: Registry, party: Party) -> None:
    """One person applies it; where something of it waits, another approves."""
    registry.apply(record_of(party), by="ana")
    if registry.review("lab").proposed is not None:
        registry.approve("lab", by="ben")


def loaded(registry: Registry, *entries: ListEntry, by: str = "pia") -> list[Hit]:
    new = NewList("csl", "ab" * 32, date(2026, 11, 20), entries)
    return list(registry.load_list(new, by=by, force="made for a test").hits)


def the_hit(registry: Registry) -> Hit:
    (hit,) = registry.hits()
    return hit


def listed(stores: Stores, party: str = "korvet") -> tuple[Listing, ...]:
    return stores.read(lambda reader: reader.parties()[party].listings)


def test_a_list_that_names_a_customer_leaves_its_tier_unresolved_until_somebody_judges(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod LLC"))
    assert tier(registry) is Tier.ONE
    assert [hit.party_id for hit in loaded(registry, ENTRY, OTHER)] == ["korvet"]
    assert tier(registry) is Tier.UNRESOLVED
    assert registry.explain("lab")[PACK].deciding.code == "screening.open"


def test_an_approver_and_a_list_of_customers_see_the_tier_that_decisions_use(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "korvet"), named("Korvet Dynamics Zavod"))
    (before,) = registry.reviews()
    assert (before.shown[PACK].tier, before.open_screenings) == (Tier.ONE, ())
    loaded(registry, ENTRY)
    listing = registry.some_reviews(after="", most=5, may_be=lambda *_: True, wanted=lambda _: True)
    for review in (registry.review("lab"), *registry.reviews(), *listing):
        assert (review.shown[PACK].tier, review.shown[PACK].deciding.code) == (Tier.UNRESOLVED, "screening.open")
        assert review.shown_if_approved[PACK].tier is Tier.UNRESOLVED
        assert review.open_screenings == ("korvet",)


def test_who_approves_a_batch_sees_the_open_hits_first(registry: Registry) -> None:
    loaded(registry, ENTRY)
    applied = registry.apply_all([record_of(named("Korvet Dynamics Zavod"))], by="ana")
    (waiting,) = registry.review_all(applied.batch_id).reviews
    assert waiting.open_screenings == ("korvet",)
    assert waiting.shown_if_approved[PACK].tier is Tier.UNRESOLVED


def test_the_decision_sees_the_open_hit_of_an_owner_and_does_not_tell_whom_it_is_like(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, org("lab", "US", "korvet"), named("Korvet Dynamics Zavod"))
    snapshots = Snapshots(stores)
    customer = snapshots.current().by_customer["lab"]
    assert findings_of(snapshots.current(), PACKS, customer, NOON)[PACK].tier is Tier.ONE
    loaded(registry, replace(ENTRY, names=("Korvet Dinamics Works", "Korvet Dynamics Zavod")))
    found = findings_of(snapshots.current(), PACKS, customer, NOON)[PACK]
    assert (found.tier, found.deciding.path) == (Tier.UNRESOLVED, ("lab", "korvet"))
    assert "Dinamics" not in found.deciding.text


@pytest.mark.parametrize(
    "name",
    ["Кorvеt Dynаmics Zavod", "Korvet\u00a0Dynamics, Zavod", "ZAVOD KORVET DYNAMICS", "Ｋorvet Dynamics Zavod GmbH"],
)
def test_no_spelling_of_a_listed_name_escapes(registry: Registry, name: str) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named(name))
    assert tier(registry) is Tier.UNRESOLVED


def test_a_former_name_is_screened_too(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, replace(named("Blue Harbour Inc"), other_names=("Korvet Works",)))
    assert the_hit(registry).party_id == "korvet"


def test_a_new_customer_is_screened_in_the_transaction_that_writes_it(registry: Registry, stores: Stores) -> None:
    loaded(registry, ENTRY)
    registry.apply(record_of(named("Korvet Dynamics Zavod")), by="ana")
    types = [each["type"] for each in log(stores)]
    assert types.index("screening.hit") > types.index("customer.enrolled")
    assert the_hit(registry).state is HitState.OPEN
    assert tier(registry) is Tier.UNRESOLVED  # who approves sees it
    registry.approve("lab", by="ben")
    assert tier(registry) is Tier.UNRESOLVED


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


def cleared(registry: Registry, hit: Hit) -> None:
    registry.judge(hit.id, true_match=False, reason="another company", by="ana")
    registry.confirm(hit.id, by="ben")


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


def test_an_entry_that_has_ended_is_not_screened_and_one_to_come_is(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    assert loaded(registry, replace(ENTRY, ends=date(2026, 11, 22))) == []
    assert len(loaded(registry, replace(ENTRY, begins=date(2027, 1, 1)))) == 1


def many(source: str = "Entity List", count: int = 20) -> tuple[ListEntry, ...]:
    return tuple(ListEntry("csl", source, str(number), (f"Zzyzx Holding {number}",)) for number in range(count))


@pytest.mark.parametrize(
    ("published", "entries", "told"),
    [
        (date(2026, 11, 19), many(), "older than what is loaded"),
        (date(2026, 11, 23), many(), "which is to come"),
        (date(2026, 11, 21), many("SDN"), "another kind of file: of SDN, and what is loaded is of Entity List"),
        (date(2026, 11, 21), many(count=15), "lacks 5 of the 20 entries"),
    ],
)
def test_a_list_that_may_be_a_slip_is_loaded_only_with_a_reason(
    registry: Registry, stores: Stores, published: date, entries: tuple[ListEntry, ...], told: str
) -> None:
    registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), many()), by="pia")
    new = NewList("csl", "cd" * 32, published, entries)
    assert any(told in each for each in registry.plan_list(new).objections)
    for nothing in ("", "  "):
        with pytest.raises(NotPermitted, match=told):
            registry.load_list(new, by="pia", force=nothing)
    assert [each.sha256 for each in registry.lists()] == ["ab" * 32]
    registry.load_list(new, by="pia", force="the publisher says so")
    facts = next(each["facts"] for each in reversed(log(stores)) if each["type"] == "list.loaded")
    assert facts["forced"] == "the publisher says so"
    assert told in facts["objections"][0]


def test_a_list_that_loses_a_fifth_of_its_entries_or_less_is_loaded(registry: Registry) -> None:
    registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), many()), by="pia")
    registry.load_list(NewList("csl", "cd" * 32, date(2026, 11, 20), many(count=16)), by="pia")
    assert [each.entries for each in registry.lists()] == [16]


def test_a_plan_says_what_loading_would_do_and_writes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    before = len(log(stores))
    plan = registry.plan_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (ENTRY, OTHER)))
    assert (len(plan.diff.added), len(plan.hits), len(log(stores))) == (2, 1, before)
    assert registry.lists() == []


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


def test_two_lists_that_are_loaded_at_once_do_not_lose_each_other(
    registry: Registry, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other list is loaded between this one's comparison and its transaction."""
    other = NewList("sdn", "cd" * 32, date(2026, 11, 20), (replace(OTHER, list="sdn"),))
    compare, once = registry._prepare, [other]

    def between(*told: object) -> object:
        prepared = compare(*told)  # type: ignore[arg-type]
        if once:
            registry.load_list(once.pop(), by="pia")
        return prepared

    monkeypatch.setattr(registry, "_prepare", between)
    with pytest.raises(Conflict, match="meanwhile"):
        loaded(registry, ENTRY)
    assert [each.id for each in registry.lists()] == ["sdn"]


def test_another_version_of_the_comparison_screens_everybody_again(
    registry: Registry, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    monkeypatch.setattr("gatekeeper.registry.lists.VERSION", 0)
    monkeypatch.setattr("gatekeeper.registry.indexed.THRESHOLD", 101)
    loaded(registry, ENTRY)
    assert registry.hits() == []
    monkeypatch.undo()
    assert registry.catch_up() == 1
    assert registry.catch_up() == 0
    assert tier(registry) is Tier.UNRESOLVED


def test_a_customer_is_refused_with_what_to_do_and_without_the_name_on_the_list(
    registry: Registry, stores: Stores
) -> None:
    from gatekeeper.domain.deciding import decide
    from gatekeeper.domain.decision import Question
    from gatekeeper.domain.policy import Site
    from gatekeeper.domain.workload import Workload, WorkloadRef

    enrol(registry, named("Korvet Dynamics"))
    loaded(registry, replace(ENTRY, names=("Korvet Dinamics Zavod", "Korvet Dynamics")))
    snapshot = Snapshots(stores).current()
    customer = snapshot.by_customer["lab"]
    question = Question(
        workload=Workload(WorkloadRef("east", "ns", "Job", "train", "u1"), {}),
        now=NOON,
        site=Site("US"),
        customer=customer,
        findings=findings_of(snapshot, PACKS, customer, NOON),
        pools={},
        rate_tflop_per_s=0,
        grace_s=60,
    )
    decision = decide(question, PACKS)
    assert "finish the screening of the name" in decision.sentence
    assert "Dinamics" not in decision.sentence
    assert not decision.verdict.lets_start


def test_a_name_changed_by_one_person_stays_beside_the_one_that_a_list_may_name(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, replace(named("Korvet Dynamics Zavod"), other_names=("Korvet Works",)))
    registry.apply(record_of(named("Blue Meadow Analytics")), by="mallory")
    party = stores.read(lambda reader: reader.parties()["korvet"])
    assert (party.legal_name, party.other_names) == (
        "Korvet Dynamics Zavod",
        ("Blue Meadow Analytics", "Korvet Works"),
    )
    assert loaded(registry, ENTRY)
    assert tier(registry) is Tier.UNRESOLVED


def test_the_name_of_a_shared_owner_is_not_changed_by_the_record_of_a_customer_that_nobody_approved(
    registry: Registry, stores: Stores
) -> None:
    enrol(registry, org("lab", "US", "korvet"), named("Korvet Dynamics Zavod"))
    registry.apply(record_of(org("sham", "US", "korvet"), named("Blue Meadow"), customer="sham"), by="mallory")
    assert stores.read(lambda reader: reader.parties()["korvet"]).legal_name == "Korvet Dynamics Zavod"
    loaded(registry, ENTRY)
    assert tier(registry) is Tier.UNRESOLVED


def test_a_name_that_waits_for_a_second_person_is_screened_as_well(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named("Blue Meadow"))
    full = tuple(f"Blue Meadow {each}" for each in range(50))
    registry.apply(record_of(replace(named("Blue Meadow"), other_names=full)), by="ana")
    registry.apply(record_of(replace(named("Korvet Works"), other_names=full)), by="ana")  # no room: it waits
    assert tier(registry) is Tier.UNRESOLVED


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


def test_a_known_identifier_and_law_are_changed_by_two_people_and_unknown_ones_filled_in_by_one(
    registry: Registry, stores: Stores
) -> None:
    known = replace(org("lab", "US"), lei="529900T8BM49AURSDO55", jurisdiction="CN")
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(known), by="ana")
    registry.apply(record_of(org("lab", "US")), by="mallory")
    party = stores.read(lambda reader: reader.parties()["lab"])
    assert (party.lei, party.jurisdiction) == (known.lei, "CN")
    registry.approve("lab", by="ben")
    assert stores.read(lambda reader: reader.parties()["lab"]).lei == ""


def test_another_version_of_the_comparison_goes_on_where_it_was_left_and_lets_nobody_by(
    registry: Registry, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("one", "two", "three"):
        enrol(registry, replace(named("Korvet Dynamics Zavod"), id=each), customer=each)
    monkeypatch.setattr("gatekeeper.registry.lists.VERSION", 0)
    loaded(registry, ENTRY)
    blocked = stores.read(lambda reader: set(reader.open_hits()))
    monkeypatch.undo()
    monkeypatch.setattr("gatekeeper.registry.screening.CUSTOMERS_AT_ONCE", 1)
    for left in (True, True, False):
        registry.catch_up(lambda: True)
        assert stores.read(lambda reader: set(reader.open_hits())) == blocked == {"one", "two", "three"}
        assert any(each.matcher == 0 for each in registry.lists()) is left
