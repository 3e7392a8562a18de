"""Estimates beside what is known of published runs: is `high` never below it, and is `best` near it?

Runs are told apart by what they state. Only the MFU and HFU of a known chip are judged: a circular row (its hours or
its FLOP were worked out from the same utilization) would judge itself, and without a utilization `best` is a guess.
The bands were chosen after these runs had been seen: they find a wrong peak, and prove no accuracy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from gatekeeper.domain.units import FLOP_PER_TFLOP
from gatekeeper.domain.usage import Usage


class Basis(StrEnum):
    """What the best estimate of a run with chip-hours rests on."""

    TENSOR_ACTIVE = "tensor_active"
    MFU = "MFU"
    HFU = "HFU"
    CIRCULAR = "CIRCULAR"
    NONE = "not stated"


@dataclass(frozen=True, slots=True)
class Band:
    """Where best / 6ND has to lie, both ends included."""

    least: Fraction
    most: Fraction

    def holds(self, ratio: Fraction) -> bool:
        """Whether a ratio lies in it."""
        return self.least <= ratio <= self.most


# MFU: billed hours hold more than steady steps, so best is above 6ND. HFU counts recomputation (up to 4/3) as well.
BANDS: Mapping[Basis, Band] = {
    Basis.MFU: Band(Fraction("0.95"), Fraction("1.6")),
    Basis.HFU: Band(Fraction("1.25"), Fraction("2.0")),
}
# Four passes of which three are the model's, where all activations are computed again.
WITH_RECOMPUTE = Fraction(4, 3)


@dataclass(frozen=True, slots=True)
class Compared:
    """One run with chip-hours: its estimate and what is known otherwise.

    Attributes:
        reported_flop: what its makers report; None where they do not.
        six_nd_flop: 6 x parameters x tokens; None where one is unknown or 6ND does not hold.
        known: its chip is in the catalogue.
    """

    name: str
    basis: Basis
    usage: Usage
    reported_flop: int | None
    six_nd_flop: int | None
    known: bool = True

    @property
    def ratio(self) -> Fraction | None:
        """best / 6ND."""
        if not self.six_nd_flop or not self.known:
            return None
        return Fraction(self.usage.best_tflop * FLOP_PER_TFLOP, self.six_nd_flop)

    @property
    def checkable(self) -> bool:
        """Whether something is known that `high` must not be below."""
        return bool(self.reported_flop or self.six_nd_flop)

    @property
    def bounded(self) -> bool:
        """Whether `high` is at least what was reported, and at least 6ND."""
        known = max(self.reported_flop or 0, self.six_nd_flop or 0)
        return self.usage.high_tflop * FLOP_PER_TFLOP >= known

    @property
    def in_band(self) -> bool:
        """Whether best / 6ND lies where it has to; true where nothing is required."""
        band = BANDS.get(self.basis)
        return band is None or self.ratio is None or band.holds(self.ratio)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and ends of best / 6ND over some runs; runs: how many."""

    runs: int
    median: Fraction
    least: Fraction
    most: Fraction


def spread(runs: Iterable[Compared], *, divided_by: Fraction = Fraction(1)) -> Spread | None:
    """The spread of best / 6ND, where any run has it."""
    ratios = sorted(each.ratio / divided_by for each in runs if each.ratio is not None)
    if not ratios:
        return None
    middle = len(ratios) // 2
    median = ratios[middle] if len(ratios) % 2 else (ratios[middle - 1] + ratios[middle]) / 2
    return Spread(len(ratios), median, ratios[0], ratios[-1])


def rounded(ratio: Fraction, places: int = 2) -> str:
    """A ratio with a fixed number of decimal places, rounded half up."""
    scaled = (2 * ratio.numerator * 10**places + ratio.denominator) // (2 * ratio.denominator)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"
