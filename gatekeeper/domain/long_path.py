"""A path from a party to an owner as a record names it: of a long one both ends, which is what people look for."""

from __future__ import annotations

# Real chains of control are shorter; one of thousands of shells would fill a record alone.
PATH_END = 8


def cut(path: tuple[str, ...]) -> tuple[str, ...]:
    """The ids that a record names."""
    return path if len(path) <= 2 * PATH_END else (*path[:PATH_END], *path[-PATH_END:])
