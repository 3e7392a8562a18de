"""In what a pack's tier table is another than the one before: countries, and the rules on who owns whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gatekeeper.domain.difference import Difference, Way
from gatekeeper.domain.interest import WHOLE, percent_text
from gatekeeper.domain.ownership import Ownership, ShareRule
from gatekeeper.domain.tier import TierTable

# A clause names this many countries and says how many there are.
NAMED_MAX = 20


def table_milder_in(old: TierTable, new: TierTable, day: date) -> Iterator[str]:
    """Each way in which the later table is milder, on a day or on any later one, as a clause."""
    return (each.text for each in table_differences(old, new, day) if each.way is Way.MILDER)


def table_differences(old: TierTable, new: TierTable, day: date) -> Iterator[Difference]:
    """Each way in which the later table is milder or stricter, on a day or on any later one."""
    days = sorted({day, *(each for each in old.days | new.days if each > day)})
    moved: dict[Way, set[str]] = {Way.MILDER: set(), Way.STRICTER: set()}
    for country in old.countries | new.countries:
        for each in days:
            was, becomes = (table.tier_of(country, each).strictness for table in (old, new))
            if was != becomes:
                moved[Way.MILDER if becomes < was else Way.STRICTER].add(country)
    for way, countries in moved.items():
        if countries:
            named = ", ".join(sorted(countries)[:NAMED_MAX]) + (", ..." if len(countries) > NAMED_MAX else "")
            yield Difference(way, f"it moves {len(countries)} countries to a {way.value} tier ({named})")
    yield from _ownership(old.ownership, new.ownership, day)


def _ownership(old: Ownership | None, new: Ownership | None, day: date) -> Iterator[Difference]:
    if old is None or new is None:
        if old is not None:
            yield Difference(Way.MILDER, "it has no rules on ownership any more")
        if new is not None:
            yield Difference(Way.STRICTER, "it has rules on ownership now")
        return
    if new.lists is not None and (old.lists is None or old.lists - new.lists):
        gone = "any other list" if old.lists is None else ", ".join(sorted(old.lists - new.lists))
        yield Difference(Way.MILDER, f"it does not count {gone} any more")
    if old.lists is not None and (new.lists is None or new.lists - old.lists):
        come = "any list" if new.lists is None else ", ".join(sorted(new.lists - old.lists))
        yield Difference(Way.STRICTER, f"it counts {come}, and did not")
    for name, was, now in (("list", old.listed, new.listed), ("house", old.house, new.house)):
        days = sorted({day, *(each for each in was.days | now.days if each > day)})
        text = f"its {name} rule counts owners of {_told(now, day)}, and counted those of {_told(was, day)}"
        if any(_asked(now, each) > _asked(was, each) for each in days):
            yield Difference(Way.MILDER, text)
        if any(_asked(now, each) < _asked(was, each) for each in days):
            yield Difference(Way.STRICTER, text)


def _asked(rule: ShareRule, day: date) -> int:
    """The share from which on a rule counts; more than there is where it is off."""
    share = rule.share_on(day)
    return WHOLE + 1 if share is None else share


def _told(rule: ShareRule, day: date) -> str:
    share, later = rule.share_on(day), any(each > day for each in rule.days)
    return ("nothing" if share is None else f"{percent_text(share)} percent") + (", until it changes" if later else "")
