"""Words that terminal, picture and report share: amounts by their direction, and where a run leads.

One sentence for all three, so that none of them calls a run harmless that another calls past its limit.
"""

from __future__ import annotations

from gatekeeper.domain.projection import WINDOWS_DAYS
from gatekeeper.domain.units import Rounding, format_below, format_flop
from gatekeeper.domain.usage import Usage
from gatekeeper.statements import Statement


def upper(tflop: int) -> str:
    """An upper bound, or what counts against a limit: rounded up, without its unit."""
    return _bare(format_flop(tflop, rounding=Rounding.UP))


def nearest(tflop: int) -> str:
    """An estimate, or a number that somebody stated: rounded to the nearest, without its unit."""
    return _bare(format_flop(tflop, rounding=Rounding.NEAREST))


def below(tflop: int) -> str:
    """A limit or what is left of it: rounded down, or "just under" a round amount; without its unit."""
    return _bare(format_below(tflop))


def bounds(usage: Usage) -> tuple[str, str, str]:
    """Low, best and high without their unit, each rounded the way it may err."""
    return (_bare(format_flop(usage.low_tflop)), nearest(usage.best_tflop), upper(usage.high_tflop))


def leads(statement: Statement) -> str:
    """Where a run leads, as the end of a sentence about it; empty without a limit. What is worse comes first."""
    projection = statement.projection
    if statement.is_past_limit:
        return "is past its limit"
    if projection is None:
        return ""
    rate = f"at {upper(projection.rate_tflop_per_day)} FLOP a day, the most of late"
    if projection.crossing is not None:
        days = (projection.crossing - statement.as_of.date()).days
        if days <= 0:
            return "has reached its limit"
        return f"reaches its limit on {projection.crossing} ({days} day{'' if days == 1 else 's'}) {rate}"
    if projection.rate_tflop_per_day:
        return f"does not reach its limit within ten years {rate}"
    return f"used nothing in {last_days(statement, max(WINDOWS_DAYS))}"


def starts(statement: Statement) -> str:
    """Where a run that waits starts once it is approved, with what it carries in and what counts beside it; empty where
    that is nothing."""
    then = statement.if_approved
    if then is None or then.limit is None or not then.account.carried_in_tflop + then.extra_tflop:
        return ""
    share = then.used_tflop * 1000 // then.limit.tflop
    begins = "is past its limit from the start, with" if then.is_past_limit else "starts with"
    whole = f"{begins} {share // 10}.{share % 10} % of {below(then.limit.tflop)} FLOP by {then.limit.pack}"
    return f"{whole}{made_its_data(then)}"


def made_its_data(statement: Statement) -> str:
    """How much of what counts no account holds, as the end of a clause; empty where none."""
    if not statement.extra_tflop:
        return ""
    return f", {upper(statement.extra_tflop)} of it by the models that made its data"


def last_day(statement: Statement) -> str:
    """What the last day of a statement is called."""
    return "last usage" if statement.clock_is_behind else "today"


def last_days(statement: Statement, days: int) -> str:
    """The days up to the last one of a statement."""
    return f"the {days} days to {statement.as_of:%Y-%m-%d}" if statement.clock_is_behind else f"the last {days} days"


def told_of_clock(statement: Statement) -> str:
    """That the ledger is ahead of this machine's clock; empty where it is not."""
    if not statement.clock_is_behind:
        return ""
    return f"as of the last usage, {statement.as_of:%Y-%m-%d}, which is ahead of this machine's clock"


def _bare(shown: str) -> str:
    return shown.removesuffix(" FLOP")
