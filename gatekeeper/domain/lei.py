"""Legal Entity Identifiers (ISO 17442): twenty characters, of which the last two check the others."""

from __future__ import annotations

import re

from gatekeeper.domain.errors import InvalidInput

_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_MODULUS = 97


def checked_lei(text: str) -> str:
    """The text itself, if it is an LEI whose check digits fit.

    Raises:
        InvalidInput: not of that form, or its check digits are those of another: it was copied wrongly.
    """
    if not _LEI.fullmatch(text):
        raise InvalidInput(f"{text!r:.40} is no LEI: 18 letters or digits, then two digits.")
    if _remainder(text) != 1:
        raise InvalidInput(f"{text} is no LEI: its check digits belong to another.", hint="Copy it once more.")
    return text


def _remainder(text: str) -> int:
    """ISO 7064, MOD 97-10: letters stand for 10 to 35, and the whole is one decimal number."""
    return int("".join(str(int(each, 36)) for each in text)) % _MODULUS
