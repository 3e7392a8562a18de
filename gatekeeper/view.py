"""From a namespace to the question that a decision answers: who it is, which run, which pool of accounts.

The same steps over a transaction (release: nothing may change in between) and over a snapshot in memory (webhook:
courtesy, so a stale view costs a wrong hint and never a reservation); `snapshots` keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.deciding import binding_limits_tflop
from gatekeeper.domain.decision import Question
from gatekeeper.domain.fleet import Fleet
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import Action, ActivePack, Mode, Site
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.run import Purpose, Run, RunState, undeclared_run_id
from gatekeeper.domain.tier import TierFinding
from gatekeeper.domain.workload import Workload


class Runs(Protocol):
    """Where declared runs are found."""

    def run(self, run_id: str) -> Run | None: ...


class View(Runs, Protocol):
    """What a question is built from.

    `group`: ids of all customers of the same corporate group, sorted. `withdrawn`: ids of the runs of a customer whose
    classification was withdrawn, sorted. `most_used`: the account of the declared training run of these customers that
    used most; None where they have none.
    """

    def binding(self, cluster: str, namespace: str) -> Binding | None: ...
    def customer(self, customer_id: str) -> Customer | None: ...
    def group(self, customer: Customer) -> tuple[str, ...]: ...
    def withdrawn(self, customer_id: str) -> tuple[str, ...]: ...
    def parties(self) -> dict[str, Party]: ...
    def accounts(self, run_ids: Sequence[str]) -> tuple[Account, ...]: ...
    def most_used(self, customer_ids: tuple[str, ...]) -> Account | None: ...


@dataclass(frozen=True, slots=True)
class Limit:
    """What a run may use, and who says so.

    Attributes:
        tflop: the most that stays below control; effective_tflop: the number of the rule, for people.
        action: what the pack does with this customer at this site: within a budget, or not at all.
    """

    tflop: int
    effective_tflop: int
    pack: str
    mode: Mode
    action: Action


@dataclass(frozen=True, slots=True)
class Shared:
    """The accounts that share one limit, the one that is booked on among them, in a fixed order.

    Attributes:
        beside: runs among them that are booked apart, and count because they could be the same model.
    """

    accounts: tuple[Account, ...] = ()
    beside: tuple[str, ...] = ()

    def under(self, limit_tflop: int, purpose: Purpose) -> Pool:
        """The pool of these accounts."""
        return Pool.under(limit_tflop, self.accounts, purpose, self.beside)


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider's own set-up says: it changes by restart, never by a request.

    Attributes:
        fleet: the accelerators of the cluster as last seen.
        grace_s: how long containers may run on past their deadline: grace period + slack of the node.
    """

    cluster: str
    site: Site
    packs: tuple[ActivePack, ...]
    fleet: Callable[[], Fleet]
    grace_s: int

    @property
    def enforcing(self) -> tuple[ActivePack, ...]:
        """The packs whose verdict is carried out."""
        return tuple(active for active in self.packs if active.mode is Mode.ENFORCE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the run and accounts that its answer would be booked on."""

    question: Question
    customer: Customer | None
    run_id: str
    shared: Shared
    purpose: Purpose = Purpose.TRAINING

    def pool(self, provider: Provider) -> Pool:
        """The accounts under the lowest limit of all packs that ask for a budget; under none where the run does not
        count."""
        return self.shared.under(min(binding_limits_tflop(self.question, provider.packs)), self.purpose)


def ask(
    view: View, provider: Provider, workload: Workload, now: datetime, *, rate_tflop_per_s: int | None = None
) -> Asked:
    """Build the question for one workload from one consistent view. The rate is the fleet's worst unless given."""
    binding = view.binding(provider.cluster, workload.ref.namespace)
    customer = view.customer(binding.customer_id) if binding else None
    findings: dict[str, TierFinding] = {}
    run_id, shared, purpose = "", Shared(), Purpose.TRAINING
    if binding and customer:
        findings = findings_of(view, provider.packs, customer, now)
        run_id = booked_on(view, binding)
        shared, purpose = accounts_of(view, customer, run_id), purpose_of(view, run_id)
    question = Question(
        workload=workload,
        now=now,
        site=provider.site,
        customer=customer,
        findings=findings,
        pools={active.pack.id: shared.under(active.pack.threshold.limit_tflop, purpose) for active in provider.packs},
        rate_tflop_per_s=provider.fleet().rate_tflop_per_s(workload) if rate_tflop_per_s is None else rate_tflop_per_s,
        grace_s=provider.grace_s,
    )
    return Asked(question, customer, run_id, shared, purpose)


def findings_of(view: View, packs: tuple[ActivePack, ...], customer: Customer, now: datetime) -> dict[str, TierFinding]:
    """Tier of a customer by the table of each active pack, as of a moment."""
    parties = view.parties()
    return {each.pack.id: resolve(parties, customer.party_id, each.pack.tiers, now.date()) for each in packs}


def limit_of(view: View, packs: tuple[ActivePack, ...], site: Site, customer: Customer, now: datetime) -> Limit | None:
    """What training runs of a customer stand under: the lowest limit of the packs that enforce and do not simply allow
    it; else of those that warn, else of those that observe. None where every active pack allows it without one."""
    findings, found = findings_of(view, packs, customer, now), dict[Mode, list[Limit]]()
    for active in packs:
        rule, threshold = active.pack.rule_for(findings[active.pack.id].tier, site), active.pack.threshold
        action = rule.action if rule else Action.DENY
        if action is not Action.ALLOW:
            limit = Limit(threshold.limit_tflop, threshold.effective_tflop, active.pack.id, active.mode, action)
            found.setdefault(active.mode, []).append(limit)
    strictest = next((found[mode] for mode in (Mode.ENFORCE, Mode.WARN, Mode.OBSERVE) if mode in found), [])
    return min(strictest, key=lambda each: (each.tflop, each.pack), default=None)


def accounts_of(view: View, customer: Customer, run_id: str) -> Shared:
    """The accounts that share the limit of a run of a customer.

    Undeclared training may be of any model: that of the whole corporate group shares one limit, with the declared run
    of the group that used most, and it counts beside each declared run. So another account, namespace, run or
    subsidiary brings the same training no new budget. What does not count stands alone.
    """
    run, undeclared = view.run(run_id), undeclared_of(view, customer)
    if run is None or run.state is RunState.WITHDRAWN:
        most = view.most_used(view.group(customer))
        return Shared((*view.accounts(undeclared), *([most] if most else [])), (most.run_id,) if most else ())
    own = view.accounts([run_id])
    if not run.purpose.counts:
        return Shared(own)
    return Shared((*own, *view.accounts(undeclared)), tuple(undeclared))


def booked_on(runs: Runs, binding: Binding) -> str:
    """The run that a namespace's work is booked on."""
    run = runs.run(binding.run_id) if binding.run_id else None
    if run is not None and run.works_for(binding.customer_id, binding.namespace):
        return run.id
    return undeclared_run_id(binding.customer_id)


def undeclared_of(view: View, customer: Customer) -> list[str]:
    """The undeclared training of a customer's group: the runs that it is booked on, in a fixed order.

    A withdrawn classification is among them: it was never declared to be training of a model of its own.
    """
    members = view.group(customer)
    withdrawn = [run_id for each in members for run_id in view.withdrawn(each)]
    return [*(undeclared_run_id(each) for each in members), *withdrawn]


def purpose_of(view: View, run_id: str) -> Purpose:
    """What a run is that work is booked on; training unless its approved declaration says otherwise."""
    run = view.run(run_id)
    return run.purpose if run is not None else Purpose.TRAINING
