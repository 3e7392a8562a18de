"""The account of a run as people read it: what was counted, what limit it stands under, and where it leads.

Read from one consistent state and decided by nobody: the gate and the meter never look here. `figures` is the same for
programs, `report` for regulators, `svg` a picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.join import Tie
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP, Account, Pool
from gatekeeper.domain.plan import PlanCheck
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.projection import WINDOWS_DAYS, Projection, project
from gatekeeper.domain.run import Purpose, Run, RunState, named_run, undeclared_run_id
from gatekeeper.domain.usage import DailyUsage, Usage, total
from gatekeeper.notices import Notice, notices_of
from gatekeeper.ports import Reader
from gatekeeper.sharing import Shared, shares_of
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import Limit, limited_by, purpose_of, terms_of

# Enough days for a projection, with a day to spare.
_PROJECTED_DAYS = max(WINDOWS_DAYS) + 1


@dataclass(frozen=True, slots=True)
class Statement:
    """The account of a run at a moment.

    Attributes:
        run: its declaration; None where nobody declared it.
        account: its totals; shared: all accounts that stand under its limit, its own among them; beside: runs of them
            that are booked apart and count because they could be the same model.
        limit: None where it does not count, or no active pack sets its customer one.
        days, corrections: of all shared accounts. Corrections that wait are among them.
        as_of: now; the end of the last day on which the ledger holds any usage, where that is later.
        clock_is_behind: whether it is.
        notices: what advisory packs want the provider to be told.
        extra_tflop: operations of the models that made its data, which the pack of the limit counts and no account
            holds. twice_tflop: of one base, which several accounts carry in, and which count once.
        ties: the declared runs of `beside`, and why they count.
        if_approved: the same of a run that waits, as it would be with its approval: what an approver approves.
    """

    as_of: datetime
    run_id: str
    customer_id: str
    run: Run | None
    account: Account
    shared: tuple[Account, ...]
    limit: Limit | None
    days: tuple[DailyUsage, ...]
    corrections: tuple[Correction, ...]
    clock_is_behind: bool = False
    beside: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    extra_tflop: int = 0
    twice_tflop: int = 0
    ties: tuple[Tie, ...] = ()
    if_approved: Statement | None = None

    @property
    def purpose(self) -> Purpose:
        """What it is for."""
        return self.run.purpose if self.run is not None else Purpose.TRAINING

    @property
    def state(self) -> str:
        """State of its declaration; "undeclared" without one."""
        return self.run.state.value if self.run is not None else "undeclared"

    @property
    def others(self) -> tuple[Account, ...]:
        """The other accounts under the same limit."""
        return tuple(each for each in self.shared if each.run_id != self.run_id)

    @property
    def beside_text(self) -> str:
        """Why runs that are booked apart count here too; "" where none do."""
        if not self.beside:
            return ""
        could_be = "counts beside it, as it could be training of the same model"
        if not self.declared:
            return f"the declared run of the group that used most {could_be}"
        parts = [f"run {each.run_id} counts beside it, {each.bond}" for each in self.ties]
        if len(self.ties) < len(self.beside):
            parts.append(f"undeclared training {could_be}")
        return "; ".join(parts)

    @property
    def declared(self) -> bool:
        """Whether it is a declared run, and its declaration stands."""
        return self.run is not None and self.run.state is not RunState.WITHDRAWN

    @property
    def carried_in_tflop(self) -> int:
        """Carried into all that share the limit, a base that several carry in once."""
        return sum(each.carried_in_tflop for each in self.shared) - self.twice_tflop

    @property
    def before_tflop(self) -> int:
        """What counts without having been counted here: carried in, and of the models that made its data."""
        return self.carried_in_tflop + self.extra_tflop

    @property
    def settled_tflop(self) -> int:
        """Settled (high) by all that share the limit."""
        return sum(each.settled.high_tflop for each in self.shared)

    @property
    def pending_tflop(self) -> int:
        """Held for all that share the limit."""
        return sum(each.pending_tflop for each in self.shared)

    @property
    def used_tflop(self) -> int:
        """What counts against the limit: the number that a decision weighs."""
        return Pool(NO_LIMIT_TFLOP, self.shared, extra_tflop=self.extra_tflop, twice_tflop=self.twice_tflop).used_tflop

    @property
    def left_tflop(self) -> int | None:
        """What may still be used; None without a limit."""
        return max(0, self.limit.tflop - self.used_tflop) if self.limit else None

    @property
    def used_per_mille(self) -> int | None:
        """Share of the limit that is used, cut; None without a limit."""
        return self.used_tflop * 1000 // self.limit.tflop if self.limit else None

    @property
    def is_past_limit(self) -> bool:
        """Whether more is used or held than it may use: carried in, corrected upward, or under a pack that warns."""
        return self.limit is not None and self.used_tflop > self.limit.tflop

    @property
    def projection(self) -> Projection | None:
        """Where it leads; None without a limit. What is only held counts as left: it may come back."""
        if self.limit is None:
            return None
        left_tflop = self.limit.tflop - self.used_tflop + self.pending_tflop
        return project(high_by_day(self.days), today=self.as_of.date(), left_tflop=left_tflop)

    @property
    def plan_check(self) -> PlanCheck | None:
        """What was declared of the model's size beside what was counted; None where nothing was declared."""
        plan = self.run.plan if self.run is not None else None
        return PlanCheck(plan, self.account.settled.best_tflop) if plan else None

    @property
    def own_days(self) -> tuple[DailyUsage, ...]:
        """Usage by day and device of this run alone."""
        return tuple(each for each in self.days if each.run_id == self.run_id)

    @property
    def own_corrections(self) -> tuple[Correction, ...]:
        """Corrections of this run alone."""
        return tuple(each for each in self.corrections if each.run_id == self.run_id)

    @property
    def undated(self) -> tuple[int, int, int]:
        """Low, best and high that neither a day nor a correction explains."""
        dated = total(each.usage for each in self.own_days)
        booked = [each.amounts for each in self.own_corrections if each.in_effect]
        low, best, high = (sum(column) for column in zip((0, 0, 0), *booked, strict=True))
        settled = self.account.settled
        return (
            settled.low_tflop - dated.low_tflop - low,
            settled.best_tflop - dated.best_tflop - best,
            settled.high_tflop - dated.high_tflop - high,
        )


def statement_of(reader: Reader, run_id: str, *, packs: tuple[ActivePack, ...], site: Site, now: datetime) -> Statement:
    """The account of one run.

    Raises:
        NotFound: no such run.
    """
    books = _Books.read(reader, packs, site, now)
    customer = books.customer_of(run_id)
    under = books.under(run_id, customer)
    days = [entry for each in under.runs for entry in reader.daily_usage(each)]
    corrections = [each for run in under.runs for each in reader.corrections(run)]
    found = books.statement(under, days, corrections)
    if found.run is None or found.run.state is not RunState.DECLARED:
        return found
    then = books.with_approved(found.run, reader)
    return replace(found, if_approved=then.statement(then.under(run_id, customer), days, corrections))


def statements(reader: Reader, *, packs: tuple[ActivePack, ...], site: Site, now: datetime) -> list[Statement]:
    """The accounts of all declared runs by id, then of the undeclared runs that used something.

    They hold usage by day for a projection only, and no corrections.
    """
    books = _Books.read(reader, packs, site, now)
    by_run: dict[str, list[DailyUsage]] = {}
    for entry in reader.daily_usage(since=now.date() - timedelta(days=_PROJECTED_DAYS)):
        by_run.setdefault(entry.run_id, []).append(entry)
    customers = sorted(books.everybody.by_customer)
    undeclared = [undeclared_run_id(each) for each in customers]
    undeclared += [run_id for each in customers for run_id in books.everybody.labelled(each)]
    used = [each for each in undeclared if books.everybody.account(each).used_tflop]
    wanted = [*sorted(books.everybody.by_run), *used]
    found = []
    for run_id in wanted:
        customer = books.customer_of(run_id)
        under = books.under(run_id, customer)
        days = [entry for each in under.runs for entry in by_run.get(each, ())]
        found.append(books.statement(under, days, ()))
    return found


def high_by_day(days: Iterable[DailyUsage]) -> dict[date, int]:
    """Operations (high) of each day, over all devices and runs given."""
    found: dict[date, int] = {}
    for each in days:
        found[each.day] = found.get(each.day, 0) + each.usage.high_tflop
    return found


def by_device(days: Iterable[DailyUsage]) -> dict[str, tuple[int, Usage]]:
    """Device -> seconds and usage, over all days given; what used most comes first."""
    found: dict[str, tuple[int, Usage]] = {}
    for each in days:
        device_s, usage = found.get(each.device, (0, Usage()))
        found[each.device] = (device_s + each.device_s, usage + each.usage)
    return dict(sorted(found.items(), key=lambda each: (-each[1][1].high_tflop, each[0])))


@dataclass(frozen=True, slots=True)
class _Under:
    """What a run of a customer stands under: the pool that a decision would weigh, of one of the sets of accounts that
    it shares a limit with."""

    run_id: str
    customer: Customer
    shares: tuple[Shared, ...]
    limit: Limit | None
    pool: Pool

    @property
    def runs(self) -> list[str]:
        return [each.run_id for each in self.pool.accounts]


@dataclass(frozen=True, slots=True)
class _Books:
    """Everybody and every account of one state. `last` is the last day of usage that is later than `now`."""

    now: datetime
    last: date | None
    packs: tuple[ActivePack, ...]
    site: Site
    everybody: Snapshot

    @classmethod
    def read(cls, reader: Reader, packs: tuple[ActivePack, ...], site: Site, now: datetime) -> _Books:
        ahead = reader.daily_usage(since=now.date() + timedelta(days=1))
        return cls(now, max((each.day for each in ahead), default=None), packs, site, Snapshot.load(reader))

    @property
    def as_of(self) -> datetime:
        """The moment that days are told from: a played scenario, or a clock that was set back, is ahead of ours."""
        return datetime.combine(self.last, time.max, UTC) if self.last else self.now

    def customer_of(self, run_id: str) -> Customer:
        run = self.everybody.run(named_run(run_id) or run_id)
        customer_id = run.customer_id if run else run_id.removeprefix(undeclared_run_id(""))
        customer = self.everybody.customer(customer_id)
        if customer is None or (run is None and run_id != undeclared_run_id(customer_id)):
            raise NotFound(f"There is no run {run_id!r:.80}.", hint="See `gatekeeper run list`.")
        return customer

    def with_approved(self, run: Run, reader: Reader) -> _Books:
        """The same, as if a run that waits were approved."""
        known = self.everybody
        runs = {**known.by_run, run.id: replace(run, state=RunState.APPROVED, approved_by="whoever approves it")}
        everybody = Snapshot.of_people(known.by_customer, known.by_party, runs, reader)
        return replace(self, everybody=everybody.with_accounts(known.by_account, known.by_namespace))

    def under(self, run_id: str, customer: Customer) -> _Under:
        """What a run stands under, and what counts against it."""
        shares, purpose = shares_of(self.everybody, customer, run_id), purpose_of(self.everybody, run_id)
        found = None
        if purpose.counts:
            terms = terms_of(self.everybody, self.packs, self.site, customer, self.now)
            found = limited_by(self.everybody, terms, self.site, self.now.date(), shares)
        limit, pool = found or (None, shares[0].under(NO_LIMIT_TFLOP, purpose))
        return _Under(run_id, customer, shares, limit, pool)

    def _notices(self, under: _Under) -> tuple[Notice, ...]:
        return notices_of(self.everybody, self.packs, self.site, under.customer, shares=under.shares, now=self.now)

    def statement(self, under: _Under, days: Iterable[DailyUsage], corrections: Iterable[Correction]) -> Statement:
        run, pool = self.everybody.run(under.run_id), under.pool
        return Statement(
            as_of=self.as_of,
            clock_is_behind=self.last is not None,
            run_id=under.run_id,
            customer_id=under.customer.id,
            run=run,
            account=self.everybody.account(under.run_id),
            shared=pool.accounts,
            beside=pool.beside,
            ties=pool.ties,
            extra_tflop=pool.extra_tflop,
            twice_tflop=pool.twice_tflop,
            limit=under.limit,
            days=tuple(days),
            corrections=tuple(corrections),
            notices=self._notices(under) if pool.purpose.counts else (),
        )
