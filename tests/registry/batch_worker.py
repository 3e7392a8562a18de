"""A process that applies or approves forty customers and stops at a moment, for a test to kill it there.

`python -m tests.registry.batch_worker URL apply|approve MOMENT` prints the moment once it is there, and waits.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from gatekeeper.registry import KycRecord, Registry
from gatekeeper.stores import open_stores, writer
from gatekeeper.stores.transaction import SqlTransaction
from tests.registry.office import PACKS, HandClock, org, record_of

# Where a moment is: before a function runs, whose work comes after everything that is to be lost.
_PLACES = {"half stored": (SqlTransaction, "append_all"), "stored but not durable": (writer, "store_head")}


def folder_of(count: int) -> list[KycRecord]:
    """Customers that share an owner."""
    group = org("group", "DE")
    return [record_of(org(f"lab-{each}", "IN", "group"), group, customer=f"lab-{each}") for each in range(count)]


def run(registry: Registry, act: str, tell: Callable[[int, int], None] | None = None) -> int:
    """Apply the folder, or approve all that waits; how many customers."""
    if act == "apply":
        return sum(registry.apply_all(folder_of(40), by="ana", tell=tell).counts.values())
    return registry.approve_all(None, by="ben", seen=registry.review_all().fingerprint, tell=tell)


def main(url: str, act: str, moment: str) -> None:
    """Come to the moment and stay there."""

    def stop(*_: object) -> None:
        print(moment, flush=True)
        signal.sigwait({signal.SIGUSR1})

    def tell(done: int, _total: int) -> None:
        if done == 20 and moment not in _PLACES:
            stop()

    with open_stores(url) as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        if moment in _PLACES:
            setattr(*_PLACES[moment], stop)
        run(registry, act, tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
