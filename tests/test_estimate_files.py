"""Tables of runs: every published run is bounded, bands hold, a wrong peak breaks them, and no row costs another."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.accelerators import H100_TPP, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.comparison import Basis
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.estimate_files import NEEDED, OPTIONAL, Answer, RunTable

PUBLISHED = Path(__file__).parents[1] / "examples" / "published_runs.csv"
CATALOGUE = load_catalogue()
COLUMNS = (*NEEDED, *OPTIONAL)
PLAIN = {"model": "a run", "chip": "A100-SXM4-80GB", "precision": "BF16", "chip_hours": "1000"}


def read(path: Path, catalogue: Catalogue = CATALOGUE) -> dict[str, Answer]:
    with path.open("rb") as file:
        return {each.cells[0]: each for each in RunTable(file, path.name, catalogue)}


def row(**cells: str) -> Answer:
    """What one row of a table gives."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerow(PLAIN | cells)
    (answer,) = RunTable(io.BytesIO(text.getvalue().encode()), "runs.csv", CATALOGUE)
    return answer


def raw(content: bytes) -> list[Answer]:
    return list(RunTable(io.BytesIO(content), "runs.csv", CATALOGUE))


ANSWERS = read(PUBLISHED)
WITH_HOURS = [each.compared for each in ANSWERS.values() if each.compared is not None]


def of_basis(basis: Basis) -> list[str]:
    return [each.name for each in WITH_HOURS if each.basis is basis and each.ratio is not None]


def ratio(name: str, catalogue: Catalogue = CATALOGUE) -> Fraction:
    compared = read(PUBLISHED, catalogue)[name].compared
    assert compared is not None
    assert compared.ratio is not None
    return compared.ratio


def test_every_row_of_the_published_runs_can_be_read() -> None:
    assert len(ANSWERS) == 55
    assert [each for each in ANSWERS.values() if each.problems or not each.method] == []
    assert len(WITH_HOURS) == 45


def test_every_chip_with_hours_is_in_the_catalogue_but_the_one_that_nobody_names() -> None:
    assert [each.name for each in WITH_HOURS if not each.known] == ["Snowflake Arctic"]


@pytest.mark.parametrize("name", [each.name for each in WITH_HOURS])
def test_high_is_never_below_what_is_reported_or_6nd(name: str) -> None:
    compared = ANSWERS[name].compared
    assert compared is not None
    assert compared.bounded


@pytest.mark.parametrize("name", of_basis(Basis.MFU))
def test_best_by_an_mfu_is_between_095_and_16_of_6nd(name: str) -> None:
    assert Fraction("0.95") <= ratio(name) <= Fraction("1.6")


@pytest.mark.parametrize("name", of_basis(Basis.HFU))
def test_best_by_an_hfu_is_between_125_and_20_of_6nd(name: str) -> None:
    assert Fraction("1.25") <= ratio(name) <= Fraction("2.0")


def test_low_is_never_above_6nd() -> None:
    assert [
        each.name for each in WITH_HOURS if each.six_nd_flop and each.usage.low_tflop * 10**12 > each.six_nd_flop
    ] == []


@pytest.mark.parametrize("name", ["LLaMA-65B", "MegaScale 175B"])
def test_sparse_peaks_would_leave_the_band(name: str) -> None:
    sparse = Catalogue.of(
        replace(chip, peak_gflop_per_s={key: 2 * peak for key, peak in chip.peak_gflop_per_s.items()})
        for chip in CATALOGUE.accelerators
    )
    assert ratio(name) <= Fraction("1.6") < ratio(name, sparse)


def test_capacity_is_the_largest_of_bits_times_rate_and_an_h100_is_one_h100() -> None:
    for chip in CATALOGUE.accelerators:
        rates = [each.bits * rate for each, rate in chip.peak_gflop_per_s.items() if each is not Format.TF32]
        assert chip.tpp == max(rates) // 1000
    h100 = CATALOGUE.find("H100-SXM5-80GB")
    assert h100 is not None
    assert f"{h100.chip.tpp / H100_TPP:.2f}" == "1.00"


def test_the_mfu_of_deepseek_v3_is_over_the_bf16_peak_though_it_ran_in_fp8() -> None:
    assert (
        "989.4 TFLOP/s (dense bf16 peak of H800-SXM) x 0.389 (mfu, stated)"
        in ANSWERS["DeepSeek-V3 (pre-training)"].method
    )
    assert "dense fp8 peak" in ANSWERS["Llama 4 Scout"].method


def test_one_row_by_hand() -> None:
    # docs/counting.md works it out: 1,022,362 h x 3600 s x 312 TFLOP/s x 0.476, and x 3600 s x the worst rate.
    found = ANSWERS["LLaMA-65B"]
    a100 = CATALOGUE.find("A100")
    assert a100 is not None
    assert found.best == str(1_022_362 * 3600 * 312 * 476 // 1000 * 10**12)
    assert found.low == str(1_022_362 * 3600 * 312 * 476 * 6 // 10_000 * 10**12)
    assert found.high == str(1_022_362 * 3600 * a100.worst_tflop_per_s * 10**12)


def test_without_hours_6nd_is_the_best_there_is_and_nothing_bounds_it() -> None:
    found = row(chip_hours="", params="7e10", tokens="1.4e12")
    assert (found.low, found.best, found.high) == ("", str(6 * 7 * 10**10 * 14 * 10**11), "")
    assert found.method.startswith("no chip-hours; 6ND")
    assert not found.problems


def test_without_hours_and_size_there_is_nothing_to_say() -> None:
    found = row(chip_hours="", params="7e10")
    assert (found.low, found.best, found.high) == ("", "", "")
    assert "nothing to estimate from" in found.method


def test_6nd_does_not_hold_for_an_encoder_decoder() -> None:
    found = row(chip_hours="", params="1.1e10", tokens="1e12", source="a paper; encoder-decoder")
    assert (found.best, found.method) == ("", "no chip-hours; 6ND does not hold for an encoder-decoder")
    compared = row(params="1.1e10", tokens="1e12", source="Encoder-Decoder").compared
    assert compared is not None
    assert compared.ratio is None


@pytest.mark.parametrize("chip", ["", "A100-ULTRA", "H1000", "=1+1", "A100\nH100", "\x1b[2J", "x" * 5000])
def test_an_unknown_chip_counts_as_the_largest_and_says_so(chip: str) -> None:
    largest = CATALOGUE.largest
    found = row(chip=chip, utilization="0.4", utilization_kind="MFU", params="1e9", tokens="1e12")
    assert found.high == str(1000 * 3600 * largest.worst_tflop_per_s * 10**12)
    assert found.low == "0"
    assert f"so it counts as the largest that a device plugin hands out, {largest.name}; " in found.method
    assert len(found.method) < 1000
    assert found.compared is not None
    assert found.compared.in_band


@pytest.mark.parametrize("precision", ["16bit", "bf16", "BF16", "FP16", ""])
def test_all_16_bit_formats_are_one(precision: str) -> None:
    assert row(precision=precision).best == row(precision="BF16").best


@pytest.mark.parametrize("precision", ["FP31", "mixed", "=1"])
def test_a_format_that_nobody_knows_counts_as_the_fastest_of_the_chip(precision: str) -> None:
    found = row(precision=precision)
    assert found.best == row(precision="INT8").best
    assert "dense int8 peak of A100: the format is not known, so its fastest format" in found.method


@pytest.mark.parametrize(
    ("kind", "basis"),
    [
        ("MFU", Basis.MFU),
        ("mfu: reported, 38-43%", Basis.MFU),
        ("HFU: with, commas: and colons", Basis.HFU),
        ("tensor_active: a counter", Basis.TENSOR_ACTIVE),
        ("CIRCULAR: hours from it", Basis.CIRCULAR),
    ],
)
def test_the_kind_is_what_stands_before_the_colon(kind: str, basis: Basis) -> None:
    compared = row(utilization="0.4", utilization_kind=kind).compared
    assert compared is not None
    assert compared.basis is basis


def test_a_kind_without_a_utilization_is_no_claim() -> None:
    compared = row(utilization_kind="MFU: not published").compared
    assert compared is not None
    assert compared.basis is Basis.NONE


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("chip_hours", "NaN"),
        ("chip_hours", "-5"),
        ("chip_hours", "0"),
        ("chip_hours", "1,022,362"),
        ("chip_hours", "1e400"),
        ("chip_hours", "9e99"),
        ("chip_hours", "=1+1"),
        ("n_chips", "many"),
        ("utilization", "47.6"),
        ("utilization", "inf"),
        ("utilization_kind", ""),
        ("utilization_kind", "guess: mine"),
        ("params", "7B"),
        ("params", "0"),
        ("tokens", "1e400"),
        ("reported_flop", "-1"),
    ],
)
def test_a_wrong_cell_is_named_by_its_column(column: str, cell: str) -> None:
    whole = {"utilization": "0.4", "utilization_kind": "MFU", "params": "7e9", "tokens": "1e12"}
    found = row(**whole | {column: cell})
    assert {each for each, _ in found.problems} == {column}
    assert (found.low, found.best, found.high) == ("", "", "")
    assert found.method.startswith(f"not estimated: {column}: ")


def test_all_wrong_cells_of_a_row_are_named_at_once() -> None:
    found = row(chip_hours="x", params="y", tokens="z", utilization="2", utilization_kind="MFU")
    assert {column for column, _ in found.problems} == {"chip_hours", "params", "tokens", "utilization"}


HEADER = ",".join(NEEDED).encode()
GOOD = b"m,A100,BF16,10,,,,"


def test_a_row_of_another_width_is_wrong_and_the_next_one_is_not() -> None:
    short, long, good = raw(b"\n".join([HEADER, b"m,A100", GOOD + b",,more", GOOD]))
    assert short.problems == (("", "2 cells, where the header has 8"),)
    assert long.problems == (("", "10 cells, where the header has 8"),)
    assert (len(short.cells), len(long.cells)) == (8, 8)
    assert (good.line, good.problems) == (4, ())


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + HEADER + b"\r\n" + GOOD + b"\r\n\r\n", HEADER + b"\n\n" + GOOD])
def test_marks_line_ends_and_empty_lines_of_spreadsheets_are_read_over(content: bytes) -> None:
    (found,) = raw(content)
    assert found.high


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column"),
        (b"model,chip\n", "no column precision, chip_hours"),
        (HEADER + b",chip\n", "column chip stands there once too often"),
        (HEADER + b",low\n", "column low stands there once too often"),
        (b"\xff\xfe\x00", "line 1 is not UTF-8"),
        (HEADER + b"\n\xff", "line 2 is not UTF-8"),
        (HEADER + b'\nm,"A100', "line 2: no CSV"),
        (HEADER + b'\n"m"x,A100', "line 2: no CSV"),
        (HEADER + b"\n" + b"m" * 200_000, "line 2: no CSV"),
        (HEADER + b"\n" + b"m" * 2_000_000, "line 2 is longer than 1000000 bytes"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        raw(content)
    assert said in str(refused.value)
