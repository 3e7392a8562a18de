"""Deciding by a budget: whether a pool covers the worst case of a workload, on which lease, and what is said of it.

Amounts that are used or needed are rounded up, and what is left is rounded down, here as in every report: nobody
reads that there is more room than there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.domain.answers import Answers, answers_to, named
from gatekeeper.domain.decision import Grant, Opinion, Question, Verdict
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.join import Bond
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.policy import PERCENT, Action, InquiryKind, InquiryTerms, LeaseTerms, Pack, Rule
from gatekeeper.domain.tier import TierFinding
from gatekeeper.domain.units import Rounding, format_below, format_duration, format_flop


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


def by_budget(question: Question, pack: Pack, finding: TierFinding, rule: Rule) -> Opinion:
    """What a rule says that gives a budget."""
    pool, why, tier = question.pools[pack.id], finding.deciding.text, finding.tier
    used = _used(question, pack, pool)
    if question.rate_tflop_per_s == 0:
        if pool.used_tflop > pool.limit_tflop:
            return _beyond(
                question, pack, finding, rule, code="budget.overrun", text=f"{used}, which is past the limit"
            )
        text = f"it asks for no operations, and {why}"
        return Opinion(Verdict.ALLOW, "budget.none_needed", text, "", tier, None, pool)
    grant = lease_of(pool, question.rate_tflop_per_s, pack.lease, question.grace_s)
    if grant is None:
        needed_tflop = question.rate_tflop_per_s * (pack.lease.shortest_s + question.grace_s)
        shortest = f"its shortest lease of {format_duration(pack.lease.shortest_s)}"
        text = f"{shortest} {_needed_and_left(needed_tflop, pool.budget_tflop)} ({used})"
        return _beyond(question, pack, finding, rule, code="budget.exhausted", text=text)
    if not pool.purpose.counts:
        text = f"it is {pool.purpose.value} by the provider's classification, which does not count, and {why}"
        return Opinion(Verdict.ALLOW, "budget.not_counted", text, "", tier, grant, pool)
    text = f"{used}, and {why}"
    if _is_near(pool, pack):
        remedy = (
            f"ask for fewer devices, or {DECLARE}"
            if _lifted_by_declaring(question, pack, finding, rule)
            else pack.remedy
        )
        return Opinion(Verdict.WARN, "budget.low", text, remedy, tier, grant, pool)
    return Opinion(Verdict.ALLOW, "budget.enough", text, "", tier, grant, pool)


def by_notice(question: Question, pack: Pack, finding: TierFinding, rule: Rule) -> Opinion:
    """What a rule says that only wants somebody to be told: of a run near its threshold, or past it."""
    pool, tier = question.pools[pack.id], finding.tier
    used = _used(question, pack, pool)
    if pool.used_tflop > pool.limit_tflop:
        return Opinion(Verdict.WARN, "notice.due", f"{used}; {rule.text}", pack.remedy, tier)
    if _is_near(pool, pack):
        return Opinion(Verdict.WARN, "notice.near", f"{used}; {rule.text}", pack.remedy, tier)
    return Opinion(Verdict.ALLOW, "notice.none", used, "", tier)


def _beyond(question: Question, pack: Pack, finding: TierFinding, rule: Rule, *, code: str, text: str) -> Opinion:
    """What the budget does not cover: refused, or on hold where the rule asks to inquire first."""
    pool, found = question.pools[pack.id], given_answers(question, pack, finding, rule)
    text = f"{text}; the limit holds because {finding.deciding.text}, and {rule.text}"
    if rule.beyond is not Action.HOLD:
        return Opinion(Verdict.DENY, code, text, pack.remedy, finding.tier, None, pool)
    if found.denied:
        text = f"{text}; {named(found.denied)} {was(found.denied)} answered with no"
        return Opinion(Verdict.DENY, code, text, pack.remedy, finding.tier, None, pool)
    if found.permit:
        text = f"{text}; the answer to {named(found.holding)} permits no more"
        return Opinion(Verdict.DENY, code, text, pack.remedy, finding.tier, None, pool)
    remedy, asks = what_is_missing(question, found.missing)
    remedy = f"ask for fewer devices; for more {remedy}"
    return Opinion(Verdict.HOLD, code, text, remedy, finding.tier, None, pool, inquiries=asks)


DECLARE = "ask your provider to declare the run: no licence covers training that may be of any model"


def what_is_missing(question: Question, missing: Sequence[InquiryTerms]) -> tuple[str, tuple[str, ...]]:
    """What ends a hold, as a clause, and the questions to ask for it. Where a licence is asked for and nobody declared
    the run none is asked: until somebody does no answer could be given, and then it is about another run."""
    if question.undeclared and _any_licence(missing):
        return DECLARE, ()
    return f"your provider has to inquire {clauses(missing)}", tuple(each.id for each in missing)


def _lifted_by_declaring(question: Question, pack: Pack, finding: TierFinding, rule: Rule) -> bool:
    """Whether a licence could lift the limit, if only somebody declared the run."""
    return question.undeclared and rule.holds and _any_licence(given_answers(question, pack, finding, rule).missing)


def _any_licence(questions: Sequence[InquiryTerms]) -> bool:
    return any(each.kind is InquiryKind.LICENCE for each in questions)


def given_answers(question: Question, pack: Pack, finding: TierFinding, rule: Rule) -> Answers:
    """What was answered of all that a rule asks about the run of a question."""
    day = question.now.date()
    asked = pack.asking(rule, finding.tier, question.site, day)
    return answers_to(asked, question.permits.get(pack.id, ()), day)


def clauses(questions: Sequence[InquiryTerms]) -> str:
    """Questions as one clause: "whether ..., and by which ..."."""
    return ", and ".join(each.asks for each in questions)


def was(permits: Sequence[Permit]) -> str:
    """The verb that fits as many inquiries."""
    return "were" if len(permits) > 1 else "was"


def _used(question: Question, pack: Pack, pool: Pool) -> str:
    """How much of the limit is gone: of the regime's figure, or of what a lineage or an answer makes of it."""
    assert pack.threshold is not None
    day = question.now.date()
    ceiling = format_flop(pack.threshold.effective_tflop(day))
    if pool.purpose.counts and pool.limit_tflop != pack.threshold.limit_tflop(day):
        answers = [each for each in question.permits.get(pack.id, ()) if each.holds_on(day)]
        lifted = [each for each in answers if each.limit_tflop == pool.limit_tflop]
        by = f"the answer to {named(lifted[:1])}" if lifted else "the run's approved lineage"
        ceiling = f"{format_below(pool.limit_tflop)} by {by}"
    elsewhere = f", {_up(pool.extra_tflop)} of it by the models that made its data" if pool.extra_tflop else ""
    return f"{_up(pool.used_tflop)} of {ceiling} are used or held{_apart(pool)}{elsewhere}"


def _is_near(pool: Pool, pack: Pack) -> bool:
    return pool.used_tflop * PERCENT >= pool.limit_tflop * pack.warn_percent


def _apart(pool: Pool) -> str:
    """What of it the customer looks for in vain on the run that asked: each part by what it is, only what used any."""
    ties, parts = {each.run_id: each for each in pool.ties}, dict[str, int]()
    whose = "of the same group" if all(each.own for each in pool.ties) else "of those with a part in the model"
    for account in pool.accounts:
        if account.run_id not in pool.beside or not account.used_tflop:
            continue
        what = f"undeclared training {whose}, {Bond.COULD_BE}"
        if tie := ties.get(account.run_id):
            what = f"run {tie.run_id}, {tie.bond}" if tie.own else f"a run of another customer, {tie.bond}"
        parts[what] = parts.get(what, 0) + account.used_tflop
    return "".join(f", {_up(amount)} of it by {what}" for what, amount in parts.items())


def _up(amount_tflop: int, digits: int = 3) -> str:
    """An amount without its unit, for "9.99e25 of 1.00e26 FLOP"."""
    return format_flop(amount_tflop, digits=digits, rounding=Rounding.UP).removesuffix(" FLOP")


def _needed_and_left(needed_tflop: int, left_tflop: int) -> str:
    """What is needed and what is left, with as many digits as it takes to see that the second is less."""
    if left_tflop == 0:
        return f"could take {_up(needed_tflop)} FLOP and nothing is left"

    def left(digits: int) -> str:
        return format_flop(left_tflop, digits=digits).removesuffix(" FLOP")

    digits = next(each for each in range(3, 40) if _up(needed_tflop, each) != left(each))
    return f"could take {_up(needed_tflop, digits)} FLOP and only {left(digits)} are left"
