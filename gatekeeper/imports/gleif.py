"""GLEIF golden copy files as CSV: entities (LEI2), relationships (RR) and reporting exceptions (REPEX).

Millions of rows are streamed: only the entries that were asked for and their parents are kept. A row is looked at as
text first; only one that begins with a wanted LEI is taken apart, and a line inside of a quoted cell is never taken for
a row. The management of funds is no ownership and is left out.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.lei import checked_lei
from gatekeeper.domain.observation import Observed
from gatekeeper.domain.party import checked_country
from gatekeeper.imports.lines import LINE_BYTES_MAX

# Owners of owners: nobody stands in a chain of accounting parents as long as this.
CHAIN_MAX = 20
ROW_LINES_MAX = 1_000
_PARENTS = frozenset({"IS_DIRECTLY_CONSOLIDATED_BY", "IS_ULTIMATELY_CONSOLIDATED_BY", "IS_INTERNATIONAL_BRANCH_OF"})
_CHILD, _PARENT = "Relationship.StartNode.NodeID", "Relationship.EndNode.NodeID"
_TYPE, _STATUS = "Relationship.RelationshipType", "Relationship.RelationshipStatus"
_REASONS = tuple(f"Exception.Reason.{number}" for number in range(1, 6))
_ENTITY = {
    "legal_name": "Entity.LegalName",
    "headquarters": "Entity.HeadquartersAddress.Country",
    "jurisdiction": "Entity.LegalJurisdiction",
    "status": "Entity.EntityStatus",
    "registration": "Registration.RegistrationStatus",
    "updated": "Registration.LastUpdateDate",
}
Tell = Callable[[int], None]


@dataclass(slots=True)
class _Entry:
    parents: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)


def read_gleif(
    wanted: Collection[str],
    *,
    lei2: Path,
    at: datetime,
    rr: Path | None = None,
    repex: Path | None = None,
    tell: Tell | None = None,
) -> dict[str, Observed]:
    """What the files say about some LEIs and everybody above them.

    Args:
        tell: hears how many bytes were read more.

    Raises:
        InvalidInput: a file cannot be read, or lacks a column; with its name.
    """
    entries = {each: _Entry() for each in wanted}
    hashes = [_sha256(path) for path in (lei2, rr, repex) if path is not None]
    if rr is not None:
        _climb(entries, rr, tell)
    if repex is not None:
        for row in _rows(repex, "LEI", entries, (_REASONS[0],), tell):
            entries[row["LEI"]].exceptions.update(filter(None, (row.get(each, "")[:60] for each in _REASONS)))
    found = {}
    for row in _rows(lei2, "LEI", entries, tuple(_ENTITY.values()), tell):
        entry, texts = entries[row["LEI"]], {name: row[column][:500] for name, column in _ENTITY.items()}
        texts |= {name: _country(texts[name]) for name in ("headquarters", "jurisdiction")}
        parents, exceptions = tuple(sorted(entry.parents)), tuple(sorted(entry.exceptions))
        found[row["LEI"]] = Observed(
            lei=row["LEI"], **texts, parents=parents, exceptions=exceptions, files=tuple(sorted(hashes)), at=at
        )
    return found


def _is_lei(text: str) -> bool:
    try:
        return bool(checked_lei(text))
    except InvalidInput:
        return False


def _country(text: str) -> str:
    """The code, or "" where it is none: a register is no reason to stop."""
    try:
        return checked_country(text)
    except InvalidInput:
        return ""


def _climb(entries: dict[str, _Entry], rr: Path, tell: Tell | None) -> None:
    """Add the parents of all entries, theirs, and so on: one pass over the file for each step."""
    asked: Collection[str] = set(entries)
    for _ in range(CHAIN_MAX):
        above = set()
        for row in _rows(rr, _CHILD, asked, (_PARENT, _TYPE, _STATUS), tell):
            if row[_TYPE] in _PARENTS and row[_STATUS] in ("ACTIVE", "") and _is_lei(row[_PARENT]):
                entries[row[_CHILD]].parents.add(row[_PARENT])
                above.add(row[_PARENT])
        asked = above - entries.keys()
        if not asked:
            return
        entries.update({each: _Entry() for each in asked})


def _rows(
    path: Path, key: str, wanted: Collection[str], needed: Iterable[str], tell: Tell | None
) -> Iterator[Mapping[str, str]]:
    """The rows whose key is wanted, by column."""
    lines = _lines(path, tell)
    columns = next(csv.reader([next(lines, "").removeprefix("\ufeff")]), [])
    for name in (key, *needed):
        if name not in columns:
            raise InvalidInput(f"{path}: there is no column {name!r}.", hint="Take GLEIF's golden copy as CSV.")
    place = columns.index(key)
    is_first, keys = place == 0, frozenset(wanted)
    for text in _records(path, lines):
        if is_first and text.lstrip('"')[:20] not in keys:
            continue
        row = next(csv.reader(text.splitlines(keepends=True)), [])
        if len(row) == len(columns) and row[place] in keys:
            yield dict(zip(columns, row, strict=True))


def _records(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """Whole rows: a row ends where every quote that it opened is closed."""
    for line in lines:
        if line.count('"') % 2 == 0:
            yield line
            continue
        parts, is_open = [line], True
        while is_open:
            more = next(lines, None)
            if more is None or len(parts) > ROW_LINES_MAX:
                raise InvalidInput(f"{path}: a quoted cell does not end.")
            parts.append(more)
            is_open = more.count('"') % 2 == 0
        yield "".join(parts)


def _lines(path: Path, tell: Tell | None) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                if len(line) > LINE_BYTES_MAX:
                    raise InvalidInput(f"{path}: a line is longer than 1 MiB.")
                if tell is not None:
                    tell(len(line))
                # What is not UTF-8 is shown as such: one bad name of millions must not stop an import.
                yield line.decode("utf-8", "replace")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}.") from error


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}.") from error
