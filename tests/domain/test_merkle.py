"""The tree of the log against the definition in RFC 6962, known roots, and every flipped bit."""

import hashlib
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofRefused,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

SIZES = range(301)
LEAVES = [leaf_hash(str(number).encode()) for number in SIZES]

# Certificate Transparency's reference tree (google/certificate-transparency, merkle_tree_test; roots of sizes 1 to 8).
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@cache
def defined_root(start: int, end: int) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if end == start:
        return hashlib.sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    split = 1
    while split * 2 < end - start:
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(start, start + split) + defined_root(start + split, end)).digest()


def defined_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if end - start == 1:
        return []
    split = 1
    while split * 2 < end - start:
        split *= 2
    if index < split:
        return [*defined_path(index, start, start + split), defined_root(start + split, end)]
    return [*defined_path(index - split, start + split, end), defined_root(start, start + split)]


def defined_consistency(old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old == end - start:
        return [] if whole else [defined_root(start, end)]
    split = 1
    while split * 2 < end - start:
        split *= 2
    if old <= split:
        return [*defined_consistency(old, start, start + split, whole=whole), defined_root(start + split, end)]
    return [*defined_consistency(old - split, start + split, end, whole=False), defined_root(start, start + split)]


def test_the_roots_of_certificate_transparencys_reference_tree() -> None:
    frontier = Frontier()
    for leaf, root in zip(CT_LEAVES, CT_ROOTS, strict=True):
        frontier = frontier.append(leaf_hash(bytes.fromhex(leaf)))
        assert frontier.root().hex() == root


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_a_leaf_cannot_pose_as_an_inner_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_every_frontier_up_to_300_has_the_defined_root() -> None:
    frontier = Frontier()
    for size in SIZES:
        assert frontier.root() == defined_root(0, size), size
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier
        frontier = frontier.append(LEAVES[size])


def test_every_inclusion_proof_up_to_300_verifies() -> None:
    for size in range(1, len(SIZES)):
        root = defined_root(0, size)
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, defined_path(index, 0, size), root)


def test_our_inclusion_proofs_are_the_defined_ones() -> None:
    for size in [*range(1, 34), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300]:
        for index in {*range(min(size, 20)), size // 2, size - 1}:
            assert list(inclusion_proof(LEAVES, index, size)) == defined_path(index, 0, size), (index, size)


def test_every_consistency_proof_up_to_300_verifies() -> None:
    for new in SIZES:
        for old in range(new + 1):
            proof = defined_consistency(old, 0, new, whole=True) if old else []
            verify_consistency(old, new, proof, defined_root(0, old), defined_root(0, new))


def test_our_consistency_proofs_are_the_defined_ones() -> None:
    for new in [*range(40), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300]:
        for old in range(new + 1):
            expected = defined_consistency(old, 0, new, whole=True) if old else []
            assert list(consistency_proof(LEAVES, old, new)) == expected, (old, new)


@given(st.data())
def test_no_flipped_bit_of_an_inclusion_proof_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    parts = [LEAVES[index], *inclusion_proof(LEAVES, index, size), defined_root(0, size)]
    leaf, *proof, root = flip_one_bit(data, parts)
    with pytest.raises(ProofRefused):
        verify_inclusion(leaf, index, size, proof, root)


@given(st.data())
def test_no_flipped_bit_of_a_consistency_proof_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    parts = [defined_root(0, old), *consistency_proof(LEAVES, old, new), defined_root(0, new)]
    old_root, *proof, new_root = flip_one_bit(data, parts)
    with pytest.raises(ProofRefused):
        verify_consistency(old, new, proof, old_root, new_root)


@given(size=st.integers(2, 300), data=st.data())
def test_a_proof_for_one_place_does_not_hold_for_another(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != index))
    with pytest.raises(ProofRefused):
        verify_inclusion(LEAVES[index], other, size, inclusion_proof(LEAVES, index, size), defined_root(0, size))


@given(size=st.integers(1, 300), data=st.data())
def test_a_proof_with_a_hash_more_or_less_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(LEAVES, index, size), defined_root(0, size)
    for wrong in [(*proof, LEAVES[0]), *([proof[:-1]] if proof else [])]:
        with pytest.raises(ProofRefused):
            verify_inclusion(LEAVES[index], index, size, wrong, root)
    old = data.draw(st.integers(1, size))
    steps = consistency_proof(LEAVES, old, size)
    for wrong in [(*steps, LEAVES[0]), *([steps[:-1]] if steps else [])]:
        with pytest.raises(ProofRefused):
            verify_consistency(old, size, wrong, defined_root(0, old), root)


@pytest.mark.parametrize("claimed", [2, 4, 9, 16])
def test_a_proof_does_not_hold_for_a_tree_of_another_height(claimed: int) -> None:
    with pytest.raises(ProofRefused, match="than the tree is high"):
        verify_inclusion(LEAVES[0], 0, claimed, inclusion_proof(LEAVES, 0, 8), defined_root(0, 8))
    steps = consistency_proof(LEAVES, 2, 8)
    with pytest.raises(ProofRefused):
        verify_consistency(2, claimed, steps, defined_root(0, 2), defined_root(0, 8))


def test_a_smaller_tree_never_contains_a_larger_one() -> None:
    with pytest.raises(ProofRefused, match="cannot contain"):
        verify_consistency(5, 4, [], defined_root(0, 5), defined_root(0, 4))


def test_two_trees_of_one_size_agree_only_on_one_root() -> None:
    with pytest.raises(ProofRefused, match="do not agree"):
        verify_consistency(4, 4, [], defined_root(0, 4), defined_root(1, 5))


def test_the_empty_tree_has_only_the_empty_root() -> None:
    with pytest.raises(ProofRefused, match="do not agree"):
        verify_consistency(0, 4, [], defined_root(0, 3), defined_root(0, 4))
    with pytest.raises(ProofRefused, match="do not agree"):
        verify_consistency(0, 0, [], EMPTY_ROOT, defined_root(0, 4))


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0), (0, 302)])
def test_there_is_no_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(InvalidInput):
        inclusion_proof(LEAVES, index, size)


def test_a_hash_of_another_length_is_refused() -> None:
    proof = inclusion_proof(LEAVES, 3, 8)
    with pytest.raises(ProofRefused, match="32 bytes"):
        verify_inclusion(LEAVES[3], 3, 8, [proof[0] + b"\x00", *proof[1:]], defined_root(0, 8))


@pytest.mark.parametrize(
    "stored",
    [b"", bytes(7), bytes(40), bytes(7) + b"\x01", bytes(7) + b"\x01" + bytes(31), b"\xff" * 8 + bytes(2048)],
)
def test_a_stored_frontier_that_does_not_fit_its_size_is_refused(stored: bytes) -> None:
    with pytest.raises(InvalidInput):
        Frontier.from_bytes(stored)


def flip_one_bit(data: st.DataObject, parts: list[bytes]) -> list[bytes]:
    part = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(parts[part])
    changed[bit // 8] ^= 1 << bit % 8
    return [*parts[:part], bytes(changed), *parts[part + 1 :]]
