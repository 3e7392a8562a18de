"""Checkpoints and signed notes: the C2SP example verifies, and no odd text does."""

import base64
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.checkpoint import (
    Checkpoint,
    NoteSignature,
    SignatureRefused,
    VerifierKey,
    open_checkpoint,
    open_note,
    write_note,
)
from gatekeeper.domain.errors import GatekeeperError, InvalidInput
from gatekeeper.domain.merkle import EMPTY_ROOT

# The example of c2sp.org/signed-note.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey("log.example/gatekeeper", PRIVATE.public_key().public_bytes_raw())
ROOT = bytes(range(32))
CHECKPOINT = Checkpoint(KEY.name, 5, ROOT)


def check(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def signed(text: str, key: VerifierKey = KEY, private: Ed25519PrivateKey = PRIVATE) -> NoteSignature:
    return NoteSignature(key.name, key.id, private.sign(text.encode()))


NOTE = write_note(CHECKPOINT.text(), signed(CHECKPOINT.text()))


def test_the_example_of_the_specification_verifies() -> None:
    assert open_note(C2SP_NOTE, VerifierKey.parse(C2SP_KEY), check) == "This is an example message.\n"


def test_a_key_is_written_as_it_was_read() -> None:
    assert str(VerifierKey.parse(C2SP_KEY)) == C2SP_KEY
    assert VerifierKey.parse(str(KEY) + "\n") == KEY


def test_a_checkpoint_is_three_lines() -> None:
    assert CHECKPOINT.text() == "log.example/gatekeeper\n5\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert Checkpoint.parse(CHECKPOINT.text()) == CHECKPOINT
    assert open_checkpoint(NOTE, KEY, check) == CHECKPOINT


def test_an_unknown_signature_is_passed_over_wherever_it_stands() -> None:
    witness = NoteSignature("witness.example", b"wwww", b"whatever")
    for signatures in [(witness, signed(CHECKPOINT.text())), (signed(CHECKPOINT.text()), witness)]:
        assert open_checkpoint(write_note(CHECKPOINT.text(), *signatures), KEY, check) == CHECKPOINT


def test_another_key_of_the_same_name_is_not_ours() -> None:
    private = Ed25519PrivateKey.generate()
    other = VerifierKey(KEY.name, private.public_key().public_bytes_raw())
    with pytest.raises(SignatureRefused, match=f"not by {re.escape(KEY.name)} \\({other.id.hex()}\\)"):
        open_checkpoint(NOTE, other, check)


def test_a_good_second_signature_does_not_heal_a_bad_first_one() -> None:
    bad = NoteSignature(KEY.name, KEY.id, bytes(64))
    with pytest.raises(SignatureRefused, match="2 signatures of the one key"):
        open_checkpoint(write_note(CHECKPOINT.text(), bad, signed(CHECKPOINT.text())), KEY, check)


def test_a_signature_of_another_text_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="one of the two was changed"):
        open_checkpoint(write_note(CHECKPOINT.text(), signed("something else\n")), KEY, check)


def test_a_checkpoint_of_another_log_is_refused_though_our_key_signed_it() -> None:
    text = Checkpoint("log.example/other", 5, ROOT).text()
    with pytest.raises(SignatureRefused, match=r"the log 'log\.example/other'"):
        open_checkpoint(write_note(text, signed(text)), KEY, check)


@given(st.data())
def test_no_flipped_bit_of_a_note_verifies(data: st.DataObject) -> None:
    changed = bytearray(NOTE.encode())
    bit = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    note = changed.decode("utf-8", errors="surrogateescape")
    with pytest.raises(GatekeeperError):
        open_checkpoint(note, KEY, check)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        pytest.param("", "an empty line and signature lines", id="nothing"),
        pytest.param(CHECKPOINT.text(), "an empty line and signature lines", id="no signature"),
        pytest.param(NOTE[:-1], "each with a newline", id="no last newline"),
        pytest.param(NOTE + "\n", "each with a newline", id="empty line at the end"),
        pytest.param(NOTE.replace("—", "-"), "A signature line looks like", id="hyphen for dash"),
        pytest.param(NOTE.replace("\n", "\r\n"), "control characters", id="windows line ends"),
        pytest.param(NOTE.replace("5", "5\x00"), "control characters", id="NUL"),
        pytest.param(NOTE.replace("log", "\ud800"), "UTF-8", id="half a surrogate pair"),
        pytest.param(CHECKPOINT.text() + "\n— x AAAAAA==\n", "is empty", id="empty signature"),
        pytest.param(CHECKPOINT.text() + "\n— x A\n", "damaged", id="damaged base64"),
        pytest.param(CHECKPOINT.text() + "\n— x AAAAAAB=\n", "canonical", id="stray bits in base64"),
        pytest.param(CHECKPOINT.text() + "\n" + "— x AAAAAAAA\n" * 17, "17 signatures", id="17 signatures"),
        pytest.param("x" * 70_000, "at most", id="too long"),
    ],
)
def test_a_text_that_is_no_signed_note_is_refused(note: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        open_note(note, KEY, check)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(CHECKPOINT.text() + "extension\n", "exactly three lines", id="extension line"),
        pytest.param(CHECKPOINT.text()[:-1], "exactly three lines", id="no last newline"),
        pytest.param(CHECKPOINT.text().replace("5\n", "05\n", 1), "leading zeros", id="leading zero"),
        pytest.param(CHECKPOINT.text().replace("5\n", "-5\n", 1), "leading zeros", id="negative"),
        pytest.param(CHECKPOINT.text().replace("5\n", "5 \n", 1), "leading zeros", id="blank"),
        pytest.param(CHECKPOINT.text().replace("5\n", "٥\n", 1), "leading zeros", id="arabic digit"),
        pytest.param(CHECKPOINT.text().replace("5\n", "9" * 19 + "\n", 1), "cannot have", id="beyond 2^63"),
        pytest.param(CHECKPOINT.text().replace("5\n", "0\n", 1), "not the root", id="empty log with a root"),
        pytest.param(f"o\n1\n{base64.b64encode(bytes(31)).decode()}\n", "not the root", id="root of 31 bytes"),
        pytest.param("\n1\n\n", "not the root|origin", id="no origin"),
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Checkpoint.parse(text)


def test_an_empty_log_has_a_checkpoint() -> None:
    assert Checkpoint.parse(Checkpoint("o", 0, EMPTY_ROOT).text()).size == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "name\\+id"),
        ("example.com/foo+530d903a", "name\\+id"),
        (C2SP_KEY.replace("530d903a", "530d903b"), "has the id 530d903a"),
        (C2SP_KEY.replace("530d903a", "530D903A"), "has the id 530d903a"),
        (C2SP_KEY.replace("foo", "fop"), "has the id"),
        (C2SP_KEY[:-1] + "!", "damaged"),
        ("a+00000000+" + base64.b64encode(b"\x06" + bytes(32)).decode(), "not of type Ed25519"),
        ("a+00000000+" + base64.b64encode(b"\x01" + bytes(31)).decode(), "32 bytes"),
        ("a b+00000000+" + base64.b64encode(b"\x01" + bytes(32)).decode(), "neither blanks"),
        ("+00000000+" + base64.b64encode(b"\x01" + bytes(32)).decode(), "printable characters"),
    ],
)
def test_an_odd_verifier_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        VerifierKey.parse(text)
