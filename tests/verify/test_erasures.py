"""The verifier finds an erasure that came too soon, under a hold, or by one person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.record import Record, RecordType, decode
from gatekeeper.registry import Registry
from gatekeeper.verify.erasures import ErasureCheck
from gatekeeper.verify.fields import Wrong
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock, enrol, org

T = RecordType
Change = Callable[[Record], Record | None]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[list[Record]]:
    """An honest erasure after a hold was lifted, as the registry writes it."""
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        clock = HandClock()
        registry = Registry(stores, clock, packs=PACKS, cluster="east")
        enrol(registry, org("lab", "US"))
        held = registry.hold("lab", by="ana", reason="agency")
        registry.close("lab", by="ana", reason="x")
        clock.at += timedelta(days=6 * 366)
        registry.ask_to_lift(held.id, by="ana", reason="x")
        registry.reject_lift(held.id, by="ben")
        registry.ask_to_lift(held.id, by="ana", reason="x")
        registry.approve_lift(held.id, by="ben")
        registry.erase("lab", by="ana", reason="x")
        registry.reject_erasure("lab", by="ben")
        registry.erase("lab", by="ana", reason="x")
        registry.approve_erasure("lab", by="ben")
        yield [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def problems(records: list[Record]) -> list[str]:
    check, found = ErasureCheck(), []
    for record in records:
        try:
            check.see(record)
        except Wrong as error:
            found.append(str(error))
    return found


def test_an_honest_log_is_right(records: list[Record]) -> None:
    assert problems(records) == []


def with_facts(**changes: Any) -> Change:
    return lambda record: replace(record, facts={**record.facts, **changes})


def by_ana(record: Record) -> Record:
    return replace(record, actor=replace(record.actor, name="Ana"))


def sooner(record: Record) -> Record:
    return replace(record, at=record.at - timedelta(days=400))


def gone(_: Record) -> None:
    return None


@pytest.mark.parametrize(
    ("kind", "change", "told"),
    [
        (T.CUSTOMER_ERASED, by_ana, "nobody else had asked"),
        (T.CUSTOMER_ERASED, sooner, "before 5 years were over"),
        (T.CUSTOMER_ERASED, with_facts(retention_years=4), "before 5 years were over"),
        (T.CUSTOMER_ERASED, with_facts(retention_years=101), "before 5 years"),
        (T.CUSTOMER_ERASED, with_facts(retention_years=10**6), "before 5 years"),
        (T.CUSTOMER_ERASED, with_facts(last_event_at="2020-01-01T00:00:00Z"), "latest event"),
        (T.ERASURE_REQUESTED, gone, "nobody else had asked"),
        (T.CUSTOMER_CLOSED, gone, "is not closed"),
        (T.HOLD_LIFTED, gone, "under a legal hold"),
        (T.HOLD_LIFTED, by_ana, "nobody else had asked"),
        (T.HOLD_LIFT_REQUESTED, gone, "nobody else had asked"),
        (T.HOLD_PLACED, gone, "does not hold"),
        # Who is one person is asked of these names: somebody else's would keep two logins of one from being seen.
        (T.HOLD_LIFTED, with_facts(requested_by="zoe"), "ana asked and ben approved; the record says zoe and ben"),
        (T.HOLD_LIFTED, with_facts(approved_by="zoe"), "the record says ana and zoe"),
        (T.CUSTOMER_ERASED, with_facts(requested_by="zoe"), "the record says zoe and ben"),
        (T.CUSTOMER_ERASED, with_facts(approved_by="zoe"), "the record says ana and zoe"),
    ],
)
def test_what_was_changed_is_found(records: list[Record], kind: RecordType, change: Change, told: str) -> None:
    changed = [new for each in records if (new := change(each) if each.type is kind else each) is not None]
    assert any(told in each for each in problems(changed)), problems(changed)


def test_the_latest_event_is_the_latest_also_where_a_clock_went_back(records: list[Record]) -> None:
    place = next(index for index, each in enumerate(records) if each.type is T.CUSTOMER_CLOSED)
    closed = records[place]
    assert problems([*records[: place + 1], sooner(closed), *records[place + 1 :]]) == []


def test_a_hold_is_not_taken_away_by_one_of_its_name_on_somebody_else(records: list[Record]) -> None:
    never_lifted = [each for each in records if each.type not in (T.HOLD_LIFT_REQUESTED, T.HOLD_LIFTED)]
    (placed,) = (each for each in records if each.type is T.HOLD_PLACED)
    elsewhere = with_facts(customer="other")(placed)
    at = next(at for at, each in enumerate(never_lifted) if each.type is T.ERASURE_REQUESTED)
    told = problems([*never_lifted[:at], elsewhere, *never_lifted[at:]])  # type: ignore[list-item]
    assert any("placed a second time" in each for each in told), told
    assert "under a legal hold" in told[-1]


PROFILE, FILE = "ab" * 32, "cd" * 32


def told_of(records: list[Record]) -> list[Record]:
    """The same log, with a profile and a file of the customer that its erasure names."""
    found = []
    for each in records:
        if each.type is T.CUSTOMER_ENROLLED:
            added = replace(each, type=T.EVIDENCE_ADDED, facts={"customer": "lab", "sha256": FILE})
            found += [replace(each, facts={**each.facts, "applied": {"profile_sha256": PROFILE}}), added]
        elif each.type is T.CUSTOMER_ERASED:
            facts = {**each.facts, "profiles": [PROFILE], "profiles_total": 1, "files": [FILE], "files_total": 1}
            found.append(replace(each, facts=facts))
        else:
            found.append(each)
    return found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"profiles": [], "profiles_total": 0}, "does not tell all of them"),
        ({"profiles": [FILE]}, "does not tell all of them"),
        ({"profiles": []}, "fewer profiles than it has room for"),
        ({"files": [PROFILE]}, "files that were never added"),
    ],
)
def test_an_erasure_tells_what_went(records: list[Record], changes: dict[str, Any], told: str) -> None:
    records = told_of(records)
    assert problems(records) == []
    changed = with_facts(**changes)(records[-1])
    assert changed is not None
    assert told in " ".join(problems([*records[:-1], changed]))


def test_of_who_was_erased_nothing_is_added_or_read_and_nobody_reads_what_was_never_there(
    records: list[Record],
) -> None:
    records = told_of(records)
    add, read = (
        replace(records[-1], type=kind, facts={"customer": "lab", "sha256": FILE})
        for kind in (T.EVIDENCE_ADDED, T.EVIDENCE_READ)
    )
    assert problems([*records[:-1], read, records[-1]]) == []
    assert "which was erased" in " ".join(problems([*records, add]))
    assert "which was erased" in " ".join(problems([*records, read]))
    never = replace(read, facts={"customer": "lab", "sha256": PROFILE})
    assert "was never added" in " ".join(problems([*records[:-1], never, records[-1]]))


def test_nobody_is_erased_twice(records: list[Record]) -> None:
    assert any("second time" in each for each in problems([*records, *records[-2:]]))
