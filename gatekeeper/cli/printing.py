"""How answers look: tables, JSON, CSV, and complaints. Text of others never steers a terminal or a spreadsheet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import typer

from gatekeeper.cli.options import Output

Row = Mapping[str, object]
# OWASP "CSV Injection": a cell that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Wider than any line that we write, where nobody's window sets the width.
_PIPE_WIDTH = 10_000


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(plain(text) + "\n")


def count_of(number: int, noun: str, nouns: str = "") -> str:
    """How many there are of something: "1 LEI", "2,000 LEIs"; `nouns` where it is not the noun and an s."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def complain(message: str, hint: str = "") -> None:
    """Say on stderr what could not be done, and what to do next."""
    lines = [f"Error: {message}", *([hint] if hint else [])]
    sys.stderr.write("\n".join(plain(line) for text in lines for line in text.split("\n")) + "\n")


def warn(message: str) -> None:
    """Say on stderr what was done otherwise than somebody may expect."""
    sys.stderr.write(f"Warning: {plain(message)}\n")


def note(message: str) -> None:
    """Say on stderr what was done besides what was asked."""
    sys.stderr.write(f"Note: {plain(message)}\n")


def confirm(question: str) -> None:
    """Ask a person; anything but yes ends the command.

    Raises:
        typer.Abort: the answer is not yes, or there is nobody to answer.
    """
    sys.stderr.write(f"{plain(question)} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stderr.write("\n")
    if answer.strip().lower() not in ("y", "yes"):
        raise typer.Abort


def show(rows: Sequence[Row], columns: Sequence[str], output: Output, *, nothing: str) -> None:
    """Print a list: as a table of some columns, or as JSON with all keys.

    Args:
        nothing: what a table without rows says.
    """
    if output is Output.JSON:
        say_json(rows)
    elif not rows:
        say(nothing)
    else:
        _table(rows, columns)


def say_json(value: object) -> None:
    """Print a value as JSON; escapes keep it harmless in a terminal."""
    sys.stdout.write(json.dumps(value, indent=2, default=_jsonable) + "\n")


def say_line(value: object) -> None:
    """Print a value as JSON on one line (JSON Lines); escapes keep it harmless in a terminal."""
    sys.stdout.write(json.dumps(value, default=_jsonable, separators=(",", ":")) + "\n")


def say_csv(rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Print a list as CSV (RFC 4180), with no cell that a spreadsheet would run or that would steer a terminal."""
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(row.get(column)) for column in columns])


def _csv_cell(value: object) -> str:
    """A number is our own and stays one, also below 0; everything else may be text of others."""
    return str(value) if isinstance(value, int) else plain(harmless(_cell(value)))


def plain(text: str) -> str:
    """The text without what could steer a terminal: such characters are shown by their code."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\u{ord(each):04x}" for each in text)


def _table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(Text(column.replace("_", " ").upper()), overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(_cell(row.get(column)))) for column in columns))
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    return value.isoformat(timespec="seconds").replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def placing_nobody(pack: str) -> str:
    """Of a pack whose rules are the same for tiers 1, 2 and 3: a tier by its table would say nothing."""
    return f"{pack} places nobody: its rules are the same for every tier"


def harmless(cell: str) -> str:
    """The cell as text, where a spreadsheet would run it as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) and cell != "-" else cell


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
