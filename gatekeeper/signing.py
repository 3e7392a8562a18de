"""The log's key: signs checkpoints with Ed25519, and never two histories.

Beside the key lies the last checkpoint that it signed. A tree that does not continue that one is refused, so a
database that was restored from an old backup raises an alarm and does not fork the log silently. Key and memory
therefore belong on storage that is not restored together with the database.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatekeeper.domain.checkpoint import (
    ED25519_TYPE,
    NOTE_BYTES_MAX,
    Checkpoint,
    NoteSignature,
    SignatureRefused,
    VerifierKey,
    open_checkpoint,
    write_note,
)
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from gatekeeper.domain.merkle import EMPTY_ROOT, Proof, ProofRefused, consistency_proof, verify_consistency
from gatekeeper.ed25519 import check_ed25519

# The private half of a signed-note key as golang.org/x/mod/sumdb/note writes it: PREFIX+name+id+base64(type, seed).
_PREFIX = "PRIVATE+KEY"
_SECRET_BITS = stat.S_IRWXG | stat.S_IRWXO


class ForkRefused(Conflict):
    """The tree does not continue the last one that was signed: records were removed or changed, or a backup is old."""


class Ed25519Signer:
    """Signs the checkpoints of one log. Safe to call from several threads and processes: a file lock orders them."""

    def __init__(self, path: Path, private: Ed25519PrivateKey, key: VerifierKey) -> None:
        self._path = path
        self._private = private
        self._key = key

    @classmethod
    def create(cls, path: Path, origin: str) -> Ed25519Signer:
        """Make a key for the log `origin` at `path` (mode 0600), and the checkpoint of the empty log beside it.

        Raises:
            Conflict: something is at `path` or beside it already; a key is never overwritten.
            InvalidInput: the origin cannot be the name of a key.
        """
        private = Ed25519PrivateKey.generate()
        key = VerifierKey(origin, private.public_key().public_bytes_raw())
        secret = base64.b64encode(ED25519_TYPE + private.private_bytes_raw()).decode("ascii")
        signer = cls(path, private, key)
        if signer._memory.exists():
            raise Conflict(f"{signer._memory} exists: it is the memory of an earlier key.")
        _write_new(path, f"{_PREFIX}+{origin}+{key.id.hex()}+{secret}\n")
        signer._remember(signer._signed(Checkpoint(origin, 0, EMPTY_ROOT)))
        return signer

    @classmethod
    def load(cls, path: Path) -> Ed25519Signer:
        """Read the key that `create` wrote.

        Raises:
            NotFound: no key there, or no memory beside it.
            InvalidInput: others may read the file, or it is not a key.
            Unavailable: it cannot be read.
        """
        parts = _read_secret(path).removesuffix("\n").split("+", 4)
        if len(parts) != 5 or f"{parts[0]}+{parts[1]}" != _PREFIX:
            raise InvalidInput(f"{path} is not a log key.", hint="Name the one that the first start made.")
        name, key_id = parts[2], parts[3]
        try:
            data = base64.b64decode(parts[4], validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput(f"The key in {path} is damaged.") from error
        if data[:1] != ED25519_TYPE or len(data) != 33:
            raise InvalidInput(f"The key in {path} is not an Ed25519 key.")
        private = Ed25519PrivateKey.from_private_bytes(data[1:])
        key = VerifierKey(name, private.public_key().public_bytes_raw())
        if key.id.hex() != key_id:
            raise InvalidInput(f"The key in {path} is damaged: its id does not fit.")
        signer = cls(path, private, key)
        signer.last()
        return signer

    @property
    def vkey(self) -> str:
        """The public key, to be published where a reader of the log trusts it: name+id+base64."""
        return str(self._key)

    @property
    def origin(self) -> str:
        """Name of the log, and of its key."""
        return self._key.name

    def last(self) -> Checkpoint:
        """The last checkpoint that was signed; of size 0 where none was.

        Raises:
            NotFound: the memory is gone.
            InvalidInput, SignatureRefused: it was changed by another hand.
        """
        return self._open(self._recall())

    def sign(self, *, size: int, root: bytes, leaf_hashes: Callable[[], Sequence[bytes]]) -> str:
        """The signed note for a tree of `size` records that are all durable already.

        Signing the last tree again gives the same note. `leaf_hashes` is asked only where the tree has grown.
        The memory is durable before the signature is handed out.

        Raises:
            ForkRefused: a smaller tree, another root for the same size, or one that does not contain the last tree.
            InvalidInput: fewer leaf hashes than the tree has.
        """
        wanted = Checkpoint(self.origin, size, root)
        with self._locked():
            note = self._recall()
            last = self._open(note)
            if wanted == last:
                return note
            proof = _proof(last.size, size, leaf_hashes)
            try:
                verify_consistency(last.size, size, proof, last.root, root)
            except ProofRefused as error:
                raise ForkRefused(
                    f"The log has {size} records, and does not continue the {last.size} records signed before.",
                    hint="Was the database restored from an old backup? Stop writing, and restore the newest one.",
                ) from error
            note = self._signed(wanted)
            self._remember(note)
            return note

    @property
    def _memory(self) -> Path:
        return self._path.with_name(self._path.name + ".last-signed")

    def _signed(self, checkpoint: Checkpoint) -> str:
        text = checkpoint.text()
        return write_note(text, NoteSignature(self._key.name, self._key.id, self._private.sign(text.encode())))

    def _open(self, note: str) -> Checkpoint:
        try:
            return open_checkpoint(note, self._key, check_ed25519)
        except (InvalidInput, SignatureRefused) as error:
            error.hint = f"{self._memory} was changed by another hand; put the last checkpoint of the log there."
            raise

    def _recall(self) -> str:
        try:
            with self._memory.open("rb") as file:
                return file.read(NOTE_BYTES_MAX + 1).decode("utf-8", errors="replace")
        except FileNotFoundError as error:
            raise NotFound(
                f"{self._memory} is gone, so this key no longer knows what it signed last.",
                hint="Put the newest checkpoint of the log there; without it the key must not sign.",
            ) from error
        except OSError as error:
            raise Unavailable(f"{self._memory} cannot be read: {error.strerror}.") from error

    def _remember(self, note: str) -> None:
        """Replace the memory in one step: written beside, forced to disk, renamed, and the rename forced as well."""
        beside = self._memory.with_name(self._memory.name + ".new")
        try:
            beside.unlink(missing_ok=True)  # left by a process that died here; the lock says that it is not in use
            _write_new(beside, note)
            beside.replace(self._memory)
            _sync_folder(self._memory.parent)
        except OSError as error:
            raise Unavailable(f"{self._memory} cannot be written: {error.strerror}.") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise Unavailable(f"The log key {self._path} cannot be locked: {error.strerror}.") from error
        with file:  # closing it gives the lock back
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _proof(signed: int, size: int, leaf_hashes: Callable[[], Sequence[bytes]]) -> Proof:
    """Proof that the tree of `size` leaves continues the one that was signed; empty where nothing has to be shown."""
    if not 0 < signed < size:
        return ()
    leaves = leaf_hashes()
    if len(leaves) < size:
        raise InvalidInput(f"{len(leaves)} leaf hashes were given for a tree of {size}.")
    return consistency_proof(leaves, signed, size)


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode) or mode & _SECRET_BITS:
                raise InvalidInput(
                    f"Others than its owner may use the key {path} (mode {stat.S_IMODE(mode):04o}).",
                    hint=f"chmod 600 {path}; on a Kubernetes volume set fsGroupChangePolicy: OnRootMismatch.",
                )
            return file.read(4096).decode("utf-8", errors="replace")
    except FileNotFoundError as error:
        raise NotFound(f"There is no log key at {path}.", hint="Name its file as log.key_file.") from error
    except OSError as error:
        raise Unavailable(f"The log key {path} cannot be read: {error.strerror}.") from error


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist, readable by its owner only, durable when this returns."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise Conflict(f"{path} exists already and is never overwritten.") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
