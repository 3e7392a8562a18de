"""Names that cannot be compared: people compare them, and until then nothing starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.screening import HitState
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from tests.registry.office import enrol, record_of, tier
from tests.registry.screened import ENTRY, OTHER, cleared, listed, loaded, named, renamed, the_hit

ARABIC = "شركة كورفيت"
HAN = "华芯微电科技有限公司"


@pytest.mark.parametrize(
    "name",
    [ARABIC, "קורווט דינמיקס", "บริษัท คอร์เวต", "Հայկական Տվյալներ", "Korжet Dynamics", "***", "word " * 41, HAN],
)
def test_a_name_that_cannot_be_compared_is_open_until_people_have_compared_it(registry: Registry, name: str) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named(name))
    hit = the_hit(registry)
    assert (hit.is_unscreened, hit.state, hit.entry_name) == (True, HitState.OPEN, name)
    assert tier(registry) is Tier.UNRESOLVED
    cleared(registry, hit)
    assert tier(registry) is Tier.ONE


@pytest.mark.parametrize("name", ["Đurić Łódź", "ООО Заря", "Κορβετ Ναυπηγεία", "Korvеt", "𝐊orvet Ltd", "Korvet 🔥"])
def test_a_name_that_can_be_read_is_not_told_as_unscreened(registry: Registry, name: str) -> None:
    loaded(registry, OTHER)
    enrol(registry, named(name))
    assert registry.hits() == []


def test_a_chinese_name_is_read_beside_a_latin_one_and_compared_with_the_lists_own(registry: Registry) -> None:
    loaded(registry, replace(ENTRY, names=("Huaxin Weidian", "華芯微電科技有限公司")))
    enrol(registry, replace(named("Blue Meadow"), other_names=("深圳市华芯微电科技股份有限公司",)))
    hit = the_hit(registry)
    assert (hit.is_unscreened, hit.entry_key) == (False, "Entity List 77")


def test_a_latin_name_beside_an_arabic_one_does_not_hide_it(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, replace(named("Blue Meadow"), other_names=(ARABIC,)))
    assert the_hit(registry).entry_name == ARABIC


def test_another_unread_name_or_another_list_opens_it_again_and_a_new_version_of_the_list_does_not(
    registry: Registry,
) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named(ARABIC))
    cleared(registry, the_hit(registry))
    assert loaded(registry, ENTRY, OTHER) == []
    renamed(registry, replace(named(ARABIC), other_names=("شركة أخرى",)))
    assert [hit.state for hit in registry.hits()].count(HitState.OPEN) == 1


def test_a_name_that_people_find_on_a_list_is_listed(registry: Registry, stores: Stores) -> None:
    loaded(registry, ENTRY)
    enrol(registry, named(ARABIC))
    registry.judge(the_hit(registry).id, true_match=True, reason="the plant in Tomsk", by="ana")
    assert [each.list for each in listed(stores)] == ["unscreened"]
    assert tier(registry) is Tier.THREE


def test_no_list_may_be_called_as_the_names_that_none_was_compared_with(registry: Registry) -> None:
    new = NewList("unscreened", "ab" * 32, date(2026, 11, 20), (replace(ENTRY, list="unscreened"),))
    with pytest.raises(InvalidInput, match="is the list of names"):
        registry.load_list(new, by="pia")


def test_a_name_that_is_spread_over_two_fields_is_found(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, replace(named("Korvet"), other_names=("Dynamics Zavod",)))
    assert the_hit(registry).entry_key == "Entity List 77"


def test_a_name_spread_over_two_of_the_other_names_is_found(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, replace(named("Blue Harbour"), other_names=("Dynamics Zavod", "Meadow Bakery", "Korvet")))
    assert the_hit(registry).entry_key == "Entity List 77"


def test_two_names_that_hold_a_listed_one_between_them_by_chance_are_no_hit(registry: Registry) -> None:
    loaded(registry, ENTRY)
    enrol(registry, replace(named("Korvet Sailing Club"), other_names=("Dynamics Zavod Bakery",)))
    others = ("Korvet Sailing Club", "Dynamics Zavod Bakery")
    enrol(registry, replace(named("Blue Harbour", "blue"), other_names=others), customer="blue")
    assert registry.hits() == []


def test_a_listed_name_hidden_behind_names_of_many_others_is_told(registry: Registry) -> None:
    crowd = [f"Brasov{chr(97 + at % 26)} Petromil{chr(97 + at // 26)}" for at in range(50)]
    entries = (ListEntry("csl", "Entity List", str(1_000 + at), (name,)) for at, name in enumerate(crowd))
    loaded(registry, ENTRY, *entries)
    hidden = replace(named("Korvet Dynamix Zavode"), other_names=tuple(crowd))
    registry.apply(record_of(hidden), by="ana")
    found = registry.hits()
    assert ENTRY.key not in {each.entry_key for each in found}
    assert [each.state for each in found if each.is_unscreened] == [HitState.OPEN]
