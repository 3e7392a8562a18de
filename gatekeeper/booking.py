"""Books pieces of usage: many in one transaction, each with its record, and never two transactions at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from gatekeeper.domain.errors import GatekeeperError, Unavailable
from gatekeeper.domain.ledger import Account, Reservation, ReservationState, Settlement, settle
from gatekeeper.domain.metering import Piece, Used
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.usage import DailyUsage, total
from gatekeeper.facts import settlement_facts
from gatekeeper.ports import Stores, Transaction

ACTOR = Actor(ActorKind.SERVICE, "meter")
# Pieces of one transaction: a release that comes meanwhile waits for at most this many, a few hundredths of a second.
GROUP_PIECES = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_OPEN = (ReservationState.PENDING, ReservationState.METERED)
Answer = Settlement | GatekeeperError


@dataclass(frozen=True, slots=True)
class Ready:
    """A piece that can be booked.

    Attributes:
        reservation: as it was read before; the transaction looks whether it still is so.
        note: goes into the record, before what is said of the usage.
        tell: told of its settlement once it is durable, or why it cannot be booked; of a piece that somebody else
            booked meanwhile, or that follows one which cannot be booked, nothing.
    """

    reservation: Reservation
    piece: Piece
    used: Used
    note: str
    tell: Callable[[Answer], None]


class Booking:
    """Books pieces in groups: while one becomes durable, the next gathers. Never two at once: a commit would take both,
    and a release that comes meanwhile would wait for both.

    A group that fails for another reason than the database is booked piece by piece: one must not stop all others.
    """

    def __init__(self, stores: Stores, now: datetime) -> None:
        self._stores, self._now = stores, now
        self._gathered: list[Ready] = []
        self._failed: set[str] = set()
        self._written: tuple[Sequence[Ready], Future[list[Answer | None]]] | None = None

    def add(self, ready: Iterable[Ready]) -> None:
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
        self._submit(group)

    def _submit(self, group: Sequence[Ready]) -> None:
        group = [each for each in group if each.reservation.id not in self._failed]
        if group:
            self._written = group, self._stores.submit(partial(_write, group, self._now))

    def _wait(self) -> None:
        if self._written is None:
            return
        group, future = self._written
        self._written = None
        try:
            answers = future.result()
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - told of the piece whose fault it is
            if len(group) > 1:
                for each in group:
                    self._submit([each])
                    self._wait()
                return
            answers = [error if isinstance(error, GatekeeperError) else GatekeeperError(f"Not booked: {error!r}")]
        for each, answer in zip(group, answers, strict=True):
            if isinstance(answer, GatekeeperError):
                self._failed.add(each.reservation.id)
            if answer is not None:
                each.tell(answer)


def _write(group: Sequence[Ready], now: datetime, tx: Transaction) -> list[Answer | None]:
    """Reservations, accounts, records and daily usage of many pieces, in one transaction.

    For each piece its settlement, why it cannot be booked, or None where it is not due any more: somebody else booked
    it meanwhile, and what follows is theirs too, or the piece before it cannot be booked.
    """
    reservations = _as_they_are(group, tx)
    accounts = {each.run_id: each for each in tx.accounts({each.reservation.run_id for each in group})}
    answers: list[Answer | None] = []
    records: list[Record] = []
    changed: dict[str, Reservation] = {}
    failed: set[str] = set()
    for each in group:
        uid = each.reservation.id
        reservation = reservations[uid]
        if uid in failed or not _is_due(reservation, each.piece):
            answers.append(None)
            continue
        account = accounts.get(reservation.run_id) or Account(reservation.run_id)
        try:
            account, reservation, settlement = _settled(account, reservation, each)
            record = _record(settlement, account, each, now)
        except GatekeeperError as error:
            answers.append(error)
            failed.add(uid)
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


def _as_they_are(group: Sequence[Ready], tx: Transaction) -> dict[str, Reservation]:
    """The reservations as the transaction has them. State and time tell whether what was read before is still so."""
    before = {each.reservation.id: each.reservation for each in group}
    booked: Mapping[str, tuple[ReservationState, datetime | None]] = tx.booked_until(before)
    moved = [uid for uid, it in before.items() if booked.get(uid) != (it.state, it.metered_until)]
    return {**before, **(tx.reservations(moved) if moved else {})}


def _is_due(reservation: Reservation, piece: Piece) -> bool:
    return reservation.state in _OPEN and reservation.metered_until in (None, piece.begins_at)


def _settled(account: Account, reservation: Reservation, ready: Ready) -> tuple[Account, Reservation, Settlement]:
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


def _record(settlement: Settlement, account: Account, ready: Ready, now: datetime) -> Record:
    facts = settlement_facts(settlement, account)
    note = "; ".join(text for text in (ready.note, ready.used.note) if text)
    if note:
        facts = {**facts, "note": note}
    kind = RecordType.RESERVATION_SETTLED if settlement.holds else RecordType.METERING_SETTLED
    return Record(id=_piece_id(settlement), at=now, type=kind, actor=ACTOR, facts=facts)


def _piece_id(settlement: Settlement) -> str:
    """The same piece always gets the same id, so a log can never hold it twice: a UUID of version 8 (RFC 9562).

    It begins with the end of the piece in milliseconds, as version 7 does with its time: ids of one hour stand side by
    side in the index of the log. Without an order each record would write a page of that index of its own.
    """
    at = f"{(settlement.through - _EPOCH) // _MILLISECOND:012x}"
    name = f"{settlement.reservation_id} {settlement.begins_at} {settlement.through} {settlement.final}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{at[:8]}-{at[8:]}-8{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
