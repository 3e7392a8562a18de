"""Deciding: what every active pack says of one workload, the strictest of it, and one sentence for the customer.

Pure: everything that the answer rests on comes in as a value, so the same question has the same answer in the
webhook, in the controller, in a simulation and on a regulator's desk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.decision import Decision, Grant, Question, Reason, Verdict
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.policy import PERCENT, Action, ActivePack, LeaseTerms, Mode, Pack
from gatekeeper.domain.run import is_undeclared
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.domain.units import format_duration, format_flop
from gatekeeper.domain.workload import Workload


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one pack says before its mode is taken into account."""

    verdict: Verdict
    code: str
    text: str
    remedy: str
    tier: Tier | None = None
    grant: Grant | None = None
    pool: Pool | None = None


def decide(question: Question, packs: tuple[ActivePack, ...]) -> Decision:
    """Ask every active pack; the strictest verdict wins and all reasons are kept.

    No active pack at all means that the provider asks nothing: the workload is allowed.
    """
    asked = [(active, _opinion(question, active.pack)) for active in packs if active.mode is not Mode.OFF]
    if not asked:
        return Decision(
            Verdict.ALLOW, (), f"Allowed: no policy pack is active, so nothing is asked of {question.workload.ref}."
        )
    moderated = [(_moderate(opinion.verdict, active.mode), active, opinion) for active, opinion in asked]
    moderated.sort(key=_deciding_first)
    verdict, active, opinion = moderated[0]
    granting = _granting(moderated) if verdict.lets_start else None
    pool = granting.pool if granting else opinion.pool
    reasons = tuple(
        Reason(each.code, each.text, which.pack.id, moderate, each.verdict) for moderate, which, each in moderated
    )
    return Decision(
        verdict=verdict,
        reasons=reasons,
        sentence=_sentence(question, verdict, active, opinion),
        tier=opinion.tier,
        grant=granting.grant if granting else None,
        limit_tflop=pool.limit_tflop if pool else None,
        used_tflop=pool.used_tflop if pool else None,
        packs={each.pack.id: each.pack.sha256 for each, _ in asked},
    )


def verdict_on_running(question: Question, packs: tuple[ActivePack, ...]) -> Decision | None:
    """The decision against work that runs already: None while it may go on.

    Its own worst case is held, so an exhausted budget stops nobody. What stops is a change of customer, tier,
    standing, rule or mode, or usage that went past the limit all the same.
    """
    decision = decide(replace(question, rate_tflop_per_s=0), packs)
    if decision.verdict.lets_start:
        return None
    was, now = (f" is {_HAPPENS[each]} by " for each in (decision.verdict, Verdict.STOP))
    sentence = decision.sentence.replace(was, now, 1)
    return replace(decision, verdict=Verdict.STOP, sentence=sentence, grant=None)


def verdict_on_unreserved(workload: Workload) -> Decision:
    """The decision against running work that holds no reservation in a namespace that needs one."""
    text = f"{workload.ref} runs without a reservation, and its namespace has no clearance (any more)"
    reason = Reason("workload.unreserved", text, "", Verdict.STOP, Verdict.STOP)
    sentence = f"Stopped: {text}; start it again, and it will be decided on and given a lease."
    return Decision(Verdict.STOP, (reason,), sentence)


def verdict_on_stranger(workload: Workload, node: str) -> Decision:
    """The decision against a running pod that could reach the accelerators of its node and asked for none."""
    text = f"{workload.ref} could reach the accelerators of node {node} and asked for none ({workload.reason})"
    reason = Reason("workload.beside_accelerators", text, "", Verdict.STOP, Verdict.STOP)
    sentence = f"Stopped: {text}; start it again, and it will be placed on a node without accelerators."
    return Decision(Verdict.STOP, (reason,), sentence)


def needs_no_budget(question: Question, packs: tuple[ActivePack, ...]) -> bool:
    """Whether every pack that enforces allows this customer without a budget: what a clearance rests on."""
    return all(
        _opinion(question, active.pack).verdict is Verdict.ALLOW and _opinion(question, active.pack).pool is None
        for active in packs
        if active.mode is Mode.ENFORCE
    )


def binding_limits_tflop(question: Question, packs: tuple[ActivePack, ...]) -> list[int]:
    """The limits of the packs that enforce and ask this customer for a budget. One that simply allows it has a limit
    too, but for others: held under that one, a reservation would be refused again and again, and nobody told why."""
    enforcing = [active.pack for active in packs if active.mode is Mode.ENFORCE]
    return [pack.threshold.limit_tflop for pack in enforcing if _opinion(question, pack).pool is not None]


def lease_of(pool: Pool, rate_tflop_per_s: int, terms: LeaseTerms, grace_s: int) -> Grant | None:
    """The lease that a pool allows at a worst rate; None where not even the shortest one fits.

    A share of what is left, so that one workload never takes all of it; the shortest lease once the share is
    smaller than that, as long as the pool covers it.
    """
    affordable_s = pool.budget_tflop // rate_tflop_per_s - grace_s
    if affordable_s < terms.shortest_s:
        return None
    share_s = pool.budget_tflop * terms.share_percent // (PERCENT * rate_tflop_per_s) - grace_s
    lease_s = min(max(share_s, terms.shortest_s), terms.longest_s)
    return Grant(rate_tflop_per_s, lease_s, lease_s + grace_s)


def _moderate(verdict: Verdict, mode: Mode) -> Verdict:
    """The verdict as far as the mode lets it go."""
    ceiling = {Mode.OBSERVE: Verdict.ALLOW, Mode.WARN: Verdict.WARN}.get(mode, Verdict.STOP)
    return min(verdict, ceiling, key=lambda each: each.strictness)


def _deciding_first(each: tuple[Verdict, ActivePack, _Opinion]) -> tuple[int, int, int, str]:
    """Order of what packs say: strictest first; among equals the one that enforces, then what it would have said."""
    verdict, active, opinion = each
    return (-verdict.strictness, -list(Mode).index(active.mode), -opinion.verdict.strictness, active.pack.id)


def _opinion(question: Question, pack: Pack) -> _Opinion:
    """What one pack says: customer first, then tier, then rule, then budget."""
    customer = question.customer
    namespace = question.workload.ref.namespace
    if customer is None:
        text = f"namespace {namespace} is bound to no customer"
        return _Opinion(
            Verdict.DENY, "customer.unknown", text, "ask your provider to bind the namespace to your account"
        )
    standing = customer.standing_at(question.now)
    if standing is not Standing.APPROVED:
        reason = " ".join(customer.reason.split()).rstrip(".")
        cause = f" ({reason})" if reason else ""
        text = f"the KYC record of customer {customer.id} is {standing.value}{cause}"
        return _Opinion(
            Verdict.DENY, f"customer.{standing.value}", text, "ask your provider what your record still needs"
        )
    finding = question.findings[pack.id]
    why = finding.deciding.text
    if finding.tier is Tier.UNRESOLVED:
        remedy = "send your provider the missing headquarters or ownership record"
        return _Opinion(Verdict.DENY, f"tier.{finding.deciding.code}", why, remedy, finding.tier)
    rule = pack.rule_for(finding.tier, question.site)
    if rule is None:
        text = f"it has no rule for {finding.tier} with these chips in this country, and {why}"
        return _Opinion(Verdict.DENY, "rule.none", text, pack.remedy, finding.tier)
    if rule.action is Action.BUDGET:
        return _by_budget(question, pack, finding, rule.text)
    verdict = {Action.ALLOW: Verdict.ALLOW, Action.HOLD: Verdict.HOLD, Action.DENY: Verdict.DENY}[rule.action]
    return _Opinion(verdict, rule.code, f"{rule.text}, and {why}", pack.remedy, finding.tier)


def _by_budget(question: Question, pack: Pack, finding: TierFinding, rule_text: str) -> _Opinion:
    pool = question.pools[pack.id]
    why = finding.deciding.text
    used = f"{_bare(pool.used_tflop)} of {format_flop(pack.threshold.effective_tflop)} are used or held{_apart(pool)}"
    because = f"the limit holds because {why}, and {rule_text}"
    if question.rate_tflop_per_s == 0:
        if pool.used_tflop > pool.limit_tflop:
            text = f"{used}, which is past the limit; {because}"
            return _Opinion(Verdict.DENY, "budget.overrun", text, pack.remedy, finding.tier, None, pool)
        text = f"it asks for no operations, and {why}"
        return _Opinion(Verdict.ALLOW, "budget.none_needed", text, "", finding.tier, None, pool)
    grant = lease_of(pool, question.rate_tflop_per_s, pack.lease, question.grace_s)
    if grant is None:
        needed_tflop = question.rate_tflop_per_s * (pack.lease.shortest_s + question.grace_s)
        text = (
            f"its shortest lease of {format_duration(pack.lease.shortest_s)} "
            f"{_needed_and_left(needed_tflop, pool.budget_tflop)} ({used}); {because}"
        )
        return _Opinion(Verdict.DENY, "budget.exhausted", text, pack.remedy, finding.tier, None, pool)
    if not pool.purpose.counts:
        text = f"it is {pool.purpose.value} by the provider's classification, which does not count, and {why}"
        return _Opinion(Verdict.ALLOW, "budget.not_counted", text, "", finding.tier, grant, pool)
    text = f"{used}, and {why}"
    if pool.used_tflop * PERCENT >= pool.limit_tflop * pack.warn_percent:
        return _Opinion(Verdict.WARN, "budget.low", text, pack.remedy, finding.tier, grant, pool)
    return _Opinion(Verdict.ALLOW, "budget.enough", text, "", finding.tier, grant, pool)


def _apart(pool: Pool) -> str:
    """What of it the customer looks for in vain on the run that asked."""
    if not pool.beside_tflop:
        return ""
    what = "undeclared training" if any(map(is_undeclared, pool.beside)) else "a declared run"
    return f", {_bare(pool.beside_tflop)} of it by {what} of the same group, which could be the same model"


def _bare(amount_tflop: int, digits: int = 3) -> str:
    """An amount without its unit, for "9.98e25 of 1.00e26 FLOP"."""
    return format_flop(amount_tflop, digits=digits).removesuffix(" FLOP")


def _needed_and_left(needed_tflop: int, left_tflop: int) -> str:
    """What is needed and what is left, with as many digits as it takes to see that the second is less."""
    if left_tflop == 0:
        return f"could take {format_flop(needed_tflop)} and nothing is left"
    digits = next(each for each in range(3, 40) if _bare(needed_tflop, each) != _bare(left_tflop, each))
    return f"could take {format_flop(needed_tflop, digits=digits)} and only {_bare(left_tflop, digits)} are left"


def _granting(moderated: list[tuple[Verdict, ActivePack, _Opinion]]) -> _Opinion | None:
    """The enforcing pack that grants the shortest lease; a pack that only observes or warns takes no budget."""
    granting = [each for _, active, each in moderated if active.mode is Mode.ENFORCE and each.grant is not None]
    return min(granting, key=lambda each: each.grant.lease_s if each.grant else 0, default=None)


_HAPPENS = {
    Verdict.ALLOW: "allowed",
    Verdict.WARN: "allowed with a warning",
    Verdict.HOLD: "put on hold",
    Verdict.DENY: "refused",
    Verdict.STOP: "stopped",
}
_WOULD = {Verdict.WARN: "warn", Verdict.HOLD: "put it on hold", Verdict.DENY: "refuse it", Verdict.STOP: "stop it"}


def _sentence(question: Question, verdict: Verdict, active: ActivePack, opinion: _Opinion) -> str:
    would = ""
    if verdict is not opinion.verdict:
        would = f", which is not enforced here and would otherwise {_WOULD[opinion.verdict]}"
    remedy = f"; {opinion.remedy}" if opinion.remedy and verdict is not Verdict.ALLOW else ""
    return f"{question.workload.ref} is {_HAPPENS[verdict]} by {active.pack.id}{would}: {opinion.text}{remedy}."
