"""Rows of GLEIF's golden copy files, which have millions of them: read once, in bytes, as CSV or as GLEIF's zip of it.

Only a row that begins with a wanted LEI is taken apart. A line inside of a quoted cell is never taken for a row: the
quotes of each line are counted, so that no name or address can pass for the entry of somebody else.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.imports.lines import LINE_BYTES_MAX

ROW_LINES_MAX = 1_000
# The whole LEI2 file is below 6 GB as text. GLEIF's own files shrink to a twentieth; a bomb shrinks a thousandfold.
TEXT_BYTES_MAX = 16 * 1024**3
RATIO_MAX = 100
_RATIO_FROM_BYTES = 64 * 1024**2
_ZIP = b"PK"
_BUFFER_BYTES = 256 * 1024
_LINES_A_TELL = 2_000
_LEI_CHARACTERS = 20
_ENCRYPTED = 0x1
Tell = Callable[[int], None]


def wanted_rows(
    path: Path, key: str, wanted: Collection[str], needed: Collection[str], tell: Tell | None
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line and cells by column of the rows whose key is wanted; what is no UTF-8 is never a reason to stop.

    Args:
        needed: columns without which it is another file.
        tell: hears how many bytes of the file were read more.

    Raises:
        InvalidInput: the file cannot be read, is no such file, or ends in the middle of a row, or a row has a key that
            is more than a wanted one; with its name and line.
    """
    with _opened(path) as (file, place):
        lines = _lines(path, file, place, tell)
        _, head = next(lines, (1, b""))
        columns = _cells(path, 1, _text(head).removeprefix("\ufeff"))
        for name in (key, *needed):
            if columns.count(name) != 1:
                wrong = "stands twice" if name in columns else "is missing"
                raise InvalidInput(f"{path}:1: the column {name} {wrong}.", hint="Take GLEIF's golden copy as CSV.")
        at = columns.index(key)
        for number, record in _records(path, lines, wanted, is_first=at == 0):
            row = _cells(path, number, _text(record))
            if len(row) != len(columns):
                raise InvalidInput(f"{path}:{number}: the row has {len(row)} cells, and the header {len(columns)}.")
            if row[at] in wanted:
                yield number, dict(zip(columns, row, strict=True))
            elif row[at].strip()[:_LEI_CHARACTERS] in wanted:
                message = f"{path}:{number}: {row[at]!r:.60} begins like the LEI of one of ours and is none."
                raise InvalidInput(message, hint="Nobody knows whose row it is: fetch the file again.")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it lies there.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}.") from error


def _records(
    path: Path, lines: Iterator[tuple[int, bytes]], wanted: Collection[str], *, is_first: bool
) -> Iterator[tuple[int, bytes]]:
    """Line and text of whole rows that may be wanted: a row ends where every quote that it opened is closed."""
    keys = frozenset(each.encode() for each in wanted)
    for number, line in lines:
        may_be = not is_first or line[1 : _LEI_CHARACTERS + 1] in keys or line[:_LEI_CHARACTERS] in keys
        if line.count(b'"') & 1:
            row = line + _rest(path, number, lines)
            if may_be:
                yield number, row
        elif may_be:
            yield number, line


def _cells(path: Path, number: int, text: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error as error:  # a cell longer than any that this module reads
        raise InvalidInput(f"{path}:{number}: no CSV in the row that begins here: {error}.") from error


def _rest(path: Path, number: int, lines: Iterator[tuple[int, bytes]]) -> bytes:
    parts: list[bytes] = []
    for _, line in lines:
        parts.append(line)
        if line.count(b'"') & 1:
            return b"".join(parts)
        if len(parts) > ROW_LINES_MAX:
            break
    raise InvalidInput(f"{path}:{number}: a quoted cell does not end.", hint="The file is cut off: fetch it again.")


def _lines(
    path: Path, file: io.BufferedReader, place: Callable[[], int], tell: Tell | None
) -> Iterator[tuple[int, bytes]]:
    number, told, size = 0, 0, 0
    try:
        while line := file.readline(LINE_BYTES_MAX + 1):
            number += 1
            size += len(line)
            if len(line) > LINE_BYTES_MAX:
                raise InvalidInput(f"{path}:{number}: the line is longer than 1 MiB.")
            if tell is not None and number % _LINES_A_TELL == 0:
                tell(place() - told)
                told = place()
            yield number, line
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}.", hint="Fetch it again.") from error
    if tell is not None:
        tell(place() - told)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[io.BufferedReader, Callable[[], int]]]:
    """The text of a file, and how many of its bytes were read so far."""
    try:
        with path.open("rb", buffering=0) as raw:
            is_zip = raw.read(len(_ZIP)) == _ZIP
            if not is_zip and path.suffix.lower() == ".zip":
                raise InvalidInput(f"{path}: is no zip file.", hint="Fetch it again, or name a CSV file `.csv`.")
            raw.seek(0)
            if not is_zip:
                yield io.BufferedReader(raw, _BUFFER_BYTES), raw.tell
                return
            with zipfile.ZipFile(raw) as packed, packed.open(_member(path, packed)) as member:
                yield io.BufferedReader(cast("io.RawIOBase", member), _BUFFER_BYTES), raw.tell
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}.", hint="Fetch it again.") from error


def _member(path: Path, packed: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one table of a zip file, once its sizes are those of a table: no more than it says is ever read."""
    found = [each for each in packed.infolist() if not each.is_dir()]
    if len(found) != 1 or not found[0].filename.lower().endswith(".csv"):
        raise InvalidInput(f"{path}: should hold one CSV file and holds {len(found)}.", hint="Take it as GLEIF has it.")
    (member,) = found
    if member.flag_bits & _ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidInput(f"{path}: is encrypted or packed in a way that is not read.", hint="Unpack it.")
    is_bomb = member.file_size > _RATIO_FROM_BYTES and member.file_size > RATIO_MAX * member.compress_size
    if member.file_size > TEXT_BYTES_MAX or is_bomb:
        raise InvalidInput(f"{path}: says that {member.compress_size:,} bytes hold {member.file_size:,}: too much.")
    return member


def _text(line: bytes) -> str:
    # What is not UTF-8 is shown as such: one bad name of millions must not stop an import.
    return line.decode("utf-8", "replace")
