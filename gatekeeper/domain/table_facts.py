"""A tier table as the log tells it of a pack, read back.

    {otherwise, countries: [CODE], rows: {CODE: [{tier, from, to or null}]}, parents: {CODE: CODE}, occupied: [CODE],
     ownership (domain/ownership_facts.py), begins}

Logs from before there were parents, occupied parts, ownership rules or a first day have none of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.ownership_facts import ownership_of
from gatekeeper.domain.tier import Tier, TierRow, TierTable

_SOURCE = "the log"


def table_of(value: object) -> TierTable:
    """The table that a record holds.

    Raises:
        InvalidInput: it is none.
    """
    try:
        fields = _object(value)
        rows = _object(fields["rows"])
        begins = fields.get("begins")
        return TierTable(
            {country: tuple(_row(country, each) for each in _list(told)) for country, told in rows.items()},
            Tier(fields["otherwise"]),
            frozenset(map(str, _list(fields["countries"]))),
            {code: str(state) for code, state in _object(fields.get("parents", {})).items()},
            frozenset(map(str, _list(fields.get("occupied", [])))),
            ownership_of(fields["ownership"]) if "ownership" in fields else None,
            None if begins is None else date.fromisoformat(str(begins)),
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"This is not the tier table of a policy pack: {error}.") from error


def _row(country: str, value: object) -> TierRow:
    fields = _object(value)
    end = fields["to"]
    return TierRow(
        country,
        Tier(fields["tier"]),
        date.fromisoformat(str(fields["from"])),
        None if end is None else date.fromisoformat(str(end)),
        _SOURCE,
    )


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r:.80} is no object")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r:.80} is no list")
    return list(value)
