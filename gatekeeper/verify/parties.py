"""Reads a party from a record's facts."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.verify.fields import Facts, Wrong, texts_of


def party_of(value: object) -> Party:
    """A party as records state it.

    Raises:
        Wrong, InvalidInput, ValueError: it is none.
    """
    if not isinstance(value, Mapping):
        raise Wrong("a party must be an object.")
    return Party(
        id=_text(value, "id"),
        kind=PartyKind(_text(value, "kind")),
        legal_name=_text(value, "legal_name"),
        headquarters=_text(value, "headquarters"),
        parents=texts_of(value, "parents"),
        no_parent_reason=_text(value, "no_parent_reason"),
    )


def _text(fields: Facts, name: str) -> str:
    """A text, which may be empty."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise Wrong(f"{name} must be a text.")
    return value
