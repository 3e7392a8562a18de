"""The checkpoint: the signed root over all records, as text that any transparency-log tool reads.

Formats: C2SP tlog-checkpoint and signed-note (c2sp.org, read 2026-07). A checkpoint is three lines (origin, number of
records, root in base64); a signed note is such a text, an empty line, and one line per signature. Keys and signatures
are handled as bytes: who holds a signature library passes the check in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper.domain.errors import GatekeeperError, InvalidInput
from gatekeeper.domain.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX

ED25519_TYPE = b"\x01"
KEY_ID_BYTES = 4
ED25519_BYTES = 32
# A note is read before anything in it is trusted: a signature is 100 bytes, ML-DSA-44 2.4 kB, witnesses are few.
NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 16
NAME_CHARACTERS_MAX = 255

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_MARK = "\N{EM DASH} "

# (public key, message, signature) -> whether the signature is good.
SignatureCheck = Callable[[bytes, bytes, bytes], bool]


class SignatureRefused(GatekeeperError):
    """The note is not signed by the key that was asked for, or not for what it says."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a log's key: a name without blanks or `+`, and 32 bytes of Ed25519."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= NAME_CHARACTERS_MAX or not self.name.isprintable():
            raise InvalidInput(f"A key's name has 1 to {NAME_CHARACTERS_MAX} printable characters.")
        if "+" in self.name or any(each.isspace() for each in self.name):
            raise InvalidInput(f"The key name {self.name!r} must have neither blanks nor +.")
        if len(self.public_key) != ED25519_BYTES:
            raise InvalidInput(f"An Ed25519 public key has {ED25519_BYTES} bytes, not {len(self.public_key)}.")

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256(name, newline, type, key): tells keys of one name apart."""
        data = self.name.encode() + b"\n" + ED25519_TYPE + self.public_key
        return hashlib.sha256(data).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """The key as it is published: name+id+base64."""
        return f"{self.name}+{self.id.hex()}+{_to_base64(ED25519_TYPE + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key as it is published.

        Raises:
            InvalidInput: not name+id+base64, not an Ed25519 key, or the id does not belong to it.
        """
        parts = text.strip().split("+", 2)  # base64 may hold a plus itself, name and id may not
        if len(parts) != 3:
            raise InvalidInput("A verifier key looks like name+id+base64.", hint="Ask the log's operator for it.")
        name, key_id, encoded = parts
        key = _from_base64(encoded, "the verifier key")
        if key[:1] != ED25519_TYPE:
            raise InvalidInput("The verifier key is not of type Ed25519 (1).")
        found = cls(name, key[1:])
        if key_id != found.id.hex():
            raise InvalidInput(f"The verifier key's id is {key_id!r:.20}, but its key has the id {found.id.hex()}.")
        return found


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who claims to have signed, the id of the key, and the signature."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"{_SIGNATURE_MARK}{self.name} {_to_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin (also the name of its key), how many records it has, and their root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or not self.origin.isprintable() or len(self.origin) > NAME_CHARACTERS_MAX:
            raise InvalidInput(f"A log's origin has 1 to {NAME_CHARACTERS_MAX} printable characters.")
        if not 0 <= self.size <= SIZE_MAX:
            raise InvalidInput(f"A log cannot have {self.size} records.")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise InvalidInput(f"This is not the root of a log of {self.size} records.")

    def text(self) -> str:
        """What is signed: origin, size and root, each with a newline."""
        return f"{self.origin}\n{self.size}\n{_to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint.

        Raises:
            InvalidInput: not exactly three lines in this form. Extension lines are refused: our logs write none.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise InvalidInput("A checkpoint has exactly three lines: origin, size and root.")
        origin, size, root, _ = lines
        if not _SIZE.fullmatch(size):
            raise InvalidInput(f"The checkpoint's size {size!r:.40} is not a whole number without leading zeros.")
        return cls(origin, int(size), _from_base64(root, "the checkpoint's root"))


def write_note(text: str, *signatures: NoteSignature) -> str:
    """A signed note: the text, an empty line, and the signature lines."""
    return text + "\n" + "".join(each.line() for each in signatures)


def open_note(note: str, key: VerifierKey, check: SignatureCheck) -> str:
    """The text of a note, if `key` signed it. Signatures of other keys claim nothing and are passed over.

    Raises:
        InvalidInput: not a signed note.
        SignatureRefused: no signature of this key, more than one, or a bad one.
    """
    text, signatures = _split_note(note)
    ours = [each for each in signatures if each.name == key.name and each.key_id == key.id]
    if not ours:
        signed_by = ", ".join(f"{each.name} ({each.key_id.hex()})" for each in signatures)
        raise SignatureRefused(
            f"The note is signed by {signed_by}, not by {key.name} ({key.id.hex()}).",
            hint="Check that the key you were given belongs to this log.",
        )
    if len(ours) > 1:
        raise SignatureRefused(f"The note has {len(ours)} signatures of the one key {key.name}.")
    if not check(key.public_key, text.encode(), ours[0].signature):
        raise SignatureRefused(f"The signature of {key.name} does not fit the note: one of the two was changed.")
    return text


def open_checkpoint(note: str, key: VerifierKey, check: SignatureCheck) -> Checkpoint:
    """The checkpoint in a note, if `key` signed it and it is about the log of that key.

    Raises:
        InvalidInput: not a signed checkpoint.
        SignatureRefused: not signed by this key, or about another log.
    """
    checkpoint = Checkpoint.parse(open_note(note, key, check))
    if checkpoint.origin != key.name:
        raise SignatureRefused(f"The checkpoint is of the log {checkpoint.origin!r}, the key of {key.name!r}.")
    return checkpoint


def _split_note(note: str) -> tuple[str, list[NoteSignature]]:
    """Text and signatures; the last empty line parts them, as the text itself may have empty lines."""
    if len(note) > NOTE_BYTES_MAX:
        raise InvalidInput(f"A signed note has at most {NOTE_BYTES_MAX:,} characters.")
    if any(each != "\n" and each < " " for each in note) or not _is_text(note):
        raise InvalidInput("A signed note is UTF-8 text without control characters.")
    body, empty_line, signed = note.rpartition("\n\n")
    if not empty_line or not signed.endswith("\n"):
        raise InvalidInput("A signed note is a text, an empty line and signature lines, each with a newline.")
    lines = signed[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise InvalidInput(f"A note with {len(lines)} signatures; at most {SIGNATURES_MAX} are read.")
    return body + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> NoteSignature:
    name, blank, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    if not line.startswith(_SIGNATURE_MARK) or not name or not blank:
        raise InvalidInput("A signature line looks like: em dash, name, base64, with one blank between them.")
    data = _from_base64(encoded, "a signature")
    if len(data) <= KEY_ID_BYTES:
        raise InvalidInput(f"The signature of {name!r:.80} is empty.")
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: str, what: str) -> bytes:
    """Decode strictly: a text that would not be written again the same way hides changed bits in its padding."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(f"The base64 of {what} is damaged: {error}.") from error
    if _to_base64(data) != text:
        raise InvalidInput(f"The base64 of {what} is not in its one canonical form.")
    return data
