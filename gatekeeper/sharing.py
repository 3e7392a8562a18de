"""Which accounts share one limit: all that could be the training of one model.

A model is a declared run with the runs that it is joined with, whoever's they are. Undeclared training may be of any
model of its corporate group. So all undeclared training of the groups that have a part in a model counts beside it,
and each model of the group counts beside undeclared training, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatekeeper.belonging import Runs
from gatekeeper.domain.customer import Customer
from gatekeeper.domain.join import Bond, Tie, counted_twice_tflop, ties_of
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.run import Purpose, Run, RunState, named_run, undeclared_run_id


class Holders(Runs, Protocol):
    """Whose accounts there are.

    `group`: ids of all customers of the same corporate group, sorted. `withdrawn`: ids of the runs of a customer whose
    classification was withdrawn, sorted. `labelled`: ids of the accounts of a customer's work that only a label sorts,
    sorted. `declared`: the approved training runs of some customers. `model`: all runs that are of one model with a
    run, itself among them, sorted.
    """

    def customer(self, customer_id: str) -> Customer | None: ...
    def group(self, customer: Customer) -> tuple[str, ...]: ...
    def withdrawn(self, customer_id: str) -> tuple[str, ...]: ...
    def labelled(self, customer_id: str) -> tuple[str, ...]: ...
    def declared(self, customer_ids: Iterable[str]) -> tuple[str, ...]: ...
    def model(self, run_id: str) -> tuple[str, ...]: ...
    def accounts(self, run_ids: Sequence[str]) -> tuple[Account, ...]: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """The accounts that share one limit, the one that is booked on among them, in a fixed order.

    Attributes:
        beside: runs among them that are booked apart, and count because they could be the same model.
        model: the declared runs among them: what they rest on decides the limit.
        twice_tflop: operations of one base that several of them carry in.
        ties: the declared runs of `beside`, and why they count; the others are undeclared training.
    """

    accounts: tuple[Account, ...] = ()
    beside: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    twice_tflop: int = 0
    ties: tuple[Tie, ...] = ()

    @property
    def used_tflop(self) -> int:
        """What counts, over all accounts."""
        return sum(each.used_tflop for each in self.accounts) - self.twice_tflop

    def under(self, limit_tflop: int, purpose: Purpose, extra_tflop: int = 0) -> Pool:
        """The pool of these accounts."""
        return Pool.under(
            limit_tflop,
            self.accounts,
            purpose,
            self.beside,
            extra_tflop=extra_tflop,
            twice_tflop=self.twice_tflop,
            ties=self.ties,
        )


def shares_of(holders: Holders, customer: Customer, run_id: str) -> tuple[Shared, ...]:
    """All sets of accounts under whose limits the work of a run has to stay; the widest stands first.

    One for a declared run. For undeclared training itself alone, and itself with each model of the group.
    """
    run = holders.run(run_id)
    if run is not None and run.state is not RunState.WITHDRAWN:
        return (_of_declared(holders, customer, run),)
    own = undeclared_of(holders, [customer])
    if named_run(run_id) and run_id not in own:
        own.append(run_id)  # nothing was booked there yet
    beside = _models_beside(holders, customer, own)
    found = {each.run_id: each for each in holders.accounts([*own, *{it for ids in beside.values() for it in ids}])}
    shares = [
        Shared(
            tuple(found[each] for each in (*own, *ids)),
            tuple(ids),
            model,
            _twice_tflop(holders, model),
            tuple(Tie(each.id, Bond.COULD_BE, each.customer_id == customer.id) for each in _runs(holders, model)),
        )
        for model, ids in beside.items()
    ]
    shares.sort(key=lambda each: (-each.used_tflop, each.model))
    return (*shares, Shared(tuple(found[each] for each in own)))


def undeclared_of(holders: Holders, customers: Iterable[Customer]) -> list[str]:
    """The undeclared training of the groups of some customers: the runs that it is booked on, in a fixed order.

    A withdrawn classification is among them: it was never declared to be training of a model of its own. So is what
    only a label sorts: the tenant writes that.
    """
    members = sorted({each for customer in customers for each in holders.group(customer)})
    others = [run_id for each in members for run_id in (*holders.withdrawn(each), *holders.labelled(each))]
    return [*(undeclared_run_id(each) for each in members), *others]


def _of_declared(holders: Holders, customer: Customer, run: Run) -> Shared:
    if not run.purpose.counts:
        return Shared(holders.accounts([run.id]))
    model = holders.model(run.id)
    others = [each for each in model if each != run.id]
    beside = [*others, *undeclared_of(holders, [customer, *_owners(holders, others)])]
    ties = ties_of(run, _runs(holders, others))
    return Shared(holders.accounts([run.id, *beside]), tuple(beside), model, _twice_tflop(holders, model), ties)


def _models_beside(holders: Holders, customer: Customer, own: Iterable[str]) -> dict[tuple[str, ...], list[str]]:
    """Each model in which the group has a part -> its runs, and the undeclared training of other groups in it."""
    found, mine = dict[tuple[str, ...], list[str]](), set(own)
    for run_id in holders.declared(holders.group(customer)):
        model = holders.model(run_id)
        if model not in found:
            elsewhere = undeclared_of(holders, _owners(holders, model)) if len(model) > 1 else []
            found[model] = [*model, *(each for each in elsewhere if each not in mine)]
    return found


def _owners(holders: Holders, run_ids: Iterable[str]) -> list[Customer]:
    return [owner for each in _runs(holders, run_ids) if (owner := holders.customer(each.customer_id)) is not None]


def _runs(holders: Holders, run_ids: Iterable[str]) -> list[Run]:
    return [run for each in run_ids if (run := holders.run(each)) is not None]


def _twice_tflop(holders: Holders, model: tuple[str, ...]) -> int:
    return counted_twice_tflop(_runs(holders, model)) if len(model) > 1 else 0
