"""The catalogue: which device a product name means. A name that nobody knows means the largest chip."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatekeeper.domain.accelerators import Accelerator, Device
from gatekeeper.domain.errors import InvalidInput


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

    def find(self, product: str, resource: str = "") -> Device | None:
        """The device that a product name means, or None. Suffixes for sharing, MIG and memory belong to the same chip.

        The longest name wins, because a suffix is only taken off where the name is unknown with it.

        Args:
            resource: the resource key under which it is handed out, which may name a part of the chip.
        """
        wanted = _canonical(product)
        found = self._by_name.get(wanted)
        for suffix in _SUFFIXES:
            if found is not None:
                break
            wanted = suffix.sub("", wanted)
            found = self._by_name.get(wanted)
        return Device(found) if found is not None else None

    def find_or_largest(self, product: str, resource: str = "") -> Device:
        """The device a product name means; the largest chip where nobody knows it."""
        return self.find(product, resource) or Device(self.largest)
