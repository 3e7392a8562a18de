"""LEIs for tests: any eighteen letters or digits, and the two that check them (ISO 7064, MOD 97-10)."""

from __future__ import annotations


def with_check_digits(eighteen: str) -> str:
    """The LEI that begins with these eighteen letters or digits."""
    number = int("".join(str(int(each, 36)) for each in f"{eighteen}00"))
    return f"{eighteen}{98 - number % 97:02d}"
