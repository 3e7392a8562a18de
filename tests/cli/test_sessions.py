"""Sessions as text: what a user types, and what comes back. One file of `sessions/` is one test.

    $ gatekeeper customer list          a command; `echo y | `, `NAME=value ` and `KEY=$(gatekeeper ...)` work before it
    ! Error: ...                        a line on stderr
    ? 2                                 its exit code, where it is not 0
    -- lab.yaml --                      the files that the session starts with, at its end

Each session has a folder and a database of its own. Days, times and hashes are shown by their kind, as they differ
from one run to the next. Corrections are $C1, $C2 ... in the order in which they appear: their ids count records.
UPDATE_SESSIONS=1 writes down what comes back: read the difference before you keep it.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import string
import sys
from pathlib import Path

import pytest

from gatekeeper import cli

SESSIONS = sorted((Path(__file__).parent / "sessions").glob("*.txt"))
EXAMPLES = Path(__file__).parents[2] / "examples"
_MASKS = (
    # Half a year from the day on which somebody answered.
    (r"(?<= FLOP  )\d{4}-\d\d-\d\d$", "DAY"),
    (r"/\S+/data/compute-gatekeeper\b", "<data>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b(until|by \S+ until) \d{4}-\d\d-\d\d\b", r"\1 <day>"),
    (r"\bon \d{4}-\d\d-\d\d\b", "on <day>"),
    (r'"until": "\d{4}-\d\d-\d\d"', '"until": "<day>"'),
    (r"(?<=  )\d{4}-\d\d-\d\d(?=  )", "<day>     "),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<time>"),
    (r"(?<=\| )\d{4}-\d\d-\d\d(?= \|)", "<day>"),
    (r"(?<=,)\d{4}-\d\d-\d\d(?=,)", "<day>"),
    (r"\b[0-9a-f]{64}\b", "<hash>"),
    (r"--batch [0-9a-f-]{36}\b", "--batch <id>"),
    (r"\b(\d+) of \1 cases", "<n> of <n> cases"),
    (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}", "+<id>+<key>"),
    (r"(— \S+) \S{90,}", r"\1 <signature>"),
    (r"^[A-Za-z0-9+/]{43}=$", "<root>"),
)
_ASSIGNED = re.compile(r"([A-Z]+)=\$\((.+)\)")


class Shell:
    """The little of a shell that sessions need; every command runs in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._variables: dict[str, str] = {}
        self._corrections: dict[str, str] = {}

    def run(self, line: str) -> list[str]:
        """What comes back, as the session shows it."""
        assigned = _ASSIGNED.fullmatch(line)
        code, out, err = self._gatekeeper(assigned[2] if assigned else line)
        if assigned:
            self._variables[assigned[1]] = out.strip()
            out = ""
        for found in re.findall(r"\bcorrection (c\d+)\b", out):
            self._corrections.setdefault(found, f"C{len(self._corrections) + 1}")
        shown = out.splitlines() + [f"! {each}" for each in err.splitlines()] + ([f"? {code}"] if code else [])
        return [_mask(re.sub(r"\bc\d+\b", self._called, each, flags=re.I)).rstrip() for each in shown]

    def _called(self, found: re.Match[str]) -> str:
        """How a session calls a correction; what else looks like one stays."""
        name = self._corrections.get(found[0].lower())
        return f"${name}".ljust(len(found[0])) if name else found[0]

    def _gatekeeper(self, line: str) -> tuple[int, str, str]:
        names = {name: each for each, name in self._corrections.items()}
        words = shlex.split(string.Template(line).substitute(self._variables | names))
        with self._monkeypatch.context() as patch:
            if words[0] == "echo":
                patch.setattr(sys, "stdin", io.StringIO(words[1] + "\n"))
                words = words[3:]
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                patch.setenv(name, value)
            assert words[0] == "gatekeeper", line
            out, err = io.StringIO(), io.StringIO()
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = cli.run(words[1:])
        return code, out.getvalue(), err.getvalue()


# One of them is played in each check; all of them are when there is time.
QUICK = "errors"


@pytest.mark.parametrize(
    "path",
    [pytest.param(each, id=each.stem, marks=[pytest.mark.slow] if each.stem != QUICK else []) for each in SESSIONS],
)
def test_a_session_goes_as_it_is_written(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(path, tmp_path, monkeypatch)


def play(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type a session in a folder, and compare what comes back with what is written."""
    script, files = _split(path.read_text("utf-8"))
    for name, content in files.items():
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    for variable in [each for each in os.environ if each.startswith("COMPUTE_GATEKEEPER_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    shell = Shell(monkeypatch)
    played: list[str] = []
    for line in script:
        if line.startswith("$ "):
            played += [line, *shell.run(line.removeprefix("$ "))]
        elif line.startswith("#"):
            played += ["", line]
    if os.environ.get("UPDATE_SESSIONS"):
        path.write_text("\n".join([*played, *_joined(files)]).strip() + "\n", "utf-8")
    assert [each for each in played if each] == [each for each in script if each]


def _split(text: str) -> tuple[list[str], dict[str, str]]:
    """The commands with what they print, and the files."""
    script, *rest = re.split(r"^-- (.+) --\n", text, flags=re.MULTILINE)
    return [each.rstrip() for each in script.splitlines()], dict(zip(rest[::2], rest[1::2], strict=True))


def _joined(files: dict[str, str]) -> list[str]:
    return [f"-- {name} --\n{content.rstrip()}" for name, content in files.items()]


def _mask(line: str) -> str:
    for pattern, shown in _MASKS:
        line = re.sub(pattern, shown, line)
    return line
