"""Lists as they are loaded: what is tried, what may be a slip, and two at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest

from gatekeeper.domain.errors import Conflict, NotPermitted
from gatekeeper.domain.list_entry import ListEntry, ListVersion
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Reader, Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.indexed import Indexed
from gatekeeper.registry.lists import NewList
from gatekeeper.registry.screener import Screener
from tests.registry.office import HandClock, enrol, log, tier
from tests.registry.screened import ENTRY, OTHER, loaded, named, the_hit


def test_an_entry_that_has_ended_is_not_screened_and_one_to_come_is(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    assert loaded(registry, replace(ENTRY, ends=date(2026, 11, 22))) == []
    assert len(loaded(registry, replace(ENTRY, begins=date(2027, 1, 1)))) == 1


def test_nobody_unblocks_a_party_alone_by_a_true_match_with_an_entry_that_is_to_come(registry: Registry) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    loaded(registry, replace(ENTRY, begins=date(2099, 1, 1)))
    assert tier(registry) is Tier.UNRESOLVED
    registry.judge(the_hit(registry).id, true_match=True, reason="same address", by="ana")
    assert tier(registry) is Tier.THREE


def many(source: str = "Entity List", count: int = 20) -> tuple[ListEntry, ...]:
    return tuple(ListEntry("csl", source, str(number), (f"Zzyzx Holding {number}",)) for number in range(count))


@pytest.mark.parametrize(
    ("published", "entries", "told"),
    [
        (date(2026, 11, 19), many(), "older than what is loaded"),
        (date(2026, 11, 23), many(), "which is to come"),
        (date(2026, 11, 21), many("SDN"), "another kind of file: of SDN, and what is loaded is of Entity List"),
        (date(2026, 11, 21), many(count=15), "lacks 5 of the 20 entries"),
        (date(2026, 11, 21), tuple(replace(each, names=("Qwx",)) for each in many()), "lacks 20 of the 20 entries"),
        (date(2026, 11, 21), tuple(replace(each, ends=date(2020, 1, 1)) for each in many()), "lacks 20 of the 20"),
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


@pytest.mark.parametrize("by_ending", [False, True], ids=["removed", "ended"])
def test_a_list_that_shrinks_in_steps_needs_a_reason_once_they_make_more_than_a_fifth(
    registry: Registry, clock: HandClock, by_ending: bool
) -> None:
    def of(count: int) -> NewList:
        kept, gone = many(count=100)[:count], many(count=100)[count:]
        ended = tuple(replace(each, ends=date(2020, 1, 1)) for each in gone) if by_ending else ()
        return NewList("csl", f"{count:064x}", date(2026, 11, 20), (*kept, *ended))

    registry.load_list(of(100), by="pia")
    registry.load_list(of(85), by="pia")
    with pytest.raises(NotPermitted, match="lacks 30 of at most 100 entries: more than 20 percent in steps"):
        registry.load_list(of(70), by="pia")
    registry.load_list(of(70), by="pia", force="the publisher took them off")
    registry.load_list(of(60), by="pia")  # counted from where somebody gave a reason
    with pytest.raises(NotPermitted, match="in steps"):
        registry.load_list(of(48), by="pia")
    clock.at += timedelta(days=91)
    registry.load_list(of(48), by="pia")


def test_a_plan_says_what_loading_would_do_and_writes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, named("Korvet Dynamics Zavod"))
    before = len(log(stores))
    plan = registry.plan_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (ENTRY, OTHER)))
    assert (len(plan.diff.added), len(plan.hits), len(log(stores))) == (2, 1, before)
    assert registry.lists() == []


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


class Seen:
    """The lists as one reader sees them."""

    def __init__(self, *entries: ListEntry) -> None:
        self.entries = entries

    def lists(self) -> list[ListVersion]:
        return [ListVersion("csl", f"{len(self.entries)}" * 64, date(2026, 11, 20), len(self.entries), 1, "pia")]

    def list_entries(self) -> tuple[ListEntry, ...]:
        return self.entries


def test_a_reader_is_given_its_own_lists_though_another_thread_indexes_older_ones_meanwhile() -> None:
    """Else a name that is written beside a new list is compared with the one before it."""
    new, old = cast("Reader", Seen(ENTRY, OTHER)), cast("Reader", Seen(ENTRY))

    class Interrupted(Screener):
        done = False

        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "_indexed" and not self.done and cast("Indexed", value).versions:
                type(self).done = True
                self.indexed(old)

    assert Interrupted().indexed(new).entries == (ENTRY, OTHER)
