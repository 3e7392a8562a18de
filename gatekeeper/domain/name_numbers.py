"""Numbers in names, written as digits: "Forty-Second", "Seven Zero Eight" and "XIV" are 42, 708 and 14."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_ROMAN = frozenset("ivx")


def with_numbers(words: Sequence[str], numbers: Mapping[str, int]) -> list[str]:
    """The words, with those that say a number as its digits: tens with the ones after them as one number, and so a row
    of single digits."""
    found, index = list[str](), 0
    while index < len(words):
        value, length = _number_at(words, index, numbers)
        found.append(words[index] if value is None else value)
        index += length
    return found


def _number_at(words: Sequence[str], index: int, numbers: Mapping[str, int]) -> tuple[str | None, int]:
    """The digits of the number that begins here, and how many words say it; None where none does."""
    first = numbers.get(words[index])
    if first is None:
        return None, 1
    following = _said(words, index + 1, numbers)
    if first >= 20 and first % 10 == 0 and following is not None and 0 < following < 10:
        return str(first + following), 2
    digits, end = str(first), index + 1
    while first < 10 and not _is_roman(words[index]) and (more := _said(words, end, numbers)) is not None and more < 10:
        digits, end = f"{digits}{more}", end + 1
    return digits, end - index


def _said(words: Sequence[str], index: int, numbers: Mapping[str, int]) -> int | None:
    """The number that a word says in letters; Roman digits are none that others follow."""
    if index >= len(words) or _is_roman(words[index]):
        return None
    return numbers.get(words[index])


def _is_roman(word: str) -> bool:
    return set(word) <= _ROMAN
