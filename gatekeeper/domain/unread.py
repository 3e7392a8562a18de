"""Names that comparison cannot read whole: nothing similar to them is found, and that must not pass for "no hit"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gatekeeper.domain.name_parts import visible
from gatekeeper.domain.names import EASTERN, NAME_CHARACTERS_MAX, WORDS_MAX, NameReader
from gatekeeper.domain.scripts import scripts_of

_WORD = re.compile(r"[^\W_]+")


def unread(names: Sequence[str], reader: NameReader) -> tuple[str, ...]:
    """Those of a party's names that a person has to compare, in their order.

    Names in an alphabet that is not romanised here, of a word in two alphabets that is no mere lookalike, longer or put
    together of more names than is compared, or of nothing but signs. Chinese, Japanese and Korean names are compared
    as written, and count as read where a name in Latin letters stands beside them.
    """
    romanised = any(_is_latin(name, reader) for name in names)
    return tuple(name for name in names if _is_unread(name, reader) or (_is_eastern(name, reader) and not romanised))


def _is_unread(name: str, reader: NameReader) -> bool:
    words = reader.plain(name).words
    if (
        not words
        or reader.has_more(name)
        or len(name) > 2 * NAME_CHARACTERS_MAX
        or len(_WORD.findall(name)) > WORDS_MAX
    ):
        return True
    return any(map(_is_foreign, words)) or (not name.isascii() and _has_odd_mix(name, reader))


def _has_odd_mix(name: str, reader: NameReader) -> bool:
    """Whether a word is of several alphabets, and not only made to look like a Latin one."""
    words = [each for each in _WORD.findall(visible(name).casefold()) if len(scripts_of(each)) > 1]
    return any("LATIN" not in scripts_of(each) and not reader.looks_latin(each) for each in "".join(words))


def _is_foreign(word: str) -> bool:
    """Whether letters are left that have no Latin ones here."""
    return not word.isascii() and any(not each.isascii() and not EASTERN.match(each) for each in word)


def _is_eastern(name: str, reader: NameReader) -> bool:
    return any(EASTERN.search(word) for word in reader.plain(name).words)


def _is_latin(name: str, reader: NameReader) -> bool:
    words = reader.plain(name).words
    return all(word.isascii() for word in words) and any(letter.isalpha() for word in words for letter in word)
