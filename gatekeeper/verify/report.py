"""What a verification found: a value, with the place of each problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

# A hostile export could hold a problem in each of its lines; the first ones tell what happened.
PROBLEMS_MAX = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason not to trust an export: where (line from 1, byte from 0, 0 and 0 for the file as a whole) and what."""

    line: int
    byte: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, byte {self.byte}: {self.message}" if self.line else self.message


@dataclass(frozen=True, slots=True)
class RunTotals:
    """Totals of one run, added up again from the records. Whole TFLOP.

    Attributes:
        settled_tflop: the high figure, which counts against the limit; low and best beside it.
        limit_tflop: as the run's last reservation stated it.
        open_reservations: how many are still pending.
        purpose: training, or what the run was classified as; then nothing of it counts.
    """

    run: str
    carried_in_tflop: int = 0
    low_tflop: int = 0
    best_tflop: int = 0
    settled_tflop: int = 0
    pending_tflop: int = 0
    limit_tflop: int = 0
    open_reservations: int = 0
    purpose: str = "training"

    @property
    def used_tflop(self) -> int:
        """What counts against the limit."""
        return self.carried_in_tflop + self.settled_tflop + self.pending_tflop


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What a run used on one day (UTC) on one kind of device, without corrections; seconds of all these devices."""

    device_s: int = 0
    low_tflop: int = 0
    best_tflop: int = 0
    high_tflop: int = 0

    def plus(self, other: DayTotals) -> DayTotals:
        """Both together."""
        return DayTotals(
            self.device_s + other.device_s,
            self.low_tflop + other.low_tflop,
            self.best_tflop + other.best_tflop,
            self.high_tflop + other.high_tflop,
        )


@dataclass(frozen=True, slots=True)
class Overrun:
    """Metered usage above what was held for it: a fact that the provider answers for, not a fault of the log."""

    run: str
    reservation: str
    overrun_tflop: int


@dataclass(frozen=True, slots=True)
class Report:
    """Outcome of a verification.

    Attributes:
        source: what was verified, for people.
        days: (run, day, device) -> what it used; settled is the sum of them, and of the run's corrections.
        problems: at most 100; `problems_found` counts all.
        root: of the lines that were read, hexadecimal; "" where the header was refused.
        unresolved_packs: policy packs whose tier table the log does not hold: their tiers were compared with their
            stated reasons, and not resolved again.
        unchecked: what else could not be checked, as the log was written before it told what that rests on; each with
            the number of its records.
    """

    source: str
    origin: str = ""
    size: int = 0
    root: str = ""
    problems: tuple[Problem, ...] = ()
    problems_found: int = 0
    runs: Mapping[str, RunTotals] = field(default_factory=dict)
    days: Mapping[tuple[str, date, str], DayTotals] = field(default_factory=dict)
    overruns: tuple[Overrun, ...] = ()
    unresolved_packs: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether every check held. Overruns do not speak against an export."""
        return self.problems_found == 0


class Problems:
    """Collects problems, keeps the first ones, counts all."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.found = 0

    def add(self, line: int, byte: int, message: str) -> None:
        """Note one problem; messages are cut, as they may quote the export."""
        self.found += 1
        if len(self.kept) < PROBLEMS_MAX:
            self.kept.append(Problem(line, byte, message[:1000]))
