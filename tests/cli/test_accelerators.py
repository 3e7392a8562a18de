"""`gatekeeper accelerators`: what a product name means, and that one that nobody knows is said to be none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper import cli
from gatekeeper.catalogue_files import load_catalogue

CATALOGUE = load_catalogue()
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(tmp_path / "data")


def ask(capsys: Printed, data: str, *words: str) -> tuple[int, str]:
    code = cli.run(["accelerators", "--data", data, *words])
    return code, capsys.readouterr().out


def ask_json(capsys: Printed, data: str, *words: str) -> tuple[int, Any]:
    code, out = ask(capsys, data, "--output", "json", *words)
    return code, json.loads(out)


def test_all_chips_are_listed_with_what_they_can_do(capsys: Printed, data: str) -> None:
    code, out = ask(capsys, data)
    assert code == 0
    assert len(out.splitlines()) == 1 + len(CATALOGUE.accelerators)
    code, rows = ask_json(capsys, data)
    assert [row["name"] for row in rows] == [chip.name for chip in CATALOGUE.accelerators]
    h100 = next(row for row in rows if row["name"] == "H100-SXM5")
    assert (h100["tpp"], h100["h100_equivalents"], h100["worst_tflop_per_s"]) == (15831, "1.00", 2286)
    assert {each["what"] for each in h100["sources"]} >= {"names", "peaks", "vector", "clocks", "units", "tpp"}


def test_a_name_is_told_with_part_peaks_clocks_names_and_sources(capsys: Printed, data: str) -> None:
    code, out = ask(capsys, data, "NVIDIA H100 80GB HBM3 MIG 1g.10gb")
    assert code == 0
    for words in (
        "H100-SXM5 MIG 1g.10gb: 278 TFLOP/s at worst",
        "part: 4/33 of one H100-SXM5",
        "fp8 1978.9",
        "1830 MHz in the peaks, 1980 MHz at most (x 1.082)",
        "TPP 15,831, 1.00 H100-equivalents",
        "NVIDIA-H100-80GB-HBM3",
        "peaks (verified)",
        "Epoch AI",
    ):
        assert words in out


def test_the_resource_key_may_name_the_part(capsys: Printed, data: str) -> None:
    code, meaning = ask_json(capsys, data, "74a1", "--resource", "amd.com/cpx_nps4")
    assert (code, meaning["known"], meaning["device"], meaning["part"]) == (0, True, "MI300X CPX", "1/8")
    assert meaning["device_worst_tflop_per_s"] == 443  # 3541 by eight, rounded up
    assert meaning["chip"]["name"] == "MI300X"


def test_clocks_that_are_not_public_are_said_to_be(capsys: Printed, data: str) -> None:
    assert "clocks: not public; counted as x 1.083" in ask(capsys, data, "tpu-v6e-slice")[1]


@pytest.mark.parametrize("words", [("NVIDIA-H10O",), ("H100", "--resource", "amd.com/gpu")])
def test_what_nobody_knows_counts_as_the_largest_and_the_answer_is_no(
    capsys: Printed, data: str, words: tuple[str, ...]
) -> None:
    code, out = ask(capsys, data, *words)
    assert code == 1
    assert f"it counts as the largest chip, {CATALOGUE.largest.name}, at" in out
    assert "Close names: " in out
    assert "H100" in out.splitlines()[1]
    code, meaning = ask_json(capsys, data, *words)
    assert (code, meaning["known"], meaning["device"]) == (1, False, CATALOGUE.largest.name)


def test_a_name_of_anybody_neither_fills_nor_steers_the_terminal(capsys: Printed, data: str) -> None:
    for name in ("\x1b[31mH100", "x" * 100_000, "\u202eNVIDIA"):
        code, out = ask(capsys, data, name)
        assert code == 1
        assert len(out) < 500
        assert "\x1b" not in out
        assert "\u202e" not in out
