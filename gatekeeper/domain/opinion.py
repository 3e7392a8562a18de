"""What one pack says of a question before its mode is taken into account: customer first, then tier, then rule."""

from __future__ import annotations

from gatekeeper.domain.answers import named
from gatekeeper.domain.budgeting import by_budget, by_notice, given_answers, was, what_is_missing
from gatekeeper.domain.decision import Opinion, Question, Verdict
from gatekeeper.domain.open_screening import OPEN_CODE
from gatekeeper.domain.policy import Action, Pack, Rule
from gatekeeper.domain.tier import Tier, TierFinding


def opinion(question: Question, pack: Pack) -> Opinion:
    """What a pack says that holds on the day of the question."""
    if question.bar is not None:
        return Opinion(Verdict.DENY, question.bar.code, question.bar.text, question.bar.remedy)
    customer = question.customer
    if customer is not None and customer.standing_at(question.now).holds:
        return _by_rule(question, pack, question.findings[pack.id])
    if pack.only_notifies:
        return Opinion(Verdict.ALLOW, "notice.nobody", "it only asks to be told of runs of approved customers", "")
    return _by_standing(question)


def _by_standing(question: Question) -> Opinion:
    """Against a namespace of nobody, or a customer whose record does not hold."""
    customer = question.customer
    if customer is None:
        text = f"namespace {question.workload.ref.namespace} is bound to no customer"
        remedy = "ask your provider to bind the namespace to your account"
        return Opinion(Verdict.DENY, "customer.unknown", text, remedy)
    code = f"customer.{customer.standing_at(question.now).value}"
    return Opinion(Verdict.DENY, code, *customer.refusal(question.now))


# What a refused customer can do, where it is not a record that is missing. Names on lists are never told to it.
_REMEDIES = {OPEN_CODE: "ask your provider to finish the screening of the name, and have proof of who you are at hand"}


def _by_rule(question: Question, pack: Pack, finding: TierFinding) -> Opinion:
    why, tier = finding.deciding.text, finding.tier
    rule = pack.rule_for(tier, question.site, question.now.date())
    if rule is None and tier is Tier.UNRESOLVED:
        remedy = _REMEDIES.get(finding.deciding.code, "send your provider the missing headquarters or ownership record")
        return Opinion(Verdict.DENY, f"tier.{finding.deciding.code}", why, remedy, tier)
    if rule is None:
        text = f"it has no rule for {tier} with these chips in this country, and {why}"
        return Opinion(Verdict.DENY, "rule.none", text, pack.remedy, tier)
    if rule.action is Action.BUDGET:
        return by_budget(question, pack, finding, rule)
    if rule.action is Action.NOTIFY:
        return by_notice(question, pack, finding, rule)
    if rule.action is Action.HOLD:
        return _by_inquiry(question, pack, finding, rule)
    verdict = Verdict.ALLOW if rule.action is Action.ALLOW else Verdict.DENY
    return Opinion(verdict, rule.code, f"{rule.text}, and {why}", pack.remedy, tier)


def _by_inquiry(question: Question, pack: Pack, finding: TierFinding, rule: Rule) -> Opinion:
    """On hold until every question that applies is answered; the answers allow or refuse, and are cited."""
    found, why = given_answers(question, pack, finding, rule), finding.deciding.text
    if found.denied:
        text = f"{named(found.denied)} {was(found.denied)} answered with no; {rule.text}, and {why}"
        return Opinion(Verdict.DENY, "inquiry.denied", text, pack.remedy, finding.tier)
    if found.permit:
        text = f"{named(found.holding)} {'are' if found.holding[1:] else 'is'} answered until {found.until}, and {why}"
        return Opinion(Verdict.ALLOW, "inquiry.answered", text, "", finding.tier)
    remedy, asks = what_is_missing(question, found.missing)
    return Opinion(Verdict.HOLD, rule.code, f"{rule.text}, and {why}", remedy, finding.tier, inquiries=asks)
