"""A folder of ten thousand customers: applied, and approved as one batch; and what another process waits meanwhile.

Records, packs, registry and SQLite file (WAL, synchronous=FULL) are the product's own. The other process is what a
service is beside the command line: it writes one small durable transaction after the other.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from bench.tools import say
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.facts import new_record
from gatekeeper.garbage import seldom_searched
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.ports import Transaction
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.stores import open_stores
from gatekeeper.wiring import SystemClock

T = TypeVar("T")
CUSTOMERS = 10_000
SHARED_BY = 10
# What the project wants of ten thousand customers.
APPLIED_S_MAX, APPROVED_S_MAX, HELD_S_MAX = 10.0, 15.0, 1.0
_COUNTRIES = ("US", "DE", "IN", "BR", "AE")


@dataclass(frozen=True, slots=True)
class Act:
    """One act on all customers, and the waits of another process while it went on.

    Attributes:
        name: what was done; customers: to how many. passed_s: how long it took.
        waited_s: the longest that one small transaction of another process took; usual_s: the middle one.
        refused: how many of them were given up because the database did not answer in time.
    """

    name: str
    customers: int
    passed_s: float
    waited_s: float
    usual_s: float
    refused: int


def measure(folder: Path, *, customers: int = CUSTOMERS) -> list[Act]:
    """Apply, apply again, look, and approve."""
    say(f"batch: {customers:,} customers")
    url = f"sqlite:///{folder / 'batch.db'}"
    packs = tuple(ActivePack(pack, pack.default_mode) for pack in load_packs(bundled_dir()))
    records = folder_of(customers)
    with open_stores(url) as stores, seldom_searched():  # as the command line does
        registry = Registry(stores, SystemClock(), packs=packs, cluster="bench")
        applied, first = _watched(customers, "apply", url, lambda: registry.apply_all(records, by="ana"))
        _, again = _watched(customers, "apply again", url, lambda: registry.apply_all(records, by="ana"))
        seen, looked = _watched(customers, "look at", url, lambda: registry.review_all(applied.batch_id).fingerprint)
        done, last = _watched(
            customers, "approve", url, lambda: registry.approve_all(applied.batch_id, by="ben", seen=seen)
        )
        if done != customers:
            raise RuntimeError(f"{done} customers were approved, and not {customers}.")
    return [first, again, looked, last]


def folder_of(customers: int) -> list[KycRecord]:
    """A record each; ten of them share an owner."""
    found = []
    for number in range(customers):
        shared = number // SHARED_BY
        owner = Party(f"group-{shared}", PartyKind.ORG, f"Group {shared} Holding", _COUNTRIES[shared % 5], (), "listed")
        own = Party(f"lab-{number}", PartyKind.ORG, f"Laboratory {number} Ltd", _COUNTRIES[number % 5], (owner.id,))
        found.append(KycRecord(f"lab-{number}", own.id, (own, owner)))
    return found


def facts(acts: list[Act]) -> dict[str, object]:
    """The measurement as plain data."""
    return {"batch": [asdict(each) for each in acts]}


def show(acts: list[Act], console: Console) -> None:
    """Print the measurement."""
    table = Table(
        title=f"{acts[0].customers:,} customers at once, and one small transaction after the other beside them"
    )
    for column in ("act", "s", "longest wait s", "usual ms", "given up"):
        table.add_column(column, justify="left" if column == "act" else "right")
    for each in acts:
        waits = (f"{each.waited_s:.2f}", f"{each.usual_s * 1000:.1f}", str(each.refused))
        table.add_row(each.name, f"{each.passed_s:.1f}", *waits)
    console.print(table)
    first, *_, last = acts
    held_s = max(each.waited_s for each in acts)
    console.print(
        f"goals for {CUSTOMERS:,}: applied in {APPLIED_S_MAX:.0f} s {_word(first.passed_s < APPLIED_S_MAX)}, "
        f"approved in {APPROVED_S_MAX:.0f} s {_word(last.passed_s < APPROVED_S_MAX)}, nobody waits {HELD_S_MAX:.0f} s "
        f"{_word(held_s < HELD_S_MAX)}"
    )


def _word(is_met: bool) -> str:
    return "(met)" if is_met else "(missed)"


def _watched(customers: int, name: str, url: str, act: Callable[[], T]) -> tuple[T, Act]:
    with _writing(url) as told:
        begin = time.perf_counter()
        result = act()
        passed_s = time.perf_counter() - begin
    waits, refused = told["waits"], told["refused"]
    return result, Act(name, customers, passed_s, max(waits, default=0.0), statistics.median(waits or [0.0]), refused)


@contextmanager
def _writing(url: str) -> Iterator[dict[str, Any]]:
    """Another process that writes; what it told stands in the dictionary afterwards."""
    command = [sys.executable, "-m", "bench.batch", url]
    found: dict[str, Any] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdout.readline()
        try:
            yield found
        finally:
            other.stdin.close()
            found |= json.loads(other.stdout.read())


def _write(url: str) -> None:
    """Write small transactions, at least one, until standard input ends, and say how long each took."""
    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    waits, refused = [], 0
    actor = Actor(ActorKind.SERVICE, "controller")
    with open_stores(url) as stores:
        print("ready", flush=True)
        is_over = False
        while not is_over:
            begin = time.perf_counter()
            record = new_record(RecordType.WORKLOAD_WARNED, actor, SystemClock().now(), {"namespace": "bench"})
            try:
                stores.transact(partial(_append, record))
            except Unavailable:
                refused += 1
            waits.append(time.perf_counter() - begin)
            is_over = ended.wait(0.05)
    print(json.dumps({"waits": waits, "refused": refused}))


def _append(record: Record, tx: Transaction) -> int:
    return tx.append(record)


if __name__ == "__main__":
    _write(sys.argv[1])
