"""The meter: from device counters to settled usage.

It books what a pod has used, piece by piece and in order, and gives back what was held for that time. Where counters
are missing, shared, impossible or more than the pod was given devices, the worst case is booked. The truth about
which devices a pod had, and from when to when, is the cluster's; counters only say how busy they were.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from gatekeeper.domain.accelerators import Device
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.domain.ledger import Account, Reservation, ReservationState, Settlement, settle
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.units import require_utc
from gatekeeper.domain.usage import (
    UNMETERED_PERCENT,
    Observation,
    PodFacts,
    PodInterval,
    Usage,
    metered,
    one_per_device,
    total,
    unmetered,
)
from gatekeeper.facts import settlement_facts
from gatekeeper.ports import Clock, Counters, Stores, Transaction

ACTOR = Actor(ActorKind.SERVICE, "meter")
# Names the records of this file: the same piece always gets the same id, so a log can never hold it twice.
_PIECES = uuid.UUID("5b0f6c0e-7d43-5a0c-9d6e-0d7f2f8f1a11")
_SECOND = timedelta(seconds=1)


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
class Metered:
    """What one call booked, oldest piece first, and what the rest waits for (empty where nothing is left to do)."""

    settlements: tuple[Settlement, ...] = ()
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    begins_at: datetime
    through: datetime
    final: bool

    @property
    def interval_s(self) -> int:
        return (self.through - self.begins_at) // _SECOND


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to be booked for a piece; `note` says why it is the worst case where it is."""

    piece: _Piece
    usage: Usage
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Meter:
    """Use case: usage of running and ended pods -> settlements and their records."""

    stores: Stores
    counters: Counters
    clock: Clock
    catalogue: Catalogue
    times: MeterTimes = field(default_factory=MeterTimes)

    def settle_through(self, reservation_id: str, facts: PodFacts, *, through: datetime) -> Metered:
        """Book what the pod used up to a time; only what is older than `delay_s`, and never past its end.

        Asking again books nothing twice. A reservation that has ended is left as it is.

        Raises:
            NotFound: there is no such reservation.
        """
        require_utc(through)
        reservation = self._reservation(reservation_id)
        now = self.clock.now()
        until = _floor(min(through, now - timedelta(seconds=self.times.delay_s)))
        if facts.ended_at is not None:
            until = min(until, _end(facts.ended_at))
        return self._book(reservation, facts, self._pieces(reservation, facts, until, final=False), now)

    def settle_end(self, reservation_id: str, facts: PodFacts) -> Metered:
        """Book the rest of a pod whose end the node has seen, and give back what is still held for it.

        Raises:
            NotFound: there is no such reservation.
            InvalidInput: the facts name no end.
        """
        if facts.ended_at is None:
            raise InvalidInput(f"Pod {facts.namespace}/{facts.name} has no observed end; only that ends a reservation.")
        reservation = self._reservation(reservation_id)
        now = self.clock.now()
        until = _end(facts.ended_at)
        pieces = self._pieces(reservation, facts, until, final=True)
        if now < until + timedelta(seconds=self.times.delay_s) and reservation.state is ReservationState.PENDING:
            return Metered(waits_for=f"samples of the pod's last seconds, for {self.times.delay_s} s after its end")
        return self._book(reservation, facts, pieces, now)

    def _reservation(self, reservation_id: str) -> Reservation:
        found = self.stores.read(lambda reader: reader.reservation(reservation_id))
        if found is None:
            raise NotFound(f"There is no reservation {reservation_id}.")
        return found

    def _pieces(self, reservation: Reservation, facts: PodFacts, until: datetime, *, final: bool) -> Iterator[_Piece]:
        """The pieces still to book, oldest first; the final one also where it lasts no time."""
        if reservation.state is not ReservationState.PENDING:
            return
        begins_at = reservation.metered_until or _floor(facts.started_at)
        longest = timedelta(seconds=self.times.piece_s)
        while until - begins_at > longest:
            yield _Piece(begins_at, begins_at + longest, final=False)
            begins_at += longest
        if final or until > begins_at:
            yield _Piece(begins_at, max(begins_at, until), final)

    def _book(self, reservation: Reservation, facts: PodFacts, pieces: Iterable[_Piece], now: datetime) -> Metered:
        booked: list[Settlement] = []
        for piece in pieces:
            try:
                usage, note = self._usage(reservation, facts, piece)
            except Unavailable as error:
                if now - piece.through < timedelta(seconds=self.times.patience_s):
                    return Metered(tuple(booked), waits_for=f"telemetry: {error}")
                usage, note = self._worst(reservation, facts, piece.interval_s), "the telemetry did not answer"
            settlement = self.stores.transact(partial(_write, reservation.id, _Entry(piece, usage, note, now)))
            if settlement is None:
                break  # Somebody else booked this piece meanwhile; what follows is theirs too.
            booked.append(settlement)
        return Metered(tuple(booked))

    def _usage(self, reservation: Reservation, facts: PodFacts, piece: _Piece) -> tuple[Usage, str]:
        """Usage of a piece, and why it is the worst case where it is."""
        device = self._device(facts)
        begins_at, through = self._counted(facts, piece)
        counted_s = (through - begins_at) // _SECOND
        if device is None or counted_s <= 0:
            return self._worst(reservation, facts, piece.interval_s), ""
        observed = one_per_device(self._observed(PodInterval(facts.namespace, facts.name, begins_at, through)))
        count = sum(facts.given.values())
        if len(observed) > count:
            note = f"counters name {len(observed)} devices where the pod was given {count}"
            return self._worst(reservation, facts, piece.interval_s), note
        missing = count - len(observed)
        # Devices of one job mostly say the same: what they did is worked out once for all that agree.
        alike = Counter(replace(each, device="") for each in observed)
        spoken = (metered(device, said, interval_s=counted_s).times(devices) for said, devices in alike.items())
        edges = unmetered(device, interval_s=piece.interval_s - counted_s).times(count)
        usage = total([*spoken, unmetered(device, interval_s=counted_s).times(missing), edges])
        note = f"no counters of {missing} of {count} devices" if missing else ""
        return usage, note

    def _observed(self, interval: PodInterval) -> list[Observation]:
        """What counters say of one pod.

        Raises:
            Unavailable: they do not answer.
        """
        for _, answer in self.counters.observe([interval]):
            if isinstance(answer, Unavailable):
                raise answer
            return answer
        return []

    def _device(self, facts: PodFacts) -> Device | None:
        """The one kind of device that the pod's counters speak of; None where nobody can tell."""
        if not facts.all_known:
            return None
        devices = [self.catalogue.find_or_largest(facts.products[key], key) for key in facts.given]
        return devices[0] if len({device.name for device in devices}) == 1 else None

    def _counted(self, facts: PodFacts, piece: _Piece) -> tuple[datetime, datetime]:
        """The part of a piece for which counters are asked: without the edges of the pod's life."""
        first = _floor(facts.started_at) + timedelta(seconds=self.times.start_edge_s)
        last = piece.through
        if facts.ended_at is not None:
            last = min(last, _end(facts.ended_at) - timedelta(seconds=self.times.end_edge_s))
        return max(piece.begins_at, first), last

    def _worst(self, reservation: Reservation, facts: PodFacts, interval_s: int) -> Usage:
        """Usage of a whole pod without counters.

        Where the number or the make of its devices is not known, the rate that was reserved stands for them: it is
        the worst that the cluster offered when the pod was released.
        """
        if not facts.all_known:
            high = reservation.rate_tflop_per_s * interval_s
            return Usage(0, high * UNMETERED_PERCENT // 100, high)
        worst = Usage()
        for key, count in facts.given.items():
            one = unmetered(self.catalogue.find_or_largest(facts.products[key], key), interval_s=interval_s)
            worst += one.times(count)
        return worst


def _write(reservation_id: str, entry: _Entry, tx: Transaction) -> Settlement | None:
    """Account, reservation and record of one piece, in one transaction; None where the piece is not due any more."""
    reservation = tx.reservation(reservation_id)
    if reservation is None:
        raise NotFound(f"There is no reservation {reservation_id}.")
    piece = entry.piece
    due = reservation.metered_until is None or reservation.metered_until == piece.begins_at
    if reservation.state is not ReservationState.PENDING or not due:
        return None
    account, reservation, settlement = settle(
        tx.account(reservation.run_id),
        reservation,
        begins_at=piece.begins_at,
        through=piece.through,
        usage=entry.usage,
        final=piece.final,
    )
    tx.put_account(account)
    tx.put_reservation(reservation)
    tx.append(_record(settlement, account, entry))
    return settlement


def _record(settlement: Settlement, account: Account, entry: _Entry) -> Record:
    name = f"{settlement.reservation_id} {settlement.begins_at} {settlement.through} {settlement.final}"
    facts = settlement_facts(settlement, account)
    if entry.note:
        facts = {**facts, "note": entry.note}
    return Record(
        id=str(uuid.uuid5(_PIECES, name)), at=entry.at, type=RecordType.RESERVATION_SETTLED, actor=ACTOR, facts=facts
    )


def _floor(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _end(moment: datetime) -> datetime:
    """The end of the second in which a pod ended: Kubernetes cuts its times to whole seconds."""
    return _floor(moment) + _SECOND
