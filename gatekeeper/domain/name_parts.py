"""A name as it stands on paper: without what cannot be seen, forwards and backwards, and the names within it.

"Lindenfeld trading as Bramwick" is a name of Bramwick's as well, and so is what stands in brackets, after a slash or
before an address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

# The only letters that are seen as a blank, or not at all; format characters go by their category.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5")
_BLANK = frozenset("\u2800")
_RIGHT_TO_LEFT = re.compile("\u202e([^\u202c\u202d\u2066-\u2069]*)")
_BRACKETS = re.compile(r"[(\[{<«„“]([^)\]}>»”]*)[)\]}>»”]")
_SLASH = re.compile(r"\s+[/|\\;]\s+")
_ADDRESS = re.compile(
    r"(?<=\w)(?:,\s*(?:no\.?\s*)?\d|,?\s+(?:p\.?\s?o\.?\s?box|unit|floor|room|building|suite)\s+\w|,?\s+\d+[\w-]*\s+(?=.*\b"
    r"(?:street|st|road|rd|avenue|ave|lane|square|boulevard|building|floor|way|strasse|straße|rue|ulitsa|lu)\b)).*",
    re.IGNORECASE | re.DOTALL,
)
_ACRONYM = re.compile(r"[A-Z]{3,8}")
# By the names that Unicode gives letters that its own decomposition leaves: ʙ, 🅑, ɓ.
_LATIN = re.compile(
    r"(?:LATIN (?:SMALL|CAPITAL) LETTER|LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER) "
    r"(?:TURNED |REVERSED |SCRIPT |INSULAR |SIDEWAYS |DOTLESS )?([A-Z])(?: WITH .*)?"
)


def visible(name: str) -> str:
    """The name without what nobody sees, with letters in circles, squares and other dress as plain ones."""
    text = unicodedata.normalize("NFKC", name)
    kept = (" " if each in _BLANK else each for each in text if not _hidden(each))
    return "".join(each if each.isascii() else _undressed(each) for each in kept)


def as_shown(name: str) -> str:
    """The name as a screen shows it, where a direction mark turns letters of it around."""
    return _RIGHT_TO_LEFT.sub(lambda match: match.group(1)[::-1], name)


def names_within(text: str, markers: Iterable[str]) -> list[str]:
    """The names of which a name is put together; none where it is one name."""
    found = [each for each in _by_markers(text, tuple(markers)) if each != text]
    found += _SLASH.split(text) if _SLASH.search(text) else []
    found += [_ADDRESS.sub("", text)] if _ADDRESS.search(text) else []
    inside = [each.strip() for each in _BRACKETS.findall(text)]
    long = [each for each in inside if len(each.split()) > 1 or _ACRONYM.fullmatch(each)]
    outside = _BRACKETS.sub(" ", text)
    if long and outside.strip():
        found += [*long, outside]
    return [each.strip() for each in found if each.strip()]


def _by_markers(text: str, markers: tuple[str, ...]) -> Iterator[str]:
    for part in _marked(markers).split(text):
        yield _BRACKETS.sub(r" \1 ", part).strip(" ()[],;:")


@cache
def _marked(markers: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(re.escape(each).replace(r"\ ", r"\s+") for each in markers)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


def _hidden(letter: str) -> bool:
    return letter in _INVISIBLE or (letter not in "\t\n\r" and unicodedata.category(letter) in ("Cc", "Cf"))


@cache
def _undressed(letter: str) -> str:
    name = unicodedata.name(letter, "").removeprefix("NEGATIVE ")
    for dress in ("CIRCLED ", "SQUARED ", "PARENTHESIZED "):
        name = name.removeprefix(dress)
    match = _LATIN.fullmatch(name)
    if match is None or unicodedata.decomposition(letter):
        return letter
    plain = match.group(1)
    return plain.lower() if "SMALL LETTER" in name else plain
