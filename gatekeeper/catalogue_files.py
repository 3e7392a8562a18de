"""The catalogue of accelerators as a file: `gatekeeper/data/accelerators.yaml`, dated and cited.

Its numbers are checked against each other, so that a slip of the pen, a sparse figure or a wrong unit does not load:
the 16-bit peak against SM count x FLOP per clock x clock, and all peaks against the published TPP.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gatekeeper.domain.accelerators import Accelerator, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.units import GFLOP_PER_TFLOP
from gatekeeper.yaml_files import Day, Document, Line, Part, Place, read

BUNDLED_FILE = Path(__file__).resolve().parent / "data" / "accelerators.yaml"

# Published figures are rounded: TPP to a few digits, clocks to 5 or 15 MHz. A sparse peak is off by 100 percent.
TPP_TOLERANCE = Decimal("0.001")
CLOCK_TOLERANCE = Decimal("0.01")


def _plain_number(value: object) -> object:
    """Digits with at most one dot: no exponent, sign, NaN or infinity, which Decimal alone would take."""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal() and value.isascii():
        return value
    raise ValueError("write a plain number such as 989.4")


Tflop = Annotated[Decimal, BeforeValidator(_plain_number), Field(gt=0, le=1_000_000, decimal_places=3)]
Megahertz = Annotated[int, Field(gt=0, le=10_000)]
Confidence = Literal["verified", "one_source", "derived", "memory", "conflicting"]


class VectorPart(Part):
    """What the vector units (CUDA cores) of a chip can do without its tensor units.

    Attributes:
        packed_16_bit: rate of packed 16-bit operations over that of FP32; `source` is where this ratio is from.
        confidence: that of the FP32 peak.
    """

    fp32_tflop_per_s: Tflop
    packed_16_bit: Annotated[int, Field(ge=1, le=4)]
    confidence: Confidence
    source: Line


class ChipPart(Part):
    """One chip."""

    name: Line
    product_names: tuple[Line, ...] = Field(min_length=1)
    peak_tflop_per_s: dict[Format, Tflop]
    vector: VectorPart
    sm_count: int | None = Field(default=None, gt=0)
    flop_per_clock_per_sm: int | None = Field(default=None, gt=0)
    boost_clock_mhz: Megahertz
    max_clock_mhz: Megahertz
    activity: Literal["mean", "moment"] = "moment"
    tpp: int = Field(gt=0)
    confidence: Confidence
    sources: tuple[Line, ...] = Field(min_length=1)
    note: Line | None = None


class CatalogueFile(Part):
    """All chips."""

    format: Literal["1"]
    as_of: Day
    sources: dict[Line, Line] = Field(min_length=1)
    chips: tuple[ChipPart, ...] = Field(min_length=1)


def load_catalogue(path: Path = BUNDLED_FILE) -> Catalogue:
    """The accelerators of a file; by default of the one that comes with the package.

    Raises:
        InvalidInput: one line per error, `file:line:column: message`.
    """
    document = read(path)
    file = document.check(CatalogueFile)
    chips = [_chip(document, ("chips", index), each, file.sources) for index, each in enumerate(file.chips)]
    with document.at("chips"):
        return Catalogue.of(chips)


def _chip(document: Document, place: Place, part: ChipPart, sources: dict[str, str]) -> Accelerator:
    for key, each in (*(("sources", each) for each in part.sources), ("vector", part.vector.source)):
        if each not in sources:
            raise document.error((*place, key), f"{each!r} is no source of this file.")
    with document.at(*place):
        chip = Accelerator(
            name=part.name,
            product_names=part.product_names,
            peak_gflop_per_s={key: int(peak * GFLOP_PER_TFLOP) for key, peak in part.peak_tflop_per_s.items()},
            vector_gflop_per_s=int(part.vector.fp32_tflop_per_s * part.vector.packed_16_bit * GFLOP_PER_TFLOP),
            boost_clock_mhz=part.boost_clock_mhz,
            max_clock_mhz=part.max_clock_mhz,
            sm_count=part.sm_count or 0,
            mean_activity=part.activity == "mean",
            source="; ".join(
                [
                    *(sources[each] for each in (*part.sources, part.vector.source)),
                    f"confidence: {part.confidence}, of the FP32 peak: {part.vector.confidence}",
                ]
            )
            + (f"; {part.note}" if part.note else ""),
        )
    _check_tpp(document, place, part, chip)
    _check_clock(document, place, part)
    return chip


def _check_tpp(document: Document, place: Place, part: ChipPart, chip: Accelerator) -> None:
    """TPP is the largest bits x rate, so it bounds every peak and the fastest one gives it."""
    if abs(chip.tpp - part.tpp) > part.tpp * TPP_TOLERANCE:
        message = f"the peaks of {part.name} give a TPP of {chip.tpp}, not {part.tpp}: is one of them sparse?"
        raise document.error((*place, "tpp"), message)


def _check_clock(document: Document, place: Place, part: ChipPart) -> None:
    if (part.sm_count is None) != (part.flop_per_clock_per_sm is None):
        raise document.error(place, "sm_count and flop_per_clock_per_sm are given together or not at all.")
    if part.sm_count is None or part.flop_per_clock_per_sm is None:
        return
    computed = Decimal(part.sm_count * part.flop_per_clock_per_sm * part.boost_clock_mhz) / 1_000_000
    peak = part.peak_tflop_per_s[Format.BF16]
    if abs(computed - peak) > peak * CLOCK_TOLERANCE:
        message = f"SMs x FLOP per clock x boost clock give {computed:.1f} TFLOP/s at 16 bits, not {peak}."
        raise document.error((*place, "boost_clock_mhz"), message)
