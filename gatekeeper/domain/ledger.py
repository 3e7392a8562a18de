"""The ledger: what a run has used, what is held for running work, and what is left.

The invariant, always: carried_in + settled + pending <= limit over the accounts of a pool. A reservation holds the
worst case of a workload before it may start. It is *pending*, is settled piece by piece as usage is metered,
and ends *settled* (the node said that its containers are gone) or *voided* (it never started). Nothing here ends
a reservation by time. Usage above the reservation is a fact: booked in full and reported as an overrun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput
from gatekeeper.domain.join import Tie
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.units import LARGEST_TFLOP, checked_tflop, require_utc
from gatekeeper.domain.usage import DeviceUsage, Usage, total
from gatekeeper.domain.workload import WorkloadRef

# The limit of what does not count: no account can hold more, so it never binds, and a verifier finds it kept.
NO_LIMIT_TFLOP = LARGEST_TFLOP


class BudgetExceeded(GatekeeperError):
    """More was to be held than the pool has left: somebody else was faster; decide again."""


@dataclass(frozen=True, slots=True)
class Account:
    """Totals of one run. `pending_tflop` is what its reservations still hold."""

    run_id: str
    carried_in_tflop: int = 0
    settled: Usage = Usage()
    pending_tflop: int = 0

    def __post_init__(self) -> None:
        checked_tflop(self.carried_in_tflop)
        checked_tflop(self.pending_tflop)

    @property
    def used_tflop(self) -> int:
        """What counts against the limit: carried in, settled (high) and pending."""
        return self.carried_in_tflop + self.settled.high_tflop + self.pending_tflop


@dataclass(frozen=True, slots=True)
class Pool:
    """The accounts that share one limit, because what is booked on them could be the training of one model.

    Attributes:
        purpose: of the run that asks; what does not count has no limit but NO_LIMIT_TFLOP.
        beside: runs among the accounts that are booked apart and counted here all the same: undeclared training beside
            a declared run, a declared run beside undeclared training.
        ties: those of them that are declared, and why they count; the others are undeclared training.
        extra_tflop: operations that no account holds and the pack counts all the same: of models that made its data.
        twice_tflop: operations that several accounts carry in, of one base, and that count once.
    """

    limit_tflop: int
    accounts: tuple[Account, ...]
    purpose: Purpose = Purpose.TRAINING
    beside: tuple[str, ...] = ()
    extra_tflop: int = 0
    twice_tflop: int = 0
    ties: tuple[Tie, ...] = ()

    def __post_init__(self) -> None:
        if not self.purpose.counts and (self.limit_tflop != NO_LIMIT_TFLOP or len(self.accounts) != 1):
            raise InvalidInput(f"What is {self.purpose.value} stands alone and under no limit.")

    @classmethod
    def under(
        cls,
        limit_tflop: int,
        accounts: tuple[Account, ...],
        purpose: Purpose,
        beside: tuple[str, ...] = (),
        *,
        extra_tflop: int = 0,
        twice_tflop: int = 0,
        ties: tuple[Tie, ...] = (),
    ) -> Pool:
        """The pool under a pack's limit, or under none where the purpose does not count."""
        if not purpose.counts:
            return cls(NO_LIMIT_TFLOP, accounts, purpose, beside)
        return cls(limit_tflop, accounts, purpose, beside, extra_tflop, twice_tflop, ties)

    @property
    def used_tflop(self) -> int:
        """What counts against the limit, over all accounts and beside them."""
        return self.extra_tflop + sum(account.used_tflop for account in self.accounts) - self.twice_tflop

    @property
    def beside_tflop(self) -> int:
        """What of it is booked apart."""
        return sum(account.used_tflop for account in self.accounts if account.run_id in self.beside)

    @property
    def budget_tflop(self) -> int:
        """What may still be reserved; 0 where an overrun went past the limit."""
        return max(0, self.limit_tflop - self.used_tflop)


class ReservationState(StrEnum):
    """pending until its end is observed; then settled, or voided if it never started.

    metered: nothing is held, because its pod runs under a clearance; what it uses is booked until its end all the same.
    """

    PENDING = "pending"
    METERED = "metered"
    SETTLED = "settled"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Reservation:
    """The worst case held for one pod.

    Attributes:
        id: uid of the pod; asking again for the same pod gets the same reservation.
        devices: resource key -> count.
        rate_tflop_per_s: worst rate of all its devices together.
        lease_s: its activeDeadlineSeconds; held_s: lease + grace + slack, what the amount covers. Both 0 where nothing
            is held.
        pending_tflop: what it still holds.
        started_at: when the node started its first container; metered_until: usage is settled up to here.
    """

    id: str
    run_id: str
    customer_id: str
    workload: WorkloadRef
    devices: Mapping[str, int]
    rate_tflop_per_s: int
    lease_s: int
    held_s: int
    opened_at: datetime
    pending_tflop: int
    state: ReservationState = ReservationState.PENDING
    settled: Usage = Usage()
    started_at: datetime | None = None
    metered_until: datetime | None = None

    def __post_init__(self) -> None:
        if not self.id or self.rate_tflop_per_s <= 0:
            raise InvalidInput(f"Reservation {self.id!r} needs an id and a positive rate.")
        holds_nothing = self.lease_s == self.held_s == 0 and self.state is not ReservationState.PENDING
        if not (0 < self.lease_s <= self.held_s or holds_nothing):
            raise InvalidInput(f"Reservation {self.id}: the lease must be positive and within what is held.")
        checked_tflop(self.amount_tflop)
        require_utc(self.opened_at)

    @property
    def amount_tflop(self) -> int:
        """The worst case that it was opened for."""
        return self.rate_tflop_per_s * self.held_s

    @classmethod
    def open(
        cls,
        *,
        id: str,  # noqa: A002 - the field's own name
        run_id: str,
        customer_id: str,
        workload: WorkloadRef,
        devices: Mapping[str, int],
        rate_tflop_per_s: int,
        lease_s: int,
        held_s: int,
        opened_at: datetime,
    ) -> Reservation:
        """A new reservation that holds its whole amount."""
        return cls(
            id=id,
            run_id=run_id,
            customer_id=customer_id,
            workload=workload,
            devices=dict(devices),
            rate_tflop_per_s=rate_tflop_per_s,
            lease_s=lease_s,
            held_s=held_s,
            opened_at=opened_at,
            pending_tflop=rate_tflop_per_s * held_s,
        )

    @classmethod
    def of_cleared(
        cls,
        *,
        id: str,  # noqa: A002 - the field's own name
        run_id: str,
        customer_id: str,
        workload: WorkloadRef,
        devices: Mapping[str, int],
        rate_tflop_per_s: int,
        opened_at: datetime,
    ) -> Reservation:
        """One that holds nothing, for a pod that runs under a clearance."""
        return cls(
            id=id,
            run_id=run_id,
            customer_id=customer_id,
            workload=workload,
            devices=dict(devices),
            rate_tflop_per_s=rate_tflop_per_s,
            lease_s=0,
            held_s=0,
            opened_at=opened_at,
            pending_tflop=0,
            state=ReservationState.METERED,
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """One piece of a reservation, booked: usage of an interval, and what the interval gave back.

    Attributes:
        devices: the usage by kind of device; empty where nobody asked.
        holds: something was held for it; what runs under a clearance holds nothing and so overruns nothing.
    """

    reservation_id: str
    run_id: str
    customer_id: str
    begins_at: datetime
    through: datetime
    usage: Usage
    released_tflop: int
    final: bool
    devices: tuple[DeviceUsage, ...] = ()
    holds: bool = True

    @property
    def overrun_tflop(self) -> int:
        """Usage above what had been held for it."""
        return max(0, self.usage.high_tflop - self.released_tflop) if self.holds else 0


def reserve(pool: Pool, reservation: Reservation) -> Account:
    """The run's account with the reservation held.

    Raises:
        BudgetExceeded: the pool has less left than the reservation needs.
        Conflict: the run is not in the pool, or the reservation is not a fresh one.
    """
    if reservation.state is not ReservationState.PENDING or reservation.pending_tflop != reservation.amount_tflop:
        raise Conflict(f"Reservation {reservation.id} is not a fresh one.")
    if reservation.amount_tflop > pool.budget_tflop:
        raise BudgetExceeded(
            f"Reservation {reservation.id} needs {reservation.amount_tflop} TFLOP and {pool.budget_tflop} are left."
        )
    for account in pool.accounts:
        if account.run_id == reservation.run_id:
            return replace(account, pending_tflop=account.pending_tflop + reservation.amount_tflop)
    raise Conflict(f"Run {reservation.run_id} has no account in this pool.")


def settle(
    account: Account,
    reservation: Reservation,
    *,
    begins_at: datetime,
    through: datetime,
    usage: Usage,
    final: bool,
    devices: tuple[DeviceUsage, ...] = (),
) -> tuple[Account, Reservation, Settlement]:
    """Book the usage of one interval and give back what was held for it; the last piece gives back the rest.

    Raises:
        Conflict: the reservation has ended, or the interval does not follow on what is settled already.
        InvalidInput: the usage by device does not add up to the usage.
    """
    _check_open(account, reservation)
    if len(devices) == 1:
        adds_up = devices[0].usage == usage
    else:
        adds_up = not devices or total(each.usage for each in devices) == usage
    if not adds_up:
        raise InvalidInput(f"Reservation {reservation.id}: the usage by device does not add up to {usage}.")
    expected = reservation.metered_until
    if (expected is not None and begins_at != expected) or through < begins_at:
        raise Conflict(f"Reservation {reservation.id} is settled up to {expected}, not to {begins_at}.")
    started_at = reservation.started_at or begins_at
    left_s = 0 if final else max(0, reservation.held_s - _whole_seconds(through - started_at))
    still_pending = min(reservation.pending_tflop, reservation.rate_tflop_per_s * left_s)
    released = reservation.pending_tflop - still_pending
    holds = reservation.state is ReservationState.PENDING
    settlement = Settlement(
        reservation.id,
        account.run_id,
        reservation.customer_id,
        begins_at,
        through,
        usage,
        released,
        final,
        devices,
        holds,
    )
    booked = replace(
        account, settled=account.settled + usage, pending_tflop=account.pending_tflop - settlement.released_tflop
    )
    remaining = replace(
        reservation,
        state=ReservationState.SETTLED if final else reservation.state,
        pending_tflop=still_pending,
        settled=reservation.settled + usage,
        started_at=started_at,
        metered_until=through,
    )
    return booked, remaining, settlement


def void(account: Account, reservation: Reservation) -> tuple[Account, Reservation]:
    """Give a reservation back whole: its pod is known never to have started.

    Raises:
        Conflict: it has ended, or some of its usage has been metered, so it did start.
    """
    _check_open(account, reservation)
    if reservation.state is not ReservationState.PENDING:
        raise Conflict(f"Reservation {reservation.id} holds nothing that could be given back.")
    if reservation.started_at is not None:
        raise Conflict(f"Reservation {reservation.id} has started and can only be settled.")
    booked = replace(account, pending_tflop=account.pending_tflop - reservation.pending_tflop)
    return booked, replace(reservation, state=ReservationState.VOIDED, pending_tflop=0)


def _check_open(account: Account, reservation: Reservation) -> None:
    if account.run_id != reservation.run_id:
        raise Conflict(f"Reservation {reservation.id} belongs to run {reservation.run_id}, not {account.run_id}.")
    if reservation.state not in (ReservationState.PENDING, ReservationState.METERED):
        raise Conflict(f"Reservation {reservation.id} is {reservation.state.value} already.")


def _whole_seconds(span: timedelta) -> int:
    """Seconds of a span, a started one not counted: what is given back rounds down."""
    return span // timedelta(seconds=1)
