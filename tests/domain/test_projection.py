"""When a run would reach its limit: by hand, and for whatever was used."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.projection import HORIZON_DAYS, Projection, project, rate_tflop_per_day

TODAY = date(2026, 11, 22)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def steady(amount: int, days: int) -> dict[date, int]:
    return {ago(each): amount for each in range(days)}


def test_steady_work_goes_on_steadily() -> None:
    assert project(steady(10, 40), today=TODAY, left_tflop=95) == Projection(10, TODAY + timedelta(days=10))


@pytest.mark.parametrize(
    ("daily", "rate"),
    [
        ({}, 0),
        ({TODAY: 5}, 5),  # the first day: so far is all that is known
        ({ago(1): 6, TODAY: 5}, 6),
        ({ago(1): 3, TODAY: 5}, 5),  # today has passed the mean already
        ({ago(1): 7}, 7),  # one whole day, not a seventh of it
        ({ago(7): 70}, 10),
        ({ago(8): 80}, 10),  # paused for a week: the longer mean remembers, over the days that it has lived
        ({ago(27): 280, ago(26): 0}, 11),  # 280 over 27 days, rounded up
        ({ago(29): 1000}, 0),  # longer ago than a projection looks
        ({ago(28): 2800}, 100),
        (steady(1, 60) | {ago(each): 10 for each in range(1, 8)}, 10),  # works harder since a week
        ({ago(-1): 1000}, 0),  # a clock ahead of ours brings nothing
    ],
)
def test_the_rate_is_the_highest_of_today_and_the_means_of_7_and_28_days(daily: dict[date, int], rate: int) -> None:
    assert rate_tflop_per_day(daily, TODAY) == rate


def test_a_limit_that_is_reached_is_reached_today() -> None:
    for left in (0, -5):
        assert project({}, today=TODAY, left_tflop=left).crossing == TODAY
        assert project(steady(1, 5), today=TODAY, left_tflop=left).crossing == TODAY


def test_nothing_used_leads_nowhere() -> None:
    assert project({}, today=TODAY, left_tflop=1) == Projection(0, None)


def test_more_than_ten_years_off_is_no_date() -> None:
    assert project(steady(1, 30), today=TODAY, left_tflop=HORIZON_DAYS).crossing == TODAY + timedelta(days=HORIZON_DAYS)
    assert project(steady(1, 30), today=TODAY, left_tflop=HORIZON_DAYS + 1) == Projection(1, None)


def test_a_negative_day_is_refused() -> None:
    with pytest.raises(InvalidInput):
        project({TODAY: -1}, today=TODAY, left_tflop=1)


USED = st.dictionaries(st.integers(-3, 40).map(ago), st.integers(0, 10**14), max_size=40)
LEFT = st.integers(-(10**13), 10**14)


@given(USED, LEFT)
def test_the_date_is_the_first_day_on_which_the_rate_has_used_what_is_left(daily: dict[date, int], left: int) -> None:
    found = project(daily, today=TODAY, left_tflop=left)
    if found.crossing is None:
        assert found.rate_tflop_per_day * HORIZON_DAYS < left or found.rate_tflop_per_day == 0
        return
    days = (found.crossing - TODAY).days
    assert found.rate_tflop_per_day * days >= left
    assert days == 0 or found.rate_tflop_per_day * (days - 1) < left


@given(USED, LEFT, st.integers(0, 10**13))
def test_less_left_is_never_reached_later(daily: dict[date, int], left: int, less: int) -> None:
    sooner, later = (project(daily, today=TODAY, left_tflop=each).crossing for each in (left - less, left))
    assert later is None or (sooner is not None and sooner <= later)


@given(USED, st.integers(0, 27).map(ago), st.integers(1, 10**13))
def test_more_on_a_day_of_the_past_four_weeks_never_lowers_the_rate(
    daily: dict[date, int], day: date, more: int
) -> None:
    lived = {each: amount for each, amount in daily.items() if amount and each <= TODAY}
    if not lived or day < min(lived):
        return  # it would have begun earlier, which is another story
    assert rate_tflop_per_day({**daily, day: daily.get(day, 0) + more}, TODAY) >= rate_tflop_per_day(daily, TODAY)


@given(USED)
def test_the_rate_is_at_most_the_busiest_day(daily: dict[date, int]) -> None:
    assert rate_tflop_per_day(daily, TODAY) <= max([0, *daily.values()])
