"""Work on the stores as the controller does it: hold an amount for a pod, or record that it was refused.

Run as a program it does so in a process of its own, which a test may kill:
`python -m tests.stores.worker URL NAME COUNT LIMIT` prints a line "id seq" for each work that is durable.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

from gatekeeper.domain.ledger import BudgetExceeded, Pool, ReservationState, reserve
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.record import Record, RecordType, decode, encode
from gatekeeper.ports import Reader, Stores, Transaction
from gatekeeper.stores import open_stores
from tests.stores.values import ACTOR, NOW, reservation

THREADS = 8
RUN_ID = "frontier-1"
HELD_TFLOP = 1_000


def hold(stores: Stores, name: str, number: int, limit_tflop: int) -> tuple[str, int]:
    """One pod: reserved with its record, or refused with its record. Returns the record's id and its index."""
    wanted = replace(reservation(number, run=RUN_ID, held_s=HELD_TFLOP), id=f"{name}-{number}")
    record_id = str(uuid.uuid5(uuid.NAMESPACE_OID, wanted.id))
    facts = {"reservation": wanted.id}

    def work(tx: Transaction) -> int:
        pool = Pool(limit_tflop, (tx.account(RUN_ID),))
        try:
            account = reserve(pool, wanted)
        except BudgetExceeded:
            return tx.append(Record(record_id, NOW, RecordType.WORKLOAD_REFUSED, ACTOR, facts))
        tx.put_account(account)
        tx.put_reservation(wanted)
        return tx.append(Record(record_id, NOW, RecordType.RESERVATION_PENDING, ACTOR, facts))

    return record_id, stores.transact(work)


def hold_many(stores: Stores, name: str, count: int, limit_tflop: int) -> Iterable[tuple[str, int]]:
    """Many pods from several threads at once; yields what is durable as it comes."""
    with ThreadPoolExecutor(THREADS) as threads:
        yield from threads.map(lambda number: hold(stores, name, number, limit_tflop), range(count))


def check_sound(stores: Stores, limit_tflop: int, acknowledged: Collection[tuple[str, int]]) -> int:
    """Everything that must hold of a database whatever happened to its writers; returns the number of records."""

    def look(reader: Reader) -> int:
        leaves = list(reader.leaves())
        records = [decode(leaf) for leaf in leaves]
        assert all(encode(record) == leaf for record, leaf in zip(records, leaves, strict=True))
        seqs = [-1, *(seq for seq, _ in reader.records())]
        assert all(later == earlier + 1 for earlier, later in pairwise(seqs)), "the log has a gap"
        assert reader.log_size() == len(leaves)
        assert reader.log_root() == Frontier().extend(map(leaf_hash, leaves)).root()
        assert list(reader.leaf_hashes()) == [leaf_hash(leaf) for leaf in leaves]
        for record_id, seq in acknowledged:
            assert records[seq].id == record_id, f"record {seq} was acknowledged and is another one"
        pending = {str(each.facts["reservation"]) for each in records if each.type is RecordType.RESERVATION_PENDING}
        held = reader.open_reservations()
        assert {each.id for each in held} == pending, "a reservation without its record, or the other way round"
        assert all(each.state is ReservationState.PENDING for each in held)
        account = reader.account(RUN_ID)
        assert account.pending_tflop == sum(each.pending_tflop for each in held)
        assert account.used_tflop <= limit_tflop
        return len(leaves)

    return stores.read(look)


def main() -> None:
    """Work until done or killed; a line each that stands on disk."""
    url, name, count, limit = sys.argv[1:]
    with open_stores(url) as stores, ThreadPoolExecutor(THREADS) as threads:

        def one(number: int) -> None:
            record_id, seq = hold(stores, name, number, int(limit))
            sys.stdout.write(f"{record_id} {seq}\n")
            sys.stdout.flush()

        list(threads.map(one, range(int(count))))


if __name__ == "__main__":
    main()
