"""`gatekeeper flop estimate`: what it prints, what it writes, and how it copes with large and unfriendly tables."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper import cli
from gatekeeper.catalogue_files import load_catalogue

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "examples" / "published_runs.csv"
ADDED = ["low", "best", "high", "method"]
LLAMA = ["--device", "NVIDIA-H100-80GB-HBM3", "--count", "16384", "--hours", "1882.3"]
LLAMA += ["--utilization", "0.404", "--utilization-kind", "mfu", "--params", "4.05e11", "--tokens", "1.56e13"]


# The kernel counts to a child's ru_maxrss what its parent weighed before exec: only its own status tells its own peak.
_WEIGHED = """
import atexit, sys
from pathlib import Path
atexit.register(lambda out=sys.argv.pop(1): Path(out).write_bytes(Path("/proc/self/status").read_bytes()))
import gatekeeper.cli; gatekeeper.cli.main()
"""


def _peak_kib(status: str) -> int:
    """VmHWM of a /proc/PID/status: the most memory that the process itself ever held, in KiB."""
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1])  # type: ignore[index]


def estimate(*words: str) -> int:
    return cli.run(["flop", "estimate", *words])


@pytest.mark.parametrize("written", ["fp16", "16bit", "bf16"])
def test_all_formats_of_sixteen_bits_are_one(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(*LLAMA, "--format", written, "--output", "json") == 0
    assert "bf16" in json.loads(capsys.readouterr().out)["formula"]["best"]


def test_a_plan_above_what_the_devices_can_do_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(*LLAMA) == 0
    assert "Warning" not in capsys.readouterr().err
    assert estimate(*LLAMA[:5], "18.8", *LLAMA[6:]) == 0
    assert "the hours, the count or the plan is wrong" in capsys.readouterr().err


def test_a_short_row_is_named_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "runs.csv"
    table.write_text(PUBLISHED.read_text().splitlines()[0] + "\na,b\n")
    assert estimate("--csv", str(table)) == 2
    assert re.search(r"runs\.csv, line 2: 2 cells, where the header has \d+", capsys.readouterr().err)


def test_the_answer_as_json_has_whole_flop_the_formula_and_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(*LLAMA, "--output", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    chip_s = 16384 * 18823 * 360
    best_tflop = chip_s * 9894 * 404 // 10_000
    assert answer["best"] == str(best_tflop * 10**12)
    assert answer["low"] == str(chip_s * 9894 * 404 * 6 // 100_000 * 10**12)
    assert answer["high"] == str(chip_s * 2286 * 10**12)
    assert "16384 devices x 1882.3 h x 3600 s x 989.4 TFLOP/s" in answer["method"]
    assert (answer["device"], answer["known"]) == ("H100-SXM5", True)
    assert "Epoch AI" in answer["source"]
    assert answer["six_nd"] == str(6 * 405 * 10**9 * 156 * 10**11)
    assert answer["best_over_six_nd"] == f"{best_tflop * 10**12 / int(answer['six_nd']):.4f}"


def test_the_answer_for_people_shows_the_sum_of_each_amount(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(*LLAMA) == 0
    low, best, high, six_nd, *_ = capsys.readouterr().out.splitlines()
    assert low.split() == ["low", "2.66e25", "FLOP", "=", "best", "x", "0.6", "(not", "all", "hours", "are", "steady)"]
    assert best.startswith("best  4.44e25 FLOP   = 16384 devices x 1882.3 h x 3600 s x 989.4 TFLOP/s")
    assert high.startswith("high  2.54e26 FLOP   = 16384 devices x 1882.3 h x 3600 s x 2286 TFLOP/s (worst rate")
    assert six_nd == "6ND   3.79e25 FLOP     best / 6ND = 1.1707"


def test_an_unknown_device_counts_as_the_largest_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate("--device", "X9\x1b[2J", "--count", "1", "--hours", "1", "--output", "json") == 0
    printed = capsys.readouterr()
    answer, largest = json.loads(printed.out), load_catalogue().largest
    assert (answer["known"], answer["device"], answer["low"]) == (False, largest.name, "0")
    assert answer["high"] == str(largest.worst_tflop_per_s * 3600 * 10**12)
    assert answer["method"].startswith("the device is not known, so it counts as the largest")
    assert "counts as the largest that a device plugin hands out" in printed.err
    assert "\x1b" not in printed.err + printed.out


def test_the_published_runs_come_back_with_four_columns_more(tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    assert estimate("--csv", str(PUBLISHED), "--out", str(out)) == 0
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    with out.open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    assert list(answers[0]) == [*given[0], *ADDED]
    assert [{key: cell for key, cell in each.items() if key not in ADDED} for each in answers] == given
    for each in answers:
        assert each["method"]
        if each["chip_hours"]:
            assert 0 <= int(each["low"]) <= int(each["best"]) <= int(each["high"])
            assert int(each["high"]) >= float(each["reported_flop"] or 0)
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


def test_no_cell_of_the_answer_is_a_formula(tmp_path: Path) -> None:
    table, out = tmp_path / "runs.csv", tmp_path / "answers.csv"
    evil = ["=1+1", "+1", "@SUM(A1)", "\t=1", "＝1"]
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["model", "chip", "precision", "chip_hours", "utilization", "utilization_kind", "params", "tokens", "=2+2"]
        )
        writer.writerows([each, each, "BF16", "1", "", each, "", "", each] for each in evil)
        writer.writerows([each, each, "BF16", "1", "", "", "", "", each] for each in evil)
    assert estimate("--csv", str(table), "--out", str(out)) == cli.COULD_NOT
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 11
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "＝"))] == []


def test_an_answer_that_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    table, out = tmp_path / "runs.csv", tmp_path / "answers.csv"
    table.write_bytes(PUBLISHED.read_bytes() + b"\xff\n")
    out.write_text("of yesterday")
    assert estimate("--csv", str(table), "--out", str(out)) == cli.COULD_NOT
    assert out.read_text() == "of yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "runs.csv"]


def test_the_answer_may_go_into_a_device() -> None:
    assert estimate("--csv", str(PUBLISHED), "--out", os.devnull) == 0
    assert not Path(os.devnull).is_file()


def test_a_table_can_be_piped_into_a_file_without_a_bar_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate("--csv", str(PUBLISHED)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert len(list(csv.reader(printed.out.splitlines()))) == 56


def test_the_comparison_of_the_published_runs_stands_in_the_docs_as_it_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert estimate("--csv", str(PUBLISHED), "--summary") == 0
    printed = capsys.readouterr().out
    assert printed in (ROOT / "docs" / "counting.md").read_text("utf-8")


def test_the_example_of_the_docs_is_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--device A100-SXM4-80GB --count 2048 --hours 499.2001953125 --utilization 0.476 --utilization-kind mfu"
    assert estimate(*words.split(), "--params", "6.52e10", "--tokens", "1.4e12", "--output", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    text = (ROOT / "docs" / "counting.md").read_text("utf-8")
    for key in ("low", "best", "high", "six_nd"):
        assert answer[key] in text.replace(",", "")
    assert f"= {answer['best_over_six_nd']}" in text


@pytest.mark.slow
def test_fifty_megabytes_pass_through_with_a_bar_and_little_memory(tmp_path: Path) -> None:
    table, out, weight = tmp_path / "runs.csv", tmp_path / "answers.csv", tmp_path / "status"
    header, *rows = PUBLISHED.read_bytes().splitlines(keepends=True)
    block = b"".join(rows)
    with table.open("wb") as file:
        file.write(header)
        for _ in range(50_000_000 // len(block) + 1):
            file.write(block)
    command = [sys.executable, "-c", _WEIGHED, str(weight), "flop", "estimate", "--csv", str(table), "--out", str(out)]
    screen, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(screen, 65536):
            shown += chunk
    except OSError:  # Linux says so when the other end of a terminal is closed
        pass
    finally:
        os.close(screen)
    assert process.wait() == 0
    assert b"estimating" in shown
    assert 10_000 < _peak_kib(weight.read_text()) < 300_000
    with out.open("rb") as file:
        assert sum(1 for _ in file) == (50_000_000 // len(block) + 1) * len(rows) + 1
