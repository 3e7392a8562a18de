"""Chinese names in the spelling of Wade and Giles ("Ch'ing-shan"), in the one of today ("Qingshan").

Only words with an apostrophe or a hyphen, or that begin with `hs`, are taken for it, and only where every syllable is
one: without apostrophes the older spelling says two sounds alike, and the word is any word.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-zü]+(?:['`’ʻ‘-][a-zü]*)*")
_MARKS = re.compile(r"[`’ʻ‘]")
_SYLLABLE = re.compile(r"(ts'|tz'|ch'|k'|p'|t'|ts|tz|ch|hs|sh|ss|sz|[kptmfnljhswyr]?)([aeiouü]+h?(?:ng|n|rh)?)")
_SOFT = ("i", "ü")
_BEGINS = {"k'": "k", "p'": "p", "t'": "t", "ts'": "c", "tz'": "c", "k": "g", "p": "b", "t": "d", "ts": "z", "tz": "z",
           "hs": "x", "j": "r", "ss": "s", "sz": "s"}  # fmt: skip
_ENDS = {"ih": "i", "ieh": "ie", "ien": "ian", "üeh": "ue", "üan": "uan", "ün": "un", "ü": "u", "ung": "ong",
         "iung": "iong", "uei": "ui", "eh": "e", "erh": "er", "ŭ": "i"}  # fmt: skip
_WHOLE = {"yu": "you", "yü": "yu", "yeh": "ye", "yen": "yan", "yung": "yong", "yüan": "yuan", "yüeh": "yue",
          "yün": "yun", "i": "yi", "jih": "ri", "erh": "er",
          "ssu": "si", "szu": "si", "tzu": "zi", "tz'u": "ci"}  # fmt: skip
_OPEN = {"g": "e", "k": "e", "h": "e"}


def pinyin(text: str) -> str:
    """The text, in small letters, with the words that are so spelled written as today; the same where none is."""
    return _WORD.sub(lambda match: _word(match.group()), text)


def _word(word: str) -> str:
    marked = _MARKS.sub("'", word)
    if "'" not in marked and "-" not in marked and not marked.startswith("hs"):
        return word
    found = [_syllables(each) for each in marked.split("-")]
    return word if None in found else "".join(each for each in found if each)


def _syllables(text: str) -> str | None:
    """The syllables of a part between hyphens; None where it is none."""
    match = _SYLLABLE.fullmatch(text)
    return _syllable(*match.groups()) if match else None


def _syllable(begin: str, end: str) -> str:
    if begin + end in _WHOLE:
        return _WHOLE[begin + end]
    soft = end.startswith(_SOFT) and end != "ih"
    if begin in ("ch", "ch'"):
        first = {"ch": ("zh", "j"), "ch'": ("ch", "q")}[begin][soft]
    else:
        first = _BEGINS.get(begin, begin)
    if end == "o":
        return first + (_OPEN.get(first) or ("o" if first in ("b", "p", "m", "f", "w", "") else "uo"))
    return first + _ENDS.get(end, end)
