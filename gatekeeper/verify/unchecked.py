"""Counts what a log does not let anybody check, because whoever wrote it did not tell what the check rests on."""

from __future__ import annotations

from collections import Counter


class Unchecked:
    """What could not be checked, by kind; a few sentences, however long the log is."""

    def __init__(self) -> None:
        self._found: Counter[str] = Counter()

    def add(self, what: str) -> None:
        """Note one record: a clause, such as "starts before the log told the terms of its packs"."""
        self._found[what] += 1

    def told(self) -> tuple[str, ...]:
        """Each kind with its number, in alphabetical order."""
        return tuple(f"{what}: {number}" for what, number in sorted(self._found.items()))
