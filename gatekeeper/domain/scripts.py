"""Alphabets of names: a word in two of them may be made to look like another word."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Written together in ordinary words of Japanese and Chinese.
_ONE_WRITING = {"CJK": "EAST", "HIRAGANA": "EAST", "KATAKANA": "EAST", "HANGUL": "EAST", "BOPOMOFO": "EAST"}
# What stands before the name of a letter, as in FULLWIDTH LATIN CAPITAL LETTER A.
_FORMS = frozenset({"FULLWIDTH", "HALFWIDTH", "MODIFIER"})


def mixes_scripts(name: str) -> bool:
    """Whether one word of the name has letters of several alphabets, such as a Cyrillic `а` in a Latin name."""
    return any(len(scripts_of(word)) > 1 for word in name.split())


def scripts_of(word: str) -> set[str]:
    """The alphabets of a word's letters, by the names that Unicode gives them; East Asian ones are one."""
    # East Asian names hold Latin words without a blank between them ("三菱UFJ"): neither looks like the other.
    found = {script for each in word if each.isalpha() and (script := _script(each))}
    return found - {"EAST"} or found


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """The first word of a letter's name says its alphabet; "" for letters of none."""
    words = unicodedata.name(letter, "").split()
    if words and words[0] in _FORMS:
        words = words[1:]
    if not words or words[0] in ("FEMININE", "MASCULINE"):
        return ""
    return _ONE_WRITING.get(words[0], words[0])
