"""A party as JSON values and back: how records, proposals and the store hold it. What is empty is left out, but for
the six fields that every record since the first has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Listing, Party, PartyKind

# Texts of a party that are left out where they are empty.
_TEXTS = ("branch_of", "lei", "jurisdiction")
_LISTS = ("nationalities", "other_names")
_FIELDS = frozenset(
    {"id", "kind", "legal_name", "headquarters", "parents", "no_parent_reason", "interests", "listings"}
) | {*_TEXTS, *_LISTS}


def party_json(party: Party) -> dict[str, Any]:
    """The party as JSON values without floats: shares in millionths of a percent, days as YYYY-MM-DD."""
    found: dict[str, Any] = {
        "id": party.id,
        "kind": party.kind.value,
        "legal_name": party.legal_name,
        "headquarters": party.headquarters,
        "parents": list(party.parents),
        "no_parent_reason": party.no_parent_reason,
        "interests": [_interest_json(each) for each in party.interests],
        "listings": [{"list": each.list, **_span_json(each.begins, each.ends)} for each in party.listings],
    }
    found |= {name: list(getattr(party, name)) for name in _LISTS} | {name: getattr(party, name) for name in _TEXTS}
    return {name: value for name, value in found.items() if value or name in _ALWAYS}


_ALWAYS = frozenset({"id", "kind", "legal_name", "headquarters", "parents", "no_parent_reason"})


def party_of(value: object) -> Party:
    """The party of JSON values.

    Raises:
        InvalidInput: it is none, or has a field that nobody knows.
    """
    fields = _object(value, "a party")
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        raise InvalidInput(f"A party has no field {unknown[0]!r:.40}.")
    try:
        kind = PartyKind(_text(fields, "kind"))
    except ValueError as error:
        raise InvalidInput("A party's kind is org, person or state.") from error
    return Party(
        id=_text(fields, "id"),
        kind=kind,
        legal_name=_text(fields, "legal_name"),
        headquarters=_text(fields, "headquarters"),
        parents=_texts(fields, "parents"),
        no_parent_reason=_text(fields, "no_parent_reason"),
        interests=tuple(_interest(_object(each, "an interest")) for each in _list(fields, "interests")),
        listings=tuple(_listing(_object(each, "a listing")) for each in _list(fields, "listings")),
        nationalities=_texts(fields, "nationalities"),
        branch_of=_text(fields, "branch_of", ""),
        other_names=_texts(fields, "other_names"),
        lei=_text(fields, "lei", ""),
        jurisdiction=_text(fields, "jurisdiction", ""),
    )


def _interest_json(each: Interest) -> dict[str, Any]:
    found = {"owner": each.owner, "least": each.least, "most": each.most, **_span_json(each.begins, each.ends)}
    return found | ({"source": each.source} if each.source else {})


def _span_json(begins: date | None, ends: date | None) -> dict[str, Any]:
    found = {"from": begins.isoformat() if begins else None, "to": ends.isoformat() if ends else None}
    return {name: value for name, value in found.items() if value}


def _interest(fields: Mapping[str, object]) -> Interest:
    least, most = fields.get("least", 0), fields.get("most")
    if type(least) is not int or not (most is None or type(most) is int):
        raise InvalidInput("A share is a whole number of millionths of a percent.")
    return Interest(
        _text(fields, "owner"), least, most, _day(fields, "from"), _day(fields, "to"), _text(fields, "source", "")
    )


def _listing(fields: Mapping[str, object]) -> Listing:
    return Listing(_text(fields, "list"), _day(fields, "from"), _day(fields, "to"))


def _day(fields: Mapping[str, object], name: str) -> date | None:
    value = fields.get(name)
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidInput(f"{name} is no day: {value!r:.40}.") from error


def _object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{what} must be an object.")
    return value


def _list(fields: Mapping[str, object], name: str) -> list[object]:
    value = fields.get(name, [])
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"{name} must be a list.")
    return list(value)


def _text(fields: Mapping[str, object], name: str, otherwise: str | None = None) -> str:
    value = fields.get(name, otherwise)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a text.")
    return value


def _texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    return tuple(each if isinstance(each, str) else _refuse(name) for each in _list(fields, name))


def _refuse(name: str) -> str:
    raise InvalidInput(f"{name} must be a list of texts.")
