"""`gatekeeper flop estimate --csv`: a table of runs in, the same table with amounts out, and how it compares."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from gatekeeper.cli.options import Output
from gatekeeper.cli.printing import complain, harmless, say, say_json, show
from gatekeeper.domain.comparison import BANDS, WITH_RECOMPUTE, Basis, Compared, Spread, rounded, spread
from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.estimate_files import ADDED, Answer, RunTable

if TYPE_CHECKING:
    from gatekeeper.domain.catalogue import Catalogue

NOT_AS_REQUIRED, COULD_NOT = 1, 2
# So many wrong rows are named; of more, how many there are.
NAMED_PROBLEMS = 20


@dataclass(slots=True)
class _Told:
    """What is known of a table when it has been read. keep: its runs are compared afterwards."""

    keep: bool
    rows: int = 0
    estimated: int = 0
    wrong: int = 0
    named: list[str] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)

    def add(self, name: str, answer: Answer) -> None:
        self.rows += 1
        if answer.compared is not None:
            self.estimated += 1
            if self.keep:
                self.compared.append(answer.compared)
        if not answer.problems:
            return
        self.wrong += 1
        for column, what in answer.problems:
            if len(self.named) < NAMED_PROBLEMS:
                place = f", column {column}" if column else ""
                self.named.append(f"{name}, line {answer.line}{place}: {what}")


def run(catalogue: Catalogue, source: Path, out: Path | None, *, summary: bool, output: Output) -> int:
    """Estimate each row, and return the exit code.

    Raises:
        InvalidInput: the file is no such table.
        Unavailable: it cannot be read, or `out` not be written.
    """
    told = _Told(keep=summary)
    with _opened(catalogue, source) as table:
        if summary and out is None:
            for answer in table:
                told.add(source.name, answer)
        else:
            _refuse_itself(source, out)
            with _target(out) as file:
                _write(table, file, lambda answer: told.add(source.name, answer))
    if summary:
        _summarize(told, output)
    elif out is not None and output is Output.JSON:
        say_json({"out": str(out), "rows": told.rows, "estimated": told.estimated, "wrong": told.wrong})
    elif out is not None:
        say(f"{out}: {told.estimated} of {told.rows} rows estimated from chip-hours, {told.wrong} wrong")
    if told.wrong:
        more = f"{told.wrong} rows were not estimated." if told.wrong > 1 else "One row was not estimated."
        complain("\n".join(told.named), more)
        return COULD_NOT
    return 0 if not summary or _as_required(told.compared) else NOT_AS_REQUIRED


@contextmanager
def _opened(catalogue: Catalogue, source: Path) -> Iterator[RunTable]:
    """The table, with a bar for people who watch it being read."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    try:
        size = source.stat().st_size
        file = source.open("rb")
    except OSError as error:
        raise Unavailable(f"{source} cannot be read: {error.strerror}.", hint="Name a CSV file.") from error
    columns = (TextColumn("estimating"), BarColumn(40), DownloadColumn())
    console = Console(file=sys.stderr)
    with file, Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=size)
        yield RunTable(file, source.name, catalogue, progress=lambda read: bar.advance(task, read))


def _refuse_itself(source: Path, out: Path | None) -> None:
    if out is not None and out.exists() and out.samefile(source):
        raise InvalidInput(f"--out {out} is the table itself.", hint="Name another file.")


@contextmanager
def _target(out: Path | None) -> Iterator[TextIO]:
    """Where the table goes. A file is there when it is complete, or not at all."""
    if out is None:
        yield sys.stdout
        return
    try:
        if out.exists() and not out.is_file():  # a pipe or a device has no place beside it
            with out.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        with _replacing(out) as file:
            yield file
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror}.", hint="Name another with --out.") from error


@contextmanager
def _replacing(out: Path) -> Iterator[TextIO]:
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)  # a temporary file is its owner's alone
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(table: RunTable, file: TextIO, tell: Callable[[Answer], None]) -> None:
    writer = csv.writer(file)
    writer.writerow([harmless(each) for each in (*table.columns, *ADDED)])
    for answer in table:
        tell(answer)
        cells = (*answer.cells, answer.low, answer.best, answer.high, answer.method)
        writer.writerow([harmless(each) for each in cells])


def _as_required(runs: list[Compared]) -> bool:
    return all(each.bounded and each.in_band for each in runs)


def _summarize(told: _Told, output: Output) -> None:
    runs = told.compared
    rows = [_class(runs, basis) for basis in Basis if basis in {each.basis for each in runs}]
    checkable = [each for each in runs if each.checkable]
    unbounded = [each.name for each in checkable if not each.bounded]
    outside = [each.name for each in runs if not each.in_band]
    proved = [each for each in runs if each.known and each.six_nd_flop and each.usage.low_tflop]
    above = [each.name for each in proved if each.usage.low_tflop * 10**12 > (each.six_nd_flop or 0)]
    if output is Output.JSON:
        say_json(
            {
                "rows": told.rows,
                "with_chip_hours": len(runs),
                "wrong": told.wrong,
                "classes": rows,
                "high_checked": len(checkable),
                "high_too_low": unbounded,
                "outside_band": outside,
                "low_checked": len(proved),
                "low_above_six_nd": above,
            }
        )
        return
    columns = ["utilization", "rows", "with_6nd", "median", "least", "most", "after_recompute", "band", "outside"]
    show(rows, columns, output, nothing="No row has chip-hours.")
    say()
    say(f"{told.rows} rows, {len(runs)} with chip-hours. Median, least and most of best / 6ND, known chips only.")
    held = len(checkable) - len(unbounded)
    say(f"high is at least what is reported, and 6ND: {held} of {len(checkable)} rows{_named(unbounded)}")
    held = len(proved) - len(above)
    say(f"low is at most 6ND, where a utilization is stated: {held} of {len(proved)} rows{_named(above)}")
    if outside:
        say(f"outside their band{_named(outside)}")


def _class(runs: list[Compared], basis: Basis) -> dict[str, Any]:
    mine = [each for each in runs if each.basis is basis]
    found, band = spread(mine), BANDS.get(basis)
    without = spread(mine, divided_by=WITH_RECOMPUTE) if basis is Basis.HFU else None
    return {
        "utilization": basis.value,
        "rows": len(mine),
        "with_6nd": found.runs if found else 0,
        "median": rounded(found.median) if found else None,
        "least": rounded(found.least) if found else None,
        "most": rounded(found.most) if found else None,
        "after_recompute": _text(without) if without else None,
        "band": f"{rounded(band.least)} to {rounded(band.most)}" if band else "not judged",
        "outside": sum(not each.in_band for each in mine) if band else None,
    }


def _text(found: Spread) -> str:
    return f"{rounded(found.median)} ({rounded(found.least)} to {rounded(found.most)})"


def _named(names: list[str]) -> str:
    shown = ", ".join(f"{each:.80}" for each in dict.fromkeys(names[:NAMED_PROBLEMS]))
    return f": {shown}" if names else ""
