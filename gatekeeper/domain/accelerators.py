"""Accelerators: what one device can do at most, and which device a product name means.

Peaks are dense. A sparse figure counts operations that no matrix unit executes, so it has no place here.
The worst case of a device is its fastest format at its highest clock: datasheet peaks assume a tensor clock
below the highest SM clock (H100 SXM 1830 against 1980 MHz), so a peak times max/boost is what nothing exceeds.
The vector units (CUDA cores) can work at the same time, so the worst case has their peak on top.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP, ceil_div


class Format(StrEnum):
    """Number format of a matrix operation. Bits are those that Total Processing Performance counts."""

    TF32 = "tf32"
    BF16 = "bf16"  # stands for all 16-bit formats: same rate on every chip of the catalogue
    FP8 = "fp8"
    INT8 = "int8"
    FP4 = "fp4"

    @property
    def bits(self) -> int:
        """Bit length of one operand; TF32 counts as 16 where it runs on the 16-bit units."""
        return {Format.TF32: 19, Format.BF16: 16, Format.FP8: 8, Format.INT8: 8, Format.FP4: 4}[self]


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One device as Kubernetes counts it.

    Attributes:
        name: our short name, unique in the catalogue, such as "H100-SXM5".
        product_names: every name under which it appears (node label, DCGM modelName), as printed there.
        peak_gflop_per_s: dense peak of the tensor units per format, whole GFLOP/s.
        vector_gflop_per_s: peak of the vector units at the boost clock, FP32 or packed 16-bit, whichever is higher;
            whole GFLOP/s.
        boost_clock_mhz, max_clock_mhz: clock that the peaks assume, and the highest the device runs at.
        source: document and date of the peaks.
    """

    name: str
    product_names: tuple[str, ...]
    peak_gflop_per_s: Mapping[Format, int]
    vector_gflop_per_s: int
    boost_clock_mhz: int
    max_clock_mhz: int
    source: str

    def __post_init__(self) -> None:
        if not self.name or not self.source:
            raise InvalidInput("An accelerator needs a name and the source of its numbers.")
        if Format.BF16 not in self.peak_gflop_per_s or min(self.peak_gflop_per_s.values()) <= 0:
            raise InvalidInput(f"{self.name}: a 16-bit peak is needed, and every peak is positive.")
        if self.vector_gflop_per_s <= 0:
            raise InvalidInput(f"{self.name}: the peak of the vector units must be positive.")
        if not 0 < self.boost_clock_mhz <= self.max_clock_mhz <= 10_000:
            raise InvalidInput(f"{self.name}: clocks must satisfy 0 < boost <= max <= 10,000 MHz.")

    @property
    def fastest(self) -> Format:
        """The format with the highest rate: what an untrusted run is assumed to use."""
        return max(self.peak_gflop_per_s, key=lambda each: self.peak_gflop_per_s[each])

    @property
    def worst_tflop_per_s(self) -> int:
        """The rate that the device cannot exceed: tensor units at their fastest format and vector units beside them,
        both at the highest clock, in whole TFLOP/s, rounded up.

        Whole, so that a reservation (rate x seconds) has no rounding of its own however it is cut into pieces.
        """
        together = self.peak_gflop_per_s[self.fastest] + self.vector_gflop_per_s
        return ceil_div(together * self.max_clock_mhz, self.boost_clock_mhz * GFLOP_PER_TFLOP)

    @property
    def tpp(self) -> int:
        """Total Processing Performance (ECCN 3A090): the largest bits x TOP/s. A capacity, never an operation count."""
        return max(each.bits * rate for each, rate in self.peak_gflop_per_s.items() if each != Format.TF32) // 1000


def _canonical(product: str) -> str:
    """One spelling for what a driver, DCGM and a label print: no vendor prefix, dashes for blanks, lower case."""
    text = "-".join(product.replace("_", " ").replace("-", " ").split()).lower()
    return text.removeprefix("nvidia-")


# What may follow a product name and means the same chip, outermost first: sharing, a MIG slice, memory. Anything else
# is another product: a newer, faster chip must not pass as the old one whose name its own begins with.
_SUFFIXES = (re.compile(r"-shared$"), re.compile(r"-mig-[0-9a-z.+]+$"), re.compile(r"-\d{1,4}gb?(-hbm\d[a-z]?)?$"))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known accelerators. Looks up by product name as a whole; unknown means the largest chip."""

    accelerators: tuple[Accelerator, ...]
    _by_name: Mapping[str, Accelerator] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, accelerators: Iterable[Accelerator]) -> Catalogue:
        """Build the catalogue.

        Raises:
            InvalidInput: empty, or a name stands for two different chips.
        """
        chips = tuple(accelerators)
        names: dict[str, Accelerator] = {}
        for chip in chips:
            for name in (chip.name, *chip.product_names):
                other = names.setdefault(_canonical(name), chip)
                if other is not chip:
                    raise InvalidInput(f"Product name {name!r} stands for both {other.name} and {chip.name}.")
        if not chips:
            raise InvalidInput("The catalogue of accelerators is empty.")
        return cls(chips, names)

    @property
    def largest(self) -> Accelerator:
        """The chip with the highest worst-case rate; stands for every chip that we do not know."""
        return max(self.accelerators, key=lambda chip: chip.worst_tflop_per_s)

    def find(self, product: str) -> Accelerator | None:
        """The chip a product name means, or None. Suffixes for sharing, MIG and memory belong to the same chip.

        The longest name wins, because a suffix is only taken off where the name is unknown with it.
        """
        wanted = _canonical(product)
        found = self._by_name.get(wanted)
        for suffix in _SUFFIXES:
            if found is not None:
                break
            wanted = suffix.sub("", wanted)
            found = self._by_name.get(wanted)
        return found

    def find_or_largest(self, product: str) -> Accelerator:
        """The chip a product name means; the largest chip where nobody knows it."""
        return self.find(product) or self.largest
