"""Lines of files that nobody trusts: bounded, UTF-8, without NUL; and JSON in which no key stands twice."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatekeeper.domain.errors import InvalidInput

LINE_BYTES_MAX = 1024 * 1024
LINES_MAX = 5_000_000
# Byte order marks of what some spreadsheets call Unicode; the one of UTF-32 begins like that of UTF-16.
_NOT_UTF_8 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_DEPTH_HINT = "nested too deeply"


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line with its end, a byte order mark left out. A line of a gigabyte is never held.

    Raises:
        InvalidInput: not readable, a line over 1 MiB, not UTF-8, a NUL, or too many lines.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_BYTES_MAX + 1):
                number += 1
                if len(line) > LINE_BYTES_MAX:
                    raise InvalidInput(f"{path}:{number}: the line is longer than 1 MiB.")
                if number == 1 and line.startswith(_NOT_UTF_8):
                    raise InvalidInput(f"{path}:1: the file is UTF-16 or UTF-32.", hint="Save it as UTF-8.")
                if number > LINES_MAX:
                    raise InvalidInput(f"{path}: more than {LINES_MAX:,} lines.")
                yield number, _text(path, number, line)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}.") from error


def parsed(text: str) -> Any:
    """A JSON value with every number as its text, so that no share passes through a float.

    Raises:
        InvalidInput: no JSON, a key that stands twice, NaN or infinity, or nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"no JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise InvalidInput(_DEPTH_HINT) from error


def _text(path: Path, number: int, line: bytes) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path}:{number}: the line is not UTF-8 (byte {error.start}).", hint="Save the file as UTF-8."
        ) from error
    if "\0" in text:
        raise InvalidInput(f"{path}:{number}: the line holds a NUL.", hint="If the file is UTF-16, save it as UTF-8.")
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidInput(f"the key {next(each for each in names if names.count(each) > 1)!r:.80} stands twice")
    return found


def _refuse(text: str) -> Any:
    raise InvalidInput(f"{text} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=str, parse_int=str, parse_constant=_refuse)
