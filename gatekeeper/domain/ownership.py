"""Ownership rules of a pack: from which share on the tier of owners is the tier of what they own, and when that holds.

Two rules, each with its own dates and reason codes. The *list rule*: parties on restrictive lists that together own
half of somebody (OFAC, 2014-08-13; BIS Affiliates Rule, 90 FR 47201, from 2025-09-29, stayed 2025-11-10 to
2026-11-09). The *house rule*: owners of a stricter tier that together own half, whatever list they are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import WHOLE

HALF = WHOLE // 2


@dataclass(frozen=True, slots=True)
class Span:
    """Days from one on, up to but without another; None for open ends."""

    begins: date | None = None
    ends: date | None = None

    def __post_init__(self) -> None:
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise InvalidInput(f"A span of an ownership rule ends on {self.ends}, before it begins.")

    def holds_on(self, day: date) -> bool:
        """Whether the day lies in it."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day < self.ends)


ALWAYS = (Span(),)


@dataclass(frozen=True, slots=True)
class ShareRule:
    """Owners that together hold at least a share, in millionths of a percent, on days within a span. No span: off."""

    share: int = HALF
    spans: tuple[Span, ...] = ALWAYS

    def __post_init__(self) -> None:
        if not 0 < self.share <= WHOLE:
            raise InvalidInput("The share of an ownership rule must lie above 0 and up to 100 percent.")

    def share_on(self, day: date) -> int | None:
        """The share that counts on a day; None where the rule is not in force."""
        return self.share if any(span.holds_on(day) for span in self.spans) else None

    @property
    def days(self) -> frozenset[date]:
        """Days on which the rule begins or ceases to hold."""
        return frozenset(day for span in self.spans for day in (span.begins, span.ends) if day is not None)


BY_HALF = ShareRule()


@dataclass(frozen=True, slots=True)
class Ownership:
    """Both rules of a pack.

    Attributes:
        lists: restrictive lists that count; None for any. A party on one of them is in Tier 3, whoever owns it and
            whether or not the list rule is in force.
        listed: the list rule; house: the house rule.
    """

    lists: frozenset[str] | None = None
    listed: ShareRule = BY_HALF
    house: ShareRule = BY_HALF


ON_BY_HALF = Ownership()
