"""Figures of runs for a page of metrics: who is how near to the limit that applies to it.

A run stands under the limit of the strictest pack that does not simply allow its customer: of those that enforce,
else of those that warn, else of those that observe. Undeclared training of the corporate group counts beside each
declared run, and the declared run that used most beside undeclared training: the shares of each are those of all of
them together (gatekeeper/view.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import named_run, undeclared_run_id
from gatekeeper.notices import notices_of
from gatekeeper.ports import Reader
from gatekeeper.sharing import accounts_of
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import limit_of

# Records of these kinds change nobody; all others may, also those of kinds that come later.
_BOOKED = ("reservation.", "metering.", "correction.", "usage.", "workload.", "clearance.", "policy.", "log.")
_BOOKKEEPING = frozenset(each for each in RecordType if each.value.startswith(_BOOKED))
_OF_PEOPLE = tuple(each for each in RecordType if each not in _BOOKKEEPING)


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run: its own account, and what all accounts under its limit have used.

    Attributes:
        limit_tflop: None where no pack sets this customer one.
        notices: advisory packs that want the provider to know, and whether the run is past their threshold.
        pool_best_tflop, pool_high_tflop: carried in and settled; pool_used_tflop: with what is held.
    """

    account: Account
    customer: str
    limit_tflop: int | None
    pool_best_tflop: int
    pool_high_tflop: int
    pool_used_tflop: int
    notices: tuple[tuple[str, bool], ...] = ()

    @property
    def used_ratio(self) -> float:
        """Share of the limit by `high`; 0 where there is none."""
        return self.pool_high_tflop / self.limit_tflop if self.limit_tflop else 0.0


@dataclass(slots=True)
class People:
    """Customers, runs and the limits of customers, as of a number of records; read again only when one changed."""

    packs: tuple[ActivePack, ...]
    site: Site
    _known: Snapshot | None = None
    _limits: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _limits_of: str = ""

    def current(self, reader: Reader, now: datetime) -> Snapshot:
        """Everybody, without accounts."""
        size, known = reader.log_size(), self._known
        if known is None or size < known.log_size or self._changed(reader, known.log_size):
            customers = {each.id: each for each in reader.customers()}
            parties = reader.parties()
            runs = {each.id: each for each in reader.runs()}
            known = Snapshot.of_people(customers, parties, runs, reader)
            self._limits = {}
        # Tiers come and go with dates, and with overrides.
        in_force = [each.id for those in known.by_override.values() for each in those if each.holds_at(now)]
        if self._limits_of != (as_of := f"{now.date()} {sorted(in_force)}"):
            self._limits, self._limits_of = {}, as_of
        self._known = replace(known, log_size=size)
        return self._known

    def figures(
        self, accounts: Iterable[Account], everybody: Snapshot, now: datetime, *, most: int
    ) -> tuple[list[RunFigures], int]:
        """Runs that used or hold something, those nearest to their limit first, and how many were left out."""
        booked = everybody.with_accounts({each.run_id: each for each in accounts})
        found = [
            self._of_run(customer, account, booked, now)
            for account in booked.accounts(tuple(booked.by_account))
            if (account.settled.high_tflop or account.pending_tflop)
            and (customer := _customer_of(account.run_id, everybody)) is not None
        ]
        found.sort(key=lambda each: (-each.used_ratio, -each.account.settled.high_tflop, each.account.run_id))
        return found[:most], max(0, len(found) - most)

    def _of_run(self, customer: Customer, account: Account, booked: Snapshot, now: datetime) -> RunFigures:
        run_id, pool = account.run_id, accounts_of(booked, customer, account.run_id).accounts
        if not _counts(run_id, booked):
            return _figures(customer, pool, account=account, limit_tflop=None)
        told = notices_of(booked, self.packs, self.site, customer, accounts=pool, run_id=run_id, now=now)
        figures = _figures(customer, pool, account=account, limit_tflop=self.limit_tflop(customer, now, run_id))
        return replace(figures, notices=tuple((each.pack, each.due) for each in told))

    def limit_tflop(self, customer: Customer, now: datetime, run_id: str) -> int | None:
        """The limit of a customer's run; None where every active pack allows it without one."""
        assert self._known is not None
        run = self._known.run(run_id)
        of_its_own = (run is not None and run.lineage is not None) or bool(self._known.permits(run_id))
        key = (customer.id, run_id if of_its_own else "")
        if key not in self._limits:
            limit = limit_of(self._known, self.packs, self.site, customer, now, run_id=run_id)
            self._limits[key] = limit.tflop if limit else None
        return self._limits[key]

    @staticmethod
    def _changed(reader: Reader, since: int) -> bool:
        return next(iter(reader.records(types=_OF_PEOPLE, begin=since)), None) is not None


def _figures(customer: Customer, pool: tuple[Account, ...], *, account: Account, limit_tflop: int | None) -> RunFigures:
    carried_in_tflop = sum(each.carried_in_tflop for each in pool)
    return RunFigures(
        account=account,
        customer=customer.id,
        limit_tflop=limit_tflop,
        pool_best_tflop=carried_in_tflop + sum(each.settled.best_tflop for each in pool),
        pool_high_tflop=carried_in_tflop + sum(each.settled.high_tflop for each in pool),
        pool_used_tflop=sum(each.used_tflop for each in pool),
    )


def _counts(run_id: str, everybody: Snapshot) -> bool:
    """Whether the run is training; what was classified otherwise has no limit."""
    run = everybody.by_run.get(run_id)
    return run is None or run.purpose.counts


def _customer_of(run_id: str, everybody: Snapshot) -> Customer | None:
    """Whose run it is."""
    run = everybody.by_run.get(named_run(run_id) or run_id)
    if run is not None:
        return everybody.by_customer.get(run.customer_id)
    prefix = undeclared_run_id("")
    return everybody.by_customer.get(run_id.removeprefix(prefix)) if run_id.startswith(prefix) else None
