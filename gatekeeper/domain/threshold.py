"""The number of a regime from which on a model is controlled: a ratchet, which dated floors lift and never lower."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import checked_tflop


@dataclass(frozen=True, slots=True)
class Floor:
    """From a day on the number is at least this, by a source."""

    amount_tflop: int
    effective_from: date
    source: str

    def __post_init__(self) -> None:
        checked_tflop(self.amount_tflop)
        if not self.source:
            raise InvalidInput("A floor needs its source.")


@dataclass(frozen=True, slots=True)
class Threshold:
    """From when on a model is controlled.

    Attributes:
        amount_tflop: the number of the regime; floors: what lifts it, oldest first, each at least the one before.
        reached_is_controlled: True where the text says "or more" (>=), False where it says "more than" (>).
    """

    amount_tflop: int
    reached_is_controlled: bool
    source: str
    floors: tuple[Floor, ...] = ()

    def __post_init__(self) -> None:
        checked_tflop(self.amount_tflop)
        if self.amount_tflop == 0 or not self.source:
            raise InvalidInput("A threshold needs an amount above 0 and its source.")
        for before, after in pairwise(self.floors):
            if after.effective_from <= before.effective_from:
                raise InvalidInput("Floors stand in the order of their days, one for each day.")
            if after.amount_tflop < before.amount_tflop:
                raise InvalidInput(f"A floor never falls: that from {after.effective_from} is below the one before.")

    def effective_tflop(self, day: date) -> int:
        """The number that holds on a day: the regime's, or a floor of that day or before where it is higher."""
        return max([self.amount_tflop, *(each.amount_tflop for each in self.floors if each.effective_from <= day)])

    def limit_tflop(self, day: date) -> int:
        """The most that a run may use and stay below control: exact, one TFLOP under where reaching it counts."""
        return self.effective_tflop(day) - 1 if self.reached_is_controlled else self.effective_tflop(day)
