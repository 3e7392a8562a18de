"""One ground: why a party is in its tier, before it is put into words; and how grounds are put in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.domain.telling import Fact
from gatekeeper.domain.way import Way

# In a circle: of shares that lead through more parties nobody is told but whom they concern themselves.
HANDED_ON_MAX = 64


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a party has a level.

    Attributes:
        way: from the party that it is a ground of, one that controls whom is asked about or that one itself, up to
            where it begins.
        place: as how many-th ground of that party it was found.
        fact: what that party is by itself; None where its owners bring it a level by their shares.
        most: the share of the owner that does; total: what such owners hold together.
    """

    level: int
    code: str
    way: Way
    place: int
    fact: Fact | None
    most: int = 0
    total: int = 0

    @property
    def listed(self) -> bool:
        """Whether it is by the list rule."""
        return self.code.startswith("listed.")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a party: its grounds, strictest first, then shortest, each with the whole way; `more` were left
    out, or more than that where several chains of control meet; `listed`: whether any begins at a party on a list."""

    grounds: tuple[tuple[Ground, Way], ...]
    more: int
    listed: bool


# Level, length, length of the control, who brings it, code, place: strictest first, then shortest, then by ids.
_Order = tuple[int, int, int, str, str, int]
# A ground as a party is offered it, with the whole way from there.
Offer = tuple[_Order, Ground, Way]


def offered(own: Iterable[Ground]) -> Iterator[Offer]:
    """A party's own grounds, as what is offered to it."""
    for place, ground in enumerate(own):
        yield (-ground.level, ground.way.length, 0, "", ground.code, place), ground, ground.way


def each_once(offers: Iterable[Offer]) -> list[Offer]:
    """The first in order of those that are one ground."""
    found: dict[tuple[int, int], Offer] = {}
    for offer in offers:
        key = offer[1].way.number, offer[1].place
        if key not in found or offer[0] < found[key][0]:
            found[key] = offer
    return list(found.values())


def passes(ground: Ground, number: int) -> bool:
    """Whether the way of a ground passes a party: what begins beyond it is a reason of its own there. A ground that
    rests on a longer way through a circle is not handed on."""
    if ground.fact is not None:
        return False
    return ground.way.length > HANDED_ON_MAX or ground.way.passes({number})
