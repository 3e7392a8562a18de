"""Evidence on disk: one file for each content, named by its SHA-256, in a folder beside the database.

A file is read once, in pieces: its bytes go into a temporary file beside their place while they are hashed, are forced
to disk, and take their name in one step. So what has a name is whole, and two people who add the same file share it.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.domain.evidence import checked_sha256

# Scanned registers and passports have a few MB; who sends more sends something else.
LARGEST_BYTES = 100 * 2**20
PIECE_BYTES = 2**20
_UNKNOWN = "application/octet-stream"
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file whose bytes are safe: its SHA-256 in hexadecimal, and its size."""

    sha256: str
    size_bytes: int


class EvidenceFiles:
    """The folder."""

    def __init__(self, folder: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        """Nothing is made before the first file is kept."""
        self._folder = folder
        self._largest_bytes = largest_bytes

    def keep(self, path: Path) -> Kept:
        """Keep a copy of a file.

        Raises:
            InvalidInput: no regular file, empty, or larger than allowed; that is known before a byte is read.
            NotFound: there is no such file. Unavailable: it cannot be read, or the copy cannot be written.
        """
        try:
            # Without O_NONBLOCK a named pipe that nobody writes to would hold us for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise NotFound(f"There is no file {path}.") from error
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error
        with ExitStack() as end:
            end.callback(os.close, descriptor)
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):  # asked first: a folder cannot even be opened as a stream
                raise InvalidInput(f"{path} is no regular file.", hint="Give - to read from a pipe.")
            if found.st_size > self._largest_bytes:
                raise self._too_large(str(path), found.st_size)
            return self.keep_stream(os.fdopen(descriptor, "rb", buffering=0, closefd=False), str(path))

    def keep_stream(self, source: BinaryIO, name: str) -> Kept:
        """Keep what a stream holds to its end: a pipe, or a file that may still grow.

        Raises:
            InvalidInput: nothing comes, or more than allowed. Unavailable: reading or writing fails.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ExitStack() as undo:
                descriptor, written = tempfile.mkstemp(dir=self._folder, prefix=".new-")  # mode 0600
                undo.callback(Path(written).unlink, missing_ok=True)
                with os.fdopen(descriptor, "wb") as target:
                    kept = self._copy(source, target, name)
                    target.flush()
                    os.fsync(target.fileno())
                Path(written).replace(self._folder / kept.sha256)
            self._force_names()
        except OSError as error:
            raise Unavailable(
                f"{name} cannot be kept in {self._folder}: {error.strerror}.", hint="Check its disk (space, rights)."
            ) from error
        return kept

    def check(self, sha256: str, *, tell: Tell | None = None) -> str:
        """Hash a kept file again: "" where it is what its name says, else what is wrong with it.

        Args:
            tell: told how many bytes were read since it was last told.
        """
        digest = hashlib.sha256()
        try:
            with (self._folder / checked_sha256(sha256)).open("rb", buffering=0) as source:
                while piece := source.read(PIECE_BYTES):
                    digest.update(piece)
                    if tell is not None:
                        tell(len(piece))
        except FileNotFoundError:
            return "the file is gone"
        except OSError as error:
            return f"the file cannot be read: {error.strerror}"
        return "" if digest.hexdigest() == sha256 else f"the file was changed: it is {digest.hexdigest()} now"

    def holds(self, sha256: str) -> bool:
        """Whether the bytes are there."""
        return (self._folder / checked_sha256(sha256)).is_file()

    def drop(self, sha256: str) -> bool:
        """Remove the bytes, for good once this returns; whether there were any.

        Raises:
            Unavailable: they cannot be removed.
        """
        try:
            (self._folder / checked_sha256(sha256)).unlink()
            self._force_names()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Unavailable(
                f"{sha256} cannot be removed from {self._folder}: {error.strerror}.", hint="Check its rights."
            ) from error
        return True

    def _copy(self, source: BinaryIO, target: BinaryIO, name: str) -> Kept:
        digest, size_bytes = hashlib.sha256(), 0
        while piece := source.read(PIECE_BYTES):
            size_bytes += len(piece)
            if size_bytes > self._largest_bytes:
                raise self._too_large(name, None)
            digest.update(piece)
            target.write(piece)
        if not size_bytes:
            raise InvalidInput(f"{name} is empty.")
        return Kept(digest.hexdigest(), size_bytes)

    def _too_large(self, name: str, size_bytes: int | None) -> InvalidInput:
        has = "goes on for longer" if size_bytes is None else f"has {size_bytes:,} bytes"
        return InvalidInput(
            f"{name} {has}; a file of evidence has at most {self._largest_bytes:,} bytes.",
            hint="Add the pages that matter, or name where the whole is kept in --source.",
        )

    def _force_names(self) -> None:
        """A new name survives a power cut once its folder is forced to disk."""
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def media_type_of(name: str) -> str:
    """The media type by a file's name; by its content nobody guesses."""
    return mimetypes.guess_type(name, strict=True)[0] or _UNKNOWN
