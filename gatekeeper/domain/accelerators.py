"""Accelerators: what one chip, and what Kubernetes counts as one device, can do at most.

Peaks are dense. A sparse figure counts operations that no matrix unit executes, so it has no place here.
The worst case of a device is its fastest format at its highest clock: datasheet peaks assume a tensor clock
below the highest SM clock (H100 SXM 1830 against 1980 MHz), so a peak times max/boost is what nothing exceeds.
The vector units (CUDA cores) can work at the same time, so the worst case has their peak on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP, ceil_div

# Domain of a resource key -> who makes what is handed out under it. Keys: the device plugins of the vendors, and the
# name of a DRA driver.
VENDOR_OF_DOMAIN: Mapping[str, str] = {
    "nvidia.com": "nvidia",
    "gpu.nvidia.com": "nvidia",
    "amd.com": "amd",
    "google.com": "google",
    "cloud.google.com": "google",
    "aws.amazon.com": "aws",
    "habana.ai": "intel",
    "huawei.com": "huawei",
    "cerebras.net": "cerebras",
    "cerebras.com": "cerebras",
}


def vendor_of(resource: str) -> str:
    """Who makes what is handed out under a resource key; "" where its domain is nobody's that we know."""
    return VENDOR_OF_DOMAIN.get(resource.partition("/")[0].lower(), "")


class Format(StrEnum):
    """Number format of a matrix operation. Bits are those that Total Processing Performance counts."""

    TF32 = "tf32"
    BF16 = "bf16"  # stands for all 16-bit formats: same rate on every chip of the catalogue
    FP8 = "fp8"
    INT8 = "int8"
    FP4 = "fp4"

    @property
    def bits(self) -> int:
        """Bit length of one operand. TF32 counts as 16: it runs on the 16-bit units, at their rate at most, and its
        19 bits move no chip of the catalogue over a line of ECCN 3A090 (docs/decisions/0008)."""
        return {Format.TF32: 16, Format.BF16: 16, Format.FP8: 8, Format.INT8: 8, Format.FP4: 4}[self]


class Confidence(StrEnum):
    """How sure a number is."""

    VERIFIED = "verified"  # two tables, or a table and the arithmetic
    ONE_SOURCE = "one_source"
    DERIVED = "derived"
    MEMORY = "memory"
    CONFLICTING = "conflicting"  # sources disagree; the higher is taken


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a number (or the names) of a chip comes from: `what`, document with its date, how sure."""

    what: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One device as Kubernetes counts it.

    Attributes:
        name: our short name, unique in the catalogue, such as "H100-SXM5".
        product_names: every name under which it appears (node label, DCGM modelName, device id), as printed there.
        peak_gflop_per_s: dense peak of the tensor units per format, whole GFLOP/s.
        vector_gflop_per_s: peak of the vector units at the boost clock, FP32 or packed 16-bit, whichever is higher;
            whole GFLOP/s.
        boost_clock_mhz, max_clock_mhz: clock that the peaks assume, and the highest the device runs at.
        source: document and date of the peaks.
        sm_count: streaming multiprocessors (compute units, cores) of the whole chip; 0 where nobody says.
        mean_activity: its tensor activity is a mean over the interval (Hopper and newer: DCGM takes the difference of
            two hardware counters). Older chips give readings of a moment, and work between two readings escapes them.
        vendor: who makes it, one of `VENDOR_OF_DOMAIN`; "" where nobody says.
        parts: name of a part, in lower case ("1g.10gb", "cpx", "neuroncore-lnc2") -> its share of the chip.
        bounded_parts: those of `parts` whose share is an upper bound, and not what somebody read off the chip.
        mig_slices: into how many slices MIG cuts it; 0 where it cannot.
        memory_gb: sizes that it is sold with.
        clocks_public: the clocks are published. Where not, only their ratio means something.
        handed_out: some device plugin gives it to pods; only such a chip can be what an unknown name stands for.
        evidence: where each of the numbers is from.
        note: what a reader must know; where sources conflict, which they are.
        fastest: the format with the highest rate: what an untrusted run is assumed to use.
        worst_tflop_per_s: the rate that the device cannot exceed: tensor units at their fastest format and vector
            units beside them, both at the highest clock, in whole TFLOP/s, rounded up. Whole, so that a reservation
            (rate x seconds) has no rounding of its own however it is cut into pieces.
    """

    name: str
    product_names: tuple[str, ...]
    peak_gflop_per_s: Mapping[Format, int]
    vector_gflop_per_s: int
    boost_clock_mhz: int
    max_clock_mhz: int
    source: str
    sm_count: int = 0
    mean_activity: bool = False
    vendor: str = ""
    parts: Mapping[str, Fraction] = field(default_factory=dict)
    bounded_parts: frozenset[str] = frozenset()
    mig_slices: int = 0
    memory_gb: tuple[int, ...] = ()
    clocks_public: bool = True
    handed_out: bool = True
    evidence: tuple[Evidence, ...] = ()
    note: str = ""
    # Worked out once: each device of each pod asks for them at each settlement.
    fastest: Format = field(init=False, repr=False, compare=False)
    worst_tflop_per_s: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name or not self.source:
            raise InvalidInput("An accelerator needs a name and the source of its numbers.")
        if Format.BF16 not in self.peak_gflop_per_s or min(self.peak_gflop_per_s.values()) <= 0:
            raise InvalidInput(f"{self.name}: a 16-bit peak is needed, and every peak is positive.")
        if self.vector_gflop_per_s <= 0:
            raise InvalidInput(f"{self.name}: the peak of the vector units must be positive.")
        if not 0 < self.boost_clock_mhz <= self.max_clock_mhz <= 10_000 or self.sm_count < 0:
            raise InvalidInput(f"{self.name}: clocks must satisfy 0 < boost <= max <= 10,000 MHz, and SMs count up.")
        if not all(0 < share <= 1 for share in self.parts.values()) or self.mig_slices < 0:
            raise InvalidInput(f"{self.name}: a part is above 0 and at most the whole chip.")
        if self.vendor and self.vendor not in VENDOR_OF_DOMAIN.values():
            raise InvalidInput(f"{self.name}: {self.vendor!r} is no vendor whose resource keys we know.")
        fastest = max(self.peak_gflop_per_s, key=lambda each: self.peak_gflop_per_s[each])
        together = self.peak_gflop_per_s[fastest] + self.vector_gflop_per_s
        worst = ceil_div(together * self.max_clock_mhz, self.boost_clock_mhz * GFLOP_PER_TFLOP)
        object.__setattr__(self, "fastest", fastest)
        object.__setattr__(self, "worst_tflop_per_s", worst)

    @property
    def tpp(self) -> int:
        """Total Processing Performance (ECCN 3A090): the largest bits x TOP/s. A capacity, never an operation count."""
        return max(each.bits * rate for each, rate in self.peak_gflop_per_s.items()) // GFLOP_PER_TFLOP

    @property
    def h100_equivalents(self) -> Decimal:
        """Its Total Processing Performance in H100s, to two digits after the point. A capacity, like `tpp`."""
        return (Decimal(self.tpp) / H100_TPP).quantize(Decimal("0.01"), ROUND_HALF_UP)


# Total Processing Performance of one H100 SXM5 (990 TFLOP/s at 16 bits), in which capacity is compared:
# RAND, "AI diffusion" commentary, Fig. 3 note.
H100_TPP = 15_840


@dataclass(frozen=True, slots=True)
class Device:
    """What Kubernetes counts as one device: a chip, or a part of one (a MIG slice, a partition, a core).

    Attributes:
        part: share of the chip's units, above 0 and at most 1.
        label: how the part is called, such as "MIG 1g.10gb"; empty for a whole chip.
        guessed: the share is a cautious guess: no smaller than the truth, and perhaps larger.
        worst_tflop_per_s: the rate that the device cannot exceed: the chip's, by its share, in whole TFLOP/s, rounded
            up.
    """

    chip: Accelerator
    part: Fraction = Fraction(1)
    label: str = ""
    guessed: bool = field(default=False, compare=False)
    worst_tflop_per_s: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise InvalidInput(f"A part of {self.chip.name} is above 0 and at most 1, not {self.part}.")
        worst = ceil_div(self.chip.worst_tflop_per_s * self.part.numerator, self.part.denominator)
        object.__setattr__(self, "worst_tflop_per_s", worst)

    @property
    def name(self) -> str:
        """The chip's name, and the part's where it is one."""
        return f"{self.chip.name} {self.label}".rstrip()
