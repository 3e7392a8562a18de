"""Interests: how much of an entity somebody owns, from when to when, exactly or within bounds.

Shares are whole millionths of a percent, so that 49.995 and 50 never meet by rounding: 50 % is 50,000,000. Where more
digits are given than that, the upper bound is rounded up and the lower one down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation, localcontext

from gatekeeper.domain.errors import InvalidInput

PERCENT_1 = 1_000_000
WHOLE = 100 * PERCENT_1
_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class Interest:
    """A share of one entity in somebody's hands. The entity is the party that the interest stands in.

    Attributes:
        owner: id of the party that owns the share.
        least, most: bounds of the share in millionths of a percent; equal where it is known exactly; 0 and None where
            nothing but the owner is known.
        begins, ends: first day on which it holds, and first day on which it does not; None for open ends.
        source: where it is known from, for people; "" where nobody said.
    """

    owner: str
    least: int = 0
    most: int | None = None
    begins: date | None = None
    ends: date | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.least <= WHOLE or (self.most is not None and not self.least <= self.most <= WHOLE):
            raise InvalidInput(
                f"The share of {self.owner} must lie between 0 and 100 percent, its lower bound first.",
                hint="Leave the share out where it is not known.",
            )
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise InvalidInput(
                f"The interest of {self.owner} ends on {self.ends}, before it begins.",
                hint=f"It begins on {self.begins}; `to` is the first day on which it no longer holds.",
            )
        if len(self.source) > 300:
            raise InvalidInput(f"The source of the interest of {self.owner} has more than 300 characters.")

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day < self.ends)

    @property
    def told(self) -> str:
        """The share for people: "60 %", "25 % to 50 %", "an unknown share"."""
        if self.most is None:
            return f"at least {percent_text(self.least)} %" if self.least else "an unknown share"
        if self.least == self.most:
            return f"{percent_text(self.most)} %"
        return f"{percent_text(self.least)} % to {percent_text(self.most)} %"


def millionths(percent: str | int | Decimal, *, up: bool) -> int:
    """A percentage as whole millionths of a percent, rounded up or down.

    Raises:
        InvalidInput: no number of ordinary size, or outside of 0 to 100.
    """
    try:
        number = Decimal(percent) if len(str(percent)) <= _CHARACTERS_MAX else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not 0 <= number <= 100:
        raise InvalidInput(f"{str(percent)[:_CHARACTERS_MAX]!r} is no share between 0 and 100 percent.")
    with localcontext() as context:
        context.prec = 2 * _CHARACTERS_MAX
        rounding = ROUND_CEILING if up else ROUND_FLOOR
        return int((number * PERCENT_1).to_integral_value(rounding=rounding))


def percent_text(share: int) -> str:
    """A share in percent without needless zeros: 60000000 -> "60", 33333333 -> "33.333333"."""
    whole, rest = divmod(share, PERCENT_1)
    return f"{whole}.{rest:06d}".rstrip("0") if rest else str(whole)
