"""Ways up a group, kept as one link on another, so that ten thousand parties share the upper end of theirs.

Each link also knows one far above it (E. Myers, "An applicative random-access stack", 1983): both ends of a way of any
length are read without walking what lies between.
"""

from __future__ import annotations

from collections.abc import Set


class Way:
    """A way from a party up over its owners.

    Attributes:
        number: the party that it begins with; above: the rest of it; None at its upper end.
        length: how many parties stand on it; last: the number at its upper end.
    """

    __slots__ = ("_jump", "above", "last", "length", "number")

    def __init__(self, number: int, above: Way | None = None) -> None:
        self.number, self.above = number, above
        self.length: int = above.length + 1 if above else 1
        self.last: int = above.last if above else number
        self._jump: Way | None = above
        if above is not None and above._jump is not None:
            far = above._jump
            if above.length - far.length == far.length - (far._jump.length if far._jump else 0):
                self._jump = far._jump

    def numbers(self, at_most: int) -> list[int]:
        """The numbers on it in turn; of a longer way as many as are asked for, half from each end."""
        if self.length <= at_most:
            return _first(self, self.length)
        return [*_first(self, at_most - at_most // 2), *_first(self._upper(at_most // 2), at_most // 2)]

    def passes(self, numbers: Set[int]) -> bool:
        """Whether one of some parties stands on it."""
        each: Way | None = self
        while each is not None and each.number not in numbers:
            each = each.above
        return each is not None

    def _upper(self, length: int) -> Way:
        """The upper end of so many links."""
        each = self
        while each.length > length:
            far = each._jump
            nearer = each.above
            each = far if far is not None and far.length >= length else nearer or each
        return each


def _first(way: Way, count: int) -> list[int]:
    found, each = list[int](), way
    while True:
        found.append(each.number)
        if len(found) == count or each.above is None:
            return found
        each = each.above
