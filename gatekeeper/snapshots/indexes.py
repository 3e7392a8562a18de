"""What a snapshot finds by what: small indexes over people, runs and answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.inquiry import Inquiry, Permit
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.record import decode
from gatekeeper.domain.run import Run, RunState
from gatekeeper.ports import Reader

K = TypeVar("K")


V = TypeVar("V")


def groups_of(customers: Iterable[Customer], parties: Mapping[str, Party]) -> dict[str, tuple[str, ...]]:
    """Party of a customer -> ids of the customers of its corporate group, sorted."""
    by_party: dict[str, list[str]] = {}
    for customer in customers:
        by_party.setdefault(customer.party_id, []).append(customer.id)
    found: dict[str, tuple[str, ...]] = {}
    for group in corporate_groups(parties, by_party):
        members = tuple(sorted(each for party in group for each in by_party.get(party, ())))
        found |= dict.fromkeys(group & by_party.keys(), members)
    return found


def is_declared(run: Run) -> bool:
    """Whether it is a run of training that two people stand for."""
    return run.state is RunState.APPROVED and run.purpose.counts


def by_customer_of(runs: Iterable[Run]) -> dict[str, tuple[str, ...]]:
    """Customer -> ids of its runs among these, sorted."""
    found: dict[str, list[str]] = {}
    for run in runs:
        found.setdefault(run.customer_id, []).append(run.id)
    return {each: tuple(sorted(ids)) for each, ids in found.items()}


def again(known: Mapping[K, V], named: Collection[K], read: Callable[[K], V | None]) -> dict[K, V]:
    """What is known, with what is named as it is now. Nothing named: the same object, which others may rely on."""
    if not named and isinstance(known, dict):
        return known
    found = dict(known)
    for key in named:
        value = read(key)
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def overrides_of(overrides: Iterable[Override]) -> dict[str, tuple[Override, ...]]:
    """Customer -> its overrides that two people approved and nobody ended, oldest first."""
    found: dict[str, tuple[Override, ...]] = {}
    for each in overrides:
        if each.approved_at is not None and each.ended_at is None:
            found[each.customer_id] = (*found.get(each.customer_id, ()), each)
    return found


def permits_of(inquiries: Iterable[Inquiry]) -> dict[str, dict[str, tuple[Permit, ...]]]:
    """Run -> pack -> what the answers to its questions mean."""
    found: dict[str, dict[str, tuple[Permit, ...]]] = {}
    for each in inquiries:
        if each.permit is not None:
            of_run = found.setdefault(each.run_id, {})
            of_run[each.pack_id] = (*of_run.get(each.pack_id, ()), each.permit)
    return found


def with_carried_in(account: Account, run: Run | None) -> Account:
    if run is None or run.state is not RunState.APPROVED or account.carried_in_tflop == run.carried_in_tflop:
        return account
    return replace(account, carried_in_tflop=run.carried_in_tflop)


def runs_in(reader: Reader, begin: int, end: int) -> set[str]:
    """The runs that these records name."""
    named = (decode(leaf).facts.get("run") for leaf in reader.leaves(begin, end))
    return {run for run in named if isinstance(run, str)}
