"""The Merkle tree of the log: hashes, a frontier that grows by one leaf, and the two proofs.

Defined by RFC 6962 section 2.1 (2013) and RFC 9162 section 2.1 (2021), SHA-256. A proof is a tuple of 32-byte hashes.
A tree of n leaves is the half-open range [0, n); a subtree is named by its range too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.domain.errors import GatekeeperError, InvalidInput

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# Our sizes live in a signed 64-bit column; a larger one is a broken or hostile input.
SIZE_MAX = 2**63 - 1

Proof = tuple[bytes, ...]
Subtree = Callable[[int, int], bytes]


class ProofRefused(GatekeeperError):
    """A proof does not show what it claims: the leaf is not there, or the old tree is not part of the new one."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf: SHA-256(0x00 || leaf). The prefix keeps a leaf from posing as an inner node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to grow a tree and to know its root: the roots of its perfect subtrees, largest first.

    Attributes:
        size: number of leaves.
        nodes: one 32-byte hash per one-bit of `size`, from the highest bit down.

    Raises:
        InvalidInput: nodes do not fit the size.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX or len(self.nodes) != self.size.bit_count():
            raise InvalidInput(f"A frontier of {self.size} leaves does not have {len(self.nodes)} nodes.")
        if any(len(node) != HASH_BYTES for node in self.nodes):
            raise InvalidInput(f"Each node of a frontier has {HASH_BYTES} bytes.")

    def append(self, leaf: bytes) -> Frontier:
        """The frontier after one more leaf, given by its 32-byte leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after more leaves, given by their leaf hashes in order."""
        size, nodes = self.size, list(self.nodes)
        for leaf in leaves:
            node, bits = leaf, size
            while bits & 1:  # each trailing one-bit is a perfect subtree that this leaf completes
                node, bits = node_hash(nodes.pop(), node), bits >> 1
            nodes.append(node)
            size += 1
        return Frontier(size, tuple(nodes))

    def root(self) -> bytes:
        """Root hash over all leaves; SHA-256 of nothing where there is none."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = node_hash(node, root)
        return root

    def to_bytes(self) -> bytes:
        """For storage: the size in 8 bytes, big endian, then the nodes."""
        return self.size.to_bytes(8, "big") + b"".join(self.nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read what `to_bytes` wrote.

        Raises:
            InvalidInput: the length does not fit the size.
        """
        size, nodes = int.from_bytes(data[:8], "big"), data[8:]
        if len(data) < 8 or len(nodes) % HASH_BYTES:
            raise InvalidInput(f"A stored frontier has 8 bytes and then {HASH_BYTES} per node, not {len(data)} in all.")
        return cls(size, tuple(nodes[at : at + HASH_BYTES] for at in range(0, len(nodes), HASH_BYTES)))


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int) -> Proof:
    """Audit path of leaf `index` in the tree of the first `size` leaves (RFC 9162 section 2.1.3.1), nearest first.

    Raises:
        InvalidInput: not 0 <= index < size <= number of leaves.
    """
    if not 0 <= index < size <= len(leaf_hashes):
        raise InvalidInput(f"There is no leaf {index} in a tree of {size} out of {len(leaf_hashes)} leaves.")
    subtree = _subtree_of(leaf_hashes)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with hash `leaf` is number `index` of the tree of `size` leaves with this root.

    RFC 9162 section 2.1.3.2.

    Raises:
        ProofRefused: it is not, or the proof does not show it.
    """
    if not 0 <= index < size <= SIZE_MAX:
        raise ProofRefused(f"There is no leaf {index} in a tree of {size} leaves.")
    _check_lengths(proof)
    node = leaf
    for other, on_the_left in _steps(index, size - 1, proof):
        node = node_hash(other, node) if on_the_left else node_hash(node, other)
    if node != root:
        raise ProofRefused(f"The proof does not show leaf {index} in the tree of {size} leaves with this root.")


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int, new_size: int) -> Proof:
    """Proof that the first `old_size` leaves begin the tree of `new_size` (RFC 9162 section 2.1.4.1).

    Empty where old_size is 0 or new_size: the empty tree begins every tree (C2SP tlog-witness asks for it so).

    Raises:
        InvalidInput: not 0 <= old_size <= new_size <= number of leaves.
    """
    if not 0 <= old_size <= new_size <= len(leaf_hashes):
        raise InvalidInput(f"No consistency from {old_size} to {new_size} in {len(leaf_hashes)} leaves.")
    return _consistency(old_size, new_size, _subtree_of(leaf_hashes))


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree (old_size, old_root) is the beginning of the tree (new_size, new_root).

    RFC 9162 section 2.1.4.2, with the empty tree as the beginning of every tree.

    Raises:
        ProofRefused: it is not, or the proof does not show it.
    """
    if not 0 <= old_size <= new_size <= SIZE_MAX:
        raise ProofRefused(f"A tree of {new_size} leaves cannot contain one of {old_size}.")
    _check_lengths(proof)
    if old_size in (0, new_size):
        same = old_root == (EMPTY_ROOT if old_size == 0 else new_root)
        if proof or not same or (new_size == 0 and new_root != EMPTY_ROOT):
            raise ProofRefused(f"Two trees of {old_size} and {new_size} leaves do not agree.")
        return
    # A perfect old tree is itself the first node of the path, and is then left out of the proof.
    path = (old_root, *proof) if old_size & (old_size - 1) == 0 else tuple(proof)
    if not path:
        raise ProofRefused("The consistency proof is empty.")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for other, on_the_left in _steps(first, last, path[1:]):
        if on_the_left:
            old, new = node_hash(other, old), node_hash(other, new)
        else:
            new = node_hash(new, other)
    if old != old_root or new != new_root:
        raise ProofRefused(f"The proof does not show that the tree of {old_size} leaves begins that of {new_size}.")


def _steps(first: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Climb from node `first` of a level whose last node is `last`: each hash, and whether it stands to the left."""
    for other in proof:
        if last == 0:
            raise ProofRefused("The proof is longer than the tree is high.")
        on_the_left = bool(first & 1) or first == last
        yield other, on_the_left
        while on_the_left and first and not first & 1:  # a last node without a neighbour moves up unchanged
            first, last = first >> 1, last >> 1
        first, last = first >> 1, last >> 1
    if last != 0:
        raise ProofRefused("The proof is shorter than the tree is high.")


def _consistency(old_size: int, new_size: int, subtree: Subtree) -> Proof:
    """Walk from the root to the place where the old tree ended, keeping what stands beside the way."""
    if old_size in (0, new_size):
        return ()
    path: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:  # where start is 0 the old tree is perfect, and the verifier has its root already
        path.append(subtree(start, end))
    return tuple(reversed(path))


def _split(width: int) -> int:
    """Leaves in the left part of a tree: the largest power of two below its width."""
    return 1 << ((width - 1).bit_length() - 1)


def _subtree_of(leaf_hashes: Sequence[bytes]) -> Subtree:
    def subtree(start: int, end: int) -> bytes:
        return Frontier().extend(leaf_hashes[at] for at in range(start, end)).root()

    return subtree


def _check_lengths(proof: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in proof):
        raise ProofRefused(f"Each hash of a proof has {HASH_BYTES} bytes.")
