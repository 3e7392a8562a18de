"""Amounts, rates and times in integers."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import (
    LARGEST_TFLOP,
    Rounding,
    ceil_div,
    checked_tflop,
    format_below,
    format_change,
    format_duration,
    format_flop,
    format_two_figures,
    parse_count,
    parse_flop,
    parse_signed_flop,
    require_utc,
)

amounts = st.integers(0, LARGEST_TFLOP)


@given(amounts)
def test_what_is_shown_with_all_digits_reads_back_as_the_same_amount(tflop: int) -> None:
    assert parse_flop(format_flop(tflop, digits=40).removesuffix(" FLOP")) == tflop


@given(amounts)
def test_an_amount_written_as_whole_flop_reads_back(tflop: int) -> None:
    assert parse_flop(str(tflop * 10**12)) == tflop


def value(shown: str) -> Fraction:
    return Fraction(Decimal(shown.removesuffix(" FLOP")))


@given(st.integers(-LARGEST_TFLOP, LARGEST_TFLOP), st.integers(1, 6))
def test_a_lower_bound_is_never_shown_larger_and_an_upper_one_never_smaller(tflop: int, digits: int) -> None:
    down, nearest, up = (value(format_flop(tflop, digits=digits, rounding=each)) for each in Rounding)
    assert down <= tflop * 10**12 <= up
    assert nearest in (down, up) or abs(nearest - tflop * 10**12) < up - down


@given(st.integers(0, 17), st.integers(1, 10**17), st.integers(1, 6), st.sampled_from(Rounding))
def test_nothing_below_a_power_of_ten_reads_as_it_however_it_is_rounded(
    power: int, less: int, digits: int, rounding: Rounding
) -> None:
    tflop = 10**power - less
    if tflop > 0:
        assert value(format_flop(tflop, digits=digits, rounding=rounding)) < 10 ** (power + 12)
        shown = format_below(tflop, digits=digits)
        assert shown.startswith("just under ") or value(shown) < 10 ** (power + 12)


def test_one_tflop_below_the_threshold_does_not_read_like_the_threshold() -> None:
    assert format_flop(10**14) == "1.00e26 FLOP"
    assert format_flop(10**14 - 1) == "9.99e25 FLOP"
    assert format_flop(10**14 - 1, rounding=Rounding.UP) == "9.9999999999999e25 FLOP"
    assert format_flop(-(10**14)) == "-1.00e26 FLOP"
    assert format_flop(0) == "0 FLOP"
    assert format_flop(123, digits=1) == "1e14 FLOP"


@pytest.mark.parametrize(
    ("tflop", "rounding", "shown"),
    [
        (99_861_234_567_890, Rounding.UP, "9.99e25 FLOP"),
        (99_961_234_567_890, Rounding.UP, "9.997e25 FLOP"),
        (38_454_999_999_999, Rounding.NEAREST, "3.85e25 FLOP"),
        (38_450_000_000_000, Rounding.UP, "3.85e25 FLOP"),
        (38_444_999_999_999, Rounding.NEAREST, "3.84e25 FLOP"),
        (38_400_000_000_000, Rounding.UP, "3.84e25 FLOP"),
    ],
)
def test_an_upper_bound_is_rounded_up_and_an_estimate_to_the_nearest(
    tflop: int, rounding: Rounding, shown: str
) -> None:
    assert format_flop(tflop, rounding=rounding) == shown


@pytest.mark.parametrize(
    ("tflop", "shown"),
    [
        (10**14 - 1, "just under 1.00e26 FLOP"),
        (10**14, "1.00e26 FLOP"),
        (97_500_000_000_000 - 1, "just under 9.75e25 FLOP"),
        (97_501_000_000_000, "9.75e25 FLOP"),
        (7, "7.00e12 FLOP"),
        (0, "0 FLOP"),
    ],
)
def test_a_limit_one_below_a_round_amount_is_told_by_that_amount(tflop: int, shown: str) -> None:
    assert format_below(tflop) == shown


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


@pytest.mark.parametrize(
    ("tflop", "shown"),
    [
        (0, "0 FLOP"),
        (1, "1.0e12 FLOP"),
        (10_499, "1.0e16 FLOP"),
        (10_500, "1.1e16 FLOP"),  # half goes up
        (99_499_999, "9.9e19 FLOP"),
        (99_500_000, "1.0e20 FLOP"),  # and carries
        (37_908_000_000_000, "3.8e25 FLOP"),
        (10**14 - 1, "1.0e26 FLOP"),  # a report rounds; what decides does not
    ],
)
def test_the_eu_wants_two_figures_rounded_half_up(tflop: int, shown: str) -> None:
    assert format_two_figures(tflop) == shown


@given(st.integers(100, LARGEST_TFLOP))
def test_two_figures_are_never_off_by_more_than_half_of_the_second(tflop: int) -> None:
    shown = parse_flop(format_two_figures(tflop).removesuffix(" FLOP"))
    assert abs(shown - tflop) * 2 <= 10 ** (len(str(tflop)) - 2)


def test_a_negative_amount_of_training_compute_is_refused() -> None:
    with pytest.raises(InvalidInput):
        format_two_figures(-1)


@pytest.mark.parametrize(
    ("text", "count"), [("405e9", 405 * 10**9), ("15.6e12", 156 * 10**11), ("0", 0), ("1e18", 10**18)]
)
def test_counts_are_read_exactly(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e19", "405 B", "0x10", "nan", "1e", "١"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        parse_count(text)


@pytest.mark.parametrize(("text", "tflop"), [("+1.2e22", 12 * 10**9), ("-3e20", -3 * 10**8), ("+0", 0)])
def test_a_change_is_read_with_its_sign(text: str, tflop: int) -> None:
    assert parse_signed_flop(text) == tflop
    assert format_change(tflop).startswith(("+", "-", "0"))


@pytest.mark.parametrize("text", ["1e22", "", "++1e22", "+-1e22", "−1e22", "+1", "-1e40"])
def test_a_change_without_a_plain_sign_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_signed_flop(text)
