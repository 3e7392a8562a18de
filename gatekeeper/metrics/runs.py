"""Figures of runs for a page of metrics: who is how near to the limit that applies to it.

A run stands under the limit of the strictest pack that does not simply allow its customer: of those that enforce,
else of those that warn, else of those that observe. Undeclared training of the corporate group counts beside each
declared run, and the declared run that used most beside undeclared training: the shares of each are those of all of
them together (gatekeeper/view.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP, Account, Pool
from gatekeeper.domain.policy import ActivePack, Site
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Purpose, named_run, undeclared_run_id
from gatekeeper.notices import notices_of
from gatekeeper.ports import Reader
from gatekeeper.sharing import Shared, shares_of
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import Term, limited_by, terms_of

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
        pool_best_tflop, pool_high_tflop: carried in, settled, and of the models that made the data; pool_used_tflop:
            with what is held, as a decision weighs it.
        extra_tflop: of it by the models that made the data, which no account holds.
    """

    account: Account
    customer: str
    limit_tflop: int | None
    pool_best_tflop: int
    pool_high_tflop: int
    pool_used_tflop: int
    extra_tflop: int = 0
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
    _terms: dict[str, tuple[Term, ...]] = field(default_factory=dict)
    _terms_as_of: str = ""

    def current(self, reader: Reader, now: datetime) -> Snapshot:
        """Everybody, without accounts."""
        size, known = reader.log_size(), self._known
        if known is None or size < known.log_size or self._changed(reader, known.log_size):
            customers = {each.id: each for each in reader.customers()}
            parties = reader.parties()
            runs = {each.id: each for each in reader.runs()}
            known = Snapshot.of_people(customers, parties, runs, reader)
            self._terms = {}
        # Tiers come and go with dates, and with overrides.
        in_force = [each.id for those in known.by_override.values() for each in those if each.holds_at(now)]
        if self._terms_as_of != (as_of := f"{now.date()} {sorted(in_force)}"):
            self._terms, self._terms_as_of = {}, as_of
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
        shares = shares_of(booked, customer, account.run_id)
        unlimited = shares[0].under(NO_LIMIT_TFLOP, Purpose.TRAINING)
        if not _counts(account.run_id, booked):
            return _figures(customer, unlimited, account, limit_tflop=None)
        pool = self.pool(booked, customer, shares, now)
        told = notices_of(booked, self.packs, self.site, customer, shares=shares, now=now)
        figures = _figures(customer, pool or unlimited, account, limit_tflop=pool.limit_tflop if pool else None)
        return replace(figures, notices=tuple((each.pack, each.due) for each in told))

    def pool(self, booked: Snapshot, customer: Customer, shares: Sequence[Shared], now: datetime) -> Pool | None:
        """What a decision weighs of the training of a customer; None where every active pack allows it without a
        limit."""
        if customer.id not in self._terms:
            self._terms[customer.id] = terms_of(booked, self.packs, self.site, customer, now)
        found = limited_by(booked, self._terms[customer.id], self.site, now.date(), shares)
        return found[1] if found else None

    @staticmethod
    def _changed(reader: Reader, since: int) -> bool:
        return next(iter(reader.records(types=_OF_PEOPLE, begin=since)), None) is not None


def _figures(customer: Customer, pool: Pool, account: Account, *, limit_tflop: int | None) -> RunFigures:
    before_tflop = pool.extra_tflop - pool.twice_tflop + sum(each.carried_in_tflop for each in pool.accounts)
    return RunFigures(
        account=account,
        customer=customer.id,
        limit_tflop=limit_tflop,
        pool_best_tflop=before_tflop + sum(each.settled.best_tflop for each in pool.accounts),
        pool_high_tflop=before_tflop + sum(each.settled.high_tflop for each in pool.accounts),
        pool_used_tflop=pool.used_tflop,
        extra_tflop=pool.extra_tflop,
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
