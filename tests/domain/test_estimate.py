"""What is worked out from stated hours and utilization: in order, linear, and never above what devices can do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.comparison import BANDS, Basis, Compared, rounded, spread
from gatekeeper.domain.counting import unmetered
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.estimate import Stated, UtilizationKind, Work, estimate
from gatekeeper.domain.units import LARGEST_TFLOP, parse_number, plain_decimal
from gatekeeper.domain.usage import Usage

CATALOGUE = load_catalogue()
H100 = CATALOGUE.find("H100-SXM5") or pytest.fail("H100-SXM5 is in the catalogue")
parts = st.fractions(min_value=Fraction(1, 100), max_value=1, max_denominator=100)
devices = st.builds(Device, st.sampled_from(CATALOGUE.accelerators), parts)
shares = st.fractions(min_value=0, max_value=1, max_denominator=10_000)
hours = st.fractions(min_value=Fraction(1, 1000), max_value=10**7, max_denominator=1000)
formats = st.sampled_from(Format)
kinds = st.sampled_from(UtilizationKind)
claims = st.none() | st.builds(Stated, shares, kinds)


@given(devices, hours, st.none() | st.integers(1, 100), formats, claims)  # below 10^30 FLOP on any chip
def test_low_best_and_high_stand_in_order(
    device: Device, each_h: Fraction, count: int | None, declared: Format, stated: Stated | None
) -> None:
    found = estimate(device, Work(each_h, count), declared=declared, stated=stated).usage
    assert 0 <= found.low_tflop <= found.best_tflop <= found.high_tflop


@given(devices, hours, formats, kinds, shares, shares)
def test_a_higher_utilization_never_gives_less(
    device: Device, each_h: Fraction, declared: Format, kind: UtilizationKind, one: Fraction, other: Fraction
) -> None:
    lower, upper = (
        estimate(device, Work(each_h), declared=declared, stated=Stated(share, kind)).usage
        for share in sorted((one, other))
    )
    assert lower.low_tflop <= upper.low_tflop
    assert lower.best_tflop <= upper.best_tflop
    assert lower.high_tflop == upper.high_tflop


@given(devices, hours, st.integers(1, 1000), formats, claims)
def test_devices_add_up(device: Device, each_h: Fraction, count: int, declared: Format, stated: Stated | None) -> None:
    one = estimate(device, Work(each_h, 1), declared=declared, stated=stated).usage
    many = estimate(device, Work(each_h, count), declared=declared, stated=stated).usage
    # Each of the three is rounded once to whole TFLOP, low and best down, high up.
    assert one.low_tflop * count <= many.low_tflop < (one.low_tflop + 1) * count
    assert one.best_tflop * count <= many.best_tflop < (one.best_tflop + 1) * count
    assert (one.high_tflop - 1) * count < many.high_tflop <= one.high_tflop * count


@given(devices, hours, st.integers(1, 1000), formats, claims)
def test_devices_times_hours_are_chip_hours(
    device: Device, each_h: Fraction, count: int, declared: Format, stated: Stated | None
) -> None:
    split = estimate(device, Work(each_h, count), declared=declared, stated=stated).usage
    assert split == estimate(device, Work(each_h * count), declared=declared, stated=stated).usage


@given(devices, hours, formats, claims, st.integers(1, 10**6))
def test_more_hours_never_give_less(
    device: Device, each_h: Fraction, declared: Format, stated: Stated | None, more: int
) -> None:
    short = estimate(device, Work(each_h), declared=declared, stated=stated).usage
    long = estimate(device, Work(each_h + more), declared=declared, stated=stated).usage
    assert short.low_tflop <= long.low_tflop
    assert short.best_tflop <= long.best_tflop
    assert short.high_tflop < long.high_tflop


@given(devices, st.integers(1, 10**6), formats)
def test_without_a_utilization_it_is_what_the_meter_charges_without_counters(
    device: Device, whole_h: int, declared: Format
) -> None:
    charged = unmetered(device, interval_s=whole_h * 3600, declared=declared)
    assert estimate(device, Work(Fraction(whole_h)), declared=declared).usage == charged


@given(devices, hours, claims)
def test_no_claim_lowers_high(device: Device, each_h: Fraction, stated: Stated | None) -> None:
    assert (
        estimate(device, Work(each_h), stated=stated).usage.high_tflop
        == estimate(device, Work(each_h)).usage.high_tflop
    )


def test_an_hour_of_an_h100_by_hand() -> None:
    # 3600 s x 989.4 TFLOP/s x 0.5 = 1,780,920 TFLOP; x 0.6; 3600 s x 2286 TFLOP/s.
    found = estimate(H100, Work(Fraction(1), 1), stated=Stated(Fraction(1, 2), UtilizationKind.MFU))
    assert found.usage == Usage(1_068_552, 1_780_920, 8_229_600)
    assert "1 device x 1 h x 3600 s x 989.4 TFLOP/s (dense bf16 peak of H100-SXM5) x 0.5 (mfu, stated)" in found.method


@pytest.mark.parametrize(
    ("kind", "of_best"),
    [
        (UtilizationKind.MFU, Fraction("0.6")),
        (UtilizationKind.HFU, Fraction("0.45")),
        (UtilizationKind.TENSOR_ACTIVE, Fraction("0.75")),
    ],
)
def test_low_leaves_out_what_each_kind_of_utilization_overstates(kind: UtilizationKind, of_best: Fraction) -> None:
    found = estimate(H100, Work(Fraction(1000)), stated=Stated(Fraction("0.4"), kind)).usage
    assert found.low_tflop == int(found.best_tflop * of_best)


def test_low_of_tensor_activity_stays_at_the_16_bit_peak_whatever_format_is_declared() -> None:
    busy = Stated(Fraction("0.4"), UtilizationKind.TENSOR_ACTIVE)
    as_fp8 = estimate(H100, Work(Fraction(1000)), declared=Format.FP8, stated=busy).usage
    as_bf16 = estimate(H100, Work(Fraction(1000)), stated=busy).usage
    assert as_fp8.low_tflop == as_bf16.low_tflop
    assert as_fp8.best_tflop > as_bf16.best_tflop


def test_a_format_that_the_chip_lacks_counts_as_its_fastest_and_says_so() -> None:
    a100 = CATALOGUE.find("A100")
    assert a100 is not None
    found = estimate(a100, Work(Fraction(1)), declared=Format.FP8)
    assert "624 TFLOP/s (dense int8 peak of A100: it lacks fp8, so its fastest format)" in found.best_formula


@pytest.mark.parametrize("share", ["1.0001", "38"])
def test_a_utilization_above_1_is_refused(share: str) -> None:
    with pytest.raises(InvalidInput, match="0 to 1"):
        Stated(parse_number(share), UtilizationKind.MFU)


def test_hours_and_devices_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        Work(Fraction(0))
    with pytest.raises(InvalidInput, match="above 0"):
        Work(Fraction(-1))
    with pytest.raises(InvalidInput, match="from 1"):
        Work(Fraction(1), 0)


def test_more_than_an_amount_can_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"more than 10\^30 FLOP"):
        estimate(H100, Work(Fraction(LARGEST_TFLOP)))


@given(st.integers(0, 10**20), st.integers(0, 10**12 - 1))
def test_a_number_is_read_as_it_is_written(whole: int, fraction: int) -> None:
    text = f"{whole}.{fraction:012d}"
    assert parse_number(text) == Fraction(text)
    assert parse_number(plain_decimal(parse_number(text))) == Fraction(text)


@pytest.mark.parametrize("text", ["NaN", "inf", "-1", "+1", "1e400", "1e-3", "1,000", "0x10", "", " ", "1/3", "１"])
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_number(text)


def compared(
    best_tflop: int, basis: Basis = Basis.MFU, *, six_nd_flop: int | None = 10**14, known: bool = True
) -> Compared:
    usage = Usage(0, best_tflop, best_tflop)
    return Compared("a run", basis, usage, reported_flop=None, six_nd_flop=six_nd_flop, known=known)


@pytest.mark.parametrize(("best", "inside"), [(94, False), (95, True), (160, True), (161, False)])
def test_both_ends_of_a_band_belong_to_it(best: int, inside: bool) -> None:
    assert compared(best).in_band is inside


def test_what_is_circular_unknown_or_without_6nd_is_not_judged() -> None:
    assert compared(900, Basis.CIRCULAR).in_band
    assert compared(900, Basis.NONE).in_band
    assert compared(900, known=False).in_band
    assert compared(900, six_nd_flop=None).in_band
    assert set(BANDS) == {Basis.MFU, Basis.HFU}


def test_high_is_held_against_the_larger_of_reported_and_6nd() -> None:
    run = compared(100)
    assert run.bounded
    assert not replace(run, reported_flop=10**14 + 1).bounded
    assert not replace(run, six_nd_flop=10**14 + 1).bounded


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    found = spread(compared(each) for each in (130, 100, 110, 180))
    assert found is not None
    assert (found.runs, found.median, found.least, found.most) == (4, Fraction("1.2"), Fraction(1), Fraction("1.8"))
    assert spread([compared(1, six_nd_flop=None)]) is None


@pytest.mark.parametrize(
    ("ratio", "shown"), [("1.005", "1.01"), ("1.0049", "1.00"), ("0.995", "1.00"), ("12", "12.00"), ("0.05", "0.05")]
)
def test_a_ratio_is_rounded_half_up(ratio: str, shown: str) -> None:
    assert rounded(Fraction(ratio)) == shown
