"""Evidence on disk: whole or not there at all, never too large, and checked again."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.evidence_files import PIECE_BYTES, EvidenceFiles, media_type_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "evidence"


def test_a_file_is_kept_under_its_hash_for_our_user_only(tmp_path: Path, folder: Path) -> None:
    content = os.urandom(2 * PIECE_BYTES + 1)
    (tmp_path / "extract.pdf").write_bytes(content)
    kept = EvidenceFiles(folder).keep(tmp_path / "extract.pdf")
    assert (kept.sha256, kept.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    (found,) = folder.iterdir()
    assert (found.name, found.read_bytes()) == (kept.sha256, content)
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_five_gigabytes_are_refused_before_a_byte_is_read(tmp_path: Path, folder: Path) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(5 * 2**30)  # sparse: it takes no room
    with pytest.raises(InvalidInput, match=r"has 5,368,709,120 bytes; .* at most 104,857,600"):
        EvidenceFiles(folder).keep(huge)
    assert not folder.exists()


class Endless(io.RawIOBase):
    """A pipe that never ends."""

    read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        self.read_bytes += size
        return b"x" * size


def test_a_pipe_that_never_ends_is_cut_off_and_leaves_nothing(folder: Path) -> None:
    pipe = Endless()
    with pytest.raises(InvalidInput, match="stdin goes on for longer"):
        EvidenceFiles(folder, largest_bytes=3 * PIECE_BYTES).keep_stream(pipe, "stdin")  # type: ignore[arg-type]
    assert pipe.read_bytes == 4 * PIECE_BYTES
    assert list(folder.iterdir()) == []


def test_what_breaks_off_leaves_nothing(folder: Path) -> None:
    class Broken(io.RawIOBase):
        def __init__(self) -> None:
            self.pieces = [b"half a file"]

        def read(self, size: int = -1) -> bytes:
            if self.pieces:
                return self.pieces.pop()
            raise OSError(5, "Input/output error")

    with pytest.raises(Unavailable, match="cannot be kept"):
        EvidenceFiles(folder).keep_stream(Broken(), "stdin")  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


def test_what_is_no_file_is_refused_at_once(tmp_path: Path, folder: Path) -> None:
    files = EvidenceFiles(folder)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    for name, told in (("pipe", "no regular file"), (".", "no regular file"), ("empty", "is empty")):
        with pytest.raises(InvalidInput, match=told):
            files.keep(tmp_path / name)
    with pytest.raises(NotFound):
        files.keep(tmp_path / "nowhere")


def test_a_changed_or_missing_file_is_told(tmp_path: Path, folder: Path) -> None:
    files = EvidenceFiles(folder)
    kept = files.keep_stream(io.BytesIO(b"the extract"), "stdin")
    told: list[int] = []
    assert files.check(kept.sha256, tell=told.append) == ""
    assert sum(told) == kept.size_bytes
    (folder / kept.sha256).write_bytes(b"the extracT")
    assert "was changed" in files.check(kept.sha256)
    assert files.keep_stream(io.BytesIO(b"the extract"), "stdin") == kept  # adding it once more mends it
    assert files.check(kept.sha256) == ""
    (folder / kept.sha256).unlink()
    assert files.check(kept.sha256) == "the file is gone"
    with pytest.raises(InvalidInput):
        files.check("../gatekeeper.db")


def test_the_media_type_is_by_name() -> None:
    assert [media_type_of(name) for name in ("a.PDF", "b.png", "-")] == [
        "application/pdf",
        "image/png",
        "application/octet-stream",
    ]
