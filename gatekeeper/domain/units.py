"""Amounts and rates of computation, in integers.

An amount is whole TFLOP (10^12 operations): 10^26 operations are 10^14 TFLOP, exact in Python, in a SQL
BIGINT and in JavaScript. A rate is whole GFLOP/s, so that datasheet peaks such as 989.4 TFLOP/s are exact.
Rounding always has a direction: what is reserved or may be too much rounds up, what may be too little rounds down.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction

from gatekeeper.domain.errors import InvalidInput

FLOP_PER_TFLOP = 10**12
GFLOP_PER_TFLOP = 1_000
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3_600
SECONDS_PER_DAY = 86_400

# The largest amount that we accept anywhere: 10^30 FLOP, ten thousand times the threshold of ECCN 4E091.
# A SQL BIGINT (9.2 x 10^18) still holds the sum of nine of them.
LARGEST_TFLOP = 10**18
# The largest count of parameters or tokens: a BIGINT holds it, and nobody has a thousandth of it.
LARGEST_COUNT = 10**18

_AMOUNT = re.compile(r"(?P<digits>\d{1,40})(?:\.(?P<fraction>\d{1,40}))?(?:[eE]\+?(?P<exponent>\d{1,2}))?", re.ASCII)


def ceil_div(numerator: int, denominator: int) -> int:
    """Smallest integer that is not below numerator / denominator (denominator positive)."""
    return -(-numerator // denominator)


def parse_flop(text: str) -> int:
    """Read an amount of FLOP such as "1e26", "2.5e25" or "1000000000000" into whole TFLOP.

    Raises:
        InvalidInput: not a plain non-negative number, not a whole number of TFLOP, or beyond LARGEST_TFLOP.
    """
    try:
        flop = parse_number(text)
    except InvalidInput as error:
        hint = 'Write it like "1e26" or "2.5e25".'
        raise InvalidInput(f"{text!r:.100} is not an amount of FLOP.", hint=hint) from error
    if flop % FLOP_PER_TFLOP:
        raise InvalidInput(f"{text!r} is not a whole number of TFLOP (10^12 operations).")
    return checked_tflop(int(flop) // FLOP_PER_TFLOP)


def parse_number(text: str) -> Fraction:
    """Read a plain number such as "1022362", "0.404" or "6.52e+10", exactly. Its exponent has at most two digits.

    Raises:
        InvalidInput: a sign before it, NaN, infinity, a separator, or anything else that is no such number.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r:.100} is not a plain number.", hint='Write it like "1500", "0.4" or "2.5e10".')
    fraction = found["fraction"] or ""
    digits = int(found["digits"] + fraction) * 10 ** int(found["exponent"] or 0)
    return Fraction(digits, 10 ** len(fraction))


def plain_decimal(number: Fraction) -> str:
    """The number with all its digits and no exponent; cut after 12 decimal places."""
    whole, rest = divmod(abs(number.numerator), number.denominator)
    digits = f"{rest * 10**12 // number.denominator:012d}".rstrip("0")
    return ("-" if number < 0 else "") + f"{whole}.{digits}".rstrip(".")


def parse_count(text: str) -> int:
    """Read a whole number such as "405e9" or "15.6e12".

    Raises:
        InvalidInput: not a plain non-negative whole number of at most 10^18.
    """
    try:
        count = parse_number(text)
    except InvalidInput as error:
        raise InvalidInput(f"{text!r:.80} is not a whole number.", hint='Write it like "405e9".') from error
    if count.denominator != 1 or count > LARGEST_COUNT:
        raise InvalidInput(
            f"{text!r:.80} is not a whole number up to 10^18.", hint='Write it like "405e9" or "15.6e12".'
        )
    return int(count)


def parse_signed_flop(text: str) -> int:
    """Read a change of FLOP such as "+1.2e22" or "-3e20" into whole TFLOP; its sign must stand there.

    Raises:
        InvalidInput: no sign, or not an amount behind it.
    """
    sign, amount = text.strip()[:1], text.strip()[1:]
    if sign not in ("+", "-"):
        raise InvalidInput(f"{text!r:.80} does not say up or down.", hint='Write it like "+1.2e22" or "-3e20".')
    return parse_flop(amount) * (1 if sign == "+" else -1)


def checked_tflop(amount: int) -> int:
    """The amount itself, if it is a whole, non-negative, possible amount of TFLOP.

    Raises:
        InvalidInput: negative, not an int, or beyond LARGEST_TFLOP.
    """
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= LARGEST_TFLOP:
        raise InvalidInput(f"{amount!r} is not an amount of TFLOP between 0 and 10^18.")
    return amount


class Rounding(StrEnum):
    """Which way an amount is rounded for people: a lower bound down, an upper bound up, an estimate to the nearest."""

    DOWN = "down"
    NEAREST = "nearest"
    UP = "up"


def format_flop(tflop: int, *, digits: int = 3, rounding: Rounding = Rounding.DOWN) -> str:
    """An amount for people, as FLOP with a few digits.

    Nothing below a power of ten ever reads as that power, however it is rounded: thresholds are powers of ten, and
    99.96 % of one is not all of it. Where rounding would get there, more digits are shown.
    """
    if tflop == 0:
        return "0 FLOP"
    sign, text = ("-" if tflop < 0 else ""), str(abs(tflop) * FLOP_PER_TFLOP)
    figures = int(text[:digits])
    rest, whole = int(text[digits:] or "0"), 10 ** max(len(text) - digits, 0)
    upward = Rounding.UP if tflop > 0 else Rounding.DOWN  # away from 0
    if rest and (rounding is upward or (rounding is Rounding.NEAREST and 2 * rest >= whole)):
        figures += 1
    if figures == 10**digits:
        return format_flop(tflop, digits=digits + 1, rounding=rounding)
    shown = str(figures)
    mantissa = f"{shown[0]}.{shown[1:]}" if digits > 1 else shown
    return f"{sign}{mantissa}e{len(text) - 1} FLOP"


def format_below(tflop: int, *, digits: int = 3) -> str:
    """An amount of which no more may be used, rounded down; one TFLOP below a round one reads "just under" that.

    A limit of 10^26 - 1 TFLOP, and what is left of it, so read as the figure that the rule names.
    """
    down = format_flop(tflop, digits=digits)
    if down == format_flop(tflop, digits=digits, rounding=Rounding.UP):
        return down  # it is a round one itself
    round_one = format_flop(tflop + 1, digits=digits)
    return down if round_one == down else f"just under {round_one}"


def format_two_figures(tflop: int) -> str:
    """An amount as FLOP with two significant figures, rounded half up: how the EU wants training compute reported."""
    if tflop < 0:
        raise InvalidInput("An amount of training compute cannot be negative.")
    if tflop == 0:
        return "0 FLOP"
    exponent = len(str(tflop * FLOP_PER_TFLOP)) - 1
    figures = (2 * tflop * FLOP_PER_TFLOP + 10 ** (exponent - 1)) // (2 * 10 ** (exponent - 1))
    if figures == 100:
        figures, exponent = 10, exponent + 1
    return f"{figures // 10}.{figures % 10}e{exponent} FLOP"


def format_change(tflop: int) -> str:
    """A change of an amount for people, with its sign: "+1.20e22 FLOP"."""
    return ("+" if tflop > 0 else "") + format_flop(tflop, rounding=Rounding.NEAREST)


def format_duration(seconds: int) -> str:
    """A duration for people: "13 days 4 h", "2 h 5 min", "40 s"."""
    days, rest = divmod(max(seconds, 0), SECONDS_PER_DAY)
    hours, rest = divmod(rest, SECONDS_PER_HOUR)
    minutes, secs = divmod(rest, SECONDS_PER_MINUTE)
    parts = [(days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (secs, "s")]
    shown = [f"{count} {name}" for count, name in parts if count][:2]
    return " ".join(shown) or "0 s"


def require_utc(moment: datetime) -> datetime:
    """The moment itself, if it is aware and in UTC.

    Raises:
        InvalidInput: a naive time or another zone; both have let people in a day too long elsewhere.
    """
    if moment.tzinfo is None or moment.utcoffset() != UTC.utcoffset(None):
        raise InvalidInput(f"{moment!r} is not a time in UTC.")
    return moment
