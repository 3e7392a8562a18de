"""Usage by day and device is added up from the records alone; what they say of it must fit together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import DeviceUsage, Usage
from gatekeeper.meter import Due
from gatekeeper.verify.report import DayTotals
from tests.metering import (
    DAY,
    RUN,
    VirtualClock,
    account_of,
    at,
    busy,
    fresh_stores,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    migrated,
    records,
)
from tests.verify.books import START, Books, a_days_work
from tests.verify.test_recompute import changed, messages, verify

H100 = DeviceUsage("H100-SXM5", 800, Usage(1, 2, 60))
UNKNOWN = DeviceUsage("unknown", 100, Usage(0, 4, 40))
DAY_ONE, DAY_TWO = START.date(), START.date() + timedelta(days=1)


def books() -> Books:
    """A reservation with two kinds of devices, and a pod under a clearance, over midnight."""
    made = Books()
    made.hold("pod-a", "llm-1", seconds=1_000)
    made.book("pod-a", made.reservations["pod-a"], devices=(H100, UNKNOWN), seconds=100, final=True)
    to_midnight = 21 * 3_600
    made.meter("pod-b", "llm-1", devices=(H100,), seconds=to_midnight)
    made.meter("pod-b", "llm-1", devices=(H100,), seconds=3_600, final=True)
    return made


def test_days_and_devices_are_told_apart() -> None:
    report = verify(books().leaves)
    assert report.problems == ()
    assert report.days == {
        ("llm-1", DAY_ONE, "H100-SXM5"): DayTotals(1_600, 2, 4, 120),
        ("llm-1", DAY_ONE, "unknown"): DayTotals(100, 0, 4, 40),
        ("llm-1", DAY_TWO, "H100-SXM5"): DayTotals(800, 1, 2, 60),
    }
    assert report.runs["llm-1"].settled_tflop == 220


def test_what_runs_under_a_clearance_holds_nothing_and_overruns_nothing() -> None:
    report = verify(books().leaves)
    assert report.overruns == ()
    assert (report.runs["llm-1"].pending_tflop, report.runs["llm-1"].open_reservations) == (0, 0)


def test_records_from_before_devices_were_told_apart_still_verify() -> None:
    report = verify(a_days_work().leaves)
    assert report.verified
    assert report.days == {("llm-1", DAY_ONE, "unknown"): DayTotals(0, 655, 982, 1_310)}
    assert sum(each.high_tflop for each in report.days.values()) == report.runs["llm-1"].settled_tflop


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda facts: facts["by_device"]["unknown"].update(high_tflop="41"), "does not add up to that of the piece"),
        (lambda facts: facts["by_device"]["unknown"].update(device_s=99), "device_s that of all"),
        (lambda facts: facts.update(by_device={}), "usage of each kind"),
        (lambda facts: facts.update(by_device={"H100-SXM5": 1}), "usage and time of each kind"),
        (lambda facts: facts.update(device="H100-SXM5"), "in place of device"),
        (lambda facts: facts.update({"from": "2026-11-22T03:00:00Z", "through": "2026-11-23T00:00:01Z"}), "midnight"),
        (lambda facts: facts.update(customer="other"), "not one of customer other"),
    ],
)
def test_what_does_not_fit_together_is_named(change: Callable[[dict[str, Any]], None], problem: str) -> None:
    assert problem in messages(changed(books().leaves, RecordType.RESERVATION_SETTLED, change))


def test_a_piece_under_a_clearance_goes_on_where_the_one_before_ended() -> None:
    leaves = changed(
        books().leaves, RecordType.METERING_BEGUN, lambda facts: facts.update({"from": "2026-11-22T02:00:00Z"})
    )
    assert "after up to" in messages(leaves)


def test_what_holds_nothing_cannot_be_settled_as_what_holds_budget() -> None:
    leaves = books().leaves
    swapped = [leaf.replace(b'"type":"metering.settled"', b'"type":"reservation.settled"') for leaf in leaves]
    assert "holds nothing: another record" in messages(swapped)
    swapped = [leaf.replace(b'"type":"reservation.settled"', b'"type":"metering.settled"') for leaf in leaves]
    assert "holds budget: another record" in messages(swapped)


def test_metering_begins_once() -> None:
    leaves = books().leaves
    begun = next(leaf for leaf in leaves if b"metering.begun" in leaf)
    assert "a second time" in messages([*leaves, begun.replace(b'"id":"0', b'"id":"1')])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("days"))


@settings(max_examples=15, deadline=None)  # a database each
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * DAY)), min_size=1, max_size=8),
    st.integers(1_000, 2 * DAY),
    st.integers(0, 8),
)
def test_the_days_in_the_database_are_those_in_the_records_and_add_up_to_the_account(
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    asked: list[tuple[int, int]],
    piece_s: int,
    seen: int,
) -> None:
    with fresh_stores(tmp_path_factory.getbasetemp(), template) as stores:
        for number in range(4):
            hold(stores, make_reservation(f"pod-{number}", lease_s=4 * DAY))
        meter = make_meter(stores, busy(seen), VirtualClock(at(4 * DAY)), piece_s=piece_s)
        meter.settle([Due(f"pod-{pod}", make_facts(f"pod-{pod}"), at(through)) for pod, through in asked])
        daily, account = stores.read(lambda reader: (reader.daily_usage(RUN), account_of(stores)))
        by_day: dict[tuple[str, date, str], DayTotals] = {}
        for record in records(stores):
            facts = record.facts
            day = date.fromisoformat(str(facts["from"])[:10])
            part = DayTotals(
                int(str(facts["device_s"])), *(int(str(facts[f"{each}_tflop"])) for each in ("low", "best", "high"))
            )
            key = RUN, day, str(facts["device"])
            by_day[key] = by_day.get(key, DayTotals()).plus(part)
    stored = {
        (each.run_id, each.day, each.device): DayTotals(
            each.device_s, each.usage.low_tflop, each.usage.best_tflop, each.usage.high_tflop
        )
        for each in daily
    }
    assert stored == by_day
    assert sum(each.high_tflop for each in stored.values()) == account.settled.high_tflop
    assert sum(each.best_tflop for each in stored.values()) == account.settled.best_tflop
    assert sum(each.low_tflop for each in stored.values()) == account.settled.low_tflop
