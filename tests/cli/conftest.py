"""What every test of the command line begins with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper import cli

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of whoever runs the tests acts in none of them."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")


@pytest.fixture
def gatekeeper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a data folder of its own; what it printed, errors included."""

    def run(*words: str, exits: int = 0) -> str:
        assert cli.run([*words, "--data", str(tmp_path / "data")]) == exits
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run
