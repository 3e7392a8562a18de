"""The verifier follows screening: who says that a hit is nothing, and which lists a screening used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType, decode
from gatekeeper.registry import Registry
from gatekeeper.registry.lists import NewList
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.screening import ScreeningCheck
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock, enrol, org, record_of

Act = Callable[[Registry, str], object]


@pytest.fixture
def story(tmp_path: Path) -> list[Record]:
    """A hit that is found, put aside by two, found again under a new name, and a true match in the end."""
    with new_stores(tmp_path / "a.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        enrol(registry, org("korvet-zavod", "US"))
        entry = ListEntry("csl", "Entity List", "77", ("Korvet Zavod",))
        registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (entry,)), by="pia")
        (hit,) = registry.hits()
        registry.judge(hit.id, true_match=False, reason="another", by="ana")
        registry.confirm(hit.id, by="ben")
        changed = replace(org("korvet-zavod", "US"), other_names=("Korvet",))
        registry.apply(record_of(changed), by="ana")
        (again,) = registry.hits(only_open=True)
        registry.judge(again.id, true_match=True, reason="same", by="ana")
        registry.screen(by="ana")
        return [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def checked(records: list[Record]) -> ScreeningCheck:
    check = ScreeningCheck()
    for each in records:
        check.see(each)
    return check


def test_a_whole_story_follows_from_itself_and_leaves_nothing_open(story: list[Record]) -> None:
    assert checked(story).open_hits == {}
    assert [each.type for each in story].count(RecordType.SCREENING_HIT) == 2
    until = next(at for at, each in enumerate(story) if each.type is RecordType.SCREENING_HIT)
    assert list(checked(story[: until + 1]).open_hits.values()) == ["korvet-zavod"]


def test_hits_of_names_that_came_and_went_follow_from_what_stands_now(tmp_path: Path) -> None:
    with new_stores(tmp_path / "b.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        korvet = org("korvet", "US")
        first, second = (replace(korvet, legal_name=f"Korvet {word}") for word in ("Zavod", "Zavods"))
        enrol(registry, first)
        entry = ListEntry("csl", "Entity List", "77", ("Korvet Zavod",))
        registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (entry,)), by="pia")
        enrol(registry, second)
        (left,) = registry.hits()
        registry.judge(left.id, true_match=True, reason="same", by="ana")
        enrol(registry, first)
        story = [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]
    assert checked(story).open_hits == {}
    quiet = [each for each in story if each.facts.get("superseded")]
    assert len(quiet) == 1
    matched = [each for each in story if each.facts.get("state") == "true_match" and "supersedes" in each.facts]
    assert matched
    at = story.index(quiet[0])
    gone = quiet[0].facts["superseded"]
    assert isinstance(gone, list)
    alone = [each for each in story[: at + 1] if each.facts.get("hit") in (None, *gone)]
    with pytest.raises(Wrong, match="takes its place"):
        checked(alone)
    with pytest.raises(Wrong, match="nobody has said"):
        checked([each for each in story if each.type is not RecordType.SCREENING_JUDGED])


def forged(story: list[Record], kind: RecordType, number: int, actor: str = "", **facts: Any) -> list[Record]:
    """The story with one record changed."""
    at = [at for at, each in enumerate(story) if each.type is kind][number]
    before = story[at]
    who = Actor(ActorKind.PERSON, actor) if actor else before.actor
    changed = Record(before.id, datetime(2026, 11, 22, tzinfo=UTC), kind, who, {**before.facts, **facts})
    return [*story[:at], changed, *story[at + 1 :]]


@pytest.mark.parametrize(
    ("kind", "number", "change", "told"),
    [
        (RecordType.SCREENING_JUDGED, 1, {"actor": "ANA", "confirmed_by": "ANA"}, "one person alone"),
        (RecordType.SCREENING_JUDGED, 0, {"state": "false_positive", "confirmed_by": "ana"}, "one person alone"),
        (RecordType.SCREENING_JUDGED, 1, {"judged_by": "zoe"}, "was judged by ana; the record says another one"),
        (RecordType.SCREENING_JUDGED, 0, {"judged_by": "zoe"}, "the record says another one"),
        (RecordType.SCREENING_JUDGED, 1, {"state": "settled"}, "nothing that a hit can be"),
        (RecordType.SCREENING_JUDGED, 2, {"before": "false_positive"}, "judged as if"),
        (RecordType.SCREENING_JUDGED, 0, {"hit": "0" * 16}, "judged as if"),
        (RecordType.SCREENING_HIT, 0, {"list": "sdn"}, "never loaded"),
        (RecordType.SCREENING_RUN, 0, {"lists": {"csl": "cd" * 32}}, "other lists"),
        (RecordType.SCREENING_RUN, 0, {"threshold": 0}, "threshold"),
        (RecordType.LIST_LOADED, 0, {"before": "cd" * 32}, "in place of"),
        (RecordType.LIST_LOADED, 0, {"sha256": "x"}, "is none"),
    ],
)
def test_a_forged_story_does_not(
    story: list[Record], kind: RecordType, number: int, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(Wrong, match=told):
        checked(forged(story, kind, number, **change))


def test_a_name_that_could_not_be_compared_is_followed_like_any_hit(tmp_path: Path) -> None:
    with new_stores(tmp_path / "c.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        enrol(registry, replace(org("korvet", "US"), legal_name="شركة كورفيت"))
        entry = ListEntry("csl", "Entity List", "77", ("Zarya",))
        registry.load_list(NewList("csl", "ab" * 32, date(2026, 11, 20), (entry,)), by="pia")
        (hit,) = registry.hits()
        found = [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]
        registry.judge(hit.id, true_match=False, reason="compared by hand", by="ana")
        registry.confirm(hit.id, by="ben")
        judged = [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]
    assert checked(found).open_hits == {hit.id: "korvet"}
    assert checked(judged).open_hits == {}
