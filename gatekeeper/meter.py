"""The meter: from device counters to settled usage, for many pods at once.

It books what pods have used, piece by piece and in order, and gives back what was held for that time. The telemetry
gets one question for all that is due; what it answered is booked in few transactions, none of them long. The truth
about which devices a pod had, and from when to when, is the cluster's; counters only say how busy they were.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import GatekeeperError, InvalidInput, NotFound, Unavailable
from gatekeeper.domain.ledger import Account, Reservation, ReservationState, Settlement, settle
from gatekeeper.domain.metering import MeterTimes, Piece, PodDevices, Used, counted_span, end_of, floor_s, pieces
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.units import require_utc
from gatekeeper.domain.usage import DailyUsage, Observation, PodFacts, PodInterval, total
from gatekeeper.facts import settlement_facts
from gatekeeper.ports import Clock, Counters, Stores, Transaction

ACTOR = Actor(ActorKind.SERVICE, "meter")
# Names the records of this file: the same piece always gets the same id, so a log can never hold it twice.
_PIECES = uuid.UUID("5b0f6c0e-7d43-5a0c-9d6e-0d7f2f8f1a11")
# Pieces of one transaction: a release that comes meanwhile waits for at most this many, a few hundredths of a second.
GROUP_PIECES = 256
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
    silence: Unavailable | None = None


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


@dataclass(frozen=True, slots=True)
class _Ready:
    work: _Work
    piece: Piece
    used: Used


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
        answer, or whose usage cannot be booked, waits alone.

        Raises:
            NotFound: there is no such reservation; nothing is booked.
            Unavailable: the database does not answer; what it answered for is booked.
        """
        now = self.clock.now()
        works = self._works(many)
        for work in works:
            self._plan(work, now)
        booking = _Booking(self.stores, now)
        for work in self._answered(works):
            booking.add(self._judged(work, now))
        booking.finish()
        return [Metered(tuple(work.booked), work.waits_for) for work in works]

    def _works(self, many: Sequence[Due]) -> list[_Work]:
        found = self.stores.read(lambda reader: reader.reservations({due.reservation_id for due in many}))
        for due in many:
            if due.reservation_id not in found:
                raise NotFound(f"There is no reservation {due.reservation_id}.")
        return [
            _Work(due, found[due.reservation_id], PodDevices.of(self.catalogue, found[due.reservation_id], due.facts))
            for due in many
        ]

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
        silence: Unavailable | None = None
        try:
            for asked, answer in self.counters.observe(list(waiting)) if waiting else ():
                for work, entry in waiting.pop(asked, ()):
                    _take(work, entry, asked, answer)
                    work.unanswered -= 1
                    if not work.unanswered:
                        yield work
        except Unavailable as error:
            silence = error
        for unanswered in waiting.values():
            for _, entry in unanswered:
                entry.silence = silence or Unavailable("It has no answer for this pod.")
        yield from (work for work in works if work.unanswered)

    def _judged(self, work: _Work, now: datetime) -> Iterator[_Ready]:
        """What can be booked of a reservation now: in order, up to the first piece that still waits."""
        for entry in work.entries:
            if entry.silence is not None:
                if now - entry.piece.through < timedelta(seconds=self.times.patience_s):
                    work.waits_for = f"telemetry: {entry.silence}"
                    return
                used = work.devices.at_worst(entry.piece.interval_s, "the telemetry did not answer")
            else:
                used = entry.used or work.devices.at_worst(entry.piece.interval_s)
            yield _Ready(work, entry.piece, used)


class _Booking:
    """Books pieces in groups: while one becomes durable, the next gathers. Never two at once: a commit would take both,
    and a release that comes meanwhile would wait for both."""

    def __init__(self, stores: Stores, now: datetime) -> None:
        self._stores, self._now = stores, now
        self._gathered: list[_Ready] = []
        self._written: tuple[list[_Ready], Future[list[Settlement | GatekeeperError | None]]] | None = None

    def add(self, ready: Iterable[_Ready]) -> None:
        """Take pieces in, those of one reservation in their order."""
        for each in ready:
            self._gathered.append(each)
            if len(self._gathered) == GROUP_PIECES:
                self._write()

    def finish(self) -> None:
        """Write the rest, and wait until all is durable."""
        if self._gathered:
            self._write()
        self._wait()

    def _write(self) -> None:
        self._wait()
        group, self._gathered = self._gathered, []
        self._written = group, self._stores.submit(partial(_write, group, self._now))

    def _wait(self) -> None:
        if self._written is None:
            return
        group, future = self._written
        self._written = None
        for each, answer in zip(group, future.result(), strict=True):
            if isinstance(answer, Settlement):
                each.work.booked.append(answer)
            elif answer is not None:
                each.work.waits_for = str(answer)


def _take(work: _Work, entry: _Entry, asked: PodInterval, answer: list[Observation] | Unavailable) -> None:
    if isinstance(answer, Unavailable):
        entry.silence = answer
        return
    counted_s = (asked.through - asked.begins_at) // timedelta(seconds=1)
    entry.used = work.devices.by_counters(answer, counted_s=counted_s, interval_s=entry.piece.interval_s)


def _write(group: Sequence[_Ready], now: datetime, tx: Transaction) -> list[Settlement | GatekeeperError | None]:
    """Reservations, accounts, records and daily usage of many pieces, in one transaction.

    For each piece its settlement, why it cannot be booked, or None where it is not due any more: somebody else booked
    it meanwhile, and what follows is theirs too.
    """
    reservations = _as_they_are(group, tx)
    accounts = {each.run_id: each for each in tx.accounts({each.work.reservation.run_id for each in group})}
    answers: list[Settlement | GatekeeperError | None] = []
    records: list[Record] = []
    changed: dict[str, Reservation] = {}
    for each in group:
        uid = each.work.reservation.id
        reservation = reservations[uid]
        if not _is_due(reservation, each.piece):
            answers.append(None)
            continue
        account = accounts.get(reservation.run_id) or Account(reservation.run_id)
        try:
            account, reservation, settlement = _settled(account, reservation, each)
            record = _record(settlement, account, each, now)
        except GatekeeperError as error:
            answers.append(error)
            continue
        accounts[account.run_id] = account
        reservations[uid] = changed[uid] = reservation
        records.append(record)
        answers.append(settlement)
    booked = [each for each in answers if isinstance(each, Settlement)]
    tx.put_accounts([accounts[run_id] for run_id in dict.fromkeys(each.run_id for each in booked)])
    tx.put_progress(list(changed.values()))
    tx.append_all(records)
    tx.add_daily_usage(daily for settlement in booked for daily in _daily(settlement))
    return answers


def _as_they_are(group: Sequence[_Ready], tx: Transaction) -> dict[str, Reservation]:
    """The reservations as the transaction has them. State and time tell whether what was read before is still so."""
    before = {each.work.reservation.id: each.work.reservation for each in group}
    booked: Mapping[str, tuple[ReservationState, datetime | None]] = tx.booked_until(before)
    moved = [uid for uid, it in before.items() if booked.get(uid) != (it.state, it.metered_until)]
    return {**before, **(tx.reservations(moved) if moved else {})}


def _is_due(reservation: Reservation, piece: Piece) -> bool:
    return reservation.state in _OPEN and reservation.metered_until in (None, piece.begins_at)


def _settled(account: Account, reservation: Reservation, ready: _Ready) -> tuple[Account, Reservation, Settlement]:
    devices = ready.used.devices
    return settle(
        account,
        reservation,
        begins_at=ready.piece.begins_at,
        through=ready.piece.through,
        usage=devices[0].usage if len(devices) == 1 else total(each.usage for each in devices),
        final=ready.piece.final,
        devices=devices,
    )


def _daily(settlement: Settlement) -> Iterator[DailyUsage]:
    """A piece lies within one day, so all of it belongs to that."""
    day = settlement.begins_at.date()
    for each in settlement.devices:
        yield DailyUsage(settlement.run_id, day, each.device, each.device_s, each.usage)


def _record(settlement: Settlement, account: Account, ready: _Ready, now: datetime) -> Record:
    name = f"{settlement.reservation_id} {settlement.begins_at} {settlement.through} {settlement.final}"
    facts = settlement_facts(settlement, account)
    note = "; ".join(text for text in (ready.work.due.note, ready.used.note) if text)
    if note:
        facts = {**facts, "note": note}
    kind = RecordType.RESERVATION_SETTLED if settlement.holds else RecordType.METERING_SETTLED
    return Record(id=_piece_id(name), at=now, type=kind, actor=ACTOR, facts=facts)


def _piece_id(name: str) -> str:
    """UUID of version 5 (RFC 9562) of a piece; `uuid.uuid5` costs five times as much, for each piece anew."""
    digest = bytearray(hashlib.sha1(_PIECES.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
