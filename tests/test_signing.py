"""The log's key is kept from others, and never signs two histories."""

import fcntl
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatekeeper.domain.checkpoint import Checkpoint, SignatureRefused, VerifierKey, open_checkpoint
from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotFound
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.ed25519 import check_ed25519
from gatekeeper.ports import Signer
from gatekeeper.signing import Ed25519Signer, ForkRefused

ORIGIN = "log.example/gatekeeper"
LEAVES = [leaf_hash(str(number).encode()) for number in range(20)]


def root(size: int) -> bytes:
    return Frontier().extend(LEAVES[:size]).root()


def sign(signer: Ed25519Signer, size: int, leaves: Sequence[bytes] = LEAVES) -> str:
    """The signed note over the first leaves of a log."""
    return signer.sign(size=size, root=Frontier().extend(leaves[:size]).root(), leaf_hashes=lambda: leaves)


@pytest.fixture
def signer(tmp_path: Path) -> Ed25519Signer:
    return Ed25519Signer.create(tmp_path / "log.key", ORIGIN)


def test_a_signed_checkpoint_opens_with_the_published_key(signer: Ed25519Signer) -> None:
    note = sign(signer, 5)
    assert open_checkpoint(note, VerifierKey.parse(signer.vkey), check_ed25519) == Checkpoint(ORIGIN, 5, root(5))


def test_a_key_signs_on_after_a_restart(signer: Ed25519Signer, tmp_path: Path) -> None:
    sign(signer, 5)
    again = Ed25519Signer.load(tmp_path / "log.key")
    assert (again.vkey, again.origin, again.last().size) == (signer.vkey, ORIGIN, 5)
    assert sign(again, 7)


def test_it_is_the_signer_that_the_use_cases_ask_for(signer: Ed25519Signer) -> None:
    asked: Signer = signer
    assert open_checkpoint(
        asked.sign(size=2, root=root(2), leaf_hashes=lambda: LEAVES), VerifierKey.parse(signer.vkey), check_ed25519
    )


def test_the_signer_makes_the_proof_itself_from_leaf_hashes(signer: Ed25519Signer) -> None:
    for size in (0, 3, 3, 8):
        note = signer.sign(size=size, root=root(size), leaf_hashes=lambda: LEAVES)
    assert open_checkpoint(note, VerifierKey.parse(signer.vkey), check_ed25519) == Checkpoint(ORIGIN, 8, root(8))
    with pytest.raises(ForkRefused):
        signer.sign(size=4, root=root(4), leaf_hashes=lambda: LEAVES)
    with pytest.raises(ForkRefused):
        signer.sign(size=9, root=root(10), leaf_hashes=lambda: LEAVES)
    with pytest.raises(InvalidInput, match="8 leaf hashes"):
        signer.sign(size=9, root=root(9), leaf_hashes=lambda: LEAVES[:8])


def test_the_same_tree_again_gives_the_same_note(signer: Ed25519Signer) -> None:
    assert sign(signer, 5) == sign(signer, 5)


def test_a_smaller_tree_is_refused_and_changes_nothing(signer: Ed25519Signer) -> None:
    sign(signer, 5)
    with pytest.raises(ForkRefused, match="backup"):
        sign(signer, 4)
    assert signer.last().size == 5


def test_another_root_of_the_same_size_is_refused(signer: Ed25519Signer) -> None:
    sign(signer, 5)
    with pytest.raises(ForkRefused):
        signer.sign(size=5, root=root(6), leaf_hashes=lambda: LEAVES)


def test_a_larger_tree_that_does_not_contain_the_last_one_is_refused(signer: Ed25519Signer) -> None:
    sign(signer, 5)
    forged = [leaf_hash(b"changed"), *LEAVES[1:]]
    with pytest.raises(ForkRefused):
        sign(signer, 9, forged)


def test_a_larger_tree_whose_leaves_are_not_those_of_its_root_is_refused(signer: Ed25519Signer) -> None:
    sign(signer, 5)
    forged = [*LEAVES[:7], leaf_hash(b"changed"), *LEAVES[8:]]
    with pytest.raises(ForkRefused):
        signer.sign(size=9, root=root(9), leaf_hashes=lambda: forged)


def test_a_restored_old_database_is_refused_even_when_it_has_grown_again(signer: Ed25519Signer) -> None:
    sign(signer, 9)
    restored = [*LEAVES[:5], *(leaf_hash(b"new %d" % number) for number in range(10))]
    with pytest.raises(ForkRefused):
        sign(signer, 15, restored)


def test_key_and_memory_are_for_their_owner_only(signer: Ed25519Signer, tmp_path: Path) -> None:
    sign(signer, 5)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"log.key": 0o600, "log.key.last-signed": 0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_use_is_refused(signer: Ed25519Signer, tmp_path: Path, mode: int) -> None:
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(InvalidInput, match="chmod 600"):
        Ed25519Signer.load(tmp_path / "log.key")


def test_a_key_is_never_overwritten(signer: Ed25519Signer, tmp_path: Path) -> None:
    before = (tmp_path / "log.key").read_bytes()
    with pytest.raises(Conflict):
        Ed25519Signer.create(tmp_path / "log.key", ORIGIN)
    (tmp_path / "log.key").unlink()
    with pytest.raises(Conflict, match="earlier key"):
        Ed25519Signer.create(tmp_path / "log.key", ORIGIN)
    assert before


def test_a_key_without_its_memory_does_not_sign(signer: Ed25519Signer, tmp_path: Path) -> None:
    (tmp_path / "log.key.last-signed").unlink()
    with pytest.raises(NotFound, match="no longer knows"):
        Ed25519Signer.load(tmp_path / "log.key")
    with pytest.raises(NotFound, match="no longer knows"):
        sign(signer, 5)


def test_a_memory_that_another_hand_changed_is_refused(signer: Ed25519Signer, tmp_path: Path) -> None:
    sign(signer, 5)
    memory = tmp_path / "log.key.last-signed"
    memory.write_text(memory.read_text().replace("\n5\n", "\n4\n"))
    with pytest.raises(SignatureRefused, match="another hand"):
        sign(signer, 6)


def test_what_a_process_left_when_it_died_while_writing_does_not_matter(signer: Ed25519Signer, tmp_path: Path) -> None:
    (tmp_path / "log.key.last-signed.new").write_text("half a no")
    assert sign(signer, 5)
    assert Ed25519Signer.load(tmp_path / "log.key").last().size == 5


@pytest.mark.parametrize("content", [b"", b"PRIVATE+KEY+x", b"\xff" * 50, b"PRIVATE+KEY+x+00000000+AQ=="])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InvalidInput):
        Ed25519Signer.load(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no log key at .*nowhere"):
        Ed25519Signer.load(tmp_path / "nowhere")


def test_the_secret_is_in_no_error_and_no_repr(signer: Ed25519Signer, tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    secret = path.read_text().split("+", 4)[4].strip()
    path.write_text(path.read_text().replace(ORIGIN, "log.example/other"))
    with pytest.raises(InvalidInput) as refused:
        Ed25519Signer.load(path)
    assert secret[:20] not in str(refused.value) + repr(signer)


def test_between_comparing_and_remembering_nobody_else_can_sign(signer: Ed25519Signer, tmp_path: Path) -> None:
    sign(signer, 5)
    refused = []

    def leaf_hashes() -> list[bytes]:
        with (tmp_path / "log.key").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append(True)
        return LEAVES

    assert signer.sign(size=7, root=root(7), leaf_hashes=leaf_hashes)
    assert refused == [True]


def test_two_signers_at_once_never_sign_two_histories(signer: Ed25519Signer, tmp_path: Path) -> None:
    other = Ed25519Signer.load(tmp_path / "log.key")
    forged = [*LEAVES[:10], *(leaf_hash(b"forged %d" % number) for number in range(10))]

    def grow(each: Ed25519Signer, leaves: list[bytes]) -> list[int]:
        signed = []
        for size in range(11, 20):
            try:
                sign(each, size, leaves)
                signed.append(size)
            except GatekeeperError:
                continue
        return signed

    sign(signer, 10)
    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(grow, [signer, other], [LEAVES, forged])
    assert bool(ours) != bool(theirs)
