"""The Consolidated Screening List of the International Trade Administration: CSV with a header, or JSON.

Columns and keys are as in the files of 2017 to 2026; `id` is called `_id` by the way it was downloaded, and lists whose
publisher gives no number (the Denied Persons List) have an empty `entity_number`. In CSV, values of a column stand
between semicolons, and an address ends with its country.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.list_files.building import Fields, built, entry_from, text_of, texts_of
from gatekeeper.list_files.opening import Errors, Source, Tell, rows

NEEDED = frozenset({"source", "name"})
_OF_MANY = ("alt_names", "programs", "nationalities", "citizenships", "addresses")


def csl_rows(file: TextIO, source: Source, list_id: str, errors: Errors, tell: Tell) -> Iterator[ListEntry]:
    """The entries of a CSV file."""
    found = rows(file, source, tell)
    _, header = next(found)
    header = [each.strip() for each in header]
    for number, row in found:
        where = f"{source.name}:{number}"
        if len(row) != len(header):
            errors.add(where, f"has {len(row)} columns, the header has {len(header)}.")
            continue
        fields: dict[str, Any] = dict(zip(header, row, strict=True))
        for column in _OF_MANY:
            fields[column] = [each.strip() for each in fields.get(column, "").split(";")]
        fields["addresses"] = [{"country": each.rsplit(",", 1)[-1].strip()} for each in fields["addresses"]]
        yield from built(csl_entry, fields, list_id, where, errors)


def csl_entry(fields: Fields, list_id: str) -> ListEntry:
    """The entry of one object, or of one row made like it."""
    addresses = fields.get("addresses") or []
    found = {
        "names": [fields.get("name") or "", *texts_of(fields, "alt_names")],
        "number": str(fields.get("entity_number") or fields.get("id") or fields.get("_id") or ""),
        "kind": fields.get("type") or "",
        "programs": texts_of(fields, "programs"),
        "countries": [
            *(str(each.get("country") or "") for each in addresses if isinstance(each, Mapping)),
            *texts_of(fields, "nationalities"),
            *texts_of(fields, "citizenships"),
            *([str(fields["country"])] if fields.get("country") else []),
        ],
        "start_date": fields.get("start_date"),
        "end_date": fields.get("end_date"),
    }
    return entry_from(found, list_id, text_of(fields, "source"))
