"""Amounts, rates and times in integers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import (
    LARGEST_TFLOP,
    ceil_div,
    checked_tflop,
    format_duration,
    format_flop,
    parse_flop,
    require_utc,
)

amounts = st.integers(0, LARGEST_TFLOP)


@given(amounts)
def test_what_is_shown_with_all_digits_reads_back_as_the_same_amount(tflop: int) -> None:
    assert parse_flop(format_flop(tflop, digits=40).removesuffix(" FLOP")) == tflop


@given(amounts)
def test_an_amount_written_as_whole_flop_reads_back(tflop: int) -> None:
    assert parse_flop(str(tflop * 10**12)) == tflop


@given(amounts, st.integers(1, 6))
def test_an_amount_is_never_shown_larger_than_it_is(tflop: int, digits: int) -> None:
    assert float(format_flop(tflop, digits=digits).split()[0]) <= tflop * 1e12 * (1 + 1e-12)


def test_one_tflop_below_the_threshold_does_not_read_like_the_threshold() -> None:
    assert format_flop(10**14) == "1.00e26 FLOP"
    assert format_flop(10**14 - 1) == "9.99e25 FLOP"
    assert format_flop(-(10**14)) == "-1.00e26 FLOP"
    assert format_flop(0) == "0 FLOP"
    assert format_flop(123, digits=1) == "1e14 FLOP"


@pytest.mark.parametrize(
    ("text", "tflop"),
    [
        ("1e26", 10**14),
        ("2.5e25", 25 * 10**12),
        ("1E+26", 10**14),
        (" 1e12 ", 1),
        ("0", 0),
        ("0.0", 0),
        ("1.0e30", 10**18),
    ],
)
def test_usual_spellings_of_an_amount_are_read(text: str, tflop: int) -> None:
    assert parse_flop(text) == tflop


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1e",
        "-1e26",
        "1e-3",
        "nan",
        "inf",
        "1e999",
        "1,5e25",
        "0x10",
        "1_000e20",
        "1.5",
        "1e11",
        "1e31",
        "١e26",
        "1e26 FLOP",
        "1" * 41,
    ],
)
def test_what_is_no_whole_amount_of_tflop_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_flop(text)


@pytest.mark.parametrize("amount", [-1, LARGEST_TFLOP + 1, True, 1.0, "1"])
def test_only_whole_possible_amounts_pass_the_check(amount: object) -> None:
    with pytest.raises(InvalidInput):
        checked_tflop(amount)  # type: ignore[arg-type]


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_rounding_up_is_the_smallest_integer_not_below(numerator: int, denominator: int) -> None:
    result = ceil_div(numerator, denominator)
    assert (result - 1) * denominator < numerator <= result * denominator


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (40, "40 s"),
        (7500, "2 h 5 min"),
        (3600, "1 h"),
        (86_400, "1 day"),
        (1_138_000, "13 days 4 h"),
        (-5, "0 s"),
    ],
)
def test_durations_are_told_in_their_two_largest_units(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


def test_only_times_in_utc_are_taken() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert require_utc(now) is now
    for wrong in (now.replace(tzinfo=None), now.astimezone(timezone(timedelta(hours=1)))):
        with pytest.raises(InvalidInput):
            require_utc(wrong)
