"""OFAC's list of Specially Designated Nationals: SDN.CSV with ALT.CSV and ADD.CSV beside it, and fields of its XML.

The CSV files have no header, `-0- ` for nothing, and a sign 0x1A at their end (OFAC's data specification of
2023-09-25). The other two name entries of the first by `ent_num`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TextIO

from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.list_files.building import Fields, built, country_code, entry_from, once, said, text_of
from gatekeeper.list_files.opening import Errors, Source, Tell, rows, say_nothing

_SDN_COLUMNS = ("ent_num", "name", "type", "program")
_ALT_COLUMNS = ("ent_num", "alt_num", "alt_type", "alt_name")
_ADD_COLUMNS = ("ent_num", "add_num", "address", "city", "country")
_PROGRAMS_APART = re.compile(r"\]\s*\[|;")


def sdn_rows(file: TextIO, source: Source, list_id: str, errors: Errors, tell: Tell) -> Iterator[ListEntry]:
    """The entries of SDN.CSV."""
    for number, row in rows(file, source, tell):
        where = f"{source.name}:{number}"
        if len(row) < len(_SDN_COLUMNS):
            errors.add(where, f"has {len(row)} columns; a row is {', '.join(_SDN_COLUMNS)} and others, or a header.")
            continue
        values = dict(zip(_SDN_COLUMNS, map(said, row), strict=False))
        if not _is_number(values["ent_num"]):
            errors.add(where, f"ent_num: {values['ent_num']!r:.40} is no number.")
            continue
        programs = [each for each in _PROGRAMS_APART.split(values["program"].strip("[] ")) if each.strip()]
        yield from built(_sdn_row, {**values, "programs": programs}, list_id, where, errors)


def with_alt(entries: Sequence[ListEntry], source: Source, errors: Errors) -> list[ListEntry]:
    """The entries with the names that stand in ALT.CSV."""
    names = _beside(source, _ALT_COLUMNS, entries, errors)
    return [replace(each, names=once((*each.names, *names.get(each.number, ())))) for each in entries]


def with_add(entries: Sequence[ListEntry], source: Source, errors: Errors) -> list[ListEntry]:
    """The entries with the countries that stand in ADD.CSV."""
    told = _beside(source, _ADD_COLUMNS, entries, errors)
    codes = {number: {code for each in found if (code := country_code(each))} for number, found in told.items()}
    return [replace(each, countries=tuple(sorted({*each.countries, *codes.get(each.number, ())}))) for each in entries]


def _beside(
    source: Source, columns: Sequence[str], entries: Sequence[ListEntry], errors: Errors
) -> dict[str, list[str]]:
    """Number of an entry -> what the last of the columns says of it. Of an entry that is not there nothing is told: it
    is another day's file, and names would be lost."""
    known, found = {each.number for each in entries}, dict[str, list[str]]()
    with source.text() as file:
        for number, row in rows(file, source, say_nothing):
            where = f"{source.name}:{number}"
            if len(row) < len(columns) or not _is_number(row[0].strip()):
                errors.add(where, f"a row is {', '.join(columns)} and others.")
            elif row[0].strip() not in known:
                errors.add(where, f"ent_num: {row[0].strip()} is no entry of the list: is it of the same day?")
            elif value := said(row[len(columns) - 1]):
                found.setdefault(row[0].strip(), []).append(value)
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _sdn_row(fields: Fields, list_id: str) -> ListEntry:
    found = {"names": [fields["name"]], "number": fields["ent_num"], "kind": fields["type"]}
    return entry_from({**found, "programs": fields["programs"]}, list_id, "SDN")


def sdn_entry(fields: Fields, list_id: str) -> ListEntry:
    """The entry of the fields that OFAC's XML has under `sdnEntry`."""
    places = (*_many(fields, "addressList", "address"), *_many(fields, "nationalityList", "nationality"))
    found = {
        "names": [_full_name(fields), *map(_full_name, _many(fields, "akaList", "aka"))],
        "number": str(fields.get("uid") or ""),
        "kind": fields.get("sdnType") or "",
        "programs": _many(fields, "programList", "program"),
        "countries": [text_of(each, "country") for each in places],
    }
    return entry_from(found, list_id, "SDN")


def _many(fields: Fields, name: str, inside: str) -> list[Fields]:
    values = (fields.get(name) or {}).get(inside) or []
    return values if isinstance(values, list) else [values]


def _full_name(fields: Fields) -> str:
    return " ".join(each for each in (text_of(fields, "firstName"), text_of(fields, "lastName")) if each)
