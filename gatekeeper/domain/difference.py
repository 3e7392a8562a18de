"""One way in which a later policy pack is another than an earlier one: milder, stricter, or neither for sure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """What a difference makes of a pack."""

    MILDER = "milder"
    STRICTER = "stricter"
    OTHER = "otherwise"  # neither, or which of them nobody can tell from the packs alone


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as a clause about the later pack, with what it was before."""

    way: Way
    text: str


def by_amount(what: str, was: int, becomes: int, told: tuple[str, str]) -> Difference | None:
    """That a number is another one, of which more is milder. `told`: both as a clause says them, before and after."""
    if was == becomes:
        return None
    return Difference(Way.MILDER if becomes > was else Way.STRICTER, f"{what} {told[1]}, and was {told[0]}")
