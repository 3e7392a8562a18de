"""Restrictive lists as their publishers' files: which shape a file is of, and all of its entries.

    Consolidated Screening List   CSV with a header, or JSON {"results": [...]}
    OFAC                          SDN.CSV, with ALT.CSV and ADD.CSV beside it; SDN.XML; SDN_ADVANCED.XML; or JSON of the
                                  fields of the first XML: {"sdnList": {"sdnEntry": [...]}}

Files are read piece by piece. All errors of a file are collected, with row and column; with one of them nothing is
returned, so that nobody loads half a list.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.list_entry import ListEntry
from gatekeeper.domain.party import checked_identifier
from gatekeeper.list_files.building import built
from gatekeeper.list_files.csl import NEEDED, csl_entry, csl_rows
from gatekeeper.list_files.ofac import sdn_entry, sdn_rows, with_add, with_alt
from gatekeeper.list_files.ofac_xml import xml_entries
from gatekeeper.list_files.opening import WINDOWS, Errors, Source, Tell, say_nothing, source_of
from gatekeeper.list_files.pieces import objects

ENTRIES_MAX = 200_000
_BEGINNING_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file that was read.

    Attributes:
        sha256: of its bytes in hex; of several files, of the lines that sha256sum prints of them.
        remarks: what who loads it should know, in sentences.
    """

    sha256: str
    entries: tuple[ListEntry, ...]
    remarks: tuple[str, ...] = ()


def read_list(
    path: Path, list_id: str, *, alt: Path | None = None, add: Path | None = None, tell: Tell = say_nothing
) -> ListFile:
    """All entries of a list's file, in the order of the file.

    Args:
        alt, add: OFAC's files of other names and of addresses. tell: called with bytes done and in all.

    Raises:
        InvalidInput: the list cannot be called so, or it is no such file, is too large, or has errors: a line for each,
            `file:row: column: message`.
    """
    checked_identifier(list_id, "list")
    source, errors, entries = source_of(path), Errors(), dict[str, ListEntry]()
    for number, entry in enumerate(_entries(source, list_id, errors, tell), 1):
        entries[entry.sha256] = entry
        if number > ENTRIES_MAX:
            raise InvalidInput(f"{path.name} has more than {ENTRIES_MAX:,} entries.")
    found, sources = list(entries.values()), [source]
    for beside, joined in ((alt, with_alt), (add, with_add)):
        if beside is not None:
            sources.append(source_of(beside))
            found = joined(found, sources[-1], errors)
    errors.check()
    if not found:
        raise InvalidInput(f"{path.name} has no entry.", hint="An empty list is not loaded: is the download whole?")
    older = [each.name for each in sources if each.encoding == WINDOWS]
    remarks = [f"{name} is not UTF-8 and was read as Windows-1252." for name in older]
    return ListFile(_sha256(sources), tuple(found), tuple(remarks))


def _entries(source: Source, list_id: str, errors: Errors, tell: Tell) -> Iterator[ListEntry]:
    with source.text() as file:
        first = file.read(_BEGINNING_CHARACTERS).lstrip()
        file.seek(0)
        if first.startswith("<"):
            yield from xml_entries(source, list_id, errors, tell)
        elif first.startswith(("{", "[")):
            for number, value in enumerate(objects(file, source, tell), 1):
                yield from _of_object(value, f"{source.name}:entry {number}", list_id, errors)
        else:
            header = next(csv.reader([first.split("\n", 1)[0]]), [])
            read = csl_rows if {each.strip() for each in header} >= NEEDED else sdn_rows
            yield from read(file, source, list_id, errors, tell)


def _of_object(value: object, where: str, list_id: str, errors: Errors) -> Iterator[ListEntry]:
    if not isinstance(value, dict):
        errors.add(where, "is no object.")
    elif "uid" in value or "sdnType" in value:
        yield from built(sdn_entry, value, list_id, where, errors)
    else:
        yield from built(csl_entry, value, list_id, where, errors)


def _sha256(sources: list[Source]) -> str:
    if len(sources) == 1:
        return sources[0].sha256
    return hashlib.sha256("".join(f"{each.sha256}  {each.name}\n" for each in sources).encode()).hexdigest()
