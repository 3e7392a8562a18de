"""A reservation as the gate leaves it, without a cluster."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.ports import Transaction
from tests.api.office import ApiHouse


def hold(house: ApiHouse, uid: str, run: str, *, held_s: int = 3_600) -> Reservation:
    """An hour of eight devices, held for a run."""
    workload = WorkloadRef("east", "team-a", "Pod", "train-0", uid)
    held = Reservation(
        uid, run, "lab", workload, {"nvidia.com/gpu": 8}, 8_000, held_s, held_s, house.clock.now(), 8_000 * held_s
    )

    def work(tx: Transaction) -> None:
        account = tx.account(run)
        tx.add_reservations([held])
        tx.put_account(replace(account, pending_tflop=account.pending_tflop + held.pending_tflop))

    house.stores.transact(work)
    return held
