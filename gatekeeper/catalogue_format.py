"""The shape of a file of accelerators: one vendor's chips, every number with its source and how sure it is.

What each key means, and how to add a chip: `gatekeeper/data/accelerators/README.md`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from gatekeeper.domain.accelerators import Confidence, Format
from gatekeeper.yaml_files import Day, Line, Part


def _plain_number(value: object) -> object:
    """Digits with at most one dot: no exponent, sign, NaN or infinity, which Decimal alone would take."""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal() and value.isascii():
        return value
    raise ValueError("write a plain number such as 989.4")


Tflop = Annotated[Decimal, BeforeValidator(_plain_number), Field(gt=0, le=1_000_000, decimal_places=3)]
# What the highest clock is over that of the peaks. No chip whose clocks are known shows more than 1.16.
Ratio = Annotated[Decimal, BeforeValidator(_plain_number), Field(ge=1, le=2, decimal_places=3)]
Multiple = Annotated[Decimal, BeforeValidator(_plain_number), Field(gt=0, le=16, decimal_places=3)]
Megahertz = Annotated[int, Field(gt=0, le=10_000)]
Moment = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){0,2}$")]
Profile = Annotated[str, StringConstraints(pattern=r"^[1-9]g\.[1-9][0-9]{0,3}gb$")]


class SourcePart(Part):
    """A document, and the year, month or day that it is of."""

    document: Line
    date: Moment


class Cited(Part):
    """Numbers with their source (a key of the file's sources) and how sure they are."""

    source: Line
    confidence: Confidence


class ArchitecturePart(Cited):
    """A generation of chips.

    Attributes:
        of_16_bit: rate of each format over that of 16 bits: a second statement, against which each peak is checked.
        activity: what DCGM says of tensor activity: `mean` over the collect interval, or a reading of a `moment`,
            which work between two readings escapes; only a mean bounds what was done.
    """

    of_16_bit: dict[Format, Multiple]
    activity: Literal["mean", "moment"]


class NamesPart(Part):
    """Names under which the chip appears: as `source` prints them, and those that nobody could look up."""

    printed: tuple[Line, ...] = ()
    from_memory: tuple[Line, ...] = ()
    source: Line


class PeaksPart(Cited):
    """Dense peaks of the matrix units; `doubts` where single formats are less sure than the rest."""

    tflop_per_s: dict[Format, Tflop]
    doubts: dict[Format, Confidence] = Field(default_factory=dict)


class VectorPart(Cited):
    """What the vector units (CUDA cores) of a chip can do without its matrix units.

    Either the FP32 peak, with the rate of packed 16-bit operations over it (`ratio_source` says where from), or, where
    nobody publishes one, a percentage of the 16-bit matrix peak.
    """

    fp32_tflop_per_s: Tflop | None = None
    packed_16_bit: Annotated[int, Field(ge=1, le=4)] | None = None
    ratio_source: Line | None = None
    percent_of_16_bit: Annotated[int, Field(ge=1, le=100)] | None = None


class UnitsPart(Cited):
    """Streaming multiprocessors, compute units or cores, and what each does in a clock at 16 bits, dense."""

    count: int = Field(gt=0)
    flop_per_clock: int = Field(gt=0)


class ClocksPart(Cited):
    """The clock that the peaks assume and the highest; or only what the one may be over the other."""

    boost_mhz: Megahertz | None = None
    max_mhz: Megahertz | None = None
    ratio: Ratio | None = None


class MemoryPart(Cited):
    """Sizes of memory that it is sold with."""

    gb: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)


class MigPart(Cited):
    """Into how many slices MIG cuts the chip, and how many units the profiles have: as somebody read them, or
    `at_most`, by the number of instances that fit at once."""

    slices: Annotated[int, Field(ge=2, le=8)]
    units: dict[Profile, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    at_most: dict[Profile, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)


class PartitionsPart(Cited):
    """AMD: how many devices the chip is in each compute partition mode, all alike."""

    dpx: int | None = Field(default=None, ge=1)
    tpx: int | None = Field(default=None, ge=1)
    qpx: int | None = Field(default=None, ge=1)
    cpx: int | None = Field(default=None, ge=1)


class CoresPart(Cited):
    """Neuron: physical cores of the chip, and how many of them a logical core has where nobody set it."""

    count: int = Field(gt=0)
    logical: int = Field(gt=0)


class TppPart(Cited):
    """Total Processing Performance as published."""

    value: int = Field(gt=0)


class ChipPart(Part):
    """One chip."""

    name: Line
    architecture: Line
    names: NamesPart
    peaks: PeaksPart
    vector: VectorPart
    units: UnitsPart | None = None
    clocks: ClocksPart
    memory: MemoryPart
    mig: MigPart | None = None
    partitions: PartitionsPart | None = None
    cores: CoresPart | None = None
    handed_out: bool = True
    tpp: TppPart
    note: Line | None = None


class CatalogueFile(Part):
    """The chips of one vendor."""

    format: Literal["2"]
    vendor: Line
    as_of: Day
    sources: dict[Line, SourcePart] = Field(min_length=1)
    architectures: dict[Line, ArchitecturePart]
    chips: tuple[ChipPart, ...] = Field(min_length=1)
