"""The meter: from device counters to settled usage, for many pods at once.

It books what pods have used, piece by piece and in order, and gives back what was held for that time. The telemetry
gets one question for all that is due; what it answered is booked in few transactions, none of them long. The truth
about which devices a pod had, and from when to when, is the cluster's; counters only say how busy they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gatekeeper.booking import Answer, Booking, Ready
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import GatekeeperError, InvalidInput, NotFound, Unavailable
from gatekeeper.domain.ledger import Reservation, ReservationState, Settlement
from gatekeeper.domain.metering import MeterTimes, Piece, PodDevices, Used, counted_span, end_of, floor_s, pieces
from gatekeeper.domain.units import require_utc
from gatekeeper.domain.usage import Observation, PodFacts, PodInterval
from gatekeeper.ports import Clock, Counters, Stores

# What goes into a record of an answer that nobody can reckon with.
NOTE_CHARACTERS_MAX = 300
_OPEN = (ReservationState.PENDING, ReservationState.METERED)


@dataclass(frozen=True, slots=True)
class Due:
    """A reservation to bring up to date.

    Attributes:
        through: book up to here, and no further than what is older than the meter's delay or than the pod's end;
            None: book the rest up to the end that the node has seen, and end the reservation.
        note: goes into the records.

    Raises:
        InvalidInput: it is to be ended, and nobody has seen an end.
    """

    reservation_id: str
    facts: PodFacts
    through: datetime | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.through is not None:
            require_utc(self.through)
        elif self.facts.ended_at is None:
            pod = f"{self.facts.namespace}/{self.facts.name}"
            raise InvalidInput(f"Pod {pod} has no observed end; only that ends a reservation.")


@dataclass(frozen=True, slots=True)
class Metered:
    """What was booked of a reservation, oldest piece first, and what the rest waits for ("": nothing is left)."""

    settlements: tuple[Settlement, ...] = ()
    waits_for: str = ""


@dataclass(slots=True)
class _Entry:
    """A piece on its way: what counters say of it, and then what is booked."""

    piece: Piece
    span: tuple[datetime, datetime] | None
    used: Used | None = None
    silence: GatekeeperError | None = None


@dataclass(slots=True)
class _Work:
    """A reservation on its way."""

    due: Due
    reservation: Reservation
    devices: PodDevices
    entries: list[_Entry] = field(default_factory=list)
    unanswered: int = 0
    booked: list[Settlement] = field(default_factory=list)
    waits_for: str = ""

    def tell(self, answer: Answer) -> None:
        """A piece was booked, or cannot be."""
        if isinstance(answer, Settlement):
            self.booked.append(answer)
        else:
            self.waits_for = str(answer)


@dataclass(frozen=True, slots=True)
class Meter:
    """Use case: usage of running and ended pods -> settlements and their records."""

    stores: Stores
    counters: Counters
    clock: Clock
    catalogue: Catalogue
    times: MeterTimes = field(default_factory=MeterTimes)

    def settle(self, many: Sequence[Due]) -> list[Metered]:
        """Book what is due; one answer for each reservation, in the order asked.

        Asking again books nothing twice. A reservation that has ended is left as it is. One whose counters do not
        answer or say nothing that can be reckoned with, or whose usage cannot be booked, waits alone.

        Raises:
            NotFound: there is no such reservation; nothing is booked.
            Unavailable: the database does not answer; what it answered for is booked.
        """
        now = self.clock.now()
        works = self._works(many)
        for work in works:
            try:
                self._plan(work, now)
            except Exception as error:  # noqa: BLE001 - one pod's odd times must not keep all others waiting
                work.waits_for = _said(error)
        booking = Booking(self.stores, now)
        for work in self._answered(works):
            booking.add(self._ready(work, now))
        booking.finish()
        return [Metered(tuple(work.booked), work.waits_for) for work in works]

    def _works(self, many: Sequence[Due]) -> list[_Work]:
        found = self.stores.read(lambda reader: reader.reservations({due.reservation_id for due in many}))
        for due in many:
            if due.reservation_id not in found:
                raise NotFound(f"There is no reservation {due.reservation_id}.")
        return [
            _Work(due, found[due.reservation_id], self._devices(found[due.reservation_id], due.facts)) for due in many
        ]

    def _devices(self, reservation: Reservation, facts: PodFacts) -> PodDevices:
        try:
            return PodDevices.of(self.catalogue, reservation, facts)
        except Exception:  # noqa: BLE001 - devices that nobody can tell count as what was reserved
            return PodDevices((), sum(facts.given.values()), reservation.rate_tflop_per_s)

    def _plan(self, work: _Work, now: datetime) -> None:
        """The pieces still to book, oldest first."""
        facts, reservation, through = work.due.facts, work.reservation, work.due.through
        if reservation.state not in _OPEN:
            return
        settled = now - timedelta(seconds=self.times.delay_s)
        ends = None if facts.ended_at is None else end_of(facts.ended_at)
        if through is None:
            assert ends is not None  # `Due` sees to it
            until = ends
            if settled < until:
                work.waits_for = f"samples of the pod's last seconds, for {self.times.delay_s} s after its end"
                return
        else:
            until = floor_s(min(through, settled))
            until = until if ends is None else min(until, ends)
        begins_at = reservation.metered_until or floor_s(facts.started_at)
        work.entries = [
            _Entry(piece, counted_span(facts, piece, self.times) if work.devices.alike else None)
            for piece in pieces(begins_at, until, longest_s=self.times.piece_s, final=through is None)
        ]

    def _answered(self, works: Sequence[_Work]) -> Iterator[_Work]:
        """Ask for all pieces at once; each reservation as soon as all of its pieces have their answer.

        Of an answer only what the piece used is kept.
        """
        waiting: dict[PodInterval, list[tuple[_Work, _Entry]]] = {}
        for work in works:
            for entry in work.entries:
                if entry.span is not None:
                    asked = PodInterval(work.due.facts.namespace, work.due.facts.name, *entry.span)
                    waiting.setdefault(asked, []).append((work, entry))
                    work.unanswered += 1
        yield from (work for work in works if not work.unanswered)
        silence: GatekeeperError | None = None
        try:
            for asked, answer in self.counters.observe(list(waiting)) if waiting else ():
                for work, entry in waiting.pop(asked, ()):
                    _take(work, entry, asked, answer)
                    work.unanswered -= 1
                    if not work.unanswered:
                        yield work
        except Exception as error:  # noqa: BLE001 - whatever it is: without counters everybody is booked at the worst
            silence = error if isinstance(error, Unavailable) else InvalidInput(_said(error))
        for unanswered in waiting.values():
            for _, entry in unanswered:
                entry.silence = silence or Unavailable("It has no answer for this pod.")
        yield from (work for work in works if work.unanswered)

    def _ready(self, work: _Work, now: datetime) -> list[Ready]:
        ready: list[Ready] = []
        try:
            ready.extend(self._judged(work, now))
        except Exception as error:  # noqa: BLE001 - likewise
            work.waits_for = _said(error)
        return ready

    def _judged(self, work: _Work, now: datetime) -> Iterator[Ready]:
        """What can be booked of a reservation now: in order, up to the first piece that still waits."""
        for entry in work.entries:
            if entry.silence is not None:
                if now - entry.piece.through < timedelta(seconds=self.times.patience_s):
                    work.waits_for = f"telemetry: {entry.silence}"
                    return
                silent = isinstance(entry.silence, Unavailable)
                note = "the telemetry did not answer" if silent else f"counters: {entry.silence}"[:NOTE_CHARACTERS_MAX]
                used = work.devices.at_worst(entry.piece.interval_s, note)
            else:
                used = entry.used or work.devices.at_worst(entry.piece.interval_s)
            yield Ready(work.reservation, entry.piece, used, work.due.note, work.tell)


def _take(work: _Work, entry: _Entry, asked: PodInterval, answer: list[Observation] | Unavailable) -> None:
    if isinstance(answer, Unavailable):
        entry.silence = answer
        return
    counted_s = (asked.through - asked.begins_at) // timedelta(seconds=1)
    try:
        entry.used = work.devices.by_counters(answer, counted_s=counted_s, interval_s=entry.piece.interval_s)
    except Exception as error:  # noqa: BLE001 - what one device says must not keep other pods from being booked
        entry.silence = InvalidInput(_said(error))


def _said(error: Exception) -> str:
    """An error of ours in its own words; of any other its kind too, for whoever mends it."""
    return str(error) if isinstance(error, GatekeeperError) else f"{type(error).__name__}: {error}"
