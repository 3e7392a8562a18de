"""Restrictive lists as their publishers' files: what stands in a column or key, and where an error is.

    Consolidated Screening List   CSV with a header, or JSON {"results": [...]}
    OFAC                          sdn.csv, with alt.csv beside it: no header, `-0-` for nothing; or JSON of the same
                                  fields as the XML: {"sdnList": {"sdnEntry": [...]}}

Files are read piece by piece. All errors of a file are collected, with row and column; with one of them nothing is
returned, so that nobody loads half a list.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import IO, Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.list_entry import ListEntry

FILE_BYTES_MAX = 512 * 1024**2
ENTRIES_MAX = 200_000
ERRORS_SHOWN = 20
_PIECE_CHARACTERS = 1024**2
_ENTRY_CHARACTERS_MAX = 4 * 1024**2
# The Consolidated Screening List calls it `id` or `_id`, by the way it was downloaded.
_CSL_NEEDED = ("source", "name")
_SDN_COLUMNS = ("ent_num", "name", "type", "program")
_ALT_COLUMNS = ("ent_num", "alt_num", "alt_type", "alt_name")
_NOTHING = "-0-"
_JSON_BEGIN = re.compile(r'\ufeff?\s*(?:\[|\{.{0,2000}?"(?:results|sdnEntry)"\s*:\s*\[)', re.DOTALL)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that was read: SHA-256 of its bytes in hex, and its entries."""

    sha256: str
    entries: tuple[ListEntry, ...]


@dataclass(slots=True)
class _Errors:
    """Errors of a file so far."""

    told: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, message: str) -> None:
        if len(self.told) < ERRORS_SHOWN:
            self.told.append(f"{where}: {message}")
        else:
            self.more += 1

    def check(self) -> None:
        if self.told:
            raise InvalidInput("\n".join([*self.told, *([f"and {self.more} more errors."] if self.more else [])]))


def read_list(path: Path, list_id: str, *, alt: Path | None = None) -> ListFile:
    """All entries of a list's file, in the order of the file; `alt` is OFAC's file of other names.

    Raises:
        InvalidInput: it is no such file, is too large, or has errors: a line for each, `file:row: column: message`.
    """
    errors, entries = _Errors(), list[ListEntry]()
    for entry in _entries(path, list_id, errors):
        entries.append(entry)
        if len(entries) > ENTRIES_MAX:
            raise InvalidInput(f"{path.name} has more than {ENTRIES_MAX:,} entries.")
    if alt is not None:
        entries = _with_alt(entries, alt, errors)
    errors.check()
    if not entries:
        raise InvalidInput(f"{path.name} has no entry.", hint="An empty list is not loaded: is the download whole?")
    return ListFile(_sha256(path, alt), tuple({each.sha256: each for each in entries}.values()))


def _entries(path: Path, list_id: str, errors: _Errors) -> Iterator[ListEntry]:
    with _opened(path) as file:
        first = file.read(4096)
        file.seek(0)
        if first.lstrip("\ufeff").lstrip()[:1] in ("{", "["):
            yield from _json_entries(file, path.name, list_id, errors)
            return
        header = next(csv.reader([first.lstrip("\ufeff").split("\n", 1)[0]]), [])
        if set(_CSL_NEEDED) <= set(header):
            yield from _csl_rows(file, path.name, list_id, errors)
        else:
            yield from _sdn_rows(file, path.name, list_id, errors)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput(f"{path.name} is larger than {FILE_BYTES_MAX // 1024**2} MiB.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name}: byte {error.start} of a piece is not UTF-8.") from error


def _rows(file: IO[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers from 1; not the end-of-file sign with which OFAC's files end."""
    reader = csv.reader(file, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            if row and row != ["\x1a"]:
                yield number, row
    except csv.Error as error:
        raise InvalidInput(f"{name}:{number + 1}: {error}.") from error


def _csl_rows(file: IO[str], name: str, list_id: str, errors: _Errors) -> Iterator[ListEntry]:
    rows = _rows(file, name)
    _, header = next(rows)
    for number, row in rows:
        if len(row) != len(header):
            errors.add(f"{name}:{number}", f"has {len(row)} columns, the header has {len(header)}.")
            continue
        fields: dict[str, Any] = dict(zip(header, row, strict=True))
        for column in ("alt_names", "programs", "nationalities", "citizenships", "addresses"):
            fields[column] = [each.strip() for each in fields.get(column, "").split(";")]
        fields["addresses"] = [{"country": each.rsplit(",", 1)[-1].strip()} for each in fields["addresses"]]
        yield from _built(_csl_entry, fields, list_id, f"{name}:{number}", errors)


def _sdn_rows(file: IO[str], name: str, list_id: str, errors: _Errors) -> Iterator[ListEntry]:
    for number, row in _rows(file, name):
        where = f"{name}:{number}"
        if len(row) < len(_SDN_COLUMNS):
            errors.add(where, f"has {len(row)} columns; a row is {', '.join(_SDN_COLUMNS)} and others, or a header.")
            continue
        values = dict(zip(_SDN_COLUMNS, map(_said, row), strict=False))
        if not values["ent_num"].isdigit():
            errors.add(where, f"ent_num: {values['ent_num']!r:.40} is no number.")
            continue
        programs = [each for each in re.split(r"\]\s*\[|;", values["program"].strip("[] ")) if each.strip()]
        yield from _built(_sdn_row, {**values, "programs": programs}, list_id, where, errors)


def _with_alt(entries: list[ListEntry], path: Path, errors: _Errors) -> list[ListEntry]:
    """The entries with the names that stand in OFAC's other file."""
    others: dict[str, list[str]] = {}
    with _opened(path) as file:
        for number, row in _rows(file, path.name):
            if len(row) < len(_ALT_COLUMNS) or not row[0].strip().isdigit():
                errors.add(f"{path.name}:{number}", f"a row is {', '.join(_ALT_COLUMNS)} and others.")
            elif _said(row[3]):
                others.setdefault(row[0].strip(), []).append(_said(row[3]))
    return [replace(each, names=_once((*each.names, *others.get(each.number, ())))) for each in entries]


def _json_entries(file: IO[str], name: str, list_id: str, errors: _Errors) -> Iterator[ListEntry]:
    for number, value in enumerate(_objects(file, name), 1):
        where = f"{name}:entry {number}"
        if not isinstance(value, dict):
            errors.add(where, "is no object.")
        elif "uid" in value or "sdnType" in value:
            yield from _built(_sdn_entry, value, list_id, where, errors)
        else:
            yield from _built(_csl_entry, value, list_id, where, errors)


def _objects(file: IO[str], name: str) -> Iterator[object]:
    """The values of the file's array, one after the other, without holding the file."""
    held, decoder = file.read(_PIECE_CHARACTERS), json.JSONDecoder()
    begin = _JSON_BEGIN.match(held)
    if begin is None:
        raise InvalidInput(f"{name} is JSON without a list of entries under `results` or `sdnEntry`.")
    held = held[begin.end() :]
    while True:
        held = held.lstrip(" \t\r\n,")
        if held.startswith("]"):
            return
        try:
            value, end = decoder.raw_decode(held)
        except (json.JSONDecodeError, RecursionError) as error:
            piece = file.read(_PIECE_CHARACTERS)
            if not piece or len(held) > _ENTRY_CHARACTERS_MAX:
                raise InvalidInput(f"{name} is no whole JSON: {error}.", hint="Is the download complete?") from error
            held += piece
            continue
        yield value
        held = held[end:]


def _csl_entry(fields: Fields, list_id: str) -> ListEntry:
    addresses = fields.get("addresses") or []
    found = {
        "names": [fields.get("name") or "", *_texts(fields, "alt_names")],
        "number": str(fields.get("entity_number") or fields.get("id") or fields.get("_id") or ""),
        "kind": fields.get("type") or "",
        "programs": _texts(fields, "programs"),
        "countries": [
            *(str(each.get("country") or "") for each in addresses if isinstance(each, Mapping)),
            *_texts(fields, "nationalities"),
            *_texts(fields, "citizenships"),
            *([str(fields["country"])] if fields.get("country") else []),
        ],
        "start_date": fields.get("start_date"),
        "end_date": fields.get("end_date"),
    }
    return _entry(found, list_id, _text(fields, "source"))


def _sdn_row(fields: Fields, list_id: str) -> ListEntry:
    found = {"names": [fields["name"]], "number": fields["ent_num"], "kind": fields["type"]}
    return _entry({**found, "programs": fields["programs"]}, list_id, "SDN")


def _sdn_entry(fields: Fields, list_id: str) -> ListEntry:
    akas = (fields.get("akaList") or {}).get("aka") or []
    found = {
        "names": [_full_name(fields), *map(_full_name, akas if isinstance(akas, list) else [akas])],
        "number": str(fields.get("uid") or ""),
        "kind": fields.get("sdnType") or "",
        "programs": (fields.get("programList") or {}).get("program") or [],
    }
    return _entry(found, list_id, "SDN")


def _full_name(fields: Fields) -> str:
    return " ".join(each for each in (_text(fields, "firstName"), _text(fields, "lastName")) if each)


def _entry(fields: Fields, list_id: str, source: str) -> ListEntry:
    if not source:
        raise InvalidInput("source: is empty.")
    first = str(fields["names"][0]).strip()
    if not first:
        raise InvalidInput("name: is empty.")
    countries = {each for each in fields.get("countries", ()) if _COUNTRY.fullmatch(each)}
    return ListEntry(
        list=list_id,
        source=source,
        number=_text(fields, "number"),
        names=_once((first, *(str(each).strip() for each in fields["names"][1:]))),
        kind=_text(fields, "kind").lower(),
        countries=tuple(sorted(countries)),
        programs=_once(sorted(str(each).strip() for each in fields["programs"])),
        begins=_day(fields, "start_date"),
        ends=_day(fields, "end_date"),
    )


def _built(
    build: Callable[[Fields, str], ListEntry], fields: Fields, list_id: str, where: str, errors: _Errors
) -> Iterator[ListEntry]:
    """The entry, or its error at its place."""
    try:
        yield build(fields, list_id)
    except InvalidInput as error:
        errors.add(where, str(error))
    except (AttributeError, TypeError) as error:
        errors.add(where, f"has a value of a kind that does not belong there ({error}).")


def _day(fields: Fields, name: str) -> date | None:
    value = fields.get(name)
    if value in (None, ""):
        return None
    try:
        if not _DAY.fullmatch(str(value)):
            raise ValueError
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidInput(f"{name}: {value!r:.40} is no day like 2026-11-22.") from error


def _text(fields: Fields, name: str) -> str:
    return str(fields.get(name) or "").strip()


def _texts(fields: Fields, name: str) -> list[str]:
    values = fields.get(name) or []
    return [str(each) for each in (values if isinstance(values, list) else [values])]


def _said(value: str) -> str:
    plain = value.strip()
    return "" if plain == _NOTHING else plain


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in texts if each))


def _sha256(path: Path, alt: Path | None) -> str:
    """Of the file; of two, of the lines that sha256sum prints of them."""
    sums = []
    for each in filter(None, (path, alt)):
        with each.open("rb") as file:
            sums.append((hashlib.file_digest(file, "sha256").hexdigest(), each.name))
    if len(sums) == 1:
        return sums[0][0]
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for sha256, name in sums).encode()).hexdigest()
