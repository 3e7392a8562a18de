"""Percentages as people write them: "60", "25-50 %", ">50%", "at least 25", "50,1". What cannot be read is unknown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from gatekeeper.domain.errors import InvalidInput

_NUMBER = r"(\d{1,20}(?:[.,]\d{1,20})?)\s*(?:%|percent|per cent)?"
_RANGE = re.compile(
    rf"(?:between\s+)?{_NUMBER}\s*(?:-|\N{{EN DASH}}|\N{{EM DASH}}|to|and|\.\.)\s*{_NUMBER}", re.IGNORECASE
)
_ONE = re.compile(rf"(.*?)\s*{_NUMBER}\s*(\+|or more|or less)?", re.IGNORECASE)
_AT_LEAST = frozenset({">", ">=", "\N{GREATER-THAN OR EQUAL TO}", "at least", "more than", "over", "min", "min.", "+"})
_AT_LEAST_AFTER = frozenset({"+", "or more"})
_AT_MOST = frozenset({"<", "<=", "\N{LESS-THAN OR EQUAL TO}", "at most", "less than", "under", "up to", "max", "max."})
# "25,000" is twenty-five to some and twenty-five thousand to others.
_AMBIGUOUS = re.compile(r"\d+,\d{3}")


def bounds_of(texts: Sequence[str]) -> tuple[str, str]:
    """The least and the most that all of some texts allow: an open end is 0 or 100.

    Raises:
        InvalidInput: one of them is no percentage between 0 and 100.
    """
    bounds = [_bounds(each.strip()) for each in texts]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return f"{low:f}", f"{high:f}"


def _bounds(text: str) -> tuple[Decimal, Decimal]:
    found = _RANGE.fullmatch(text)
    if found:
        low, high = _number(found[1]), _number(found[2])
        if low <= high:
            return low, high
    one = _ONE.fullmatch(text)
    if one:
        before, number, after = one[1].lower(), _number(one[2]), (one[3] or "").lower()
        if not before and not after:
            return number, number
        if (before in _AT_LEAST and not after) or (not before and after in _AT_LEAST_AFTER):
            return number, Decimal(100)
        if (before in _AT_MOST and not after) or (not before and after == "or less"):
            return Decimal(0), number
    raise InvalidInput(f"the percentage {text!r:.40} cannot be read")


def _number(text: str) -> Decimal:
    number = Decimal(text.replace(",", "."))
    if number > 100 or _AMBIGUOUS.fullmatch(text):
        raise InvalidInput(f"the percentage {text!r:.40} cannot be read")
    return number
