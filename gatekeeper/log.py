"""Use cases on the record: checkpoint, export, blocked, prove.

Only what is durable is ever signed. A signature over records that a failed commit takes back would bind the log to
a history that does not exist, and no later state could be signed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from gatekeeper.domain.checkpoint import Checkpoint
from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.export import ExportHeader
from gatekeeper.domain.merkle import Frontier, inclusion_proof, leaf_hash, verify_inclusion
from gatekeeper.domain.record import Actor, JsonValue, RecordType, decode
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Signer, Stores, Transaction

# Leaves copied in one read: a long export must not hold one state of the database open all the while.
EXPORT_PAGE = 1_000
# Another process may sign a larger tree between our look at the log and our turn to sign.
SIGN_ATTEMPTS = 3

BLOCKING = (RecordType.WORKLOAD_REFUSED, RecordType.WORKLOAD_HELD, RecordType.WORKLOAD_STOPPED)


@dataclass(frozen=True, slots=True)
class Blocked:
    """One refusal, hold or stop, as the log has it; "" and None where the record does not say.

    Attributes:
        seq: index of the record in the log, by which anybody can have it proved.
        verdict: refused, held or stopped.
        limit_tflop, used_tflop: of the pack that decided.
    """

    seq: int
    at: datetime
    verdict: str
    customer: str
    cluster: str
    namespace: str
    workload: str
    tier: str
    limit_tflop: int | None
    used_tflop: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Proof:
    """That a record is in the log: its bytes, its index, the path to the root, and the signed note over that root."""

    seq: int
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: str


def checkpoint(stores: Stores, signer: Signer) -> str:
    """Sign the log as it stands on disk, store the note, and return it. Cheap where nothing was appended.

    Raises:
        Conflict: the log does not continue what was signed before.
        Unavailable: the database or the key does not answer.
    """
    note, known = _signed(stores, signer)
    if not known:
        size = _unsigned(note).size
        stores.transact(lambda tx: tx.put_checkpoint(size, note))
    return note


def export(stores: Stores, signer: Signer, out: BinaryIO, *, actor: Actor, at: datetime, purpose: str = "") -> int:
    """Write the whole log as a verifiable export and return how many records it has.

    The export is recorded first and so is part of itself: one that breaks off half way is in the log too, and
    who holds an export can see who made it. A fresh checkpoint covers exactly what is written.

    Args:
        purpose: for whom or why, as the person says; goes into the record.

    Raises:
        Conflict: the stored records are not those that were signed; the output is then worth nothing.
        OSError: the output cannot be written.
    """

    def announce(tx: Transaction) -> int:
        facts: dict[str, JsonValue] = {"purpose": purpose, "records_before": tx.log_size()}
        return tx.append(new_record(RecordType.LOG_EXPORTED, actor, at, facts))

    stores.transact(announce)
    note = checkpoint(stores, signer)
    signed = _unsigned(note)
    out.write(ExportHeader(signed.origin, signed.size, note).line())
    frontier = Frontier()
    for begin in range(0, signed.size, EXPORT_PAGE):
        page = _leaves(stores, begin, min(begin + EXPORT_PAGE, signed.size))
        out.write(b"".join(leaf + b"\n" for leaf in page))
        frontier = frontier.extend(map(leaf_hash, page))
    if (frontier.size, frontier.root()) != (signed.size, signed.root):
        raise Conflict(
            f"The {frontier.size} stored records are not the {signed.size} that were signed: somebody changed them.",
            hint="Keep the database as it is for an inquiry, and compare it with an earlier export.",
        )
    return signed.size


def blocked(
    reader: Reader,
    *,
    customer: str | None = None,
    namespace: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    warned: bool = False,
) -> Iterator[Blocked]:
    """Refusals, holds and stops in the order of the log; since <= at < until. Ends with the reader's transaction.

    Args:
        warned: also what was let through with a warning, and what a policy would have said that only observes.
    """
    types = (*BLOCKING, RecordType.WORKLOAD_WARNED) if warned else BLOCKING
    for seq, leaf in reader.records(types=types, customer=customer, since=since, until=until):
        row = _blocked(seq, leaf)
        if namespace is None or row.namespace == namespace:
            yield row


def prove(reader: Reader, seq: int) -> Proof:
    """Prove against the newest checkpoint that a record is in the log.

    Raises:
        NotFound: there is no such record, or no checkpoint covers it yet.
        ProofRefused: the stored records are not those that were signed.
    """
    note = reader.checkpoint()
    signed = _unsigned(note) if note else None
    if not 0 <= seq < reader.log_size():
        raise NotFound(f"There is no record {seq} in a log of {reader.log_size()}.")
    if note is None or signed is None or seq >= signed.size:
        raise NotFound(f"No checkpoint covers record {seq} yet.", hint="Make one: gatekeeper log checkpoint.")
    leaf = next(reader.leaves(seq, seq + 1))
    path = inclusion_proof(list(reader.leaf_hashes(0, signed.size)), seq, signed.size)
    verify_inclusion(leaf_hash(leaf), seq, signed.size, path, signed.root)
    return Proof(seq, leaf, path, note)


def _signed(stores: Stores, signer: Signer) -> tuple[str, bool]:
    """A note over one durable state, and whether it is stored already."""
    size = 0

    def sign(reader: Reader) -> tuple[str, bool]:
        nonlocal size
        size = reader.log_size()
        note = signer.sign(size=size, root=reader.log_root(), leaf_hashes=lambda: list(reader.leaf_hashes(0, size)))
        return note, note == reader.checkpoint()

    for _ in range(SIGN_ATTEMPTS - 1):
        try:
            return stores.read(sign)
        except Conflict:
            # Outrun by another process, our next look sees what it signed. A log that stands still was not outrun.
            if stores.read(lambda reader: reader.log_size()) == size:
                raise
    return stores.read(sign)


def _unsigned(note: str) -> Checkpoint:
    """What a note of our own says; who must not trust us checks the signature as well."""
    text, _, _ = note.rpartition("\n\n")
    return Checkpoint.parse(text + "\n")


def _leaves(stores: Stores, begin: int, end: int) -> list[bytes]:
    return stores.read(lambda reader: list(reader.leaves(begin, end)))


def _blocked(seq: int, leaf: bytes) -> Blocked:
    record = decode(leaf)
    workload, decision = _object(record.facts, "workload"), _object(record.facts, "decision")
    kind, name = _text(workload, "kind"), _text(workload, "name")
    return Blocked(
        seq=seq,
        at=record.at,
        verdict=record.type.value.removeprefix("workload."),
        customer=_text(record.facts, "customer"),
        cluster=_text(workload, "cluster"),
        namespace=_text(workload, "namespace"),
        workload=f"{kind}/{name}" if name else kind,
        tier=_text(decision, "tier"),
        limit_tflop=_amount(decision, "limit_tflop"),
        used_tflop=_amount(decision, "used_tflop"),
        sentence=_text(decision, "sentence"),
    )


def _object(facts: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = facts.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(facts: Mapping[str, object], key: str) -> str:
    value = facts.get(key)
    return value if isinstance(value, str) else ""


def _amount(facts: Mapping[str, object], key: str) -> int | None:
    text = _text(facts, key)
    return int(text) if text.isascii() and text.isdigit() else None
