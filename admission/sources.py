"""Where manifests come from: a file, or standard input for `-`, read piece by piece with a limit on every object.

Nothing is ever held whole, so that what `kubectl get -A` writes for a large cluster is read in bounded memory.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from gatekeeper.domain.errors import InvalidInput

STDIN = "-"
# The API server takes objects up to 3 MiB of JSON; YAML's indentation makes them up to twice as long.
LARGEST_OBJECT_BYTES = 8 * 1024**2
# Bounds time and not memory: no cluster holds as much, as etcd ends at 8 GiB and real objects are read at 10 MB/s.
LARGEST_FILE_BYTES = 2 * 1024**3
MOST_OBJECTS = 1_000_000
TEMPLATE_HINT = "Render templates first."

Progress = Callable[[int], object]


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""


class Source:
    """Bytes of a named file, counted as they are read.

    Attributes:
        name: how errors call it.
        read_bytes: how many were read so far, some of them ahead of the parser.
    """

    def __init__(self, file: Readable, name: str, progress: Progress | None = None) -> None:
        self.name = name
        self.read_bytes = 0
        self._file = file
        self._progress = progress
        self._object_from = 0

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end.

        Raises:
            InvalidInput: an object, or all of it, is larger than we read; or it cannot be read.
        """
        try:
            data = self._file.read(size)
        except OSError as error:
            raise InvalidInput(f"{self.name}: cannot be read ({error.strerror}).") from error
        self.read_bytes += len(data)
        if self._progress is not None:
            self._progress(len(data))
        if self.read_bytes > LARGEST_FILE_BYTES:
            raise InvalidInput(f"{self.name}: larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", hint="Split the file.")
        return data

    def next_object(self) -> None:
        """Another object begins here."""
        self._object_from = self.read_bytes

    def check_object(self) -> None:
        """Refuse an object that has become too large.

        Raises:
            InvalidInput: it has.
        """
        if self.read_bytes - self._object_from > LARGEST_OBJECT_BYTES:
            raise too_large(self.name)


class Peeked:
    """A file whose beginning is looked at before it is read.

    Attributes:
        start: the beginning.
    """

    def __init__(self, file: Readable, size: int, name: str) -> None:
        try:
            self.start = file.read(size) if size else b""
        except OSError as error:
            raise InvalidInput(f"{name}: cannot be read ({error.strerror}).") from error
        self._again = self.start
        self._file = file

    def read(self, size: int, /) -> bytes:
        """The next bytes, from the beginning on."""
        again, self._again = self._again, b""
        return again or self._file.read(size)


class CheckedSource(Source):
    """A source for a parser that itself asks for more: it is stopped where one object does not end.

    Attributes:
        braces_seen: whether it held what templates begin with, and manifests hardly ever.
        is_json: whether it begins like JSON.
    """

    braces_seen = False
    is_json = False

    def read(self, size: int) -> bytes:
        """As Source, and refuses an object that is too large."""
        is_first = not self.read_bytes
        data = super().read(size)
        if is_first:
            self.is_json = data.lstrip()[:1] == b"{"
        self.braces_seen = self.braces_seen or b"{{" in data
        self.check_object()
        return data


def too_large(place: str) -> InvalidInput:
    """What is said of one object that is larger than any cluster takes."""
    return InvalidInput(
        f"{place}: one object is larger than {LARGEST_OBJECT_BYTES // 1024**2} MiB.",
        hint="No cluster takes it: the API server's own limit is 3 MiB.",
    )


def name_of(path: Path) -> str:
    """How a file is called in errors and lists."""
    return "stdin" if str(path) == STDIN else str(path)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`.

    Raises:
        InvalidInput: it is not there, or cannot be opened.
    """
    if str(path) == STDIN:
        # Not closed: it is not ours. A stand-in that holds text has no bytes below it.
        yield getattr(sys.stdin, "buffer", None) or io.BytesIO(sys.stdin.read().encode())
        return
    if not path.exists():
        raise InvalidInput(f"{path}: there is no such file.")
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror}).") from error
    with file:
        yield file
