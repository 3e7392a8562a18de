"""Evidence on disk: one file for each content, named by its SHA-256, in a folder beside the database.

A file is read once, in pieces: its bytes go into a temporary file beside their place while they are hashed, are forced
to disk, and take their name in one step. So what has a name is whole, and two people who add the same file share it.
A process that is killed leaves its temporary file locked by nobody, and the next one removes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import mimetypes
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.domain.evidence import checked_sha256
from gatekeeper.evidence_intake import UNFINISHED, UNKNOWN, Intake, Kept, force_names, too_large

# Scanned registers and passports have a few MB; who sends more sends something else.
LARGEST_BYTES = 100 * 2**20
PIECE_BYTES = 2**20
# What stays free on the disk: usually the database is on it, and without room nothing is released or stopped any more.
SPARE_BYTES = 256 * 2**20
Tell = Callable[[int], None]


class EvidenceFiles:
    """The folder."""

    def __init__(self, folder: Path, *, largest_bytes: int = LARGEST_BYTES, spare_bytes: int = SPARE_BYTES) -> None:
        """Nothing is made before the first file is kept."""
        self._folder = folder
        self.largest_bytes = largest_bytes
        self._spare_bytes = spare_bytes
        self._swept = False

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
            if found.st_size > self.largest_bytes:
                raise too_large(str(path), found.st_size, self.largest_bytes)
            return self.keep_stream(os.fdopen(descriptor, "rb", buffering=0, closefd=False), str(path))

    def keep_stream(self, source: BinaryIO, name: str) -> Kept:
        """Keep what a stream holds to its end: a pipe, or a file that may still grow.

        Raises:
            InvalidInput: nothing comes, or more than allowed. Unavailable: reading or writing fails.
        """
        try:
            with ExitStack() as end:
                intake = self.intake(name)
                end.callback(intake.abandon)
                while piece := source.read(PIECE_BYTES):
                    intake.add(piece)
                return intake.keep()
        except OSError as error:
            raise self.not_kept(name, error) from error

    def intake(self, name: str) -> Intake:
        """Begin to take a file in, piece by piece.

        Raises:
            OSError: the folder cannot be written; `not_kept` tells it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            self.sweep()
        return Intake(self._folder, name, largest_bytes=self.largest_bytes, spare_bytes=self._spare_bytes)

    def not_kept(self, name: str, error: OSError) -> Unavailable:
        """What to raise where a file could not be written."""
        return Unavailable(
            f"{name} cannot be kept in {self._folder}: {error.strerror}.", hint="Check its disk (space, rights)."
        )

    def sweep(self) -> int:
        """Remove what processes that were killed left half written; how many files those were."""
        swept = 0
        for each in self._folder.glob(f"{UNFINISHED}*"):
            with suppress(FileNotFoundError), each.open("rb") as left:
                try:
                    fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # somebody writes it
                if os.fstat(left.fileno()).st_size:  # one that is empty may only just have been made
                    each.unlink()
                    swept += 1
        return swept

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of a kept file.

        Raises:
            NotFound: they are gone. Unavailable: they cannot be read, or something else has their name.
        """
        try:
            path = self._folder / checked_sha256(sha256)
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise NotFound(f"The bytes of {sha256} are gone.", hint="See `gatekeeper evidence verify`.") from error
        except OSError as error:
            raise Unavailable(f"{sha256} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unavailable(f"What has the name {sha256} is no regular file.")
        return os.fdopen(descriptor, "rb")

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

    def names(self) -> list[str]:
        """The SHA-256 of every file that is kept, whoever has it on record."""
        return sorted(each.name for each in self._folder.glob("[0-9a-f]" * 64))

    def drop(self, sha256: str) -> bool:
        """Remove the bytes, for good once this returns; whether there were any.

        Raises:
            Unavailable: they cannot be removed.
        """
        try:
            (self._folder / checked_sha256(sha256)).unlink()
            force_names(self._folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Unavailable(
                f"{sha256} cannot be removed from {self._folder}: {error.strerror}.", hint="Check its rights."
            ) from error
        return True


def media_type_of(name: str) -> str:
    """The media type by a file's name."""
    return mimetypes.guess_type(name, strict=True)[0] or UNKNOWN
