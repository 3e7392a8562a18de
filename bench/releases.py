"""Durable releases per second on SQLite, against what the disk itself can do: single appends with fdatasync.

A release is the product's own: `Gate.release` for a pod of one device, that is decision, account, reservation and
record in one transaction, and it returns only when all of it is on disk. N in flight = N threads that wait for theirs.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.provider import BUDGETED, CLUSTER, make_gate
from bench.tools import say
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.gate import Gang, Gate
from gatekeeper.stores import open_stores

IN_FLIGHT = (1, 8, 64)
APPEND_BYTES = 512


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """Per second and round: raw appends, and releases by how many are in flight."""

    appends: list[float]
    releases: Mapping[int, list[float]]

    def ratios(self, in_flight: int) -> list[float]:
        """Releases for each raw append, round by round."""
        return [ours / raw for ours, raw in zip(self.releases[in_flight], self.appends, strict=True)]

    def median(self, in_flight: int) -> float:
        """Releases per second."""
        return statistics.median(self.releases[in_flight])


def measure(folder: Path, *, rounds: int, seconds: float, customers: int) -> ReleaseResult:
    """Take turns: appends, then releases with 1, 8 and 64 in flight, each on a fresh database."""
    appends: list[float] = []
    releases: dict[int, list[float]] = {each: [] for each in IN_FLIGHT}
    for number in range(1, rounds + 1):
        say(f"releases: round {number} of {rounds}")
        appends.append(_appends_per_s(folder / "raw", seconds))
        for in_flight in IN_FLIGHT:
            database = folder / f"r{number}-{in_flight}.db"
            releases[in_flight].append(_releases_per_s(database, in_flight, seconds, customers))
    return ReleaseResult(appends, releases)


def _appends_per_s(path: Path, seconds: float) -> float:
    block = os.urandom(APPEND_BYTES)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        begin, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - begin) < seconds:
            os.write(file, block)
            os.fdatasync(file)
            count += 1
        return count / passed
    finally:
        os.close(file)


def _releases_per_s(database: Path, in_flight: int, seconds: float, customers: int) -> float:
    with open_stores(f"sqlite:///{database}") as stores, ThreadPoolExecutor(in_flight) as threads:
        gate = make_gate(stores, customers=customers)
        _release_until(gate, time.perf_counter() + 0.1)  # caches fill and statements are compiled once
        begin = time.perf_counter()
        counts = list(threads.map(_release_until, [gate] * in_flight, [begin + seconds] * in_flight))
        return sum(counts) / (time.perf_counter() - begin)


def _release_until(gate: Gate, ends: float) -> int:
    """Releases of one client, each after the one before is durable; every one must be let start."""
    count = 0
    while time.perf_counter() < ends:
        uid = str(uuid.uuid4())
        ref = WorkloadRef(CLUSTER, BUDGETED, "Pod", f"train-{uid}", uid)
        release = gate.release(Gang(ref, (Workload(ref, {"nvidia.com/gpu": Count(1, 1)}),)))
        if not release.reservations:
            raise RuntimeError(f"A release was refused: {release.decision}")
        count += 1
    return count
