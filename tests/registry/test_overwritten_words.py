"""What a register said stays before the approver's eyes, though somebody imported another word since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gatekeeper.domain.observation import OVERWRITTEN_MAX, Observed, observed_json, observed_of
from gatekeeper.registry import Registry
from tests.registry.office import NOON, org, record_of

LEI, PARENT = "529900T8BM49AURSDO55", "5493001KJTIIGC8Y1R12"
HONEST = Observed(LEI, "Lab", "CN", "US", "ACTIVE", "ISSUED", (PARENT,), (), "2026-11-01", ("f" * 64,), NOON)
DOCTORED = replace(HONEST, headquarters="US", parents=())
LAB = replace(org("lab", "US"), lei=LEI)


def said(registry: Registry, word: Observed, by: str) -> None:
    registry.observe({LEI: word}, by=by)


def shown(registry: Registry) -> list[tuple[str, str, str]]:
    return [(each.code, each.observed, each.overwritten_by) for each in registry.review("lab").conflicts]


def test_an_approver_sees_what_an_editor_wrote_over(registry: Registry) -> None:
    registry.apply(record_of(LAB), by="ana")
    said(registry, HONEST, "zoe")
    assert shown(registry) == [("headquarters", "CN", ""), ("parent", PARENT, "")]
    said(registry, DOCTORED, "ana")
    assert shown(registry) == [("headquarters", "CN", "ana"), ("parent", PARENT, "ana")]
    (told, _) = registry.review("lab").conflicts
    assert (
        told.in_words == "headquarters: recorded US, GLEIF had CN until ana imported otherwise at 2026-11-22T12:00:00Z"
    )
    (review,) = registry.review_all().reviews
    assert [each.overwritten_by for each in review.conflicts] == ["ana", "ana"]
    said(registry, replace(DOCTORED, headquarters="GB"), "ana")
    assert shown(registry)[0] == ("headquarters", "GB", "")
    assert set(shown(registry)[1:]) == {("headquarters", "CN", "ana"), ("parent", PARENT, "ana")}
    said(registry, HONEST, "zoe")  # which is the last word again, and GB was one meanwhile
    assert set(shown(registry)) == {
        ("headquarters", "CN", ""), ("parent", PARENT, ""), ("headquarters", "GB", "zoe"),
    }  # fmt: skip


def test_a_milder_record_written_after_the_doctored_word_is_shown_beside_the_honest_one(registry: Registry) -> None:
    registry.apply(record_of(LAB), by="ana")
    registry.approve("lab", by="ben")
    said(registry, HONEST, "zoe")  # taken at once: stricter
    said(registry, DOCTORED, "ana")
    registry.apply(record_of(LAB), by="ana")
    assert ("headquarters", "CN", "ana") in shown(registry)


def test_what_two_people_approved_in_its_knowledge_is_told_no_more(registry: Registry) -> None:
    registry.apply(record_of(LAB), by="ana")
    said(registry, HONEST, "zoe")
    said(registry, DOCTORED, "zoe")
    registry.approve("lab", by="ben")
    assert shown(registry) == []


def test_words_that_were_overwritten_are_kept_whole_and_not_without_end() -> None:
    word = HONEST
    for number in range(OVERWRITTEN_MAX + 5):
        word = replace(HONEST, parents=(f"{number:018}00",)).after(word, f"ana{number}", NOON)
    assert len(word.overwritten) == OVERWRITTEN_MAX
    assert word.overwritten[0].word.parents == HONEST.parents
    assert word.overwritten[-1].by == f"ana{OVERWRITTEN_MAX + 4}"
    assert observed_of(observed_json(word), NOON) == word
    before: dict[str, Any] = observed_json(HONEST)
    assert "overwritten" not in before
    assert replace(HONEST, updated="2026-11-02").after(word.overwritten[0].word, "ana", NOON).overwritten == ()
