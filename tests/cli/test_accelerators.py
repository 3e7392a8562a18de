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
    assert f"It counts as the largest chip that a device plugin hands out, {CATALOGUE.largest.name}, at" in out
    assert "kubectl label node NODE node-restriction.kubernetes.io/compute-gatekeeper-product=NAME" in out
    assert "docs/operations.md" in out
    code, meaning = ask_json(capsys, data, *words)
    assert (code, meaning["known"], meaning["device"]) == (1, False, CATALOGUE.largest.name)


def test_a_name_of_anybody_neither_fills_nor_steers_the_terminal(capsys: Printed, data: str) -> None:
    for name in ("\x1b[31mH100", "x" * 100_000, "\u202eNVIDIA"):
        code, out = ask(capsys, data, name)
        assert code == 1
        assert len(out) < 700
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_the_help_of_an_unknown_name_is_in_the_operations_document() -> None:
    """What the answer sends people to."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    assert "## Which chips a node has" in text
    assert "node-restriction.kubernetes.io/compute-gatekeeper-product=" in text


@pytest.mark.parametrize(
    ("words", "vendor", "begin"),
    [
        (("NVIDIA-H10O",), "nvidia", "H"),
        (("NVIDIA-RTX-A6500",), "nvidia", "RTX"),
        (("MI300Q",), "amd", "MI"),
        (("tpu-v9",), "google", "TPU"),
        (("A1000", "--resource", "nvidia.com/gpu"), "nvidia", "A"),
        (("Gsudi2",), "intel", ""),
    ],
)
def test_close_names_are_of_the_same_vendor_and_family(
    capsys: Printed, data: str, words: tuple[str, ...], vendor: str, begin: str
) -> None:
    _, meaning = ask_json(capsys, data, *words)
    assert meaning["close"]
    for close in meaning["close"]:
        found = CATALOGUE.find(close)
        assert found is not None
        assert found.chip.vendor == vendor
        assert found.chip.name.upper().startswith(begin)


def test_a_key_of_another_vendor_is_said_not_to_be_the_chips(capsys: Printed, data: str) -> None:
    code, out = ask(capsys, data, "Gaudi2", "--resource", "nvidia.com/gpu")
    assert code == 1
    assert "nvidia.com/gpu is a key of nvidia, and Gaudi2 is made by intel: the key is not that chip's." in out
    assert "Nobody knows" not in out


def test_a_share_that_is_a_guess_is_said_to_be_one(capsys: Printed, data: str) -> None:
    guess = "the share is a cautious guess"
    assert guess in ask(capsys, data, "NVIDIA-B200", "--resource", "nvidia.com/mig-3g.90gb")[1]
    assert guess not in ask(capsys, data, "NVIDIA-B200", "--resource", "nvidia.com/mig-1g.23gb")[1]
    assert ask_json(capsys, data, "NVIDIA-A100-SXM4-80GB-MIG-2g.40gb")[1]["part_guessed"] is True
    b200 = ask_json(capsys, data, "B200")[1]["chip"]
    assert b200["parts_at_most"] == ["1g.45gb", "2g.45gb", "3g.90gb", "4g.90gb"]


def test_what_stands_for_the_unknown_is_nowhere_called_the_largest_of_all(capsys: Printed, data: str) -> None:
    """The list itself shows a larger one, which no device plugin hands out."""
    rows = ask_json(capsys, data)[1]
    assert max(rows, key=lambda row: int(row["worst_tflop_per_s"]))["name"] == "WSE-3" != CATALOGUE.largest.name
    for file in ("counting.md", "decisions/0003-counting-margins.md", "decisions/0008-parts-of-chips.md"):
        text = " ".join((Path(__file__).parents[2] / "docs" / file).read_text().split())
        assert "device plugin hands out" in text, file
