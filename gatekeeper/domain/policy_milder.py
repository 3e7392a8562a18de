"""In what the terms of a pack are others than of the one before: whoever loads one that is milder has to hear it, and
the log keeps that. What of its tier table is other: `table_milder`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from gatekeeper.domain.difference import Difference, Way
from gatekeeper.domain.limit_difference import allowance_differences, threshold_differences
from gatekeeper.domain.policy import Action, Mode, Rule, questions_of
from gatekeeper.domain.policy_facts import Terms
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.tier import Tier


def milder_in(before: tuple[Mode, Terms], after: tuple[Mode, Terms], day: date) -> Iterator[str]:
    """Each way in which the later one asks less on a day or on a later one, as a clause."""
    return (each.text for each in term_differences(before, after, day) if each.way is Way.MILDER)


def term_differences(before: tuple[Mode, Terms], after: tuple[Mode, Terms], day: date) -> Iterator[Difference]:
    """Each way in which the later one asks less, more or something else on a day or on a later one."""
    (mode, old), (mode_now, new) = before, after
    if mode is not mode_now:
        modes = list(Mode)
        way = Way.MILDER if modes.index(mode_now) < modes.index(mode) else Way.STRICTER
        yield Difference(way, f"its mode is {mode_now.value}, and was {mode.value}")
    yield from _days(old, new, day)
    yield from threshold_differences(old.threshold, new.threshold, day)
    yield from allowance_differences(old.allowances, new.allowances)
    yield from _cell_differences(old, new)
    yield from _wording(old, new)


def milder_at(terms: Terms, before: tuple[Site, Tier], after: tuple[Site, Tier]) -> Iterator[str]:
    """That a pack asks less at another site than at the one before, as a clause; each with the tier of its country by
    the pack. What is said of a site is a line of the settings, as the pack's mode is."""
    if any(_asks(terms, tier, *after) < _asks(terms, tier, *before) for tier in Tier):
        was, becomes = (
            f"{site.chip_authorization.value} in {site.country or 'no named country'}" for site, _ in (before, after)
        )
        yield f"its site is {becomes}, and was {was}, of which it asks more"


def _days(old: Terms, new: Terms, day: date) -> Iterator[Difference]:
    """Of the days on which it is in effect: those to come, and what of them is told is the first that differs."""
    bounds = {old.effective_from, new.effective_from, old.effective_to, new.effective_to}
    days = (day, *sorted(each for each in bounds if each is not None and each > day))
    gone = next((each for each in days if old.holds_on(each) and not new.holds_on(each)), None)
    come = next((each for each in days if new.holds_on(each) and not old.holds_on(each)), None)
    if gone is not None:
        yield Difference(Way.MILDER, "it is not in effect any more" + ("" if gone == day else f" on {gone}"))
    if come is not None:
        yield Difference(Way.STRICTER, "it is in effect" + ("" if come == day else f" on {come}") + ", and was not")


def _cell_differences(old: Terms, new: Terms) -> Iterator[Difference]:
    """Of the cells of its table: what is done there, by which rule, and which questions a hold asks."""
    found: dict[tuple[Way, str], list[Tier]] = defaultdict(list)
    for cell in _cells(old, new):
        was, becomes = _asks(old, *cell), _asks(new, *cell)
        if was != becomes:
            way, what = (Way.MILDER, "less") if becomes < was else (Way.STRICTER, "more")
            found[way, f"it asks {what}"].append(cell[0])
            continue
        rules = old.rule_for(*cell), new.rule_for(*cell)
        asked, asks = _questions(old, *cell), _questions(new, *cell)
        for each in sorted(asked - asks):
            found[Way.MILDER, f"it does not ask {each} any more"].append(cell[0])
        for each in sorted(asks - asked):
            found[Way.STRICTER, f"it asks {each} as well"].append(cell[0])
        if rules[0] and rules[1] and rules[0].code != rules[1].code:
            text = f"it decides by its rule {rules[1].code} in place of {rules[0].code}"
            found[Way.OTHER, text].append(cell[0])
    for (way, text), tiers in found.items():
        told = ", ".join(sorted({each.value for each in tiers}))
        yield Difference(way, f"{text} of tier {told} in {len(tiers)} cells of its table")


def _wording(old: Terms, new: Terms) -> Iterator[Difference]:
    """Of questions that both have: what kind of answer they want, and in which words they are asked."""
    before = {each.id: each for each in old.inquiries}
    for question in new.inquiries:
        was = before.get(question.id)
        if was is not None and was.kind is not question.kind:
            text = f"its question {question.id} is of kind {question.kind.value}, and was {was.kind.value}"
            yield Difference(Way.OTHER, text)
        if was is not None and was.asks != question.asks:
            yield Difference(Way.OTHER, f'its question {question.id} is "{question.asks}", and was "{was.asks}"')


def _cells(*terms: Terms) -> Iterator[tuple[Tier, Site, Tier]]:
    named = [rule.countries for each in terms for rule in each.rules]
    named += [question.when.countries for each in terms for question in each.inquiries]
    countries = {"", *(country for each in named for country in each or ())}
    for tier in Tier:
        for chips in ChipAuthorization:
            for country in sorted(countries):
                for site_tier in Tier:
                    yield tier, Site(country, chips), site_tier


def _asks(terms: Terms, tier: Tier, site: Site, site_tier: Tier) -> int:
    """How much is asked in a cell; no rule refuses."""
    rule = terms.rule_for(tier, site, site_tier)
    return len(_ORDER) if rule is None else _ORDER.index(_what(rule))


def _questions(terms: Terms, tier: Tier, site: Site, site_tier: Tier) -> set[str]:
    """The ids of what is asked in a cell before a hold ends; records of before questions had ids tell none."""
    rule = terms.rule_for(tier, site, site_tier)
    return {each.id for each in questions_of(rule, terms.inquiries, tier, site, site_tier)} if rule else set()


def _what(rule: Rule) -> tuple[Action, Action | None]:
    return rule.action, rule.beyond if rule.action is Action.BUDGET else None


_ORDER = [
    (Action.ALLOW, None),
    (Action.NOTIFY, None),
    (Action.BUDGET, Action.HOLD),
    (Action.BUDGET, Action.DENY),
    (Action.HOLD, None),
    (Action.DENY, None),
]
