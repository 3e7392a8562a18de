"""Quantities as Kubernetes writes them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.quantities import UNKNOWN, DeviceCount, device_count
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import LARGEST_COUNT

FACTORS = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1), "k": Fraction(1000),
    "M": Fraction(10**6), "G": Fraction(10**9), "Ki": Fraction(1024), "Mi": Fraction(1024**2), "Ei": Fraction(1024**6),
}  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "count"),
    [
        (8, 8), ("8", 8), ("+8", 8), ("008", 8), ("8.", 8), ("8.0", 8), ("8000m", 8), ("1e3", 1000), ("1E3", 1000),
        ("1e+3", 1000), ("8000e-3", 8), ("8k", 8000), ("2Ki", 2048), (Decimal("1E+3"), 1000), ("0", 0), ("-0", 0),
        ("0e999999999", 0), (" 8 ", 8),
    ],
)  # fmt: skip
def test_whole_quantities_are_counted_exactly(quantity: object, count: int) -> None:
    assert device_count(quantity) == DeviceCount(count, exact=True)


@pytest.mark.parametrize(("quantity", "count"), [("0.5", 1), ("500m", 1), ("1.2", 2), (Decimal("7.01"), 8), ("1n", 1)])
def test_fractions_round_up_and_are_not_exact(quantity: object, count: int) -> None:
    assert device_count(quantity) == DeviceCount(count, exact=False)


@pytest.mark.parametrize(
    "quantity",
    [
        *("", "${GPUS}", "{{ .Values.gpus }}", "eight", None, True, False, [8], {"a": 8}),
        *("8 8", "0x8", "8kk", "e3", ".", "٨", 8.0),
    ],
)
def test_placeholders_and_wrong_types_are_unknown_and_at_least_one(quantity: object) -> None:
    assert device_count(quantity) == UNKNOWN


@pytest.mark.parametrize(
    "quantity",
    [
        *(-1, "-1", "-0.5", "-1e3", LARGEST_COUNT + 1, "1E", "1e999999999", "9" * 65),
        pytest.param("9" * 10**6, id="a million digits"),
        pytest.param(10**5000, id="an int of 5000 digits"),
    ],
)
def test_negative_and_impossible_quantities_are_refused(quantity: object) -> None:
    with pytest.raises(InvalidInput):
        device_count(quantity)


@given(whole=st.integers(0, 10**9), fraction=st.none() | st.integers(0, 10**6), suffix=st.sampled_from(sorted(FACTORS)))
def test_any_quantity_is_the_exact_value_rounded_up_or_refused(whole: int, fraction: int | None, suffix: str) -> None:
    text = str(whole) if fraction is None else f"{whole}.{fraction}"
    value = Fraction(text) * FACTORS[suffix]
    expected = -(-value.numerator // value.denominator)
    if expected > LARGEST_COUNT:
        with pytest.raises(InvalidInput):
            device_count(text + suffix)
    else:
        assert device_count(text + suffix) == DeviceCount(expected, exact=value.denominator == 1)
