"""The values of a JSON array, one after the other, without holding the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TextIO

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.list_files.opening import Source, Tell

ENTRY_CHARACTERS_MAX = 4 * 1024**2
_PIECE_CHARACTERS = 1024**2
_BEGIN = re.compile(r'\s*(?:\[|\{.{0,2000}?"(?:results|sdnEntry)"\s*:\s*\[)', re.DOTALL)
_BETWEEN = re.compile(r"[ \t\r\n,]*")


def objects(file: TextIO, source: Source, tell: Tell) -> Iterator[object]:
    """The values of the array under `results` or `sdnEntry`, or of the file where it is an array.

    Raises:
        InvalidInput: there is none, it breaks off, one value is too large, or an object names a key twice: the one
            that is taken could hide the other from whoever reads the file.
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(each for each in names if names.count(each) > 1)
            raise InvalidInput(f"{source.name}: the key {twice!r:.80} stands twice in one object.")
        return found

    held, decoder = file.read(_PIECE_CHARACTERS), json.JSONDecoder(object_pairs_hook=unique)
    begin = _BEGIN.match(held)
    if begin is None:
        raise InvalidInput(f"{source.name} is JSON without a list of entries under `results` or `sdnEntry`.")
    at = begin.end()
    while True:
        at = _after(held, at)
        if held.startswith("]", at):
            return
        try:
            value, end = decoder.raw_decode(held, at)
        except (ValueError, RecursionError) as error:  # also a number with too many digits
            piece = file.read(_PIECE_CHARACTERS)
            if not piece or len(held) - at > ENTRY_CHARACTERS_MAX:
                told = f"{source.name} is no whole JSON: {error}."
                raise InvalidInput(told, hint="Is the download complete?") from error
            held, at = held[at:] + piece, 0
            tell(file.buffer.tell(), source.size)
            continue
        yield value
        at = end


def _after(held: str, at: int) -> int:
    match = _BETWEEN.match(held, at)
    return match.end() if match else at
