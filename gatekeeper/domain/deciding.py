"""Deciding: what every active pack says of one workload, the strictest of it, and one sentence for the customer.

Pure: everything that the answer rests on comes in as a value, so the same question has the same answer in the
webhook, in the controller, in a simulation and on a regulator's desk.
"""

from __future__ import annotations

from dataclasses import replace

from gatekeeper.domain import override
from gatekeeper.domain.budgeting import lease_of
from gatekeeper.domain.decision import Decision, Opinion, Question, Reason, Verdict
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.opinion import opinion
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.workload import Workload

__all__ = [
    "binding_pools",
    "decide",
    "lease_of",
    "needs_no_budget",
    "verdict_on_running",
    "verdict_on_stranger",
    "verdict_on_unreserved",
]


def decide(question: Question, packs: tuple[ActivePack, ...]) -> Decision:
    """Ask every active pack that is in effect on the day; the strictest verdict wins and all reasons are kept.

    No such pack at all means that the provider asks nothing: the workload is allowed.
    """
    day = question.now.date()
    asked = [(active, opinion(question, active.pack)) for active in packs if active.asks_on(day)]
    if not asked:
        return Decision(
            Verdict.ALLOW, (), f"Allowed: no policy pack is active, so nothing is asked of {question.workload.ref}."
        )
    moderated = [(_moderate(each.verdict, active.mode), active, each) for active, each in asked]
    moderated.sort(key=_deciding_first)
    verdict, active, deciding = moderated[0]
    granting = _granting(moderated) if verdict.lets_start else None
    pool = granting.pool if granting else deciding.pool
    reasons = tuple(
        Reason(each.code, each.text, which.pack.id, moderate, each.verdict) for moderate, which, each in moderated
    )
    if question.override is not None:  # not a pack's: two people's, and on record whatever the packs say
        reasons += (Reason(override.CODE, question.override.told, "", Verdict.ALLOW, Verdict.ALLOW),)
    return Decision(
        verdict=verdict,
        reasons=reasons,
        sentence=_sentence(question, verdict, active, deciding),
        tier=deciding.tier,
        grant=granting.grant if granting else None,
        limit_tflop=pool.limit_tflop if pool else None,
        used_tflop=pool.used_tflop if pool else None,
        packs={each.pack.id: each.pack.sha256 for each, _ in asked},
        inquiries=tuple((which.pack.id, asks) for _, which, each in moderated for asks in each.inquiries),
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
    return all(each.verdict.lets_start and each.pool is None for each in _of_enforcing(question, packs))


def binding_pools(question: Question, packs: tuple[ActivePack, ...]) -> list[Pool]:
    """The pools of the packs that enforce and ask this customer for a budget. One that simply allows it has a limit
    too, but for others: held under that one, a reservation would be refused again and again, and nobody told why."""
    return [each.pool for each in _of_enforcing(question, packs) if each.pool is not None]


def _of_enforcing(question: Question, packs: tuple[ActivePack, ...]) -> list[Opinion]:
    day = question.now.date()
    return [opinion(question, each.pack) for each in packs if each.mode is Mode.ENFORCE and each.asks_on(day)]


def _moderate(verdict: Verdict, mode: Mode) -> Verdict:
    """The verdict as far as the mode lets it go."""
    ceiling = {Mode.OBSERVE: Verdict.ALLOW, Mode.WARN: Verdict.WARN}.get(mode, Verdict.STOP)
    return min(verdict, ceiling, key=lambda each: each.strictness)


def _deciding_first(each: tuple[Verdict, ActivePack, Opinion]) -> tuple[int, int, int, str]:
    """Order of what packs say: strictest first; among equals the one that enforces, then what it would have said."""
    verdict, active, said = each
    return (-verdict.strictness, -list(Mode).index(active.mode), -said.verdict.strictness, active.pack.id)


def _granting(moderated: list[tuple[Verdict, ActivePack, Opinion]]) -> Opinion | None:
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


def _sentence(question: Question, verdict: Verdict, active: ActivePack, deciding: Opinion) -> str:
    would = ""
    if verdict is not deciding.verdict:
        would = f", which is not enforced here and would otherwise {_WOULD[deciding.verdict]}"
    remedy = f"; {deciding.remedy}" if deciding.remedy and verdict is not Verdict.ALLOW else ""
    return f"{question.workload.ref} is {_HAPPENS[verdict]} by {active.pack.id}{would}: {deciding.text}{remedy}."
