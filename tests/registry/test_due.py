"""Approvals that end: who is due, and notices that are told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry, due
from gatekeeper.registry.due import NoticeKind
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.registry.office import HandClock, enrol, log, org, record_of

DAY = timedelta(days=1)


def notices(stores: Stores) -> list[tuple[str, str]]:
    found = (each["facts"] for each in log(stores) if each["type"] == "customer.notice")
    return [(each["customer"], each["kind"]) for each in found]


def test_each_notice_is_recorded_once_at_60_30_and_7_days_and_at_the_end(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    end = enrol(registry, org("lab", "US")).expires_at
    assert end is not None
    expected = []
    days = {61: None, 60: "60_days", 59: None, 30: "30_days", 7: "7_days", 1: None, 0: "expired"}
    for left, kind in days.items():
        clock.at = end - left * DAY
        assert registry.record_notices() == (1 if kind else 0)
        assert registry.record_notices() == 0
        expected += [("lab", kind)] if kind else []
        assert notices(stores) == expected


def test_after_a_long_silence_all_that_fell_due_is_recorded(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    end = enrol(registry, org("lab", "US")).expires_at
    assert end is not None
    clock.at = end + 400 * DAY
    assert registry.record_notices() == 4
    assert [kind for _, kind in notices(stores)] == [each.value for each in NoticeKind]


def test_a_renewed_approval_is_told_of_anew_and_a_change_in_between_is_not(
    registry: Registry, stores: Stores, clock: HandClock
) -> None:
    end = enrol(registry, org("lab", "US")).expires_at
    assert end is not None
    clock.at = end - 60 * DAY
    registry.record_notices()
    registry.apply(record_of(org("lab", "GB")), by="cem")
    assert registry.record_notices() == 0
    registry.renew("lab", by="ana")
    renewed = registry.approve("lab", by="dia")
    assert renewed.expires_at is not None
    clock.at = renewed.expires_at - 60 * DAY
    assert registry.record_notices() == 1
    assert len(notices(stores)) == 2


def test_who_is_suspended_or_closed_is_not_told_to_renew(registry: Registry, stores: Stores, clock: HandClock) -> None:
    end = enrol(registry, org("lab", "US")).expires_at
    assert end is not None
    registry.suspend("lab", by="ben", reason="x")
    clock.at = end
    assert registry.record_notices() == 0
    assert registry.due() == []


def test_the_list_of_the_due_begins_with_the_first_to_end(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("late", "US"), customer="late")
    enrol(registry, org("soon", "PL"), customer="soon")
    assert registry.due() == []
    assert [each.customer.id for each in registry.due(within=400 * DAY)] == ["soon", "late"]
    soon = registry.review("soon").customer.expires_at
    assert soon is not None
    clock.at = soon - 29 * DAY
    (found,) = registry.due()
    assert (found.customer.id, found.standing, found.kind) == ("soon", Standing.EXPIRING, NoticeKind.DAYS_30)
    clock.at = soon + DAY
    assert registry.due()[0].kind is NoticeKind.EXPIRED
    assert registry.due()[0].standing is Standing.EXPIRED


def test_a_group_of_notices_costs_the_same_statements_however_many_there_were_before(
    registry: Registry, stores: SqlStores, clock: HandClock
) -> None:
    """What was told is looked up by its key: nobody reads the log, or all customers one by one."""
    asked: list[int] = []
    for number in (1, 12, 1):  # one alone, many at once, and one after many were told
        for each in range(number):
            name = f"lab-{len(asked)}-{each}"
            enrol(registry, org(name, "US"), customer=name)
        clock.at += 400 * DAY
        with counted(stores) as statements:
            assert registry.record_notices() == 4 * number
        asked.append(len(statements))
    assert len(set(asked)) == 1


def test_who_is_asked_for_enough_leaves_the_rest_to_the_next_time(
    registry: Registry, stores: Stores, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "GROUP_MAX", 3)
    for number in range(2):
        enrol(registry, org(f"lab-{number}", "US"), customer=f"lab-{number}")
    clock.at += 400 * DAY
    assert registry.record_notices(lambda: True) == 3
    assert registry.record_notices(lambda: True) == 3
    assert registry.record_notices(lambda: True) == 2
    assert len(set(notices(stores))) == len(notices(stores)) == 8


@pytest.mark.slow
@pytest.mark.parametrize("count", [201])
def test_many_fall_due_on_one_day(registry: Registry, stores: Stores, clock: HandClock, count: int) -> None:
    for number in range(count):
        enrol(registry, org(f"lab-{number}", "US"), customer=f"lab-{number}")
    clock.at += 365 * DAY - 60 * DAY
    assert registry.record_notices() == count
    assert len(set(notices(stores))) == count
