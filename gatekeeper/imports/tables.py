"""CSV and JSON Lines with our own columns: customers, parties and interests, in one file or several.

What a row is, its columns say: with `asset` an interest, with `legal_name` a party (and with `customer` also the
customer whose own party it is, with `owner` also who owns it), else a customer. Lists stand in one cell, one entry a
line, or with | between them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import checked_identifier
from gatekeeper.imports.graph import Graph
from gatekeeper.imports.lines import lines_of, parsed
from gatekeeper.yaml_files import meant

# OWASP "CSV Injection": a cell that begins with one of these is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
INTEREST = ("owner", "share", "share_min", "share_max", "from", "to", "source")
LISTS = ("parents", "nationalities", "other_names")
PARTY = (
    "id",
    "kind",
    "legal_name",
    "other_names",
    "lei",
    "jurisdiction",
    "headquarters",
    "residence",
    "nationalities",
    "branch_of",
    "parents",
    "no_parent_reason",
    "listed",
)
PROFILE_LISTS = ("names", "beneficial_owners", "email", "telephone")
PROFILE = (
    *PROFILE_LISTS,
    "headquarters_address_kind",
    "reseller_of",
    "method",
    "ownership_complete_above_pct",
    "attested_by",
)
CUSTOMER = ("customer", "party", *PROFILE, "address", "address_country")
INTERESTS = ("asset", *INTEREST)
_ALL = frozenset({*PARTY, *CUSTOMER, *INTERESTS})
_NAMED = sorted(_ALL)
UNKNOWN_MAX = 10
_NAMES = ("legal_name", "other_names")
_IDS = ("id", "branch_of", "parents")


def read_csv(graph: Graph, paths: Iterable[Path]) -> None:
    """Read CSV files into a graph: UTF-8 with or without a byte order mark; commas, semicolons or tabs."""
    for path in paths:
        try:
            _read_csv(graph, path)
        except InvalidInput as error:
            graph.faults.told.append(str(error))


def read_jsonl(graph: Graph, paths: Iterable[Path]) -> None:
    """Read JSON Lines into a graph: one object a line, with the same names."""
    for path in paths:
        try:
            for number, line in lines_of(path):
                if line.strip():
                    _object(graph, f"{path}:{number}", line)
        except InvalidInput as error:
            graph.faults.told.append(str(error))


def unguarded(cell: str) -> str:
    """The cell without the quote that keeps a spreadsheet from running it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def guarded(cell: str) -> str:
    """The cell so that no spreadsheet runs it; `unguarded` is the way back."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def _read_csv(graph: Graph, path: Path) -> None:
    at = [0]

    def texts() -> Iterator[str]:
        for at[0], line in lines_of(path):
            yield line

    lines = texts()
    head = next(lines, None)
    if head is None:
        raise InvalidInput(f"{path}: the file is empty.")
    delimiter = max(",;\t", key=head.count)
    columns = [
        each.strip().lower() for each in _row_of(path, 1, csv.reader([head], delimiter=delimiter, strict=True)) or ()
    ]
    _check_columns(path, columns)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        begins = at[0] + 1
        row = _row_of(path, begins, rows)
        if row is None:
            return
        if len(row) not in (0, len(columns)):
            graph.faults.add(f"{path}:{begins}", f"the row has {len(row)} cells, and the header {len(columns)}")
        elif any(row):
            cells = {name: unguarded(cell) for name, cell in zip(columns, row, strict=True) if cell.strip()}
            _row(graph, f"{path}:{begins}", cells)


def _row_of(path: Path, begins: int, rows: Iterator[list[str]]) -> list[str] | None:
    """The next row, or None after the last one."""
    try:
        return next(rows, None)
    except csv.Error as error:
        # A quote that is not closed takes all that follows for its cell: nothing after it can be read.
        raise InvalidInput(f"{path}:{begins}: no CSV in the row that begins here: {error}.") from error


def _check_columns(path: Path, columns: list[str]) -> None:
    unknown = [each for each in columns if each not in _ALL]
    if unknown:
        raise InvalidInput(
            "\n".join(f"{path}:1:{each:.60}: no such column; {meant(each, _NAMED)}" for each in unknown[:UNKNOWN_MAX])
        )
    twice = next((each for each in columns if columns.count(each) > 1), None)
    if twice is not None:
        raise InvalidInput(f"{path}:1:{twice}: the column stands twice.")


def _object(graph: Graph, place: str, line: str) -> None:
    with graph.faults.at(place):
        value = parsed(line)
        if not isinstance(value, dict):
            raise InvalidInput("the line is no object")
        unknown = sorted(value.keys() - _ALL)
        if unknown:
            for each in unknown[:UNKNOWN_MAX]:
                graph.faults.add(f"{place}:{each:.60}", f"no such field; {meant(each, _NAMED)}")
            return
        _row(graph, place, {name: each for name, each in value.items() if each not in (None, "", [])})


def _row(graph: Graph, place: str, cells: Mapping[str, Any]) -> None:
    """One row, whichever it is."""
    for name in _NAMES:
        if name in cells and str(cells[name]).startswith(FORMULA):
            graph.faults.warn(f"{place}:{name}", "begins like a formula of a spreadsheet; it is read as text")
    if "asset" in cells:
        graph.interest(place, str(cells["asset"]), _only(graph, place, cells, INTEREST, "asset"))
        return
    if "legal_name" not in cells:
        if "customer" not in cells:
            graph.faults.add(place, "neither a customer, nor a party with a legal_name, nor an interest with an asset")
            return
        customer = str(cells["customer"])
        graph.customer(place, customer, str(cells.get("party", customer)), _profile(graph, place, cells))
        return
    _party(graph, place, cells)


def _party(graph: Graph, place: str, cells: Mapping[str, Any]) -> None:
    values = _only(graph, place, cells, PARTY, *CUSTOMER, *INTEREST)
    values = {name: values[name] for name in PARTY if name in values}
    if "owner" in cells:
        graph.interest(place, str(values.get("id", "")), {name: cells[name] for name in INTEREST if name in cells})
    unfit = [name for name in _IDS if name in values and not _fits(graph, f"{place}:{name}", values[name])]
    if "listed" in values:
        values["listed"] = [_listing(each) for each in split(values["listed"])]
    graph.party(place, {name: split(each) if name in LISTS else each for name, each in values.items()}, unfit=unfit)
    if "customer" in cells:
        graph.customer(place, str(cells["customer"]), str(values.get("id", "")), _profile(graph, place, cells))


def _fits(graph: Graph, place: str, cell: object) -> bool:
    """Whether a cell holds ids, told by itself so that its column is told too."""
    before = len(graph.faults.told) + graph.faults.more
    with graph.faults.at(place):
        for each in split(cell):
            checked_identifier(str(each), "party")
    return len(graph.faults.told) + graph.faults.more == before


def _only(graph: Graph, place: str, cells: Mapping[str, Any], names: tuple[str, ...], *others: str) -> dict[str, Any]:
    for name in cells.keys() - {*names, *others}:
        graph.faults.add(f"{place}:{name}", "this column has no meaning in this row")
    return {name: cells[name] for name in names if name in cells}


def _profile(graph: Graph, place: str, cells: Mapping[str, Any]) -> dict[str, Any] | None:
    found = {name: split(cells[name]) if name in PROFILE_LISTS else cells[name] for name in PROFILE if name in cells}
    if "address" in cells:
        found["address"] = {"text": cells["address"], "country": cells.get("address_country")}
    elif "address_country" in cells:
        graph.faults.add(f"{place}:address_country", "a country without its address")
    return found or None


def split(cell: object) -> list[Any]:
    """The entries of a cell."""
    if isinstance(cell, list):
        return cell
    text = str(cell)
    return [each.strip() for each in text.split("\n" if "\n" in text else "|") if each.strip()]


def joined(entries: Iterable[str]) -> str:
    """The cell of some entries; `split` is the way back."""
    cell = "\n".join(entries)
    return cell + "\n" if "|" in cell and "\n" not in cell else cell


def _listing(entry: object) -> dict[str, Any]:
    """`us-sdn`, or `us-sdn/2024-02-01/2025-01-01`; days may be empty."""
    if isinstance(entry, dict):
        return entry
    name, _, days = str(entry).partition("/")
    begins, _, ends = days.partition("/")
    return {"list": name, "from": begins or None, "to": ends or None}
