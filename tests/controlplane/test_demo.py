"""`make demo-cluster` as a whole: it goes as told, and leaves nothing behind."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Two minutes where nothing else runs.
TIMEOUT_S = 420


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A short path: sockets lie in it, whose names end at 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="story-"))
    yield folder
    shutil.rmtree(folder)


def test_the_story_on_a_real_cluster_goes_as_told_and_leaves_nothing_behind(binaries: Path, temporary: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.controlplane.demo"],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True, timeout=TIMEOUT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = ("bharat-eval/evaluate", "is refused by us-ai-diffusion", "DeadlineExceeded", "Verified:", "NOT VERIFIED:")
    assert [each for each in told if each not in done.stdout] == []
    assert processes_in(temporary) == []
    assert list(temporary.iterdir()) == []


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that name the folder."""
    lines = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = each.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if str(folder) in line:
            lines.append(line)
    return lines
