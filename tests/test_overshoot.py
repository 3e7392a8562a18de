"""Scenarios in which a careless counter would let a run pass its limit; settled high never does.

A lab trains under leases as the product grants them: a share of what the budget allows at the worst rate, held before
it starts. Meter, ledger and SQLite file are the real ones; counters and clock are simulated, and know the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.ledger import BudgetExceeded, Reservation
from gatekeeper.meter import Meter
from gatekeeper.stores import SqlStores
from tests.metering import (
    DAY,
    H100,
    HOUR,
    MHZ,
    RATE,
    SimulatedCounters,
    VirtualClock,
    account_of,
    fresh_stores,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    migrated,
    seconds_since_start,
    settle_end,
    settle_through,
)

COUNT = 8
PODS = 2
GRACE_S = 120
# 20 days of the whole gang at its worst rate.
LIMIT_TFLOP = PODS * COUNT * RATE * 20 * DAY
FULL_HZ = H100.max_clock_mhz * MHZ


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("overshoot"))


@dataclass
class Lab:
    """One run that goes on from lease to lease until no more is granted.

    Attributes:
        true_tflop: what its devices have executed so far: at the fastest format what the counters know, and all that
            the vector units can do, of which the counters know nothing.
        seen: used_tflop after every step, so that the invariant is checked all along.
    """

    stores: SqlStores
    clock: VirtualClock
    counters: SimulatedCounters
    meter: Meter
    limit_tflop: int = LIMIT_TFLOP
    smallest_lease_s: int = 6 * HOUR
    settle_every_s: int = 12 * HOUR
    names: Iterator[int] = field(default_factory=count)
    true_tflop: float = 0.0
    seen: list[int] = field(default_factory=list)

    def lease_s(self) -> int:
        """Half of what the budget allows at the worst rate."""
        left = self.limit_tflop - account_of(self.stores).used_tflop
        return min(left // (PODS * COUNT * RATE) // 2 - GRACE_S, 10 * DAY)

    def start_gang(self, lease_s: int) -> list[Reservation]:
        """Hold a lease for each pod, as one transaction would: here one after the other, undone by the caller."""
        gang = []
        for _ in range(PODS):
            uid = f"pod-{next(self.names)}"
            reservation = make_reservation(uid, count=COUNT, lease_s=lease_s, held_s=lease_s + GRACE_S)
            hold(self.stores, reservation, limit_tflop=self.limit_tflop)
            self.counters.devices[uid] = tuple(f"{uid}-gpu-{index}" for index in range(COUNT))
            gang.append(reservation)
        self.check()
        return gang

    def run_gang(self, gang: list[Reservation], lease_s: int, *, late_s: int = 0) -> None:
        """Let the pods run to the end of their lease (and `late_s` longer), settling as they go."""
        started = seconds_since_start(self.clock.now())
        ends = started + lease_s + late_s
        while (now := seconds_since_start(self.clock.now())) < ends:
            step = min(self.settle_every_s, ends - now)
            self.execute(now, now + step)
            self.clock.forward(step)
            for each in gang:
                settle_through(self.meter, each.id, make_facts(each.id, started=started), through=self.clock.now())
                self.check()
        for each in gang:
            self.settle_end(each.id, started, ends)

    def settle_end(self, uid: str, started: int, ends: int) -> None:
        """Ask until the end is settled; telemetry that stays silent costs patience, then the worst case."""
        facts = make_facts(uid, started=started, ended=ends - 1)
        while settle_end(self.meter, uid, facts).waits_for:
            self.clock.forward(HOUR)
        self.check()

    def execute(self, begin: int, end: int) -> None:
        """What the devices really do between two seconds."""
        per_hz = H100.peak_gflop_per_s[H100.fastest] / 1_000 / (H100.boost_clock_mhz * MHZ)
        vector = H100.vector_gflop_per_s / 1_000 * H100.max_clock_mhz / H100.boost_clock_mhz
        for at, seconds in self.counters.steps(begin, end):
            self.true_tflop += PODS * COUNT * (self.counters.busy_hz(at) * per_hz + vector) * seconds

    def train(self) -> None:
        """Lease after lease until the budget is spent."""
        while (lease_s := self.lease_s()) >= self.smallest_lease_s:
            self.run_gang(self.start_gang(lease_s), lease_s)

    def check(self) -> None:
        used = account_of(self.stores).used_tflop
        assert used <= self.limit_tflop
        self.seen.append(used)


@contextmanager
def lab(
    folder: Path,
    template: Path,
    busy_hz: Callable[[int], int],
    *,
    missing: Iterable[range] = (),
    silent: Iterable[range] = (),
    step_s: int = HOUR,
    **times: int,
) -> Iterator[Lab]:
    clock = VirtualClock()
    counters = SimulatedCounters(clock, busy_hz=busy_hz, missing=missing, silent=silent, step_s=step_s)
    with fresh_stores(folder, template) as stores:
        yield Lab(stores, clock, counters, make_meter(stores, counters, clock, **times))


def finished(run: Lab) -> None:
    """At the end nothing is held, and what was booked bounds the truth from above and the limit from below."""
    account = account_of(run.stores)
    assert account.pending_tflop == 0
    assert run.true_tflop <= account.settled.high_tflop <= run.limit_tflop
    assert account.settled.low_tflop <= account.settled.best_tflop <= account.settled.high_tflop


def test_utilization_that_jumps_from_5_to_100_percent_after_the_lease_was_granted_stays_below_the_limit(
    tmp_path: Path, template: Path
) -> None:
    jump_s = 3 * DAY

    def busy_hz(second: int) -> int:
        return FULL_HZ if second >= jump_s else FULL_HZ // 20

    with lab(tmp_path, template, busy_hz) as run:
        run.run_gang(run.start_gang(3 * DAY), 3 * DAY)
        # What a counter that trusts the last three days would grant: 20 times as long as the budget lasts at worst.
        careless_s = 20 * (run.limit_tflop - account_of(run.stores).used_tflop) // (PODS * COUNT * RATE) // 2
        assert careless_s * PODS * COUNT * RATE > run.limit_tflop
        run.train()
        finished(run)
        # Idle time was given back: the run went on for longer than the worst case of the whole limit.
        assert seconds_since_start(run.clock.now()) > 20 * DAY


def test_metrics_that_vanish_for_a_day_cost_the_worst_case_and_never_the_limit(tmp_path: Path, template: Path) -> None:
    gone = range(5 * DAY, 6 * DAY)
    spent: dict[str, int] = {}
    for name, missing, silent in (("kept", (), ()), ("missing", (gone,), ()), ("silent", (), (gone,))):
        with lab(
            tmp_path,
            template,
            lambda _: FULL_HZ * 2 // 5,
            missing=missing,
            silent=silent,
            patience_s=6 * HOUR,
            piece_s=6 * HOUR,
        ) as run:
            run.run_gang(run.start_gang(8 * DAY), 8 * DAY)
            finished(run)
            spent[name] = account_of(run.stores).settled.high_tflop
            if name == "missing":
                run.train()
                finished(run)
    # A counter that takes silence for idleness would have booked less than `kept`.
    assert spent["missing"] > spent["kept"] * 1.1
    assert spent["missing"] <= PODS * COUNT * RATE * 8 * DAY
    # The last hours of a silence are waited for, and metered when the telemetry is back.
    assert spent["kept"] * 1.05 < spent["silent"] < spent["missing"]


def test_two_gangs_that_race_for_the_last_budget_never_both_get_it(tmp_path: Path, template: Path) -> None:
    with lab(tmp_path, template, lambda _: FULL_HZ) as run:
        run.run_gang(run.start_gang(8 * DAY), 8 * DAY)
        left = run.limit_tflop - account_of(run.stores).used_tflop
        lease_s = left // (COUNT * RATE) - GRACE_S  # fits once, by a second
        start = Barrier(8)

        def ask(number: int) -> Reservation | None:
            start.wait()
            wanted = make_reservation(f"racer-{number}", count=COUNT, lease_s=lease_s, held_s=lease_s + GRACE_S)
            try:
                return hold(run.stores, wanted, limit_tflop=run.limit_tflop)
            except BudgetExceeded:
                return None

        with ThreadPoolExecutor(8) as threads:
            granted = [each for each in threads.map(ask, range(8)) if each is not None]
        assert len(granted) == 1
        run.check()


def test_a_pod_that_outlives_its_lease_is_booked_in_full_and_reported(tmp_path: Path, template: Path) -> None:
    with lab(tmp_path, template, lambda _: FULL_HZ) as run:
        gang = run.start_gang(DAY)
        run.run_gang(gang, DAY, late_s=HOUR)
        account = account_of(run.stores)
        assert account.settled.high_tflop > sum(each.amount_tflop for each in gang)
        assert account.settled.high_tflop >= run.true_tflop


percent = st.integers(0, 100)


@pytest.mark.slow  # a database and weeks of virtual time for each example
@settings(max_examples=40, deadline=None)
@given(
    profile=st.lists(percent, min_size=1, max_size=24),
    hold_hours=st.integers(1, 40),
    gaps=st.lists(st.tuples(st.integers(0, 60 * 24), st.integers(1, 72)), max_size=4),
    outages=st.lists(st.tuples(st.integers(0, 60 * 24), st.integers(1, 72)), max_size=3),
    lease_hours=st.lists(st.integers(1, 15 * 24), min_size=1, max_size=4),
    patience_h=st.integers(0, 24),
    piece_h=st.integers(6, 48),
    settle_every_h=st.integers(12, 96),
)
def test_no_profile_gap_outage_or_lease_length_brings_settled_high_past_the_limit(
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    profile: list[int],
    hold_hours: int,
    gaps: list[tuple[int, int]],
    outages: list[tuple[int, int]],
    lease_hours: list[int],
    patience_h: int,
    piece_h: int,
    settle_every_h: int,
) -> None:
    def busy_hz(second: int) -> int:
        return FULL_HZ * profile[second // (hold_hours * HOUR) % len(profile)] // 100

    def spans(hours: list[tuple[int, int]]) -> list[range]:
        return [range(begin * HOUR, (begin + length) * HOUR) for begin, length in hours]

    with lab(
        tmp_path_factory.getbasetemp(),
        template,
        busy_hz,
        missing=spans(gaps),
        silent=spans(outages),
        patience_s=patience_h * HOUR,
        piece_s=piece_h * HOUR,
    ) as run:
        run.smallest_lease_s, run.settle_every_s = HOUR, settle_every_h * HOUR
        for hours in lease_hours:
            lease_s = min(hours * HOUR, run.lease_s())
            if lease_s < run.smallest_lease_s:
                break
            run.run_gang(run.start_gang(lease_s), lease_s)
        finished(run)
