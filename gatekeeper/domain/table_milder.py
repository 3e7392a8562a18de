"""In what a pack's tier table is milder than the one before: countries, and the rules on who owns whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gatekeeper.domain.interest import WHOLE, percent_text
from gatekeeper.domain.ownership import Ownership, ShareRule
from gatekeeper.domain.tier import TierTable

# A clause names this many countries and says how many there are.
NAMED_MAX = 20


def table_milder_in(old: TierTable, new: TierTable, day: date) -> Iterator[str]:
    """Each way in which the later table is milder, on a day or on any later one, as a clause."""
    days = sorted({day, *(each for each in old.days | new.days if each > day)})
    known = old.countries | new.countries
    moved = sorted(
        country
        for country in known
        if any(new.tier_of(country, each).strictness < old.tier_of(country, each).strictness for each in days)
    )
    if moved:
        named = ", ".join(moved[:NAMED_MAX]) + (", ..." if len(moved) > NAMED_MAX else "")
        yield f"it moves {len(moved)} countries to a milder tier ({named})"
    if old.ownership is not None:
        yield from _rules_milder(old.ownership, new.ownership, day)


def _rules_milder(old: Ownership, new: Ownership | None, day: date) -> Iterator[str]:
    if new is None:
        yield "it has no rules on ownership any more"
        return
    if new.lists is not None and (old.lists is None or old.lists - new.lists):
        gone = "any other list" if old.lists is None else ", ".join(sorted(old.lists - new.lists))
        yield f"it does not count {gone} any more"
    for name, was, now in (("list", old.listed, new.listed), ("house", old.house, new.house)):
        days = sorted({day, *(each for each in was.days | now.days if each > day)})
        if any(_asked(now, each) > _asked(was, each) for each in days):
            yield f"its {name} rule counts owners of {_told(now, day)}, and counted those of {_told(was, day)}"


def _asked(rule: ShareRule, day: date) -> int:
    """The share from which on a rule counts; more than there is where it is off."""
    share = rule.share_on(day)
    return WHOLE + 1 if share is None else share


def _told(rule: ShareRule, day: date) -> str:
    share, later = rule.share_on(day), any(each > day for each in rule.days)
    return ("nothing" if share is None else f"{percent_text(share)} percent") + (", until it changes" if later else "")
