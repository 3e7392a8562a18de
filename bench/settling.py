"""Runs settled per second: from what counters say to durable records, each run with a pod of eight devices of its own.

The meter, ledger, log and SQLite file (WAL, synchronous=FULL) are the product's own. Only the telemetry is not: it
answers from memory, because how long Prometheus takes is measured elsewhere.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.tools import say
from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.ledger import Account, Reservation
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.usage import Observation, PodFacts, PodInterval
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.garbage import never_searched_again, seldom_searched
from gatekeeper.meter import Due, Meter
from gatekeeper.ports import Stores, Transaction
from gatekeeper.stores import open_stores

RUNS = (1_000, 10_000)
SETTLED_PER_S_MIN = 10_000
DEVICES = 8
PIECE_S = 300
GPU = "nvidia.com/gpu"
PRODUCT = "NVIDIA-H100-80GB-HBM3"
RATE_TFLOP_PER_S = 20_000
STARTS = datetime(2026, 11, 22, 3, tzinfo=UTC)
CLOCK_HZ = 1_500_000_000


@dataclass(frozen=True, slots=True)
class SettlingResult:
    """Seconds (passed, and of CPU in all threads) that one settlement of all runs took, round by round."""

    passed_s: dict[int, list[float]]
    cpu_s: dict[int, list[float]]

    def per_s(self, runs: int) -> list[float]:
        """Runs settled per second."""
        return [runs / each for each in self.passed_s[runs]]

    def median_per_s(self, runs: int) -> float:
        """Runs settled per second, of the rounds the middle one."""
        return statistics.median(self.per_s(runs))

    @property
    def slope_us(self) -> float:
        """CPU that one more run costs, in microseconds: between the fewest and the most runs."""
        fewest, most = min(self.cpu_s), max(self.cpu_s)
        more_s = statistics.median(self.cpu_s[most]) - statistics.median(self.cpu_s[fewest])
        return more_s / (most - fewest) * 1e6


def measure(folder: Path, *, rounds: int, runs: Sequence[int] = RUNS) -> SettlingResult:
    """Settle one piece of all runs, again and again; the first round warms up and is thrown away."""
    result = SettlingResult({each: [] for each in runs}, {each: [] for each in runs})
    for count in runs:
        say(f"settling: {count:,} runs")
        url = f"sqlite:///{folder / f'settling-{count}.db'}"
        with open_stores(url) as stores, never_searched_again(), seldom_searched():  # as `gatekeeper serve` does
            _open_reservations(stores, count)
            clock = _Clock(STARTS)
            meter = Meter(stores, _Counters(), clock, load_catalogue(), MeterTimes(delay_s=0, start_edge_s=0))
            for number in range(rounds + 1):
                clock.moment = STARTS + timedelta(seconds=PIECE_S * (number + 1))
                passed_s, cpu_s = _settle(meter, count, clock.moment)
                if number:
                    result.passed_s[count].append(passed_s)
                    result.cpu_s[count].append(cpu_s)
    return result


def facts(result: SettlingResult) -> dict[str, object]:
    """The measurement as plain data."""
    rounds = {str(runs): result.per_s(runs) for runs in result.passed_s}
    return {"settled_per_s": rounds, "settling_slope_us": result.slope_us}


def show(result: SettlingResult, console: Console) -> None:
    """Print the measurement, and whether the goal is reached."""
    table = Table(title=f"Settling runs of {DEVICES} devices on SQLite (WAL, FULL), each {PIECE_S} s at once")
    for column in ("runs", "runs/s", "CPU us for each"):
        table.add_column(column, justify="right")
    for runs in result.passed_s:
        found = result.per_s(runs)
        cpu_us = statistics.median(result.cpu_s[runs]) / runs * 1e6
        table.add_row(
            f"{runs:,}", f"{result.median_per_s(runs):,.0f} ({min(found):,.0f}-{max(found):,.0f})", f"{cpu_us:.0f}"
        )
    console.print(table)
    console.print(f"slope: {result.slope_us:.0f} us of CPU for each further run")
    best = max(result.median_per_s(runs) for runs in result.passed_s)
    reached = best >= SETTLED_PER_S_MIN
    console.print(f"goal: at least {SETTLED_PER_S_MIN:,} runs settled/s: {'reached' if reached else 'missed'}")


def _settle(meter: Meter, count: int, through: datetime) -> tuple[float, float]:
    due = [Due(f"uid-{number}", _facts(number), through) for number in range(count)]
    began, began_cpu = time.perf_counter(), time.process_time()
    answers = meter.settle(due)
    passed_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    if not all(answer.settlements for answer in answers):
        raise RuntimeError("A run was not settled.")
    return passed_s, cpu_s


def _facts(number: int) -> PodFacts:
    return PodFacts("train", f"pod-{number}", {GPU: DEVICES}, {GPU: PRODUCT}, STARTS)


def _open_reservations(stores: Stores, count: int) -> None:
    reservations = [
        Reservation.open(
            id=f"uid-{number}",
            run_id=f"run-{number}",
            customer_id=f"customer-{number % 1_000}",
            workload=WorkloadRef("bench", "train", "Pod", f"pod-{number}", f"uid-{number}"),
            devices={GPU: DEVICES},
            rate_tflop_per_s=RATE_TFLOP_PER_S,
            lease_s=86_400,
            held_s=86_520,
            opened_at=STARTS,
        )
        for number in range(count)
    ]

    def work(tx: Transaction) -> None:
        tx.add_reservations(reservations)
        tx.put_accounts([Account(each.run_id, pending_tflop=each.amount_tflop) for each in reservations])

    stores.transact(work)


@dataclass(slots=True)
class _Clock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment


class _Counters:
    """Eight devices of each pod, of which each does a little more than the one before."""

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        for each in asked:
            covered_s = (each.through - each.begins_at) // timedelta(seconds=1)
            yield (
                each,
                [Observation(f"{each.pod}-{index}", CLOCK_HZ // 2 + index, covered_s) for index in range(DEVICES)],
            )
