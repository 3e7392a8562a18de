"""Tables of runs as CSV: each row read into what can be estimated of it, with what is wrong in it by column.

The columns are those of `examples/published_runs.csv`. A row that is wrong costs nobody the other rows: it is
given back with its problems and no amount. Nothing here holds more than one row at a time.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, TypeVar

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.comparison import Basis, Compared
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.estimate import Stated, UtilizationKind, Work, estimate
from gatekeeper.domain.plan import Plan
from gatekeeper.domain.units import FLOP_PER_TFLOP, parse_count, parse_number

T = TypeVar("T")

NEEDED = ("model", "chip", "precision", "chip_hours", "utilization", "utilization_kind", "params", "tokens")
OPTIONAL = ("n_chips", "reported_flop", "source", "confidence")
ADDED = ("low", "best", "high", "method")
# No line of such a table is a thousandth of this; one without an end must not fill the memory.
LONGEST_LINE_BYTES = 1_000_000

_PRECISIONS = {"": Format.BF16, "16bit": Format.BF16, "fp16": Format.BF16} | {each.value: each for each in Format}
# "MFU: 385 TFLOP/s per GPU over the BF16 peak; 0.195 over the FP8 peak": the first one belongs to the number.
_OVER = re.compile(r"\bover the (\w+) peak\b", re.IGNORECASE)
_BASES = {each.value.lower(): each for each in Basis if each is not Basis.NONE}


@dataclass(frozen=True, slots=True)
class Answer:
    """One row: its cells as they were, what is added to them, and what is wrong.

    Attributes:
        line: number of its last line in the file, from 1.
        cells: as read, cut or filled to the header's length.
        low, best, high: FLOP as decimal digits; empty where nothing can be said.
        problems: (column, what is wrong) of a row that was not estimated; "" for the row itself.
        compared: for rows with chip-hours.
    """

    line: int
    cells: tuple[str, ...]
    low: str = ""
    best: str = ""
    high: str = ""
    method: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    compared: Compared | None = None


class RunTable:
    """A CSV file of runs, read once from front to back. `columns` are those of its header."""

    def __init__(
        self, file: BinaryIO, name: str, catalogue: Catalogue, *, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Read the header.

        Args:
            progress: is told the number of bytes of each line that was read.

        Raises:
            InvalidInput: no CSV in UTF-8, or a column is missing or stands there twice.
        """
        self._name = name
        self._catalogue = catalogue
        self._devices: dict[str, Device | None] = {}
        self._reader = csv.reader(_lines(file, name, progress), strict=True)
        self.columns = tuple(cell.strip() for cell in next(self._cells(), []))
        missing = [each for each in NEEDED if each not in self.columns]
        if missing:
            known = ",".join((*NEEDED, *OPTIONAL))
            raise InvalidInput(f"{name}: no column {', '.join(missing)}.", hint=f"Columns: {known}")
        doubled = sorted({each for each in self.columns if self.columns.count(each) > 1 or each in ADDED})
        if doubled:
            hint = "Each column stands there once; low, best, high and method are added."
            raise InvalidInput(f"{name}: column {', '.join(doubled)[:200]} stands there once too often.", hint=hint)

    def __iter__(self) -> Iterator[Answer]:
        """The rows in their order; empty lines are left out.

        Raises:
            InvalidInput: what follows is no CSV.
        """
        for cells in self._cells():
            if cells:
                yield self._answer(cells)

    def _cells(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except csv.Error as error:
            raise InvalidInput(f"{self._name}, line {self._reader.line_num}: no CSV: {error}.") from error

    def _answer(self, cells: list[str]) -> Answer:
        line, width = self._reader.line_num, len(self.columns)
        kept = tuple((cells + [""] * width)[:width])
        if len(cells) != width:
            return _refused(line, kept, (("", f"{len(cells)} cells, where the header has {width}"),))
        row = _Row(dict(zip(self.columns, (cell.strip() for cell in kept), strict=True)))
        facts = row.read()
        if row.problems:
            return _refused(line, kept, tuple(row.problems))
        if facts.chip_hours is None:
            return _without_hours(line, kept, facts)
        try:
            return self._estimated(line, kept, facts, facts.chip_hours)
        except InvalidInput as error:
            return _refused(line, kept, (("chip_hours", error.message.rstrip(".")),))

    def _estimated(self, line: int, cells: tuple[str, ...], facts: _Facts, hours: Fraction) -> Answer:
        device = self._device(facts.chip)
        known = device is not None
        device = device or Device(self._catalogue.largest)
        found = estimate(device, Work(hours), declared=facts.declared, stated=facts.stated, known=known)
        note = "circular: hours or FLOP were worked out from this utilization; " if facts.circular else ""
        low, best, high = (
            str(amount * FLOP_PER_TFLOP)
            for amount in (found.usage.low_tflop, found.usage.best_tflop, found.usage.high_tflop)
        )
        compared = Compared(facts.model, facts.basis, found.usage, facts.reported_flop, facts.six_nd_flop, known)
        return Answer(line, cells, low, best, high, note + found.method, compared=compared)

    def _device(self, chip: str) -> Device | None:
        """What a chip's name means; looked up once a name, and forgotten where a table has too many of them."""
        if len(chip) > 100:  # no name, so nothing worth keeping
            return self._catalogue.find(chip)
        if chip not in self._devices:
            if len(self._devices) >= 1000:
                self._devices.clear()
            self._devices[chip] = self._catalogue.find(chip) if chip else None
        return self._devices[chip]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a row says."""

    model: str
    chip: str
    declared: Format | None
    chip_hours: Fraction | None
    basis: Basis
    stated: Stated | None
    reported_flop: int | None
    plan: Plan | None
    decoder: bool

    @property
    def circular(self) -> bool:
        return self.basis is Basis.CIRCULAR

    @property
    def six_nd_flop(self) -> int | None:
        """6ND where it holds."""
        return self.plan.flop if self.plan and self.decoder else None


@dataclass(slots=True)
class _Row:
    """Cells by column; what is wrong with them is gathered, so that a person mends a row at once."""

    cells: dict[str, str]
    problems: list[tuple[str, str]] = field(default_factory=list)

    def read(self) -> _Facts:
        """What the row says; only to be used where it has no problems."""
        basis, kind, over = self._kind()
        share = self._value("utilization", parse_number)
        params, tokens = self._value("params", parse_count), self._value("tokens", parse_count)
        reported = self._value("reported_flop", parse_number)
        if share is not None and kind is None:
            self._complain("utilization_kind", "a utilization needs its kind: MFU, HFU, tensor_active or CIRCULAR")
        stated = self._made("utilization", lambda: Stated(share, kind)) if share is not None and kind else None
        plan = self._made("params", lambda: Plan(params, tokens)) if params is not None and tokens is not None else None
        return _Facts(
            model=self.cells["model"],
            chip=self.cells["chip"],
            declared=over if stated and over else self._precision(),
            chip_hours=self._hours(),
            basis=basis if stated else Basis.NONE,
            stated=stated,
            reported_flop=int(reported) if reported is not None else None,
            plan=plan,
            decoder="encoder-decoder" not in " ".join(self.cells.values()).lower(),
        )

    def _hours(self) -> Fraction | None:
        hours = self._value("chip_hours", parse_number)
        if hours is not None and hours <= 0:
            self._complain("chip_hours", "must be above 0, or empty where nobody knows them")
        self._value("n_chips", parse_count)
        return hours

    def _precision(self) -> Format | None:
        """None for a format that nobody knows; no format at all is what most runs that say nothing used: 16 bits."""
        return _PRECISIONS.get(self.cells["precision"].lower())

    def _kind(self) -> tuple[Basis, UtilizationKind | None, Format | None]:
        """What the utilization is: its prefix, and the peak that the text after it names first."""
        prefix, _, text = self.cells["utilization_kind"].partition(":")
        if not prefix:
            return Basis.NONE, None, None
        basis = _BASES.get(prefix.strip().lower())
        if basis is None:
            self._complain("utilization_kind", f"{prefix!r:.80} is none of MFU, HFU, tensor_active, CIRCULAR")
            return Basis.NONE, None, None
        named = _OVER.search(text)
        over = _PRECISIONS.get(named[1].lower()) if named else None
        # Nobody says what a circular utilization counts: as an HFU its low is the lowest.
        kind = UtilizationKind.HFU if basis is Basis.CIRCULAR else UtilizationKind(basis.value.lower())
        return basis, kind, over

    def _value(self, column: str, parse: Callable[[str], T]) -> T | None:
        text = self.cells.get(column, "")
        return self._made(column, lambda: parse(text)) if text else None

    def _made(self, column: str, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except InvalidInput as error:
            self._complain(column, error.message.rstrip("."))
            return None

    def _complain(self, column: str, what: str) -> None:
        self.problems.append((column, what))


def _refused(line: int, cells: tuple[str, ...], problems: tuple[tuple[str, str], ...]) -> Answer:
    text = "; ".join(f"{column}: {what}" for column, what in problems)
    return Answer(line, cells, method=f"not estimated: {text}", problems=problems)


def _without_hours(line: int, cells: tuple[str, ...], facts: _Facts) -> Answer:
    """Without hours nothing bounds a run from above or below; 6ND is the one estimate there is."""
    if facts.plan is None:
        return Answer(line, cells, method="no chip-hours, and no params and tokens: nothing to estimate from")
    if facts.six_nd_flop is None:
        return Answer(line, cells, method="no chip-hours; 6ND does not hold for an encoder-decoder")
    formula = f"6 x {facts.plan.parameters} params x {facts.plan.tokens} tokens"
    method = f"no chip-hours; 6ND: best = {formula}; low and high stay empty: nothing bounds it"
    return Answer(line, cells, best=str(facts.six_nd_flop), method=method)


def _lines(file: BinaryIO, name: str, progress: Callable[[int], None]) -> Iterable[str]:
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE_BYTES + 1), b""), start=1):
        progress(len(line))
        if len(line) > LONGEST_LINE_BYTES:
            raise InvalidInput(f"{name}, line {number} is longer than {LONGEST_LINE_BYTES} bytes.")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{name}, line {number} is not UTF-8.", hint="Save it as UTF-8 CSV.") from error
