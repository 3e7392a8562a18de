"""Screening of customers: what a list brings, and whom it reaches."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from gatekeeper.domain.observation import Observed
from gatekeeper.domain.screening import HitState
from gatekeeper.domain.tier import Tier
from gatekeeper.matching import THRESHOLD, NameIndex
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.snapshots import Snapshots
from gatekeeper.view import findings_of
from tests.registry.office import NOON, PACK, PACKS, HandClock, enrol, log, org, record_of, tier
from tests.registry.screened import ENTRY, OTHER, loaded, named, the_hit

LEI = "529900T8BM49AURSDO55"


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


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that compared a name, one for each."""
    told, plain = list[str](), NameIndex.similar

    def similar(index: NameIndex, name: str, cutoff: int = THRESHOLD) -> dict[int, int]:
        told.append(threading.current_thread().name)
        return plain(index, name, cutoff)

    monkeypatch.setattr(NameIndex, "similar", similar)
    return told


def test_no_name_is_compared_while_others_wait_for_the_writer(
    stores: Stores, clock: HandClock, compared: list[str]
) -> None:
    def afresh() -> Registry:
        return Registry(stores, clock, packs=PACKS, cluster="east")  # as another process, which remembers nothing

    loaded(afresh(), ENTRY)
    afresh().apply(record_of(replace(named("Korvet Dynamics Zavod"), lei=LEI), customer="lab"), by="ana")
    assert the_hit(afresh()).state is HitState.OPEN
    afresh().approve("lab", by="ben")
    word = Observed(LEI, "Korvet", "IN", "IN", "ACTIVE", "ISSUED", (), (), "2026-01-01", ("f" * 64,), NOON)
    assert afresh().observe({LEI: word}, by="ana").conflicts[0].taken
    assert len(compared) >= 3
    assert set(compared) == {threading.current_thread().name}


def test_a_party_that_stays_as_it_is_is_compared_once(registry: Registry, compared: list[str]) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named("Korvet Dynamics Zavod"))
    registry.screen(by="ana")
    registry.screen(by="ana")
    assert len(compared) == 1


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
