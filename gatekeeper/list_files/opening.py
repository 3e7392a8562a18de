"""A list's file, opened: its size and hash, in which letters it is written, and its errors so far.

UTF-8, with or without a byte order mark, is what publishers say that they write; older files of OFAC hold letters of
Windows-1252. A file is one or the other as a whole: it is looked through once, before anything is read of it.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from gatekeeper.domain.errors import InvalidInput

FILE_BYTES_MAX = 512 * 1024**2
ERRORS_SHOWN = 20
UTF_8, WINDOWS = "utf-8-sig", "cp1252"
_PIECE_BYTES = 1024**2
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# How many bytes of how many are read.
Tell = Callable[[int, int], None]


def say_nothing(done: int, total: int) -> None:
    """For who does not watch."""


@dataclass(slots=True)
class Errors:
    """Errors of a file so far."""

    told: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, where: str, message: str) -> None:
        """Keep an error with its place, as long as a person would read them."""
        if len(self.told) < ERRORS_SHOWN:
            self.told.append(f"{where}: {message}")
        else:
            self.more += 1

    def check(self) -> None:
        """Raise all of them as one, where there are any."""
        if self.told:
            raise InvalidInput("\n".join([*self.told, *([f"and {self.more} more errors."] if self.more else [])]))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was looked through. `sha256`: of its bytes, in hex; `encoding`: UTF_8 or WINDOWS; `size` in bytes."""

    path: Path
    sha256: str
    encoding: str
    size: int

    @property
    def name(self) -> str:
        """As errors name it."""
        return self.path.name

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """The file as text; lines end as they do in it."""
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                yield file
        except OSError as error:
            raise _unreadable(self.path, error) from error

    @contextmanager
    def bytes(self) -> Iterator[BinaryIO]:
        """The file as it is."""
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise _unreadable(self.path, error) from error


def source_of(path: Path) -> Source:
    """Look through a file.

    Raises:
        InvalidInput: it cannot be read, is too large, or is text in neither encoding.
    """
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise InvalidInput(f"{path.name} is larger than {FILE_BYTES_MAX // 1024**2} MiB.")
        with path.open("rb") as file:
            return Source(path, *_looked_through(file, path.name), size)
    except OSError as error:
        raise _unreadable(path, error) from error


def _looked_through(file: BinaryIO, name: str) -> tuple[str, str]:
    """The hash of the bytes, and their encoding."""
    sha256, utf8, windows = hashlib.sha256(), codecs.getincrementaldecoder(UTF_8)(), True
    is_utf8, first = True, True
    while piece := file.read(_PIECE_BYTES):
        if first and piece.startswith(_UTF_16):
            raise InvalidInput(f"{name} is UTF-16.", hint="Save it as UTF-8.")
        if b"\0" in piece:
            raise InvalidInput(f"{name} holds a zero byte, and so is no text.")
        first = False
        sha256.update(piece)
        is_utf8 = is_utf8 and _decodes(utf8, piece)
        windows = windows and _decodes(codecs.getincrementaldecoder(WINDOWS)(), piece)
    is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    if not is_utf8 and not windows:
        raise InvalidInput(f"{name} is neither UTF-8 nor Windows-1252.", hint="Is it the file as its publisher has it?")
    return sha256.hexdigest(), UTF_8 if is_utf8 else WINDOWS


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def rows(file: TextIO, source: Source, tell: Tell) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers from 1; not the end-of-file sign with which OFAC's files end, and no empty ones."""
    reader, number = csv.reader(file, strict=True), 0
    try:
        for number, row in enumerate(reader, 1):
            if number % 1_000 == 0:
                tell(file.buffer.tell(), source.size)
            if row and row != ["\x1a"]:
                yield number, row
    except csv.Error as error:
        raise InvalidInput(f"{source.name}:{number + 1}: {error}.") from error


def _unreadable(path: Path, error: OSError) -> InvalidInput:
    return InvalidInput(f"{path} cannot be read: {error.strerror}.")
