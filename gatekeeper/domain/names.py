"""Names of parties, made comparable: script, case, accents, legal forms, numbers and abbreviations.

A name becomes one or two rows of words. Two, where words are written wholly or partly in letters of another alphabet
that look like Latin ones: once as they sound, once as they look, since a reader of a contract sees only the looks.
The tables are this project's own, made from what company registers print. `spelled` is the plain comparison of whole
texts, for aliases.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from gatekeeper.domain.name_tables import (
    ABBREVIATIONS,
    CJK_FORMS,
    CONNECTING,
    FORMS,
    LOOKALIKES,
    NUMBER_WORDS,
    SOUNDS,
    SPECIAL_LETTERS,
)

# No register prints longer names, and the time to compare grows with the square.
NAME_CHARACTERS_MAX = 300
WORDS_MAX = 40

_APOSTROPHES = re.compile(r"['`´‘’ʻʼʹ′]")
_DOTTED = re.compile(r"(?<![^\W_])((?:[^\W\d_]\.){2,}[^\W\d_]?)")
_WORD = re.compile(r"[^\W_]+")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_FORM_WORDS_MAX = max(len(each) for each in FORMS)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True, slots=True)
class ReadName:
    """A name as it is compared.

    Attributes:
        words: without legal forms and connecting words, abbreviations written out, in their order.
        numbers: the numbers among them, which tell plants and funds of one name apart.
    """

    words: tuple[str, ...]
    numbers: frozenset[str]

    @property
    def text(self) -> str:
        """The words in one line."""
        return " ".join(self.words)


def spelled(text: str) -> str:
    """A text without what is no letter or digit, in one case: what has to be equal for an alias to match."""
    return "".join(_WORD.findall(_plain(text)))


@lru_cache(maxsize=65_536)
def readings(name: str) -> tuple[ReadName, ...]:
    """The ways to read a name; never none, though a name of nothing but punctuation has no words."""
    text = unicodedata.normalize("NFKC", name[: NAME_CHARACTERS_MAX * 2])
    text = "".join(each for each in text if unicodedata.category(each) not in ("Cc", "Cf"))
    looks = _alike(text.casefold())
    found = [_read(_sounded(_mixed_repaired(text.casefold())))]
    if looks is not None:
        found.append(_read(_sounded(looks)))
    return tuple(dict.fromkeys(found))


def _plain(text: str) -> str:
    """Compatibility forms, case and accents undone."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(each for each in bare if not unicodedata.combining(each) and unicodedata.category(each) != "Cf")


def _alike(text: str) -> str | None:
    """The text as it looks to a reader of Latin letters, where some word has nothing but such letters of another
    alphabet; None where none has."""

    def seen(match: re.Match[str]) -> str:
        word = match.group()
        return "".join(LOOKALIKES.get(each, each) for each in word) if _only_alike(word) else word

    changed = _WORD.sub(seen, text)
    return changed if changed != text else None


def _only_alike(word: str) -> bool:
    return any(each in LOOKALIKES for each in word) and all(each in LOOKALIKES or each.isascii() for each in word)


def _mixed_repaired(text: str) -> str:
    """Words that mix alphabets, with each foreign letter as the Latin one that it looks like."""

    def repaired(match: re.Match[str]) -> str:
        word = match.group()
        if not any("a" <= each <= "z" for each in word):
            return word
        return "".join(LOOKALIKES.get(each, each) for each in word)

    return _WORD.sub(repaired, text)


def _sounded(text: str) -> str:
    """Latin letters without marks for what can be written so; other scripts stay."""
    text = "".join(SPECIAL_LETTERS.get(each, each) for each in _APOSTROPHES.sub("", text))
    text = "".join(SOUNDS.get(each, each) for each in unicodedata.normalize("NFC", text))
    bare = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(each for each in bare if not unicodedata.combining(each)))


def _read(text: str) -> ReadName:
    text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text).replace("&", " and ")
    words = _WORD.findall(_without_cjk_forms(text))[:WORDS_MAX]
    words = _without_forms(words)
    words = [ABBREVIATIONS.get(word, word) for word in words]
    words = [NUMBER_WORDS.get(_ORDINAL.sub(r"\1", word), _ORDINAL.sub(r"\1", word)) for word in words]
    kept = [word for phrase in words for word in phrase.split() if word not in CONNECTING]
    return ReadName(tuple(kept), frozenset(word for word in kept if word.isdigit()))


def _without_cjk_forms(text: str) -> str:
    """A Chinese, Japanese or Korean name without its legal form, which is written in one with it; all of the text where
    it is nothing else."""
    bare = text
    if _CJK.search(text):
        for form in CJK_FORMS:
            bare = bare.replace(form, " ")
    return bare if bare.strip() else text


def _without_forms(words: list[str]) -> list[str]:
    """The words without legal forms, the longest first; all of them where a name is nothing else."""
    kept: list[str] = []
    index = 0
    while index < len(words):
        length = _form_at(words, index, first=not kept)
        if length == 0:
            kept.append(words[index])
        index += length or 1
    while len(kept) > 1 and (kept[-1],) in FORMS:
        kept.pop()
    return kept or words


def _form_at(words: list[str], index: int, *, first: bool) -> int:
    """How many words from here on are a legal form. Two letters are one only at the ends: they are words, too."""
    for length in range(min(_FORM_WORDS_MAX, len(words) - index), 0, -1):
        form = tuple(words[index : index + length])
        if form in FORMS and (first or length > 1 or len(form[0]) > 2):
            return length
    return 0


@lru_cache(maxsize=262_144)
def sound(word: str) -> str:
    """A word of Latin letters as it sounds, roughly: what transliterations of one word share. Others stay."""
    if not word.isascii() or word.isdigit():
        return word
    for written, heard in _HEARD:
        word = word.replace(written, heard)
    return _TWICE.sub(r"\1", word)


@lru_cache(maxsize=262_144)
def consonants(word: str) -> str:
    """The consonants of a word as it sounds: all that languages without written vowels pass on."""
    heard = sound(word)
    return heard[:1] + _VOWELS.sub("", heard[1:]) if heard.isascii() else heard


_TWICE = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeiou]")
# In this order: longer ones first.
_HEARD = (
    ("shch", "sh"), ("tsch", "c"), ("tch", "c"), ("sch", "sh"), ("ch", "c"), ("ck", "k"), ("ph", "f"), ("kh", "h"),
    ("gh", "g"), ("zh", "j"), ("dj", "j"), ("tz", "ts"), ("cz", "c"), ("ks", "x"), ("qu", "k"), ("q", "k"), ("w", "v"),
    ("yu", "iu"), ("ju", "iu"), ("ya", "ia"), ("ja", "ia"), ("ye", "e"), ("iy", "i"), ("yi", "i"), ("ij", "i"),
    ("y", "i"), ("ie", "e"), ("ou", "u"), ("oo", "u"), ("ee", "i"), ("ae", "a"), ("oe", "o"), ("ue", "u"),
)  # fmt: skip
