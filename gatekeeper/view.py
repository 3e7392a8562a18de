"""From a namespace to the question that a decision answers: who it is, which run, which pool of accounts.

The same steps over a transaction (release: nothing may change in between) and over a snapshot in memory (webhook:
courtesy, so a stale view costs a wrong hint and never a reservation); `snapshots` keeps both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from gatekeeper.belonging import Runs, belongs
from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.customer import Binding, Customer
from gatekeeper.domain.deciding import binding_pools
from gatekeeper.domain.decision import Question
from gatekeeper.domain.fleet import Fleet
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.judging import judged
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.limits import limit_under
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.override import Override
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import Action, ActivePack, Mode, Pack, Site
from gatekeeper.domain.run import Purpose, RunState, is_undeclared
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.domain.workload import Workload
from gatekeeper.sharing import Holders, Shared, shares_of

# Pack -> answers to its questions about one run.
Permits = Mapping[str, tuple[Permit, ...]]


class View(Holders, Protocol):
    """What a question is built from: whose accounts there are, and what people decided.

    `overrides`: those of a customer that two people approved. `permits`: pack -> what the answers to its questions
    about a run permit.
    """

    def binding(self, cluster: str, namespace: str) -> Binding | None: ...
    def overrides(self, customer_id: str) -> tuple[Override, ...]: ...
    def parties(self) -> dict[str, Party]: ...
    def open_hits(self) -> Collection[str]: ...
    def finding(self, party_id: str, pack: Pack, day: date) -> TierFinding: ...
    def permits(self, run_id: str) -> Permits: ...


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
class Term:
    """What one pack says of a customer at a site: that it limits it."""

    pack: Pack
    mode: Mode
    tier: Tier
    action: Action


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
    """A question, and the run that its answer would be booked on."""

    question: Question
    customer: Customer | None
    run_id: str
    purpose: Purpose = Purpose.TRAINING

    def pool(self, provider: Provider) -> Pool:
        """The accounts under the pack that leaves them least of all that ask for a budget; under no limit where the run
        does not count."""
        return min(binding_pools(self.question, provider.packs), key=lambda each: each.budget_tflop)


def ask(
    view: View, provider: Provider, workload: Workload, now: datetime, *, rate_tflop_per_s: int | None = None
) -> Asked:
    """Build the question for one workload from one consistent view. The rate is the fleet's worst unless given."""
    binding = view.binding(provider.cluster, workload.ref.namespace)
    customer = view.customer(binding.customer_id) if binding else None
    findings, override = _judged(view, provider.packs, customer, now) if customer else ({}, None)
    if customer and override:
        customer = override.carries(customer, now)
    run_id, purpose, bar = "", Purpose.TRAINING, None
    pools: dict[str, Pool] = {}
    permits: Permits = {}
    if binding and customer:
        belonging = belongs(view, binding, workload.runs)
        run_id, bar = belonging.run_id, belonging.bar
        shares, purpose, permits = shares_of(view, customer, run_id), purpose_of(view, run_id), view.permits(run_id)
        limits = _Limits(view, provider.site, now.date())
        for pack in (active.pack for active in provider.packs):
            pool = limits.pool(pack, findings[pack.id].tier, shares, purpose)
            pools |= {pack.id: pool} if pool else {}
    question = Question(
        workload=workload,
        now=now,
        site=provider.site,
        customer=customer,
        findings=findings,
        pools=pools,
        rate_tflop_per_s=provider.fleet().rate_tflop_per_s(workload) if rate_tflop_per_s is None else rate_tflop_per_s,
        grace_s=provider.grace_s,
        permits=permits,
        bar=bar,
        override=override,
        undeclared=is_undeclared(run_id),
    )
    return Asked(question, customer, run_id, purpose)


@dataclass(frozen=True, slots=True)
class _Limits:
    """The limits that packs set models at a site on a day. `runs`: what each run rests on, and what was answered about
    it; the same for all packs, and nothing for most runs.
    """

    view: View
    site: Site
    day: date
    runs: dict[str, tuple[Lineage | None, Permits]] = field(default_factory=dict)

    def tflop(self, pack: Pack, tier: Tier, model: Sequence[str]) -> int | None:
        """The limit of a model: the lowest of its runs, as all of them are of it; without any no allowance holds."""
        rests = {(lineage, permits.get(pack.id, ())) for lineage, permits in map(self._of_run, model)} or {_NOTHING}
        found = [
            limit_under(pack, tier, self.site, self.day, lineage=lineage, permits=permits) for lineage, permits in rests
        ]
        return min((each for each in found if each is not None), default=None)

    def pool(self, pack: Pack, tier: Tier, shares: Sequence[Shared], purpose: Purpose) -> Pool | None:
        """Of all sets of accounts the one that leaves least; None where the pack sets no limit."""
        if pack.threshold is None:
            return None
        plain, found = self.tflop(pack, tier, ()), list[Pool]()
        for each in shares:
            known = [self._of_run(it) for it in each.model]
            bare = all(it == _NO_REST for it in known)
            limit = plain if bare else self.tflop(pack, tier, each.model)
            extra = 0 if bare else _extra_tflop(pack, (lineage for lineage, _ in known))
            found += [each.under(limit, purpose, extra)] if limit is not None else []
        return min(found, key=_left_tflop, default=None)

    def _of_run(self, run_id: str) -> tuple[Lineage | None, Permits]:
        known = self.runs.get(run_id)
        if known is None:
            known = self.runs[run_id] = lineage_of(self.view, run_id), self.view.permits(run_id)
        return known


_NO_REST: tuple[Lineage | None, Permits] = (None, {})
_NOTHING: tuple[Lineage | None, tuple[Permit, ...]] = (None, ())


def _left_tflop(pool: Pool) -> int:
    return pool.limit_tflop - pool.used_tflop


def findings_of(view: View, packs: tuple[ActivePack, ...], customer: Customer, now: datetime) -> dict[str, TierFinding]:
    """Tier of a customer by the table of each active pack, as of a moment, with names whose screening is open, and
    the override that holds then."""
    return _judged(view, packs, customer, now)[0]


def _judged(
    view: View, packs: tuple[ActivePack, ...], customer: Customer, now: datetime
) -> tuple[dict[str, TierFinding], Override | None]:
    """The findings, and the override that they are under: none where any of them bars it."""
    parties, override = view.parties(), override_of(view, customer, now)
    found = {each.pack.id: view.finding(customer.party_id, each.pack, now.date()) for each in packs}
    return judged(found, parties, view.open_hits(), override)


def override_of(view: View, customer: Customer, now: datetime) -> Override | None:
    """The override of a customer that is in force."""
    return next((each for each in view.overrides(customer.id) if each.holds_at(now)), None)


def terms_of(
    view: View, packs: tuple[ActivePack, ...], site: Site, customer: Customer, now: datetime
) -> tuple[Term, ...]:
    """What limits training runs of a customer: the packs that enforce and do not simply allow it; else those that warn,
    else those that observe. Empty where every active pack allows it without a limit, or sets it none."""
    findings, found = findings_of(view, packs, customer, now), dict[Mode, list[Term]]()
    day = now.date()
    for active in packs:
        pack, tier = active.pack, findings[active.pack.id].tier
        if pack.threshold is None or not pack.holds_on(day):
            continue
        rule = pack.rule_for(tier, site, day)
        action = rule.action if rule else Action.DENY
        if action not in (Action.ALLOW, Action.NOTIFY):
            found.setdefault(active.mode, []).append(Term(pack, active.mode, tier, action))
    return tuple(next((found[mode] for mode in (Mode.ENFORCE, Mode.WARN, Mode.OBSERVE) if mode in found), []))


def limited_by(
    view: View, terms: Iterable[Term], site: Site, day: date, shares: Sequence[Shared]
) -> tuple[Limit, Pool] | None:
    """The limit that leaves training least, and the pool that a decision would weigh under it: what is shown of a run
    is what the gate counts. None without any limit."""
    limits, found = _Limits(view, site, day), list[tuple[Limit, Pool]]()
    for each in terms:
        pool = limits.pool(each.pack, each.tier, shares, Purpose.TRAINING)
        if pool is not None and each.pack.threshold is not None:
            effective_tflop = each.pack.threshold.effective_tflop(day)
            found.append((Limit(pool.limit_tflop, effective_tflop, each.pack.id, each.mode, each.action), pool))
    return min(found, key=lambda each: (_left_tflop(each[1]), each[0].tflop, each[0].pack), default=None)


def pool_by(view: View, term: Term, site: Site, day: date, shares: Sequence[Shared]) -> Pool | None:
    """What a decision would weigh of training by one pack; None where the pack sets no threshold."""
    return _Limits(view, site, day).pool(term.pack, term.tier, shares, Purpose.TRAINING)


def counted_tflop(view: View, pack: Pack, shared: Shared) -> int:
    """What counts of accounts that share a limit, by a pack: with the models that made their data."""
    return shared.used_tflop + _extra_tflop(pack, (lineage_of(view, each) for each in shared.model))


def _extra_tflop(pack: Pack, lineages: Iterable[Lineage | None]) -> int:
    return sum(extra_counted_tflop(pack.allowances, each) for each in lineages)


def lineage_of(runs: Runs, run_id: str) -> Lineage | None:
    """What a run rests on; None unless two people stand for it, so that no allowance holds before."""
    run = runs.run(run_id)
    return run.lineage if run is not None and run.state is RunState.APPROVED else None


def purpose_of(view: View, run_id: str) -> Purpose:
    """What a run is that work is booked on; training unless its approved declaration says otherwise."""
    run = view.run(run_id)
    return run.purpose if run is not None else Purpose.TRAINING
