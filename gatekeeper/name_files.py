"""The tables of words and letters that names are compared by: `name_data/*.txt`, which come with the package.

Plain text, so that whoever knows a language can read and mend it: `#` begins a comment, and each file says in its first
lines what it holds, from where and as of when. A change of any of them is a new `matching.VERSION`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.name_tables import NameTables

NAME_DATA = Path(__file__).resolve().parent / "name_data"


@cache
def name_tables() -> NameTables:
    """The tables that come with the package, read once."""
    return read_name_tables(NAME_DATA)


def read_name_tables(folder: Path) -> NameTables:
    """The tables of a folder.

    Raises:
        InvalidInput: a file is missing, or a line is of another shape.
    """
    letters, signs = _pairs(folder, "east_asian_letters"), _pairs(folder, "signs")
    eastern = {kind: _eastern(folder, kind, letters) for kind in ("forms", "places", "trades")}
    return NameTables(
        forms=frozenset(tuple(each.split()) for line in _lines(folder, "legal_forms") for each in line.split("|")),
        abbreviations=dict(_abbreviations(folder)),
        common=frozenset([*_words(folder, "common_words"), *eastern["places"], *eastern["trades"]]),
        connecting=frozenset(_words(folder, "connecting_words")),
        numbers=dict(_numbers(folder)),
        sounds=_pairs(folder, "sounds"),
        lookalikes=_pairs(folder, "lookalikes"),
        special=_pairs(folder, "special_letters"),
        signs={sign: letter for sign, letter in signs.items() if len(sign) == 1},
        printed={letters: other for letters, other in signs.items() if len(letters) > 1},
        eastern_letters=letters,
        eastern_forms=eastern["forms"],
        eastern_places=eastern["places"],
        eastern_trades=eastern["trades"],
        markers=tuple(sorted(_lines(folder, "markers"), key=len, reverse=True)),
    )


def _lines(folder: Path, name: str) -> Iterator[str]:
    try:
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{name}.txt cannot be read: {error.strerror}.", hint="Install the package anew.") from error
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _words(folder: Path, name: str) -> Iterator[str]:
    for line in _lines(folder, name):
        yield from line.split()


def _pairs(folder: Path, name: str) -> dict[str, str]:
    """`а=a б=b`; what stands before the first `=` may be any one sign but that."""
    found = dict[str, str]()
    for word in _words(folder, name):
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise InvalidInput(f"{name}.txt: {word!r} is not of the shape `letter=letters`.")
        found[key] = value
    return found


def _abbreviations(folder: Path) -> Iterator[tuple[str, str]]:
    for line in _lines(folder, "abbreviations"):
        short, equals, words = line.partition(" = ")
        if equals:
            yield short, words
            continue
        full, *shorts = line.split()
        yield from ((each, full) for each in shorts)


def _numbers(folder: Path) -> Iterator[tuple[str, int]]:
    for line in _lines(folder, "numbers"):
        number, *words = line.split()
        if not number.isdigit():
            raise InvalidInput(f"numbers.txt: {line!r} does not begin with a number.")
        yield from ((each, int(number)) for each in words)


def _eastern(folder: Path, kind: str, letters: dict[str, str]) -> tuple[str, ...]:
    """The words of one kind, in the letters that names are read in, longest first: shorter ones are parts of them."""
    found = set[str]()
    for line in _lines(folder, "east_asian_words"):
        name, _, words = line.partition(": ")
        if name == kind:
            found |= {"".join(letters.get(each, each) for each in word) for word in words.split()}
    return tuple(sorted(found, key=lambda each: (-len(each), each)))
