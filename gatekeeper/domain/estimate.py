"""Operations of a run that nobody metered, from what is stated of it: devices, hours and perhaps a utilization.

    high   chip-seconds x the worst rate, whatever utilization is stated: that is a claim, not a counter of ours
    best   chip-seconds x the dense peak at the stated format x the stated utilization, or one half where none is stated
    low    best without what a stated utilization is known to overstate; 0 where none is stated, as nothing is proved

All three are exact up to whole TFLOP: low and best are rounded down, high is rounded up. `docs/counting.md` tells
where the factors come from and compares the result with published runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.counting import UNMETERED_PERCENT, WITHOUT_RECOMPUTE_PERCENT
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import (
    GFLOP_PER_TFLOP,
    LARGEST_TFLOP,
    SECONDS_PER_HOUR,
    ceil_div,
    plain_decimal,
)
from gatekeeper.domain.usage import Usage

# A stated MFU or HFU is that of steady steps, and billed hours hold restarts, ramps and idle time too. What is left of
# it over all hours, percent: below the worst of the published runs, PaLM with 66 (docs/counting.md).
STEADY_STATE_PERCENT = 60
# More devices, or hours of one, than anybody will own; keeps the arithmetic small.
LARGEST_DEVICES = 10**9


class UtilizationKind(StrEnum):
    """What a stated utilization is a share of the peak of."""

    TENSOR_ACTIVE = "tensor_active"  # mean activity of the tensor units at the boost clock, over all the hours
    MFU = "mfu"  # operations of the model, recomputed activations not counted
    HFU = "hfu"  # operations executed, recomputed activations counted


@dataclass(frozen=True, slots=True)
class Stated:
    """A utilization that somebody stated: a share of the peak, 0 to 1."""

    share: Fraction
    kind: UtilizationKind

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InvalidInput(
                f"A utilization is a share from 0 to 1, not {plain_decimal(self.share)}.",
                hint="Write 38 % as 0.38.",
            )


@dataclass(frozen=True, slots=True)
class Work:
    """How long devices worked: `hours` of each of `count` devices, or chip-hours where no count is given."""

    hours: Fraction
    count: int | None = None

    def __post_init__(self) -> None:
        if self.hours <= 0:
            raise InvalidInput("The hours must be above 0.")
        if self.count is not None and not 1 <= self.count <= LARGEST_DEVICES:
            raise InvalidInput(f"The number of devices must be from 1 to {LARGEST_DEVICES}.")

    @property
    def chip_seconds(self) -> Fraction:
        """Seconds of all devices together."""
        return self.hours * (self.count or 1) * SECONDS_PER_HOUR

    def __str__(self) -> str:
        hours = plain_decimal(self.hours)
        if self.count is None:
            return f"{hours} chip-hours"
        return f"{self.count} {'device' if self.count == 1 else 'devices'} x {hours} h"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The three amounts, with the formula of each as text with the numbers in it."""

    usage: Usage
    low_formula: str
    best_formula: str
    high_formula: str
    note: str = ""

    @property
    def method(self) -> str:
        """All three formulas, and what has to be known of them."""
        formulas = f"best = {self.best_formula}; high = {self.high_formula}; low = {self.low_formula}"
        return f"{self.note}; {formulas}" if self.note else formulas


def estimate(
    device: Device,
    work: Work,
    *,
    declared: Format | None = Format.BF16,
    stated: Stated | None = None,
    known: bool = True,
) -> Estimate:
    """What the work took.

    Args:
        known: false where the device stands in for one that nobody knows: then low is 0.
        declared: format of the peak that a stated utilization is a share of; else that of the run. A format that the
            chip lacks counts as its fastest one, and so does None, for one that nobody knows.

    Raises:
        InvalidInput: more than 10^30 FLOP.
    """
    chip_s = work.chip_seconds
    worst = chip_s * device.worst_tflop_per_s
    high = ceil_div(worst.numerator, worst.denominator)
    if high > LARGEST_TFLOP:
        raise InvalidInput(f"{work} of {device.name} is more than 10^30 FLOP.", hint="Check the devices and the hours.")
    counted = declared if declared and declared in device.chip.peak_gflop_per_s else device.chip.fastest
    share = stated.share if stated else Fraction(UNMETERED_PERCENT, 100)
    best = _at(device, counted, chip_s) * share
    low, low_formula = _low(best, stated if known else None, _at(device, Format.BF16, chip_s))
    named = f"{stated.kind.value}, stated" if stated else "no utilization stated, so half of the peak"
    why = f"it lacks {declared.value}" if declared else "the format is not known"
    lacking = "" if counted is declared else f": {why}, so its fastest format"
    return Estimate(
        Usage(int(low), int(best), high),
        low_formula,
        f"{work} x 3600 s x {plain_decimal(_peak_tflop(device, counted))} TFLOP/s (dense {counted.value} peak of "
        f"{device.name}{lacking}) x {plain_decimal(share)} ({named})",
        f"{work} x 3600 s x {device.worst_tflop_per_s} TFLOP/s (worst rate: {device.chip.fastest.value} and vector "
        "units at the highest clock)",
        ""
        if known
        else f"the device is not known, so it counts as the largest that a device plugin hands out, {device.name}",
    )


def _peak_tflop(device: Device, counted: Format) -> Fraction:
    return device.part * Fraction(device.chip.peak_gflop_per_s[counted], GFLOP_PER_TFLOP)


def _at(device: Device, counted: Format, chip_s: Fraction) -> Fraction:
    """TFLOP of a device that works at the dense peak of a format all the time."""
    return chip_s * _peak_tflop(device, counted)


def _low(best: Fraction, stated: Stated | None, at_bf16: Fraction) -> tuple[Fraction, str]:
    """`low` and its formula; at_bf16: TFLOP of the same hours at the 16-bit peak."""
    recompute = Fraction(WITHOUT_RECOMPUTE_PERCENT, 100)
    steady = Fraction(STEADY_STATE_PERCENT, 100)
    if stated is None:
        return Fraction(0), "0 (nothing is proved)"
    match stated.kind:
        case UtilizationKind.TENSOR_ACTIVE:
            plain = min(best, at_bf16 * stated.share)
            text = "best, at most at the bf16 peak, x 0.75 (without recomputation)"
            return plain * recompute, text
        case UtilizationKind.HFU:
            return best * steady * recompute, "best x 0.6 (not all hours are steady) x 0.75 (without recomputation)"
        case UtilizationKind.MFU:
            return best * steady, "best x 0.6 (not all hours are steady)"
