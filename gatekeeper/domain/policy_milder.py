"""In what a pack is milder than the one loaded before: whoever loads it has to hear that, and the log keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gatekeeper.domain.policy import Action, Mode, Rule
from gatekeeper.domain.policy_facts import Terms
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.domain.tier import Tier


def milder_in(before: tuple[Mode, Terms], after: tuple[Mode, Terms], day: date) -> Iterator[str]:
    """Each way in which the later one asks less on a day, as a clause. What of its tier table is milder:
    `table_milder`."""
    (mode, old), (mode_now, new) = before, after
    if list(Mode).index(mode_now) < list(Mode).index(mode):
        yield f"its mode is {mode_now.value}, and was {mode.value}"
    if old.holds_on(day) and not new.holds_on(day):
        yield "it is not in effect any more"
    if old.threshold is not None and new.threshold is None:
        yield "it has no threshold any more"
    if old.threshold is not None and new.threshold is not None:
        was, becomes = old.threshold.limit_tflop(day), new.threshold.limit_tflop(day)
        if becomes > was:
            yield f"its limit is {becomes} TFLOP, and was {was}"
    if old.allowances != new.allowances:
        yield "its allowances are others"
    cells = [each for each in _cells(old, new) if _asks(new, *each) < _asks(old, *each)]
    if cells:
        tiers = sorted({tier.value for tier, _, _ in cells})
        yield f"it asks less of tier {', '.join(tiers)} in {len(cells)} cells of its table"


def milder_at(terms: Terms, before: tuple[Site, Tier], after: tuple[Site, Tier]) -> Iterator[str]:
    """That a pack asks less at another site than at the one before, as a clause; each with the tier of its country by
    the pack. What is said of a site is a line of the settings, as the pack's mode is."""
    if any(_asks(terms, tier, *after) < _asks(terms, tier, *before) for tier in Tier):
        was, becomes = (
            f"{site.chip_authorization.value} in {site.country or 'no named country'}" for site, _ in (before, after)
        )
        yield f"its site is {becomes}, and was {was}, of which it asks more"


def _cells(*terms: Terms) -> Iterator[tuple[Tier, Site, Tier]]:
    countries = {"", *(country for each in terms for rule in each.rules for country in rule.countries or ())}
    for tier in Tier:
        for chips in ChipAuthorization:
            for country in sorted(countries):
                for site_tier in Tier:
                    yield tier, Site(country, chips), site_tier


def _asks(terms: Terms, tier: Tier, site: Site, site_tier: Tier) -> int:
    """How much is asked in a cell; no rule refuses."""
    rule = terms.rule_for(tier, site, site_tier)
    return len(_ORDER) if rule is None else _ORDER.index(_what(rule))


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
