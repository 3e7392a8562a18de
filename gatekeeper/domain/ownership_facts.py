"""Ownership rules as JSON values and back, as the log tells them of a pack.

    {lists: [LIST] or null for any, listed: RULE, house: RULE}; RULE: {share, spans: [{from or null, to or null}]}

The share is in millionths of a percent; a rule without spans is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.ownership import Ownership, ShareRule, Span


def ownership_json(rules: Ownership) -> dict[str, Any]:
    """The rules as JSON values without floats."""
    return {
        "lists": None if rules.lists is None else sorted(rules.lists),
        "listed": _rule_json(rules.listed),
        "house": _rule_json(rules.house),
    }


def ownership_of(value: object) -> Ownership:
    """The rules of JSON values.

    Raises:
        InvalidInput: they are none.
    """
    fields = _object(value)
    lists = fields.get("lists")
    if lists is not None and not (isinstance(lists, list | tuple) and all(isinstance(each, str) for each in lists)):
        raise InvalidInput("The lists of ownership rules are texts.")
    return Ownership(
        None if lists is None else frozenset(lists), _rule(fields.get("listed")), _rule(fields.get("house"))
    )


def _rule_json(rule: ShareRule) -> dict[str, Any]:
    spans = [
        {"from": each.begins.isoformat() if each.begins else None, "to": each.ends.isoformat() if each.ends else None}
        for each in rule.spans
    ]
    return {"share": rule.share, "spans": spans}


def _rule(value: object) -> ShareRule:
    fields = _object(value)
    share, spans = fields.get("share"), fields.get("spans")
    if type(share) is not int or not isinstance(spans, list | tuple):
        raise InvalidInput("An ownership rule has a share in millionths of a percent, and spans.")
    return ShareRule(share, tuple(Span(_day(each, "from"), _day(each, "to")) for each in map(_object, spans)))


def _day(fields: Mapping[str, object], name: str) -> date | None:
    value = fields.get(name)
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidInput(f"{name} is no day: {value!r:.40}.") from error


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidInput("Ownership rules are objects.")
    return value
