"""How a word of Latin letters sounds, roughly: what transliterations of one word share."""

from __future__ import annotations

import re
from functools import lru_cache

_TWICE = re.compile(r"(.)\1+")
_LONG = re.compile(r"oh(?![aeiou])")
_VOWELS = re.compile(r"[aeiou]")
# In this order: longer ones first.
_HEARD = (
    ("chtch", "sh"), ("shch", "sh"), ("tsch", "c"), ("tch", "c"), ("sch", "sh"), ("ch", "c"), ("ck", "k"), ("ph", "f"),
    ("kh", "h"), ("gh", "g"), ("zh", "j"), ("dj", "j"), ("tz", "ts"), ("cz", "c"), ("ks", "x"), ("qu", "k"), ("q", "k"),
    ("w", "v"), ("yu", "iu"), ("ju", "iu"), ("ya", "ia"), ("ja", "ia"), ("ye", "e"), ("iy", "i"), ("yi", "i"),
    ("ij", "i"), ("y", "i"), ("ie", "e"), ("ou", "u"), ("oo", "u"), ("ee", "i"), ("ae", "a"), ("oe", "o"),
    ("ue", "u"),
)  # fmt: skip


@lru_cache(maxsize=262_144)
def sound(word: str) -> str:
    """A word of Latin letters as it sounds. Others stay."""
    if not word.isascii() or word.isdigit():
        return word
    for written, heard in _HEARD:
        word = word.replace(written, heard)
    return _TWICE.sub(r"\1", _LONG.sub("o", word))


@lru_cache(maxsize=262_144)
def consonants(word: str) -> str:
    """The consonants of a word as it sounds: all that languages without written vowels pass on."""
    heard = sound(word)
    return heard[:1] + _VOWELS.sub("", heard[1:]) if heard.isascii() else heard
