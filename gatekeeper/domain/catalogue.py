"""The catalogue: which device a product name means. A name that nobody knows means the largest chip
that a device plugin hands out.

A name is known as a whole or not at all: a newer, faster chip must not pass as the old one whose name its own begins
with (H20, H200; L4, L40, L40S). Only what says nothing of the make may follow it: sharing, a part, a size of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gatekeeper.domain.accelerators import Accelerator, Device, vendor_of
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.parts import device_of, split

# Label values have at most 63 characters, resource keys 317, and the longest name of a driver is shorter than either.
NAME_CHARACTERS_MAX = 128
RESOURCE_CHARACTERS_MAX = 320
# Nodes and counters choose the names, so what is remembered of them is bounded: then it starts anew.
REMEMBERED_MAX = 4096
# What may stand before a name, by who made the chip. Another vendor's name before it makes it a name of nothing.
_PREFIXES: Mapping[str, tuple[str, ...]] = {
    "nvidia": ("nvidia-",),
    "amd": ("amd-instinct-", "amd-", "instinct-", "0x"),  # the last before a device id
    "intel": ("habana-",),
    "huawei": ("huawei-",),
}
_ALL_PREFIXES = tuple(prefix for prefixes in _PREFIXES.values() for prefix in prefixes)
_MEMORY = re.compile(r"-\d{1,4}gb(-hbm\d[a-z]?)?$")


def _canonical(product: str) -> str:
    """One spelling for what a driver, DCGM and a label print: dashes for blanks and underscores, lower case.

    Empty for what no driver prints: other scripts with letters that look alike, control characters, endless names.
    """
    if len(product) > NAME_CHARACTERS_MAX or not product.isascii() or not product.isprintable():
        return ""
    return "-".join(product.replace("_", " ").replace("-", " ").split()).lower()


def _spellings(chip: Accelerator, name: str) -> Iterator[str]:
    """A canonical name with and without what its vendor may put before it."""
    prefixes = _PREFIXES.get(chip.vendor, () if chip.vendor else _ALL_PREFIXES)
    bare = next((name.removeprefix(each) for each in prefixes if name.startswith(each)), name)
    yield bare
    for prefix in prefixes:
        yield prefix + bare


def _hands_out(resource: str, chip: Accelerator) -> bool:
    """Whether a key is of the chip's vendor; of any that is known where nobody says who made the chip."""
    vendor = vendor_of(resource)
    return vendor == chip.vendor if chip.vendor else bool(vendor)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All known accelerators. Looks up by product name as a whole; unknown means the largest chip.

    Attributes:
        largest: the chip with the highest worst-case rate among those that a device plugin hands out; stands for every
            chip that we do not know.
    """

    accelerators: tuple[Accelerator, ...]
    largest: Accelerator
    _by_name: Mapping[str, Accelerator] = field(compare=False, repr=False)
    # Vendor of the key -> what an unknown name under it counts as.
    _unknown: Mapping[str, Device] = field(compare=False, repr=False)
    _remembered: dict[tuple[str, str], Device | None] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, accelerators: Iterable[Accelerator]) -> Catalogue:
        """Build the catalogue.

        Raises:
            InvalidInput: empty, a name stands for two different chips, or a name is read as something else.
        """
        chips = tuple(accelerators)
        names: dict[str, Accelerator] = {}
        for chip in chips:
            for name in (chip.name, *chip.product_names):
                canonical = _canonical(name)
                if not canonical or split(canonical)[1] or canonical.endswith("-shared"):
                    raise InvalidInput(f"{chip.name}: {name!r:.80} cannot be a product name: it reads as a part.")
                for spelling in _spellings(chip, canonical):
                    other = names.setdefault(spelling, chip)
                    if other is not chip:
                        raise InvalidInput(f"Product name {name!r} stands for both {other.name} and {chip.name}.")
        handed_out = [chip for chip in chips if chip.handed_out]
        if not handed_out:
            raise InvalidInput("The catalogue of accelerators is empty.")
        largest = max(handed_out, key=lambda chip: chip.worst_tflop_per_s)
        unknown = {"": Device(largest)}
        for chip in chips:
            if chip.vendor and chip.worst_tflop_per_s > unknown.get(chip.vendor, unknown[""]).worst_tflop_per_s:
                unknown[chip.vendor] = Device(chip)
        return cls(chips, largest, names, unknown)

    def find(self, product: str, resource: str = "") -> Device | None:
        """The device that a product name means, or None. Suffixes for sharing, parts and memory belong to the chip.

        The longest name wins, because a suffix is only taken off where the name is unknown with it.

        Args:
            resource: the resource key under which it is handed out, which may name a part of the chip; empty where
                only the name is asked about. A chip of another vendor than the key's is no answer, and under a key
                whose domain is nobody's that we know nothing is: whoever chose the key chose its name too.
        """
        # Before anything else: even to hash a name of ten megabytes costs milliseconds.
        if len(product) > NAME_CHARACTERS_MAX or len(resource) > RESOURCE_CHARACTERS_MAX:
            return None
        key = (product, resource)
        try:
            return self._remembered[key]
        except KeyError:
            found = self._read(product, resource)
        if len(self._remembered) >= REMEMBERED_MAX:
            self._remembered.clear()
        self._remembered[key] = found
        return found

    def find_or_largest(self, product: str, resource: str = "") -> Device:
        """The device a product name means; where nobody knows it the largest chip, also of those that only this key
        could hand out."""
        found = self.find(product, resource)
        return found if found is not None else self._unknown.get(vendor_of(resource), self._unknown[""])

    def _read(self, product: str, resource: str) -> Device | None:
        text = _canonical(product)
        part = ""
        chip = self._by_name.get(text)
        if chip is None:
            text = text.removesuffix("-shared")
            chip = self._by_name.get(text)
        if chip is None:
            text, part = split(text)
            chip = self._by_name.get(text)
        if chip is None:
            chip = self._by_name.get(_MEMORY.sub("", text))
        if chip is None or (resource and not _hands_out(resource, chip)):
            return None
        return device_of(chip, text, part, resource)
