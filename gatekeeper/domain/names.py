"""Names of parties, made comparable: script, case, accents, legal forms, numbers and abbreviations.

A name becomes one or more rows of words: as it sounds; as it looks, where words are written in letters of another
alphabet that look like Latin ones, since a reader of a contract sees only the looks; with digits and signs as the
letters that they may stand for (`B4st10n`); and each name of which it is put together ("trading as"). All of them are
compared, and the best counts. `spelled` is the plain comparison of whole texts, for aliases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from gatekeeper.domain.name_numbers import with_numbers
from gatekeeper.domain.name_parts import as_shown, names_within, visible
from gatekeeper.domain.name_tables import NameTables
from gatekeeper.domain.transliterations import other_spellings

# No register prints longer names, and the time to compare grows with the square.
NAME_CHARACTERS_MAX = 300
WORDS_MAX = 40
READINGS_MAX = 12

_APOSTROPHES = re.compile(r"['`´‘’ʻʼʹ′]")
_DOTTED = re.compile(r"(?<![^\W_])((?:[^\W\d_]\.){2,}[^\W\d_]?)")
_WORD = re.compile(r"[^\W_]+")
_COMMAS = re.compile(r"[,;，；]")
_TOKEN = re.compile(r"\S+")
# A row of single letters: a word that was spelled out, which would be read as initials and Roman numbers.
_SPELLED_OUT = re.compile(r"(?<![^\W_])[^\W\d_](?:[ ._-][^\W\d_]){2,}(?![^\W_])")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_HIRAGANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}


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


def words_in(name: str) -> int:
    """How many words stand in a name as it is written; a name of signs counts as one."""
    return len(_WORD.findall(name)) or 1


def _plain(text: str) -> str:
    """Compatibility forms, case and accents undone."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return "".join(each for each in bare if not unicodedata.combining(each) and unicodedata.category(each) != "Cf")


class NameReader:
    """Reads names by the tables that it is given."""

    def __init__(self, tables: NameTables) -> None:
        self._tables = tables
        self._form_words_max = max(map(len, tables.forms))
        self._eastern = "|".join(map(re.escape, tables.eastern_trades)) or "(?!)"
        self._trades = re.compile(f"({self._eastern})")
        self._places = re.compile("|".join(map(re.escape, tables.eastern_places)) or "(?!)")
        self._forms = re.compile("|".join(map(re.escape, tables.eastern_forms)) or "(?!)")
        self._read_all = lru_cache(maxsize=65_536)(self._readings)
        self.skeleton = lru_cache(maxsize=262_144)(self._skeleton)

    def readings(self, name: str) -> tuple[ReadName, ...]:
        """The ways to read a name, as many as are compared; the first is all of it, as it sounds."""
        return self._read_all(name)[:READINGS_MAX]

    def has_more(self, name: str) -> bool:
        """Whether a name can be read in more ways than are compared: one of them may be the one that it hides."""
        return len(self._read_all(name)) > READINGS_MAX

    def forget(self) -> None:
        """Read every name anew."""
        self._read_all.cache_clear()
        self.skeleton.cache_clear()

    def plain(self, name: str) -> ReadName:
        """The first way to read a name: all of it, as it sounds."""
        return self.readings(name)[0]

    def _readings(self, name: str) -> tuple[ReadName, ...]:
        """At least one, though a name of mere punctuation has no words; one too many says that there are more."""
        name = name[: NAME_CHARACTERS_MAX * 2]
        found = list[ReadName]()
        for text in map(visible, dict.fromkeys((name, as_shown(name)))):
            found += self._ways(text.casefold())
            for part in names_within(text, self._tables.markers):
                found += [each for each in self._ways(part.casefold()) if not self._says_little(each)]
        return tuple(dict.fromkeys(found))[: READINGS_MAX + 1]

    def _ways(self, text: str) -> Iterator[ReadName]:
        """One name, in small letters, in each way that somebody may read it."""
        plain = self._sounded(self._mixed_repaired(text))
        yield self._read(plain)
        closed = _SPELLED_OUT.sub(lambda match: match.group()[::2], text)
        others = (closed, self._alike(text), self._decoded(text), *other_spellings(text))
        for other in others:
            if other != text:
                yield self._read(self._sounded(self._mixed_repaired(other)))
        if EASTERN.search(plain) and len(bare := self._places.sub(" ", plain).strip()) > 1:
            yield self._read(bare)

    def _says_little(self, read: ReadName) -> bool:
        return all(word in self._tables.common for word in read.words)

    def _alike(self, text: str) -> str:
        """The text as it looks to a reader of Latin letters, in words of nothing but letters that look so."""

        def seen(match: re.Match[str]) -> str:
            word = match.group()
            alike = any(map(self.looks_latin, word)) and all(self.looks_latin(each) or each.isascii() for each in word)
            return self._as_looks(word) if alike else word

        return _WORD.sub(seen, text)

    def looks_latin(self, letter: str) -> bool:
        """Whether a small letter of another alphabet looks like a Latin one."""
        return letter in self._tables.lookalikes

    def _as_looks(self, word: str) -> str:
        return "".join(self._tables.lookalikes.get(each, each) for each in word)

    def _mixed_repaired(self, text: str) -> str:
        """Words that mix alphabets, with each foreign letter as the Latin one that it looks like."""

        def repaired(match: re.Match[str]) -> str:
            word = match.group()
            return self._as_looks(word) if any("a" <= each <= "z" for each in word) else word

        return text if text.isascii() else _WORD.sub(repaired, text)

    def _decoded(self, text: str) -> str:
        """The text with digits and signs inside words as the letters that they may stand for."""

        def decoded(match: re.Match[str]) -> str:
            word = match.group()
            if not any(each.isalpha() for each in word) or _ORDINAL.fullmatch(word.strip(".,;:()")):
                return word
            return "".join(self._tables.signs.get(each, each) for each in word)

        return _TOKEN.sub(decoded, self._as_looks(text) if not text.isascii() and not EASTERN.search(text) else text)

    def _sounded(self, text: str) -> str:
        """Latin letters without marks for what can be written so; other scripts stay, each letter in one form."""
        if text.isascii():
            return _APOSTROPHES.sub("", text)
        tables = self._tables
        text = "".join(tables.special.get(each, each) for each in _APOSTROPHES.sub("", text))
        text = "".join(tables.sounds.get(each, each) for each in unicodedata.normalize("NFC", text))
        bare = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", "".join(each for each in bare if not unicodedata.combining(each)))
        return "".join(tables.eastern_letters.get(each, each) for each in text.translate(_HIRAGANA))

    def _read(self, text: str) -> ReadName:
        tables = self._tables
        text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text).replace("&", " and ")
        parts = [_WORD.findall(each) for each in _COMMAS.split(self._apart(text))]
        words = [word for part in parts if part for word in self._without_forms(part)][:WORDS_MAX]
        words = self._without_forms(words)
        words = [tables.abbreviations.get(word, word) for word in words]
        words = with_numbers([_ORDINAL.sub(r"\1", word) for word in words], tables.numbers)
        kept = [word for phrase in words for word in phrase.split() if word not in tables.connecting]
        return ReadName(tuple(kept), frozenset(word for word in kept if word.isdigit()))

    def _apart(self, text: str) -> str:
        """A Chinese, Japanese or Korean name, which is written in one, without its legal form and with its trades as
        words of their own; all of the text where it is nothing else."""
        if not EASTERN.search(text):
            return text
        bare = self._forms.sub(" ", text)
        bare = bare if bare.strip(" ()") else text
        return self._trades.sub(r" \1 ", bare)

    def _without_forms(self, words: list[str]) -> list[str]:
        """The words without legal forms, the longest first; all of them where a name is nothing else."""
        kept: list[str] = []
        index = 0
        while index < len(words):
            length = self._form_at(words, index, first=not kept)
            if length == 0:
                kept.append(words[index])
            index += length or 1
        while len(kept) > 1 and (kept[-1],) in self._tables.forms:
            kept.pop()
        return kept or words

    def _form_at(self, words: list[str], index: int, *, first: bool) -> int:
        """How many words from here on are a legal form. Two letters are one only at the ends: they are words, too."""
        for length in range(min(self._form_words_max, len(words) - index), 0, -1):
            form = tuple(words[index : index + length])
            if form in self._tables.forms and (first or length > 1 or len(form[0]) > 2):
                return length
        return 0

    def _skeleton(self, word: str) -> str:
        """A word as a hurried eye sees it: `rn` as `m`, `1`, `l` and `I` as one, digits as letters. Numbers stay."""
        if not word.isascii() or word.isdigit():
            return word
        for letters, other in (*self._tables.signs.items(), *self._tables.printed.items()):
            word = word.replace(letters, other)
        return word.replace("l", "i")
