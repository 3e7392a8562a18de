"""A house in which something serves: a classification, and usage that is booked as if it had been metered."""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.domain.run import Purpose
from gatekeeper.domain.usage import Usage
from gatekeeper.ports import Transaction
from tests.test_gate import House


def classify(house: House, *namespaces: str, run_id: str = "chat", customer: str = "lab", approve: bool = True) -> None:
    house.registry.declare_run(
        run_id, customer, by="ana", title="Serving", purpose=Purpose.INFERENCE, namespaces=namespaces
    )
    if approve:
        house.registry.approve_run(run_id, by="ben")


def use(house: House, run_id: str, high_tflop: int, *, low_tflop: int = 0) -> None:
    """Book usage as if it had been metered."""

    def work(tx: Transaction) -> None:
        account = tx.account(run_id)
        used = Usage(low_tflop, (low_tflop + high_tflop) // 2, high_tflop)
        tx.put_account(replace(account, settled=account.settled + used))

    house.stores.transact(work)
