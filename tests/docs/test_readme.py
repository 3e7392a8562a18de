"""What the README promises is there: its links, its commands, and the output that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatekeeper.cli import run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "policies" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_make_target_of_the_readme_exists_and_explains_itself() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert named
    assert named <= targets


def test_the_two_commands_and_the_demos_output_come_before_line_40() -> None:
    first = README.splitlines()[:40]
    assert any("make demo" in line for line in first)
    assert any("log-one-byte-changed.jsonl" in line for line in first)


@pytest.mark.parametrize(
    "command",
    [line for line in re.findall(r"^\.venv/bin/(gatekeeper [^#\n]+)", README, re.MULTILINE) if "simulate" not in line],
)
def test_a_command_of_the_readme_works(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert run(command.split()[1:]) == 0


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "118")
    assert run(["demo"]) == 0
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    shown = README.split("```")[3].strip().splitlines()
    missing = [line for line in shown if line.split("…")[0].strip() not in printed]
    assert missing == []
