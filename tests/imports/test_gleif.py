"""GLEIF's words: evidence of which only what is stricter takes effect, and only once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.errors import Conflict, NotPermitted
from gatekeeper.domain.observation import Observed
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.databases import new_stores
from tests.imports.golden_copies import HOLDING, LAB, OTHER, TOP, word
from tests.registry.office import PACKS, HandClock, log, org, record_of, tier


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture
def registry(stores: Stores) -> Registry:
    return Registry(stores, HandClock(), packs=PACKS, cluster="east")


def enrol(registry: Registry, country: str) -> None:
    registry.apply(record_of(replace(org("lab", country), lei=LAB)), by="ana")
    registry.approve("lab", by="ben")


def test_a_stricter_country_takes_effect_at_once(registry: Registry, stores: Stores) -> None:
    enrol(registry, "US")
    (told,) = registry.observe(word("CN"), by="ana").conflicts
    assert (told.code, told.recorded, told.observed, told.taken) == ("headquarters", "US", "CN", True)
    assert tier(registry) is Tier.THREE
    facts = log(stores)[-1]["facts"]
    assert (log(stores)[-1]["type"], facts["conflicts_total"], facts["agree"]) == ("gleif.imported", 1, 0)
    assert facts["files"] == ["f" * 64]


def test_a_milder_country_is_only_told(registry: Registry) -> None:
    enrol(registry, "CN")
    (told,) = registry.observe(word("US"), by="ana").conflicts
    assert not told.taken
    assert tier(registry) is Tier.THREE


def test_what_two_people_set_back_stays_until_the_register_says_something_new(registry: Registry) -> None:
    enrol(registry, "US")
    registry.observe(word("CN"), by="ana")
    enrol(registry, "US")
    assert tier(registry) is Tier.ONE
    (told,) = registry.observe(word("CN"), by="ana").conflicts
    assert not told.taken
    assert tier(registry) is Tier.ONE
    assert registry.observe(word("IN"), by="ana").conflicts[0].taken


def test_what_waits_keeps_its_author_and_is_stale_once_the_register_is_stricter(registry: Registry) -> None:
    registry.apply(record_of(replace(org("lab", "US", "top"), lei=LAB), org("top", "CN")), by="ana")
    registry.approve("lab", by="ben")
    registry.apply(record_of(replace(org("lab", "US", reason="bought back"), lei=LAB)), by="ana")
    assert registry.observe(word("CN"), by="eve").conflicts[0].taken
    review = registry.review("lab")
    assert review.in_effect is not None
    assert review.proposed is not None
    assert (review.in_effect.parties[0].headquarters, review.in_effect.parties[0].parents) == ("CN", ("top",))
    assert (review.proposed.parties[0].headquarters, review.proposed.parties[0].parents) == ("US", ())
    assert (review.prepared_by, review.stale) == ("ana", ("lab",))
    with pytest.raises(NotPermitted, match="ana prepared the record"):
        registry.approve("lab", by="ana")
    with pytest.raises(Conflict, match="Party lab has changed since ana wrote what waits"):
        registry.approve("lab", by="ben")


def test_a_comparison_changes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, "US")
    size = len(log(stores))
    assert registry.known_leis() == {LAB}
    assert registry.compare(word("CN")).conflicts[0].code == "headquarters"
    assert (len(log(stores)), tier(registry)) == (size, Tier.ONE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"parents": (TOP,)}, "parent"),
        ({"exceptions": ("NON_PUBLIC",)}, "hidden_parent"),
        ({"registration": "LAPSED"}, "status"),
        ({"status": "INACTIVE"}, "status"),
    ],
)
def test_every_other_disagreement_is_told(registry: Registry, changes: dict[str, Any], code: str) -> None:
    enrol(registry, "US")
    assert [each.code for each in registry.observe(word("US", **changes), by="ana").conflicts] == [code]


def test_a_declared_reason_for_no_parent_agrees(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe(word("US", exceptions=("NATURAL_PERSONS",)), by="ana").conflicts == ()


def test_an_entry_that_is_not_there_is_told(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe({}, by="ana").conflicts[0].code == "absent"


def test_an_ultimate_parent_that_only_the_register_knows_makes_a_customer_unresolved(registry: Registry) -> None:
    enrol(registry, "US")
    heard = registry.observe({**word("US", parents=(TOP,), ultimates=(TOP,)), **word("SG", TOP)}, by="ana")
    assert [(each.code, each.taken) for each in heard.conflicts] == [("parent", True)]
    assert [(each.before, each.after) for each in heard.changes] == [(Tier.ONE, Tier.UNRESOLVED)]
    added = in_effect(registry)[f"lei-{TOP.lower()}"]
    assert (added.headquarters, added.lei, added.no_parent_reason) == ("SG", TOP, "")
    assert tier(registry) is Tier.UNRESOLVED


def test_a_parent_in_a_strict_country_makes_a_customer_strict(registry: Registry) -> None:
    enrol(registry, "US")
    registry.observe({**word("US", parents=(TOP,), ultimates=(TOP,)), **word("CN", TOP)}, by="ana")
    assert tier(registry) is Tier.THREE


def test_a_parent_that_has_an_account_already_is_named_and_not_enrolled_again(registry: Registry) -> None:
    enrol(registry, "US")
    registry.apply(record_of(replace(org("top", "US"), lei=TOP), customer="top"), by="ana")
    registry.approve("top", by="ben")
    assert registry.observe(word("US", parents=(TOP,), ultimates=(TOP,)), by="ana").conflicts[0].taken
    assert in_effect(registry)["lab"].parents == ("top",)
    assert tier(registry) is Tier.ONE


def test_a_direct_parent_between_known_ones_is_only_told(registry: Registry) -> None:
    top = replace(org("top", "US"), lei=TOP)
    registry.apply(record_of(replace(org("lab", "US", "top"), lei=LAB), top), by="ana")
    registry.approve("lab", by="ben")
    heard = registry.observe({**word("US", parents=(HOLDING, TOP), ultimates=(TOP,)), **word("US", TOP)}, by="ana")
    assert [(each.code, each.taken) for each in heard.conflicts] == [("parent", False)]


def test_a_hidden_parent_takes_the_reason_for_none_away_until_two_people_give_one(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe(word("US", exceptions=("NO_LEI",)), by="ana").conflicts[0].taken
    assert tier(registry) is Tier.UNRESOLVED
    enrol(registry, "US")
    assert tier(registry) is Tier.ONE
    assert not registry.observe(word("US", exceptions=("NO_LEI",)), by="ana").conflicts[0].taken
    assert tier(registry) is Tier.ONE
    assert registry.observe(word("US", exceptions=("NON_PUBLIC",)), by="ana").conflicts[0].taken


def test_a_successor_is_a_parent_until_two_people_have_looked(registry: Registry, stores: Stores) -> None:
    enrol(registry, "US")
    merged = word("US", registration="MERGED", status="INACTIVE", successors=(TOP,))
    heard = registry.observe({**merged, **word("CN", TOP)}, by="ana")
    assert [(each.code, each.taken) for each in heard.conflicts] == [("status", False), ("successor", True)]
    assert tier(registry) is Tier.THREE
    assert [each["code"] for each in log(stores)[-1]["facts"]["conflicts"]] == ["status", "successor"]


def test_a_headquarters_and_a_parent_of_one_entry_both_take_effect(registry: Registry) -> None:
    enrol(registry, "US")
    heard = registry.observe({**word("IN", parents=(TOP,), ultimates=(TOP,)), **word("CN", TOP)}, by="ana")
    assert [(each.code, each.taken) for each in heard.conflicts] == [("headquarters", True), ("parent", True)]
    lab = in_effect(registry)["lab"]
    assert (lab.headquarters, lab.parents) == ("IN", (f"lei-{TOP.lower()}",))


def test_an_entry_without_a_known_owner_stays_unresolved_and_gets_none_from_the_register(registry: Registry) -> None:
    registry.apply(record_of(replace(org("lab", "US", reason=""), lei=LAB)), by="ana")
    registry.approve("lab", by="ben")
    heard = registry.observe({**word("US", parents=(TOP,), ultimates=(TOP,)), **word("US", TOP)}, by="ana")
    assert not heard.conflicts[0].taken
    assert tier(registry) is Tier.UNRESOLVED


def test_who_reviews_a_customer_sees_what_the_register_said(registry: Registry) -> None:
    registry.apply(record_of(replace(org("lab", "US"), lei=LAB)), by="ana")
    registry.observe(word("US", registration="LAPSED", exceptions=("NO_LEI",)), by="ana")
    assert [each.code for each in registry.review("lab").conflicts] == ["hidden_parent", "status"]
    assert [each.code for each in registry.review_all().reviews[0].conflicts] == ["hidden_parent", "status"]


def test_in_a_delta_an_entry_that_is_not_there_is_no_news(registry: Registry) -> None:
    enrol(registry, "US")
    assert registry.observe({}, by="ana", is_delta=True).conflicts == ()


def in_effect(registry: Registry) -> dict[str, Party]:
    record = registry.review("lab").in_effect
    assert record is not None
    return {each.id: each for each in record.parties}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_word_of_a_register_makes_anybody_milder(data: st.DataObject) -> None:
    """Whatever it says, of whomever, once and once more."""
    countries = st.sampled_from(["", "US", "IN", "CN", "UA-43"])
    leis = [LAB, HOLDING, TOP]
    with tempfile.TemporaryDirectory() as folder, new_stores(Path(folder) / "gatekeeper.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        parents = data.draw(st.sets(st.sampled_from(["holding", "top"])))
        reason = data.draw(st.sampled_from(["", "listed"])) if not parents else ""
        lab = Party("lab", PartyKind.ORG, "Lab", data.draw(countries), tuple(sorted(parents)), reason, lei=LAB)
        others = [
            replace(org(name, data.draw(countries)), lei=lei) for name, lei in (("holding", HOLDING), ("top", TOP))
        ]
        registry.apply(record_of(lab, *(each for each in others if each.id in parents)), by="ana")
        registry.approve("lab", by="ben")
        for _ in range(2):
            before = tier(registry)
            words: dict[str, Observed] = {}
            for lei in leis:
                named = tuple(sorted(data.draw(st.sets(st.sampled_from([HOLDING, TOP, OTHER]))) - {lei}))
                words |= word(
                    data.draw(countries),
                    lei,
                    parents=named,
                    ultimates=named[:1],
                    successors=tuple(sorted(data.draw(st.sets(st.sampled_from([TOP, OTHER]))) - {lei})),
                    exceptions=tuple(data.draw(st.sets(st.sampled_from(["NO_LEI", "NATURAL_PERSONS"])))),
                )
            heard = registry.observe(words, by="ana")
            after = tier(registry)
            assert after.strictness >= before.strictness
            assert (after is before) or any(each.after is after for each in heard.changes)
