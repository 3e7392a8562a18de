"""Other ways in which a name that came from another alphabet is spelled, as the one that comparison knows."""

from __future__ import annotations

import re

from gatekeeper.domain.wade_giles import pinyin

# The article that sounds as what follows it (ash-Shamrani), and is written in one with the word before (Abdurrahman).
_ARTICLE = re.compile(r"\ba(sh|th|dh|s|d|n|r|t|z)[- ](?=\1)")
_SERVANT = re.compile(r"\babd[aeu](?:l|(sh|s|r|n|z|d|t)(?=\1))-?(?=\w)")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,3}(?!\w)")
# Slavic names as scholars write them, where `ch` is the sound of Khrushchev's first letter.
_SCHOLARLY = (("ch", "kh"), ("šč", "shch"), ("š", "sh"), ("č", "ch"), ("ž", "zh"))


def other_spellings(text: str) -> tuple[str, ...]:
    """What a text in small letters is in other spellings; those that change nothing are left out."""
    found = (pinyin(text), _with_articles(text), _from_scholarly(text), _initials_apart(text))
    return tuple(each for each in found if each != text)


def _with_articles(text: str) -> str:
    return _SERVANT.sub("abd al ", _ARTICLE.sub("al ", text))


def _from_scholarly(text: str) -> str:
    if not any(letter in text for letter in "ščž"):
        return text
    for written, heard in _SCHOLARLY:
        text = text.replace(written, heard)
    return text


def _initials_apart(text: str) -> str:
    """`r.o.` is two given names, and not the word `ro`."""
    return _INITIALS.sub(lambda match: match.group().replace(".", " "), text)
