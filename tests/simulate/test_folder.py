"""What a play leaves: a folder on which the other commands work as on a real log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gatekeeper.cli import run
from tests.simulate.test_scenarios import write

RUN = "undeclared.bharat-models"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A what-if from the command line, played twice as people do; without metrics, which plays fastest."""
    folder = tmp_path_factory.mktemp("played")
    scenario = write(folder, profile="[{until_day: 12, metrics: false}]")
    for _ in range(2):
        assert run(["simulate", str(scenario), "--out", str(folder / "out")]) == 0
    return folder / "out"


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(words) == 0
    return capsys.readouterr().out


def test_the_account_of_a_played_run_has_days_and_devices(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(played / "config.yaml")
    figures = json.loads(shown(capsys, "run", "show", RUN, "--config", config, "--output", "json"))
    assert figures["limit_mode"] == "enforce"
    assert figures["clock_is_behind"] is True
    assert len(figures["by_day"]) >= 3
    assert ["GB300" in each["device"] for each in figures["by_device"]] == [True]
    assert set(figures["not_by_day"].values()) == {"0"}
    by_day = sum(int(each["high_tflop"]) for each in figures["by_day"])
    assert by_day == int(figures["settled_high_tflop"]) > 0
    report = shown(capsys, "run", "report", RUN, "--config", config)
    assert "Nothing yet" not in report
    assert "without a day" not in report


def test_the_terminal_shows_a_played_run_by_its_own_days(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "run", "show", RUN, "--config", str(played / "config.yaml"))
    assert "only warns" not in text
    assert "used nothing" not in text
    assert re.search(r"as of the last usage, 2026-12-\d\d, which is ahead", text)
    assert "Last 30 days" in text
    assert "By kind of device" in text


def test_refusals_and_log_of_a_play_can_be_looked_at(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(played / "config.yaml")
    assert "is put on hold by us-ai-diffusion" in shown(capsys, "blocked", "--config", config)
    key = shown(capsys, "log", "key", "--config", config).strip()
    assert "Verified" in shown(capsys, "log", "verify", str(played / "log.jsonl"), "--key", key)


def test_a_folder_whose_settings_no_play_wrote_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "data" / "gatekeeper.db"
    real.parent.mkdir()
    real.write_text("a real log")
    (tmp_path / "config.yaml").write_text("cluster: east\ndata: data\n")
    assert run(["simulate", str(write(tmp_path)), "--out", str(tmp_path)]) == 2
    assert "is not of a play" in capsys.readouterr().err
    assert real.read_text() == "a real log"
