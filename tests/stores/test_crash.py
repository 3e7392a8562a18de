"""Writers that die at any moment, and writers in several processes: the database stays sound."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.stores import open_stores
from tests.stores.worker import HELD_TFLOP, check_sound

ROOT = Path(__file__).parents[2]
KILLS = 20
ENOUGH = 100_000  # more works than a process does before it is killed


def start(url: str, name: str, count: int, limit_tflop: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.stores.worker", url, name, str(count), str(limit_tflop)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_acknowledged(output: str) -> list[tuple[str, int]]:
    """Whole lines of a worker; the last one may have been cut by its death."""
    lines = [line.split() for line in output.splitlines(keepends=True) if line.endswith("\n")]
    return [(record_id, int(seq)) for record_id, seq in lines]


@pytest.mark.slow
def test_a_process_killed_at_any_moment_loses_nothing_that_it_acknowledged(url: str) -> None:
    chance, limit_tflop = random.Random(20261122), ENOUGH * HELD_TFLOP
    acknowledged: list[tuple[str, int]] = []
    for kill in range(KILLS):
        process = start(url, f"killed{kill}", ENOUGH, limit_tflop)
        assert process.stdout is not None
        begun = "".join(process.stdout.readline() for _ in range(chance.randrange(1, 60)))
        process.kill()
        rest, errors = process.communicate(timeout=30)
        assert errors == ""
        acknowledged += read_acknowledged(begun + rest)
        with open_stores(url) as stores:
            check_sound(stores, limit_tflop, acknowledged)
    assert len(acknowledged) >= KILLS


@pytest.mark.slow
def test_two_processes_at_once_share_one_log_and_one_limit(url: str) -> None:
    count, limit_tflop = 200, 250 * HELD_TFLOP
    processes = [start(url, name, count, limit_tflop) for name in ("one", "two")]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [errors for _, errors in outputs] == ["", ""]
    acknowledged = [each for output, _ in outputs for each in read_acknowledged(output)]
    assert len(set(acknowledged)) == 2 * count
    with open_stores(url) as stores:
        assert check_sound(stores, limit_tflop, acknowledged) == 2 * count
        assert len(stores.read(lambda reader: reader.open_reservations())) == 250


@pytest.mark.slow
def test_a_copy_of_the_file_taken_while_it_is_written_is_one_earlier_state(sqlite_path: Path, tmp_path: Path) -> None:
    """SQLite's own backup call; a plain copy of the file would miss what still stands in the write-ahead log."""
    limit_tflop = ENOUGH * HELD_TFLOP
    process = start(f"sqlite:///{sqlite_path}", "busy", ENOUGH, limit_tflop)
    assert process.stdout is not None
    begun = "".join(process.stdout.readline() for _ in range(50))
    with closing(sqlite3.connect(sqlite_path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    process.kill()
    process.communicate(timeout=30)
    with open_stores(f"sqlite:///{tmp_path}/copy.db") as stores:
        check_sound(stores, limit_tflop, read_acknowledged(begun))
