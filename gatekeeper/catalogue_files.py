"""The catalogue of accelerators as files: `gatekeeper/data/accelerators/`, one for each vendor, dated and cited.

Their numbers are checked against each other, so that a slip of the pen, a sparse figure or a wrong unit does not load:
each peak against the 16-bit one and what its generation makes of it, the 16-bit peak against units x FLOP per clock x
clock, and all of them against the published TPP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from gatekeeper.catalogue_format import CatalogueFile, ChipPart, Cited
from gatekeeper.domain.accelerators import Accelerator, Confidence, Evidence, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.units import GFLOP_PER_TFLOP
from gatekeeper.yaml_files import Document, Place, content_of, parse

BUNDLED = Path(__file__).resolve().parent / "data" / "accelerators"

# Published figures are rounded: TPP to a few digits, clocks to 5 or 15 MHz, and sources give a format by ranges of a
# few percent. A sparse peak is off by 100 percent.
TPP_TOLERANCE = Decimal("0.001")
CLOCK_TOLERANCE = Decimal("0.01")
RATE_TOLERANCE = Decimal("0.1")
# Where only the ratio of two clocks is known, clocks of this size stand for it.
NOMINAL_MHZ = 1_000


def load_catalogue(path: Path = BUNDLED) -> Catalogue:
    """The accelerators of a file, or of all `*.yaml` of a folder; by default of those that come with the package.

    Raises:
        InvalidInput: one line per error, `file:line:column: message`.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(f"{path} has no files of accelerators (*.yaml).")
    chips: list[Accelerator] = []
    for each in files:
        document, of_file = _parsed(content_of(each), str(each))
        chips += of_file
        with document.at("chips"):  # With those of the files before it, so that a name for two chips has its place.
            catalogue = Catalogue.of(chips)
    return catalogue


@lru_cache(maxsize=16)
def _parsed(content: bytes, name: str) -> tuple[Document, tuple[Accelerator, ...]]:
    """The chips in the bytes of a file, which are read once as long as they stay the same."""
    document = parse(content, name=name)
    file = document.check(CatalogueFile)
    chips = (_Reading(document, ("chips", index), file, part).chip() for index, part in enumerate(file.chips))
    return document, tuple(chips)


class _Reading:
    """One chip of a file, as it is read and checked."""

    def __init__(self, document: Document, place: Place, file: CatalogueFile, part: ChipPart) -> None:
        self._document = document
        self._place = place
        self._file = file
        self._part = part

    def chip(self) -> Accelerator:
        """The chip.

        Raises:
            InvalidInput: its numbers contradict each other, or one has no source.
        """
        part = self._part
        architecture = self._file.architectures.get(part.architecture)
        if architecture is None:
            raise self._error(f"{part.architecture!r} is no architecture of this file.", "architecture")
        evidence = tuple(self._evidence())
        boost_mhz, max_mhz = self._clocks()
        peaks = {key: int(peak * GFLOP_PER_TFLOP) for key, peak in part.peaks.tflop_per_s.items()}
        with self._document.at(*self._place):
            chip = Accelerator(
                name=part.name,
                product_names=(*part.names.printed, *part.names.from_memory),
                peak_gflop_per_s=peaks,
                vector_gflop_per_s=self._vector_gflop_per_s(),
                boost_clock_mhz=boost_mhz,
                max_clock_mhz=max_mhz,
                sm_count=part.units.count if part.units else 0,
                mean_activity=architecture.activity == "mean",
                source=next(each.source for each in evidence if each.what == "peaks"),
                vendor=self._file.vendor,
                parts=self._parts(),
                mig_slices=part.mig.slices if part.mig else 0,
                bounded_parts=frozenset(part.mig.at_most) - frozenset(part.mig.units) if part.mig else frozenset(),
                memory_gb=part.memory.gb,
                clocks_public=part.clocks.ratio is None,
                handed_out=part.handed_out,
                evidence=evidence,
                note=part.note or "",
            )
        self._check_rates(architecture.of_16_bit)
        self._check_clock(chip)
        self._check_tpp(chip)
        return chip

    def _error(self, message: str, *place: str) -> InvalidInput:
        return self._document.error((*self._place, *place), message)

    def _evidence(self) -> Iterator[Evidence]:
        """Where each number is from; peaks that are less sure than the rest speak for themselves."""
        part = self._part
        yield self._cited(
            "names", part.names.source, Confidence.ONE_SOURCE if part.names.printed else Confidence.MEMORY
        )
        if part.names.printed and part.names.from_memory:
            yield self._cited(f"names {', '.join(part.names.from_memory)}", part.names.source, Confidence.MEMORY)
        for what in ("peaks", "vector", "units", "clocks", "memory", "mig", "partitions", "cores", "tpp"):
            numbers = getattr(part, what)
            if isinstance(numbers, Cited):
                yield self._cited(what, numbers.source, numbers.confidence)
        for each, confidence in part.peaks.doubts.items():
            yield self._cited(f"peaks {each.value}", part.peaks.source, confidence)
        if part.vector.ratio_source:
            yield self._cited("vector packed 16-bit", part.vector.ratio_source, part.vector.confidence)

    def _cited(self, what: str, source: str, confidence: Confidence) -> Evidence:
        found = self._file.sources.get(source)
        if found is None:
            raise self._error(f"{source!r} is no source of this file.", what.partition(" ")[0])
        return Evidence(what, f"{found.document}, {found.date}", confidence)

    def _vector_gflop_per_s(self) -> int:
        vector = self._part.vector
        measured = vector.fp32_tflop_per_s, vector.packed_16_bit, vector.ratio_source
        if vector.percent_of_16_bit is not None and measured == (None, None, None):
            tflop_per_s = self._peak(Format.BF16) * vector.percent_of_16_bit / 100
        elif vector.percent_of_16_bit is None and None not in measured:
            tflop_per_s = (vector.fp32_tflop_per_s or Decimal(0)) * (vector.packed_16_bit or 0)
        else:
            raise self._error(
                "give fp32_tflop_per_s, packed_16_bit and ratio_source, or percent_of_16_bit alone.", "vector"
            )
        return int(tflop_per_s * GFLOP_PER_TFLOP)

    def _peak(self, each: Format) -> Decimal:
        try:
            return self._part.peaks.tflop_per_s[each]
        except KeyError:
            raise self._error(f"{self._part.name}: a 16-bit peak is needed.", "peaks") from None

    def _clocks(self) -> tuple[int, int]:
        clocks = self._part.clocks
        if clocks.ratio is not None and clocks.boost_mhz is None and clocks.max_mhz is None:
            return NOMINAL_MHZ, int(clocks.ratio * NOMINAL_MHZ)
        if clocks.ratio is None and clocks.boost_mhz is not None and clocks.max_mhz is not None:
            return clocks.boost_mhz, clocks.max_mhz
        raise self._error("give boost_mhz and max_mhz, or ratio alone.", "clocks")

    def _parts(self) -> Mapping[str, Fraction]:
        part, shares = self._part, dict[str, Fraction]()
        if part.mig is not None and (profiles := part.mig.at_most | part.mig.units):
            if part.units is None:
                raise self._error("units of MIG profiles need the units of the whole chip.", "mig")
            shares |= {profile: Fraction(count, part.units.count) for profile, count in profiles.items()}
        if part.partitions is not None:
            modes = part.partitions.model_dump(include={"dpx", "tpx", "qpx", "cpx"}, exclude_none=True)
            shares |= {mode: Fraction(1, count) for mode, count in modes.items()}
        if part.cores is not None:
            if part.cores.count % part.cores.logical:
                raise self._error(f"{part.cores.count} cores are no logical cores of {part.cores.logical}.", "cores")
            sizes = range(1, part.cores.logical + 1)
            shares |= {f"neuroncore-lnc{size}": Fraction(size, part.cores.count) for size in sizes}
            shares["neuroncore"] = Fraction(part.cores.logical, part.cores.count)
        return shares

    def _check_rates(self, of_16_bit: Mapping[Format, Decimal]) -> None:
        """Each peak is the 16-bit one times what the generation makes of it; a sparse one is twice that."""
        base = self._peak(Format.BF16)
        for each, peak in self._part.peaks.tflop_per_s.items():
            expected = base * of_16_bit.get(each, Decimal(1 if each is Format.BF16 else 0))
            if abs(peak - expected) > expected * RATE_TOLERANCE:
                told = (
                    f"{self._part.architecture} at {base} TFLOP/s at 16 bits has {expected:f} TFLOP/s at {each.value}"
                )
                raise self._error(f"{told}, not {peak}: is one of them sparse?", "peaks")

    def _check_tpp(self, chip: Accelerator) -> None:
        """TPP is the largest bits x rate, so it bounds every peak and the fastest one gives it."""
        published = self._part.tpp.value
        if abs(chip.tpp - published) > published * TPP_TOLERANCE:
            message = f"the peaks of {chip.name} give a TPP of {chip.tpp}, not {published}: is one of them sparse?"
            raise self._error(message, "tpp")

    def _check_clock(self, chip: Accelerator) -> None:
        units = self._part.units
        if units is None:
            return
        if not chip.clocks_public:
            raise self._error("units x FLOP per clock can only be checked with boost_mhz.", "clocks")
        computed = Decimal(units.count * units.flop_per_clock * chip.boost_clock_mhz) / 1_000_000
        peak = self._peak(Format.BF16)
        if abs(computed - peak) > peak * CLOCK_TOLERANCE:
            message = f"units x FLOP per clock x boost clock give {computed:.1f} TFLOP/s at 16 bits, not {peak}."
            raise self._error(message, "clocks")
