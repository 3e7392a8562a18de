"""When a run would reach its limit if it went on as it did.

The rate is the highest of three: today so far, and the means of the last 7 and of the last 28 whole days, each without
the days before the run's first. A run that starts to work harder shows at once, one that works only on weekdays or
pauses for a week does not seem to have ended, and the date is the earliest that the past month gives reason for.
Nothing is fitted: two numbers and a division can be checked by hand. The date is for people; the gate needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import ceil_div

WINDOWS_DAYS = (7, 28)
# Further off a date says nothing but "not at this rate".
HORIZON_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the past month leads.

    Attributes:
        rate_tflop_per_day: rounded up; 0 where nothing was used.
        crossing: day on which the limit is reached, the current one where it is already; None where nothing was used
            or it takes more than ten years.
    """

    rate_tflop_per_day: int
    crossing: date | None


def project(daily_high_tflop: Mapping[date, int], *, today: date, left_tflop: int) -> Projection:
    """Project from what was used on each day (UTC; days after `today` are left out) and what is left of the limit."""
    rate = rate_tflop_per_day(daily_high_tflop, today)
    if left_tflop <= 0:
        return Projection(rate, today)
    if rate == 0:
        return Projection(0, None)
    days = ceil_div(left_tflop, rate)
    return Projection(rate, today + timedelta(days=days) if days <= HORIZON_DAYS else None)


def rate_tflop_per_day(daily_high_tflop: Mapping[date, int], today: date) -> int:
    """Operations a day that a projection goes on with, rounded up.

    Raises:
        InvalidInput: a day's usage is negative.
    """
    if any(amount < 0 for amount in daily_high_tflop.values()):
        raise InvalidInput("What was used on a day cannot be negative.")
    used = {day: amount for day, amount in daily_high_tflop.items() if amount and day <= today}
    if not used:
        return 0
    whole_days = (today - min(used)).days
    rates = [used.get(today, 0)]
    for window in WINDOWS_DAYS:
        days = min(window, whole_days)
        begin = today - timedelta(days=days)
        amount = sum(each for day, each in used.items() if begin <= day < today)
        rates.append(ceil_div(amount, days) if days else 0)
    return max(rates)
