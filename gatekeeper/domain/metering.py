"""From what a cluster and its counters say of one pod to what the pod used: pieces of its life, and usage by device.

A piece never crosses midnight (UTC), so each settlement belongs to one day. Where counters are missing, shared,
impossible or more than the pod was given devices, a piece counts at the worst case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gatekeeper.domain.accelerators import Device
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.counting import UNMETERED_PERCENT, metered_all, one_per_device, unmetered
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.usage import UNKNOWN_DEVICE, DeviceUsage, Observation, PodFacts, Usage, total

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MeterTimes:
    """When the meter books what, in seconds.

    Attributes:
        delay_s: a piece is booked when it is this old, so that late scrapes count.
        patience_s: a piece whose counters do not answer waits until it is this old; then the worst case is booked.
        piece_s: the longest piece; bounds each question to the telemetry.
        start_edge_s: the first seconds of a pod count at the worst case. A gauge is a mean over the exporter's collect
            interval (30 s), and the exporter prints it for up to one more: until then it mixes in the time before.
        end_edge_s: so do the last seconds, whose sample mixes in the time after.
    """

    delay_s: int = 120
    patience_s: int = 1_800
    piece_s: int = 21_600
    start_edge_s: int = 60
    end_edge_s: int = 30

    def __post_init__(self) -> None:
        if self.piece_s <= 0 or min(self.delay_s, self.start_edge_s, self.end_edge_s) < 0:
            raise InvalidInput(f"The meter's times cannot be negative, and a piece lasts at least 1 s: {self}.")
        if self.patience_s < self.delay_s:
            raise InvalidInput(f"The meter's patience ({self.patience_s} s) ends before its delay ({self.delay_s} s).")


@dataclass(frozen=True, slots=True)
class Piece:
    """An interval of a pod's life that is booked at once, within one day."""

    begins_at: datetime
    through: datetime
    final: bool

    @property
    def interval_s(self) -> int:
        """How long it lasts."""
        return (self.through - self.begins_at) // _SECOND

    @property
    def day(self) -> date:
        """The day (UTC) to which it belongs."""
        return self.begins_at.date()


@dataclass(frozen=True, slots=True)
class Used:
    """What a pod used in a piece, by kind of device; `note` says why it is the worst case where it is."""

    devices: tuple[DeviceUsage, ...]
    note: str = ""


def pieces(begins_at: datetime, until: datetime, *, longest_s: int, final: bool) -> Iterator[Piece]:
    """The pieces between two moments, oldest first; the final one also where it lasts no time."""
    longest = timedelta(seconds=longest_s)
    while (ends := min(begins_at + longest, _midnight_after(begins_at))) < until:
        yield Piece(begins_at, ends, final=False)
        begins_at = ends
    if final or until > begins_at:
        yield Piece(begins_at, max(begins_at, until), final)


def floor_s(moment: datetime) -> datetime:
    """The whole second in which a moment lies."""
    return moment.replace(microsecond=0)


def end_of(ended_at: datetime) -> datetime:
    """The end of the second in which a pod ended: Kubernetes cuts its times to whole seconds."""
    return floor_s(ended_at) + _SECOND


def counted_span(facts: PodFacts, piece: Piece, times: MeterTimes) -> tuple[datetime, datetime] | None:
    """The part of a piece for which counters are asked: without the edges of the pod's life; None where none is."""
    first = floor_s(facts.started_at) + timedelta(seconds=times.start_edge_s)
    last = piece.through
    if facts.ended_at is not None:
        last = min(last, end_of(facts.ended_at) - timedelta(seconds=times.end_edge_s))
    begins_at = max(piece.begins_at, first)
    return (begins_at, last) if last - begins_at >= _SECOND else None


@dataclass(frozen=True, slots=True)
class PodDevices:
    """The devices of one pod: kind (its name in the catalogue, or "unknown"), device, and how many.

    Attributes:
        kinds: empty where number or make of a device is not known.
        count: how many the pod asked for, as far as it said.
        rate_tflop_per_s: what was reserved for all of them: it stands for them where they are not known.
        exclusive: no other pod was given any of them: each pod counts for the whole of a device that it shares.
    """

    kinds: tuple[tuple[str, Device, int], ...]
    count: int
    rate_tflop_per_s: int
    exclusive: bool = True

    @classmethod
    def of(cls, catalogue: Catalogue, reservation: Reservation, facts: PodFacts) -> PodDevices:
        """What the cluster says that a pod was given."""
        given = facts.given
        count = sum(given.values())
        if not facts.all_known:
            return cls((), count, reservation.rate_tflop_per_s)
        kinds: dict[str, tuple[str, Device, int]] = {}
        for key, number in given.items():
            found = catalogue.find(facts.products[key], key)
            device = found or catalogue.find_or_largest(facts.products[key], key)
            name = device.name if found else UNKNOWN_DEVICE
            _, before, already = kinds.get(name, (name, device, 0))
            # Two unknown kinds may count as two chips, by the vendors of their keys: the larger stands for both.
            kinds[name] = name, max(before, device, key=lambda each: each.worst_tflop_per_s), already + number
        return cls(tuple(kinds.values()), count, reservation.rate_tflop_per_s, facts.exclusive)

    @property
    def alike(self) -> Device | None:
        """The one kind of device of which the pod's counters speak; None where nobody can tell.

        What the counters of a chip that nobody knows are a share of, and whether they are means, nobody knows either.
        """
        if len(self.kinds) != 1 or self.kinds[0][0] == UNKNOWN_DEVICE or not self.exclusive:
            return None
        return self.kinds[0][1]

    def at_worst(self, interval_s: int, note: str = "") -> Used:
        """Usage without counters."""
        if not self.kinds:
            # The rate that was reserved is the worst that the cluster offered when the pod was released.
            high = self.rate_tflop_per_s * interval_s
            usage = Usage(0, high * UNMETERED_PERCENT // 100, high)
            return Used((DeviceUsage(UNKNOWN_DEVICE, self.count * interval_s, usage),), note)
        return Used(
            tuple(
                DeviceUsage(name, count * interval_s, unmetered(device, interval_s=interval_s).times(count))
                for name, device, count in self.kinds
            ),
            note,
        )

    def by_counters(self, said: Iterable[Observation], *, counted_s: int, interval_s: int) -> Used:
        """Usage by what counters said of `counted_s` seconds of an interval; the worst case for the rest of it."""
        observed, device = one_per_device(said), self.alike
        if device is None or len(observed) > self.count:
            note = (
                "" if device is None else f"counters name {len(observed)} devices where the pod was given {self.count}"
            )
            return self.at_worst(interval_s, note)
        missing = self.count - len(observed)
        spoken = metered_all(device, observed, interval_s=counted_s)
        silent = unmetered(device, interval_s=counted_s).times(missing) if missing else Usage()
        edge_s = interval_s - counted_s
        edges = unmetered(device, interval_s=edge_s).times(self.count) if edge_s else Usage()
        usage = total([spoken, silent, edges])
        note = f"no counters of {missing} of {self.count} devices" if missing else ""
        return Used((DeviceUsage(self.kinds[0][0], self.count * interval_s, usage),), note)


def _midnight_after(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC) + _DAY
