"""A cluster with a virtual clock for tests of the meter: real ledger, real SQLite, counters that a test sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatekeeper.domain.accelerators import Accelerator, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.ledger import Account, Pool, Reservation, reserve
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.record import Record, decode
from gatekeeper.domain.usage import Observation, PodFacts, PodInterval
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.meter import Due, Meter, Metered
from gatekeeper.ports import Counters, Stores, Transaction
from gatekeeper.stores import SqlStores
from tests.databases import new_stores

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = 3_600
DAY = 86_400
MHZ = 1_000_000
GPU = "nvidia.com/gpu"
RUN = "frontier-1"

# Peaks and clocks of three chips (NVIDIA datasheets); here they only have to be different.
H100 = Accelerator(
    "H100-SXM5",
    ("NVIDIA H100 80GB HBM3",),
    {Format.BF16: 989_400, Format.FP8: 1_978_900},
    133_800,
    1830,
    1980,
    "test",
    mean_activity=True,
)
A100 = Accelerator(
    "A100-SXM4", ("NVIDIA A100-SXM4-80GB",), {Format.BF16: 312_000}, 78_000, 1410, 1410, "test", mean_activity=True
)
B200 = Accelerator(
    "B200",
    ("NVIDIA B200",),
    {Format.BF16: 2_250_000, Format.FP4: 9_000_000},
    300_000,
    1965,
    1965,
    "test",
    mean_activity=True,
)
CATALOGUE = Catalogue.of([H100, A100, B200])
PRODUCT = H100.product_names[0]
RATE = H100.worst_tflop_per_s


@dataclass(slots=True)
class VirtualClock:
    """A clock that stands still until it is told to go on."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(slots=True)
class SimulatedCounters:
    """Counters of pods whose devices all do what `busy_hz` says at each second since NOW; exact means of it.

    Attributes:
        devices: pod name -> ids of its devices.
        busy_hz: activity x clock at a second since NOW.
        missing: spans of seconds since NOW without samples.
        silent: spans of the virtual clock in which the telemetry does not answer at all.
    """

    clock: VirtualClock
    devices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    busy_hz: Callable[[int], int] = lambda _: 0
    missing: Iterable[range] = ()
    silent: Iterable[range] = ()
    step_s: int = 60

    def steps(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """(second, seconds) of the spans of `step_s` between two seconds; within one, nothing changes."""
        while begin < end:
            until = min(end, begin - begin % self.step_s + self.step_s)
            yield begin, until - begin
            begin = until

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        return ((each, self._of(each.pod, each.begins_at, each.through)) for each in asked)

    def _of(self, pod: str, begins_at: datetime, through: datetime) -> list[Observation] | Unavailable:
        if any(seconds_since_start(self.clock.now()) in span for span in self.silent):
            return Unavailable("The telemetry is switched off in this test.")
        cycles = covered_s = 0
        for begin, seconds in self.steps(seconds_since_start(begins_at), seconds_since_start(through)):
            if not any(begin in span for span in self.missing):
                cycles += self.busy_hz(begin) * seconds
                covered_s += seconds
        busy_hz = -(-cycles // covered_s) if covered_s else 0
        return [Observation(each, busy_hz, covered_s) for each in self.devices.get(pod, ())]


@dataclass(slots=True)
class Said:
    """Counters that say the same whatever is asked; `asked` keeps the intervals."""

    observations: list[Observation] = field(default_factory=list)
    error: Unavailable | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        return ((each, self._of(each.begins_at, each.through)) for each in asked)

    def _of(self, begins_at: datetime, through: datetime) -> list[Observation] | Unavailable:
        self.asked.append((begins_at, through))
        if self.error is not None:
            return self.error
        seconds = (through - begins_at) // timedelta(seconds=1)
        return [replace(each, covered_s=min(each.covered_s, seconds)) for each in self.observations]


def observed_of(
    counters: Counters, *, namespace: str, pod: str, begins_at: datetime, through: datetime
) -> list[Observation]:
    """What counters say of one pod.

    Raises:
        Unavailable: they do not answer.
    """
    ((_, answer),) = counters.observe([PodInterval(namespace, pod, begins_at, through)])
    if isinstance(answer, Unavailable):
        raise answer
    return answer


def seconds_since_start(moment: datetime) -> int:
    return (moment - NOW) // timedelta(seconds=1)


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def make_reservation(
    uid: str = "pod-0", *, count: int = 8, rate: int | None = None, lease_s: int = DAY, held_s: int | None = None
) -> Reservation:
    """A fresh reservation of H100s that holds its lease and two minutes of grace."""
    return Reservation.open(
        id=uid,
        run_id=RUN,
        customer_id="lab",
        workload=WorkloadRef("east", "lab", "Pod", uid, uid),
        devices={GPU: count},
        rate_tflop_per_s=count * RATE if rate is None else rate,
        lease_s=lease_s,
        held_s=held_s or lease_s + 120,
        opened_at=NOW,
    )


def make_facts(
    name: str = "pod-0",
    *,
    count: int = 8,
    started: int = 0,
    ended: int | None = None,
    devices: Mapping[str, int] | None = None,
    products: Mapping[str, str] | None = None,
    countable: bool = True,
) -> PodFacts:
    """What the cluster says of a pod; times in seconds since NOW."""
    return PodFacts(
        namespace="lab",
        name=name,
        devices={GPU: count} if devices is None else devices,
        products={GPU: PRODUCT} if products is None else products,
        started_at=at(started),
        ended_at=None if ended is None else at(ended),
        countable=countable,
    )


def hold(stores: Stores, reservation: Reservation, *, limit_tflop: int = 10**14) -> Reservation:
    """Reserve against the limit in one transaction, as the gate does; raises BudgetExceeded where it does not fit."""

    def work(tx: Transaction) -> Reservation:
        pool = Pool(limit_tflop, (tx.account(reservation.run_id),))
        tx.put_account(reserve(pool, reservation))
        tx.put_reservation(reservation)
        return reservation

    return stores.transact(work)


def account_of(stores: Stores) -> Account:
    return stores.read(lambda reader: reader.account(RUN))


def reservation_of(stores: Stores, uid: str = "pod-0") -> Reservation:
    found = stores.read(lambda reader: reader.reservation(uid))
    assert found is not None
    return found


def plain_times(**changes: int) -> MeterTimes:
    """No edges and no delay, so that sums are easy to follow."""
    return MeterTimes(**{"delay_s": 0, "patience_s": 0, "start_edge_s": 0, "end_edge_s": 0, "piece_s": DAY, **changes})


def make_meter(stores: Stores, counters: Said | SimulatedCounters, clock: VirtualClock, **times: int) -> Meter:
    return Meter(stores, counters, clock, CATALOGUE, plain_times(**times))


def settle_through(meter: Meter, uid: str, facts: PodFacts, *, through: datetime) -> Metered:
    """Book what one pod used up to a time."""
    (answer,) = meter.settle([Due(uid, facts, through)])
    return answer


def settle_end(meter: Meter, uid: str, facts: PodFacts) -> Metered:
    """Book the rest of one pod."""
    (answer,) = meter.settle([Due(uid, facts)])
    return answer


def busy(count: int = 8, *, hertz: int = 600 * MHZ, covered_s: int = DAY, exclusive: bool = True) -> Said:
    return Said([Observation(f"GPU-{index}", hertz, covered_s, exclusive) for index in range(count)])


def records(stores: SqlStores) -> list[Record]:
    return stores.read(lambda reader: [decode(leaf) for leaf in reader.leaves()])


@contextmanager
def fresh_stores(folder: Path, template: Path) -> Iterator[SqlStores]:
    """Stores on a copy of a migrated, empty database; the copy is new at each call."""
    path = folder / "meter.db"
    for leftover in folder.glob("meter.db*"):
        leftover.unlink()
    shutil.copy(template, path)
    with new_stores(path) as opened:
        yield opened


def migrated(folder: Path) -> Path:
    """An empty database to copy."""
    path = folder / "template.db"
    new_stores(path).close()
    return path
