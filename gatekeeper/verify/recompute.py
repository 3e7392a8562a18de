"""Adds every run up again from the records, and compares each figure that a record states with its own sum.

It trusts no total in the log. What it takes from a record is what happened: an amount was held, usage was metered, an
amount was given back. Memory grows with the number of runs and reservations, not with that of records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.verify.bindings import Bindings
from gatekeeper.verify.corrections import Corrections
from gatekeeper.verify.fields import Wrong, amount_of, amount_or, moment_of, text_of
from gatekeeper.verify.pieces import Piece
from gatekeeper.verify.purposes import Purposes
from gatekeeper.verify.report import DayTotals, Overrun, RunTotals
from gatekeeper.verify.shares import Shares
from gatekeeper.verify.users import Users


@dataclass(slots=True)
class _Held:
    """A reservation between its pending record and its end."""

    run: str
    pending_tflop: int
    customer: object
    through: datetime | None = None
    holds: bool = True


class Recompute:
    """The recomputation, fed one record after the other. `runs`, `days` and `overruns` are the outcome."""

    def __init__(self) -> None:
        self.runs: dict[str, RunTotals] = {}
        self.days: dict[tuple[str, date, str], DayTotals] = {}
        self.overruns: list[Overrun] = []
        self._declared: dict[str, int] = {}
        self._held: dict[str, _Held] = {}
        self._ended: set[str] = set()
        self._purposes = Purposes()
        self._shares = Shares()
        self._bindings = Bindings()
        self._corrections = Corrections()
        self._users = Users()
        self._actor = ""
        self._steps: dict[RecordType, Callable[[Mapping[str, object]], None]] = {
            RecordType.RUN_DECLARED: self._declare,
            RecordType.RUN_APPROVED: self._approve,
            RecordType.RUN_RECLASSIFIED: self._reclassify,
            RecordType.RUN_JOINED: self._shares.join,
            RecordType.CORRECTION_PROPOSED: lambda facts: self._corrections.propose(facts, self._actor),
            RecordType.CORRECTION_REJECTED: self._corrections.reject,
            RecordType.USAGE_CORRECTED: self._correct,
            RecordType.RESERVATION_PENDING: self._hold,
            RecordType.RESERVATION_SETTLED: self._settle,
            RecordType.RESERVATION_VOIDED: self._void,
            RecordType.METERING_BEGUN: self._meter,
            RecordType.METERING_SETTLED: lambda facts: self._settle(facts, holds=False),
        }

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: it does not follow from the records before it; its effect is taken in as far as it can be read.
        """
        step = self._steps.get(record.type)
        self._actor = record.actor.name
        self._shares.see(record)
        self._bindings.see(record)
        if step is not None:
            step(record.facts)
        self._users.see(record)

    def _declare(self, facts: Mapping[str, object]) -> None:
        self._declared[text_of(facts, "run")] = amount_or(facts, "carried_in_tflop", 0)

    def _approve(self, facts: Mapping[str, object]) -> None:
        """What a run carries in counts once its declaration is approved, and by no other record."""
        run = text_of(facts, "run")
        carried = amount_or(facts, "carried_in_tflop", self._declared.get(run, 0))
        self.runs[run] = replace(self._run(run), carried_in_tflop=carried)
        self._purposes.approve(facts, self._actor)
        purpose = self._purposes.of(run)
        self.runs[run] = replace(self._run(run), purpose=purpose.value)
        if purpose.counts:
            self._shares.declare(facts)

    def _reclassify(self, facts: Mapping[str, object]) -> None:
        """What was used by then counts from now on."""
        run = text_of(facts, "run")
        self._purposes.withdraw(facts)
        self.runs[run] = replace(self._run(run), purpose=self._purposes.of(run).value, limit_tflop=0)

    def _correct(self, facts: Mapping[str, object]) -> None:
        run = text_of(facts, "run")
        self.runs[run] = self._corrections.book(facts, self._run(run))
        self._compare_after(facts, run)
        self._corrections.check(facts, self._actor, self.runs[run])

    def _hold(self, facts: Mapping[str, object]) -> None:
        reservation, run, amount = (
            text_of(facts, "reservation"),
            text_of(facts, "run"),
            amount_of(facts, "amount_tflop"),
        )
        limit = amount_of(facts, "limit_tflop")
        self._check_new(reservation)
        self._held[reservation] = _Held(run, amount, facts.get("customer"))
        before = self._run(run)
        self.runs[run] = replace(
            before,
            pending_tflop=before.pending_tflop + amount,
            limit_tflop=limit,
            open_reservations=before.open_reservations + 1,
        )
        self._compare_after(facts, run)
        self._compare_pool(facts, run, limit)
        pool = _pool(facts, run)[0]
        self._purposes.check_hold(facts, run, pool, limit)
        if self._purposes.of(run).counts:
            self._shares.check_hold(facts, pool, self._purposes.withdrawn, self._run)
        needed = _worst_case(facts)
        if amount != needed:
            raise Wrong(f"Reservation {reservation} holds {amount} TFLOP; its worst rate over its time is {needed}.")

    def _meter(self, facts: Mapping[str, object]) -> None:
        """A pod under a clearance holds nothing; what it uses is booked until its end."""
        reservation, run = text_of(facts, "reservation"), text_of(facts, "run")
        self._check_new(reservation)
        self._held[reservation] = _Held(run, 0, facts.get("customer"), moment_of(facts, "from"), holds=False)
        self._purposes.check_metering(facts, run)

    def _check_new(self, reservation: str) -> None:
        if reservation in self._held or reservation in self._ended:
            raise Wrong(f"Reservation {reservation} is pending a second time.")

    def _settle(self, facts: Mapping[str, object], *, holds: bool = True) -> None:
        reservation, held = self._open(facts)
        if held.holds is not holds:
            raise Wrong(
                f"Reservation {reservation} {'holds budget' if held.holds else 'holds nothing'}: another record."
            )
        piece, before = Piece.of(facts, holds=holds), held.through
        self._give_back(reservation, held, piece.released_tflop, ends=piece.final)
        held.through = piece.through
        totals = self._run(held.run)
        self.runs[held.run] = replace(
            totals,
            low_tflop=totals.low_tflop + piece.low_tflop,
            best_tflop=totals.best_tflop + piece.best_tflop,
            settled_tflop=totals.settled_tflop + piece.high_tflop,
        )
        if piece.overrun_tflop:
            self.overruns.append(Overrun(held.run, reservation, piece.overrun_tflop))
        for device, part in piece.parts.items():
            key = held.run, piece.begins_at.date(), device
            self.days[key] = self.days.get(key, DayTotals()).plus(part)
        self._compare_after(facts, held.run)
        piece.check(reservation, before)
        if "proposed_by" in facts and (
            facts.get("approved_by") != self._actor or same_person(text_of(facts, "proposed_by"), self._actor)
        ):
            raise Wrong(f"Reservation {reservation} was ended by hand, and not by two people.")
        if facts.get("customer", held.customer) != held.customer:
            raise Wrong(f"Reservation {reservation} is not one of customer {facts.get('customer')}.")

    def _void(self, facts: Mapping[str, object]) -> None:
        reservation, held = self._open(facts)
        released, started = amount_of(facts, "released_tflop"), held.through is not None or not held.holds
        self._give_back(reservation, held, released, ends=True)
        self._compare_after(facts, held.run)
        if started:
            raise Wrong(f"Reservation {reservation} is voided though usage of it was settled: it did start.")

    def _open(self, facts: Mapping[str, object]) -> tuple[str, _Held]:
        reservation, run = text_of(facts, "reservation"), text_of(facts, "run")
        held = self._held.get(reservation)
        if held is None:
            state = "has ended already" if reservation in self._ended else "was never pending"
            raise Wrong(f"Reservation {reservation} {state}.")
        if held.run != run:
            raise Wrong(f"Reservation {reservation} belongs to run {held.run}, and its record says {run}.")
        return reservation, held

    def _give_back(self, reservation: str, held: _Held, released: int, *, ends: bool) -> None:
        if released > held.pending_tflop or (ends and released != held.pending_tflop):
            raise Wrong(f"Reservation {reservation} gives back {released} TFLOP; it holds {held.pending_tflop}.")
        held.pending_tflop -= released
        totals = self._run(held.run)
        self.runs[held.run] = replace(
            totals,
            pending_tflop=totals.pending_tflop - released,
            open_reservations=totals.open_reservations - (ends and held.holds),
        )
        if ends:
            del self._held[reservation]
            self._ended.add(reservation)

    def _compare_after(self, facts: Mapping[str, object], run: str) -> None:
        after = facts.get("after")
        if not isinstance(after, Mapping):
            raise Wrong(f"The record states no totals after it for run {run}.")
        totals = self._run(run)
        for name in ("carried_in_tflop", "settled_tflop", "pending_tflop"):
            stated, ours = amount_of(after, name), getattr(totals, name)
            if stated != ours:
                raise Wrong(f"Run {run}: the record says {name} is {stated} after it; added up it is {ours}.")

    def _compare_pool(self, facts: Mapping[str, object], run: str, limit: int) -> None:
        """No reservation may take the runs that share a limit past it; only usage that was metered may."""
        runs, stated = _pool(facts, run)
        used = _extra(facts) + sum(self._run(each).used_tflop for each in runs) - self._twice(facts, runs)
        if stated not in (None, used):
            raise Wrong(f"The record says {stated} TFLOP are used of the limit of run {run}; added up it is {used}.")
        if used > limit:
            raise Wrong(f"The reservation takes run {run} to {used} TFLOP, past its limit of {limit}.")

    def _twice(self, facts: Mapping[str, object], runs: set[str]) -> int:
        """What several of the runs carry in of one base, as far as the record takes it off."""
        pool, twice = facts.get("pool"), self._shares.twice_tflop(runs)
        stated = amount_or(pool, "twice_tflop", 0) if isinstance(pool, Mapping) else 0
        if stated > twice:
            raise Wrong(f"The record takes {stated} TFLOP off that count twice; the runs carry in {twice} of one base.")
        return stated

    def _run(self, run: str) -> RunTotals:
        return self.runs.get(run) or RunTotals(run)


def _pool(facts: Mapping[str, object], run: str) -> tuple[set[str], int | None]:
    """The runs that share the limit and what they use together; the run alone where the record names no pool."""
    if "pool" not in facts:
        return {run}, None
    pool = facts["pool"]
    runs = pool.get("runs") if isinstance(pool, Mapping) else None
    if not isinstance(pool, Mapping) or not isinstance(runs, list) or run not in runs:
        raise Wrong("pool must name the runs that share the limit, this one among them.")
    if len({each for each in runs if isinstance(each, str)}) != len(runs):
        raise Wrong("pool must name each run once.")
    return set(runs), amount_of(pool, "used_tflop")


def _extra(facts: Mapping[str, object]) -> int:
    """Operations that no run holds and the pack counts: of models that made the data of the run (`limits`)."""
    pool = facts.get("pool")
    return amount_or(pool, "extra_tflop", 0) if isinstance(pool, Mapping) else 0


def _worst_case(facts: Mapping[str, object]) -> int:
    """Worst rate x the time that is held: the lease and what an end may take on top of it."""
    lease_s, held_s = amount_of(facts, "lease_s"), amount_of(facts, "held_s")
    if not 0 < lease_s <= held_s:
        raise Wrong(f"A lease of {lease_s} s does not fit into {held_s} s that are held.")
    return amount_of(facts, "rate_tflop_per_s") * held_s
