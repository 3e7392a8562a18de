"""Verifies an export: is this what the log's key signed, line for line, and do its figures follow from each other?

1. The header is read, and its checkpoint opened with the key that the reader brought along.
2. Each line must be the canonical bytes of a record; it is hashed into the frontier as it stands.
3. Each record goes through the recomputation and through whatever other checks were asked for.
4. At the size of the older export, if there is one, the root must be the one that was signed then.
5. After the last line, number and root must be those of the checkpoint.

One line is in memory at a time. The recomputation (3) remembers runs and reservations; leave it out for a pure check.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from gatekeeper.domain.checkpoint import Checkpoint, SignatureRefused, VerifierKey, open_checkpoint
from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.domain.export import HEADER_BYTES_MAX, ExportHeader
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.record import RECORD_BYTES_MAX, Record, decode
from gatekeeper.ed25519 import check_ed25519
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.recompute import Recompute
from gatekeeper.verify.report import Problems, Report

Source = str | os.PathLike[str] | Iterable[bytes]


class Check(Protocol):
    """A further check of what records say, such as of the tiers that they state."""

    def see(self, record: Record) -> None:
        """Take the next record in, in the order of the log.

        Raises:
            Wrong: it does not follow from the records before it; the sentence is reported with its line.
        """
        ...


def verify_export(
    source: Source,
    key: VerifierKey | str,
    *,
    since: Source | None = None,
    recompute: bool = True,
    checks: Sequence[Check] = (),
) -> Report:
    """Verify an export against the public key of its log.

    Args:
        source: path of the export, or its lines as bytes, each with its newline.
        key: the log's verifier key, from its operator or publisher; never from the export itself.
        since: an older export of the same log, of which this one must be a continuation.
        recompute: add every run up again. Without it memory does not grow with the export.
        checks: further checks, fed with each record.

    Raises:
        InvalidInput: the key is no verifier key.
        Unavailable: a file cannot be read. A file that can be read is always reported on.
    """
    key = VerifierKey.parse(key) if isinstance(key, str) else key
    with ExitStack() as stack:
        older = None if since is None else stack.enter_context(_opened(since))
        lines = stack.enter_context(_opened(source))
        return _Verification(lines, key, older, recompute=recompute, checks=checks).run()


class _Damaged(Exception):
    """The file ends here or is no text of lines; reading on makes no sense."""


class _Verification:
    """One pass over one export."""

    def __init__(
        self, lines: _Lines, key: VerifierKey, older: _Lines | None, *, recompute: bool, checks: Sequence[Check]
    ) -> None:
        self._lines, self._older, self._key = lines, older, key
        self._problems = Problems()
        self._recompute = Recompute()
        self._checks = (*([self._recompute] if recompute else []), *checks)
        self._origin, self._frontier = "", Frontier()

    def run(self) -> Report:
        """Steps 1 to 5, and the report."""
        try:
            checkpoint = _open_header(self._lines, self._key)
            self._origin = checkpoint.origin
            self._read(checkpoint, self._open_older(checkpoint))
        except _Damaged as error:
            self._problems.add(self._lines.number, self._lines.offset, str(error))
        return Report(
            source=self._lines.name,
            origin=self._origin,
            size=self._frontier.size,
            root=self._frontier.root().hex() if self._origin else "",
            problems=tuple(self._problems.kept),
            problems_found=self._problems.found,
            runs=self._recompute.runs,
            days=self._recompute.days,
            overruns=tuple(self._recompute.overruns),
        )

    def _read(self, checkpoint: Checkpoint, older: Checkpoint | None) -> None:
        self._compare_with(older)
        while self._frontier.size < checkpoint.size:
            line = self._lines.next(RECORD_BYTES_MAX)
            if line is None:
                raise _Damaged(f"The file ends after {self._frontier.size} of {checkpoint.size} records.")
            self._frontier = self._frontier.append(leaf_hash(line))
            self._judge(line)
            self._compare_line(line, older)
            self._compare_with(older)
        if self._lines.next(0, exact=False) is not None:
            raise _Damaged(f"More follows after the {checkpoint.size} records that the checkpoint covers.")
        if self._frontier.root() != checkpoint.root:
            self._problems.add(
                0,
                0,
                "The records are not those that were signed: the root over all lines differs from the checkpoint's.",
            )

    def _judge(self, line: bytes) -> None:
        try:
            record = decode(line)
        except InvalidInput as error:
            self._problem(error.message)
            return
        for check in self._checks:
            try:
                check.see(record)
            except Wrong as error:
                self._problem(str(error))

    def _open_older(self, newer: Checkpoint) -> Checkpoint | None:
        if self._older is None:
            return None
        try:
            older = _open_header(self._older, self._key)
        except _Damaged as error:
            raise _Damaged(f"The older export is refused: {error}") from error
        if older.size > newer.size:
            raise _Damaged(f"The older export has {older.size} records, this one {newer.size}: records were removed.")
        return older

    def _compare_line(self, line: bytes, older: Checkpoint | None) -> None:
        """Say which line differs; that something differs is found by the root."""
        if self._older is None or older is None or self._frontier.size > older.size:
            return
        try:
            other = self._older.next(RECORD_BYTES_MAX)
        except _Damaged as error:
            raise _Damaged(f"The older export is damaged at line {self._older.number}: {error}") from error
        if other != line:
            self._problem("This line differs from the same line of the older export.")

    def _compare_with(self, older: Checkpoint | None) -> None:
        if older is not None and older.size == self._frontier.size and older.root != self._frontier.root():
            self._problem(f"The first {older.size} records are not those of the older export's checkpoint.")

    def _problem(self, message: str) -> None:
        self._problems.add(self._lines.number, self._lines.offset, message)


def _open_header(lines: _Lines, key: VerifierKey) -> Checkpoint:
    line = lines.next(HEADER_BYTES_MAX)
    if line is None:
        raise _Damaged("The file is empty.")
    try:
        header = ExportHeader.parse(line)
        checkpoint = open_checkpoint(header.checkpoint, key, check_ed25519)
    except (InvalidInput, SignatureRefused) as error:
        raise _Damaged(str(error)) from error
    if (header.origin, header.size) != (checkpoint.origin, checkpoint.size):
        raise _Damaged(
            f"The header says {header.size} records of {header.origin!r}, its signed checkpoint says "
            f"{checkpoint.size} of {checkpoint.origin!r}."
        )
    return checkpoint


@contextmanager
def _opened(source: Source) -> Iterator[_Lines]:
    if not isinstance(source, str | os.PathLike):
        iterator = iter(source)
        yield _Lines("export", lambda _limit: next(iterator, b""))
        return
    try:
        with Path(source).open("rb") as file:
            yield _Lines(os.fspath(source), file.readline)
    except OSError as error:
        raise Unavailable(f"{os.fspath(source)} cannot be read: {error.strerror}.") from error


class _Lines:
    """Lines of an export, with number and offset of the last one; none is ever read far past its limit."""

    def __init__(self, name: str, read: Callable[[int], bytes]) -> None:
        self.name = name
        self.number = 0
        self.offset = 0
        self._next_offset = 0
        self._read = read

    def next(self, bytes_max: int, *, exact: bool = True) -> bytes | None:
        """The next line without its newline; None at the end.

        Raises:
            _Damaged: the line is too long, or the file ends inside of it (not with `exact=False`).
        """
        line = self._read(bytes_max + 2)
        if not line:
            return None
        self.number, self.offset = self.number + 1, self._next_offset
        self._next_offset += len(line)
        if exact and not line.endswith(b"\n"):
            cause = "is longer than allowed" if len(line) > bytes_max else "has no newline at its end: the file is cut"
            raise _Damaged(f"The line {cause}.")
        return line.removesuffix(b"\n")
