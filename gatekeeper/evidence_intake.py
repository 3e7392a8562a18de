"""A file of evidence that is coming in: hashed while it is written, and named once all of it is safe."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput, Unavailable

UNFINISHED = ".new-"
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file whose bytes are safe: its SHA-256 in hexadecimal, and its size."""

    sha256: str
    size_bytes: int


class TooLarge(InvalidInput):
    """More bytes than a file of evidence may have."""


class Intake:
    """A file that is coming in. Whoever has one ends it, by `keep` or `abandon`."""

    def __init__(self, folder: Path, name: str, *, largest_bytes: int, spare_bytes: int) -> None:
        self._folder, self._name = folder, name
        self._largest_bytes, self._spare_bytes = largest_bytes, spare_bytes
        self._digest, self.size_bytes, self.first = hashlib.sha256(), 0, b""
        descriptor, self._written = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)  # mode 0600
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as long as this process lives: see `sweep`
        self._target = os.fdopen(descriptor, "wb")

    def add(self, piece: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLarge: more than allowed. Unavailable: the disk is full. OSError: they cannot be written.
        """
        self.size_bytes += len(piece)
        if self.size_bytes > self._largest_bytes:
            raise too_large(self._name, None, self._largest_bytes)
        self._check_room(len(piece))
        self.first = self.first or piece[:64]
        self._digest.update(piece)
        self._target.write(piece)

    def keep(self, expected: str = "") -> Kept:
        """Force the bytes to disk and give them their name.

        Args:
            expected: the SHA-256 that they have to have; "" for any.

        Raises:
            InvalidInput: nothing came, or something else than was expected. OSError: they cannot be written.
        """
        sha256 = self._digest.hexdigest()
        if not self.size_bytes:
            raise InvalidInput(f"{self._name} is empty.")
        if expected and expected != sha256:
            raise InvalidInput(f"{self._name} has the SHA-256 {sha256}, and not {expected}.", hint="Send it again.")
        self._target.flush()
        os.fsync(self._target.fileno())
        Path(self._written).replace(self._folder / sha256)
        force_names(self._folder)
        return Kept(sha256, self.size_bytes)

    def abandon(self) -> None:
        """Let go; what was not kept is gone."""
        Path(self._written).unlink(missing_ok=True)
        with suppress(OSError):  # what it could not write is gone with it
            self._target.close()

    def _check_room(self, more_bytes: int) -> None:
        disk = os.fstatvfs(self._target.fileno())
        if disk.f_bavail * disk.f_frsize < self._spare_bytes + more_bytes:
            raise Unavailable(
                f"The disk of {self._folder} is full: {self._spare_bytes // 2**20:,} MiB stay free for the database.",
                hint="Make room there. Nothing was kept.",
            )


def force_names(folder: Path) -> None:
    """A new name, and that one is gone, survives a power cut once its folder is forced to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def too_large(name: str, size_bytes: int | None, largest_bytes: int) -> TooLarge:
    """What to raise; `size_bytes` is None where it is not known."""
    has = "goes on for longer" if size_bytes is None else f"has {size_bytes:,} bytes"
    return TooLarge(
        f"{name} {has}; a file of evidence has at most {largest_bytes:,} bytes.",
        hint="Add the pages that matter, or name where the whole is kept in --source.",
    )


_LABELS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"PK\x03\x04": "application/zip",
}


def label_of(first: bytes) -> str:
    """The media type that the first bytes of a file look like: a label for people, and nothing is ever served as it."""
    return next((label for begin, label in _LABELS.items() if first.startswith(begin)), UNKNOWN)
