"""Parts of chips: how a product name or a resource key says that a device is one, and how large it is at most.

    NVIDIA-A100-SXM4-40GB-MIG-1g.5gb, nvidia.com/mig-1g.5gb      a MIG instance
    AMD_Instinct_MI300X_OAM-cpx_nps4, amd.com/cpx_nps4           a partition
    aws.amazon.com/neuroncore, Trainium2-LNC1                    a logical core, of one or two physical ones

A share is never smaller than the truth: a MIG profile whose units nobody has listed counts one slice more than it
names, and by its share of the board's memory where that is more; what cannot be read, or a chip that is not known to
be cut so, counts whole. Such a share is a guess, and the device says so. Sharing by turns (time-slicing, MPS) makes no
parts: each sharer may use the whole device.
Shares and their sources: docs/decisions/0008.
"""

from __future__ import annotations

import re
from fractions import Fraction

from gatekeeper.domain.accelerators import Accelerator, Device

# As canonical names spell it (domain/catalogue.py): lower case, dashes for blanks and underscores.
_IN_PRODUCT = re.compile(r"(?P<chip>.+?)-(?P<part>mig-[0-9a-z.+-]+|[sdtqc]px(?:-nps\d)?|neuroncore(?:-lnc\d)?|lnc\d)")
_MODE = re.compile(r"([sdtqc]px)(?:-nps\d)?")
# A profile may name a compute instance inside its GPU instance (1c.3g.20gb), which counts as all of the latter, and
# engines that do no arithmetic for training: media and graphics (+me, .me.all, +gfx, -me).
_PROFILE = re.compile(r"mig-(?:\d{1,2}c\.)?(\d{1,2})g\.(\d{1,4})gb(?:[+.-](?:me|gfx|all))*")
_CORE = "neuroncore"
_BOARD = re.compile(r"(?:^|-)(\d{1,4})gb(?:-|$)")


def split(canonical: str) -> tuple[str, str]:
    """A canonical product name as the name of the chip and that of the part; the latter empty where it names none."""
    found = _IN_PRODUCT.fullmatch(canonical)
    return (found["chip"], found["part"]) if found else (canonical, "")


def device_of(chip: Accelerator, name: str, part: str, resource: str) -> Device:
    """The device that is handed out under a resource key, by what the product name says of the part.

    Where name and key speak of different parts, the larger counts.

    Args:
        name: the canonical product name without the part, which may say how much memory the board has.
    """
    memory_gb = _memory_gb(chip, name)
    tail = resource.rpartition("/")[2].lower().removesuffix(".shared").replace("_", "-")
    if tail == _CORE:
        tail = f"{_CORE}-{part}" if part.startswith("lnc") else _CORE
    said = [each for each in (_one(chip, part, memory_gb), _one(chip, tail, memory_gb)) if each is not None]
    return max(said, key=lambda device: device.part, default=Device(chip))


def _memory_gb(chip: Accelerator, name: str) -> int:
    """The memory that a name gives its board, where the chip is sold so; else the least that it is sold with, of which
    a part's memory is the largest share. 0 where nobody knows any."""
    named = {int(size) for size in _BOARD.findall(name)}
    return min(named.intersection(chip.memory_gb) or chip.memory_gb, default=0)


def _one(chip: Accelerator, text: str, memory_gb: int) -> Device | None:
    """The part of the chip that a text means; None where the text speaks of no part."""
    if text.startswith("mig-"):
        return _mig(chip, text, memory_gb)
    if mode := _MODE.fullmatch(text):
        name = mode[1]
        # Of a mode that the chip is not known to have, the whole; SPX is the whole.
        return (
            Device(chip, chip.parts[name], name.upper()) if name in chip.parts else Device(chip, guessed=name != "spx")
        )
    if text.startswith(_CORE):
        return _core(chip, text)
    return None


def _core(chip: Accelerator, text: str) -> Device:
    """A logical core; of a size that the chip does not have, or that nobody says, the largest."""
    if text in chip.parts and text != _CORE:
        return Device(chip, chip.parts[text], f"NeuronCore {text.rpartition('-')[2].upper()}")
    return Device(chip, chip.parts[_CORE], "NeuronCore") if _CORE in chip.parts else Device(chip)


def _mig(chip: Accelerator, text: str, board_gb: int) -> Device:
    found = _PROFILE.fullmatch(text)
    if found is None or not chip.mig_slices:
        return Device(chip, guessed=True)
    slices, memory_gb = int(found[1]), int(found[2])
    profile = f"{slices}g.{memory_gb}gb"
    share = chip.parts.get(profile)
    guessed = share is None or profile in chip.bounded_parts
    if share is None:
        # H100: 3g has 60 of 132 SMs, more than 3/7, and 1g with double memory 26, more than 1/7. One slice more than
        # named, or the share of the memory if larger, is above every profile that is known.
        by_slices = Fraction(slices + 1, chip.mig_slices)
        by_memory = Fraction(memory_gb, board_gb) if board_gb else Fraction(1)
        share = min(Fraction(1), max(by_slices, by_memory))
    if share < 1:
        return Device(chip, share, f"MIG {profile}", guessed)
    return Device(chip, guessed=slices < chip.mig_slices)
