"""What has to be known about words and letters before names can be compared: filled from data, see `name_files`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class NameTables:
    """Words and letters, as `names` reads them: small letters, no marks.

    Attributes:
        forms: legal forms, as rows of words; abbreviations: word -> words that are compared in its place.
        common: words that many names have; connecting: those that join others.
        numbers: word -> the number that it says.
        sounds, lookalikes, special: letter -> Latin letters that it sounds like, looks like, or is.
        signs: digit or sign -> the letter that it may stand for; printed: letters -> what they look like in print.
        eastern_letters: Chinese and Japanese letters in one form; eastern_forms, eastern_places, eastern_trades: what
            is written in one with names there, longest first.
        markers: what joins two names of one party ("trading as").
    """

    forms: frozenset[tuple[str, ...]]
    abbreviations: Mapping[str, str]
    common: frozenset[str]
    connecting: frozenset[str]
    numbers: Mapping[str, int]
    sounds: Mapping[str, str]
    lookalikes: Mapping[str, str]
    special: Mapping[str, str]
    signs: Mapping[str, str]
    printed: Mapping[str, str]
    eastern_letters: Mapping[str, str]
    eastern_forms: tuple[str, ...]
    eastern_places: tuple[str, ...]
    eastern_trades: tuple[str, ...]
    markers: tuple[str, ...]
