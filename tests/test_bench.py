"""The benchmark itself: it runs, it measures right answers only, and it says what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path} if path is not None else None
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_missing_program_is_named_with_what_installs_it(tmp_path: Path) -> None:
    done = run("--folder", str(tmp_path), path=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "apt-get install -y --no-install-recommends" in done.stderr
    assert done.stderr.rstrip().endswith("wrk")


@pytest.mark.slow
def test_a_short_run_measures_every_target(tmp_path: Path) -> None:
    short = ("--rounds", "1", "--seconds", "1", "--devices", "2000", "--batch", "100")
    done = run("--folder", str(tmp_path), *short, "--output", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert list(facts["webhook"]) == ["nginx", "webhook, allowed", "webhook, refused and recorded"]
    for (load,) in facts["webhook"].values():
        assert load["cpu_us"] > 0
        assert load["per_s"] > 1
    assert set(facts["releases_per_s"]) == {"1", "8", "64"}
    assert all(each > 1 for rounds in facts["releases_per_s"].values() for each in rounds)
    assert set(facts["settled_per_s"]) == {"1000", "10000"}
    assert all(each > 1 for each in facts["inspected_per_s"])
    assert [each["devices"] for each in facts["telemetry"]["readings"]] == [1_000, 2_000]
    assert [each["name"] for each in facts["batch"]] == ["apply", "apply again", "look at", "approve"]
    assert all(each["passed_s"] > 0 and each["usual_s"] > 0 and each["refused"] == 0 for each in facts["batch"])
    assert list(tmp_path.iterdir()) == []
