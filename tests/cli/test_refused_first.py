"""Who may not approve is told so before the question whether to approve, and not after the answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper import cli

EXAMPLES = Path(__file__).parents[2] / "examples"
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """One command over a data folder, with what it wrote; nobody answers its questions."""
    for variable in ("TOKEN", "TOKEN_FILE", "PERSON", "CONFIG"):
        monkeypatch.delenv(f"COMPUTE_GATEKEEPER_{variable}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def one(*words: str, code: int = 0) -> str:
        found = cli.run([*words, "--data", str(tmp_path / "data")])
        told = "".join(capsys.readouterr())
        assert found == code, told
        return told

    yield one
    cli.run(["--version"])


def prepared(run: Run) -> None:
    run("customer", "apply", "-f", str(EXAMPLES / "customers"), "--as", "ana")
    run("customer", "approve", "--all-waiting", "--yes", "--as", "ben")


WAITING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "an override": (
        ("customer", "override", "bharat-models", "--tier", "1", "--hours", "2", "--reason", "x"),
        ("customer", "approve-override", "bharat-models"),
    ),
    "a legal hold": (("customer", "lift-hold", "hold", "--reason", "x"), ("customer", "approve-lift", "hold")),
    "a namespace": (("namespace", "bind", "team-a", "bharat-models"), ("namespace", "approve", "team-a")),
    "a suspension": (
        ("customer", "reinstate", "bharat-models", "--reason", "x"),
        ("customer", "approve", "bharat-models"),
    ),
    "all that waits": (
        ("customer", "reinstate", "bharat-models", "--reason", "x"),
        ("customer", "approve", "--all-waiting"),
    ),
}


@pytest.mark.parametrize("what", WAITING)
def test_who_was_first_is_refused_and_not_asked(run: Run, what: str) -> None:
    prepared(run)
    ask, approve = WAITING[what]
    if "hold" in ask:
        told = run("customer", "hold", "bharat-models", "--reason", "court", "--as", "ana")
        held = next(word for word in told.replace(":", " ").split() if word.startswith("h") and word[1:].isdigit())
        ask, approve = (tuple(held if each == "hold" else each for each in words) for words in (ask, approve))
    if "reinstate" in ask:
        run("customer", "suspend", "bharat-models", "--reason", "x", "--as", "ana")
    run(*ask, "--as", "ana")
    told = run(*approve, "--as", "ana", code=2)
    assert "ana " in told
    assert "cannot approve it" in told
    assert "[y/N]" not in told
    assert "[y/N]" in run(*approve, "--as", "ben", code=2)


def test_who_has_no_right_to_approve_is_refused_in_words_and_not_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(run)
    run("customer", "override", "bharat-models", "--tier", "1", "--hours", "2", "--reason", "x", "--as", "ana")
    root = run("user", "add", "root", "--role", "policy-admin").splitlines()[0]
    monkeypatch.setenv("COMPUTE_GATEKEEPER_TOKEN", root)
    told = run("customer", "approve-override", "bharat-models", code=2)
    assert "root may not approve anything here." in told
    assert "[y/N]" not in told


def test_the_end_of_an_approval_is_told_before_the_question(run: Run) -> None:
    run("customer", "apply", "-f", str(EXAMPLES / "customers" / "atlas-ai.yaml"), "--as", "ana")
    told = run("customer", "approve", "atlas-ai", "--expires-on", "2099-01-01", "--as", "ben", code=2)
    assert "can end between now and" in told
    told = run("customer", "approve", "atlas-ai", "--as", "ben", code=2)
    assert told.index("If approved: approved until") < told.index("[y/N]")
