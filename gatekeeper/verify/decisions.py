"""Works out each decision again: which packs had to be asked, which rule of each applied, what that rule lets be said,
and the strictest of it.

A start (`reservation.pending`) is decided in the transaction that records it, so it is held to the customer's tier and
the answers of that moment. What the webhook says early rests on a view that may be a moment old: there any tier and any
answer will do that makes its words true. What a pack says against a customer (standing, a label, a screening) is never
too strict for anybody to be let through, and is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.policy import Action, Mode
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.tier import Tier
from gatekeeper.verify.fields import Facts, Wrong, text_of
from gatekeeper.verify.limits import Applied, LimitCheck
from gatekeeper.verify.packs import PackCheck
from gatekeeper.verify.unchecked import Unchecked

_DECIDED = (
    RecordType.RESERVATION_PENDING,
    RecordType.WORKLOAD_REFUSED,
    RecordType.WORKLOAD_HELD,
    RecordType.WORKLOAD_WARNED,
)
# What an action may be told by, whatever was answered: code -> verdict.
_SAYS = {
    Action.BUDGET: {
        "budget.enough": Verdict.ALLOW,
        "budget.none_needed": Verdict.ALLOW,
        "budget.not_counted": Verdict.ALLOW,
        "budget.low": Verdict.WARN,
    },
    Action.NOTIFY: {"notice.none": Verdict.ALLOW, "notice.near": Verdict.WARN, "notice.due": Verdict.WARN},
}
_BEYOND = ("budget.exhausted", "budget.overrun")
_MOST = {Mode.OBSERVE: Verdict.ALLOW, Mode.WARN: Verdict.WARN, Mode.ENFORCE: Verdict.STOP}


class DecisionCheck:
    """A check for `verify_export(checks=[...])`, to stand after those that it asks."""

    def __init__(self, packs: PackCheck, limits: LimitCheck, unchecked: Unchecked) -> None:
        self._packs, self._limits, self._unchecked = packs, limits, unchecked

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a decision that leaves a pack out, or says what no rule of its packs says.
        """
        decision, workload = record.facts.get("decision"), record.facts.get("workload")
        if record.type is RecordType.CLEARANCE_GIVEN and isinstance(record.facts.get("packs"), Mapping):
            self._check_asked(text_of(record.facts, "cluster"), record.facts, record.at, enforcing=True)
        if record.type not in _DECIDED or not isinstance(decision, Mapping) or not isinstance(workload, Mapping):
            return
        cluster, packs = text_of(workload, "cluster"), decision.get("packs")
        if not isinstance(packs, Mapping):
            raise Wrong("A decision names no packs.")
        if any(self._packs.terms(cluster, str(sha256)) is None for sha256 in packs.values()):
            if record.type is not RecordType.RESERVATION_PENDING:  # which is told as a start
                self._unchecked.add("early answers by packs whose terms the log does not tell")
            return
        self._check_asked(cluster, decision, record.at, enforcing=False)
        reasons = _reasons(decision, packs)
        strictest = max((_verdict(each, "verdict") for each in reasons), key=lambda each: each.strictness, default=None)
        if strictest is not None and strictest is not _verdict(decision, "verdict"):
            raise Wrong(f"A decision is {decision.get('verdict')}, and the strictest of its reasons {strictest.value}.")
        for reason in reasons:
            sha256 = text_of(packs, text_of(reason, "pack"))
            self._check_mode(cluster, reason, sha256, record.at)
            self._check_reason(cluster, reason, sha256, record)

    def _check_asked(self, cluster: str, decision: Facts, at: datetime, *, enforcing: bool) -> None:
        """Every pack that surely was in force is asked, in an edition that may have been."""
        packs = decision["packs"]
        assert isinstance(packs, Mapping)
        for pack, held in self._packs.surely_held(cluster, at):
            told = self._packs.terms(cluster, held.sha256)
            asks = held.mode is Mode.ENFORCE if enforcing else held.mode is not Mode.OFF
            if told is not None and asks and told[0].holds_on(at.date()) and pack not in packs:
                raise Wrong(f"Pack {pack} is in force, and a decision does not ask it.")
        for pack, sha256 in packs.items():
            editions = {each.sha256 for each in self._packs.held(cluster, str(pack), at)}
            if editions and sha256 not in editions:
                raise Wrong(f"A decision asks an edition of pack {pack} that is not in force.")

    def _check_mode(self, cluster: str, reason: Facts, sha256: str, at: datetime) -> None:
        said, would = _verdict(reason, "verdict"), _verdict(reason, "unmoderated")
        held = self._packs.held(cluster, text_of(reason, "pack"), at)
        modes = {each.mode for each in held if each.sha256 == sha256 and each.mode is not Mode.OFF}
        if modes and said not in {min(would, _MOST[each], key=lambda it: it.strictness) for each in modes}:
            raise Wrong(f"Pack {reason['pack']} would {would.value}; in no mode of its own it says {said.value}.")

    def _check_reason(self, cluster: str, reason: Facts, sha256: str, record: Record) -> None:
        pack, code, would = text_of(reason, "pack"), text_of(reason, "code"), _verdict(reason, "unmoderated")
        starts = record.type is RecordType.RESERVATION_PENDING
        tiers: Iterable[Tier | None] = (None,) if starts else Tier
        customer = record.facts.get("customer")
        known = False
        for tier in tiers:
            applied = self._limits.applied(cluster, str(customer), pack, sha256, record.at, tier=tier)
            known = known or applied is not None
            if applied is not None and would in self._said(applied, code, record, starts=starts):
                return
        if known:
            raise Wrong(f"By pack {pack} a decision is {would.value} with {code}, which no rule of it says here.")

    def _said(self, applied: Applied, code: str, record: Record, *, starts: bool) -> set[Verdict]:
        """What the rule that applies may say with a code."""
        rule = applied.rule
        if rule is None:
            return {Verdict.DENY}
        if code in _SAYS.get(rule.action, {}):
            return {_SAYS[rule.action][code]}
        only_notifies = all(each.action is Action.NOTIFY for each in applied.terms.rules)
        if (rule.action is Action.ALLOW and code == rule.code) or (only_notifies and code == "notice.nobody"):
            return {Verdict.ALLOW}
        asks = rule.action is Action.HOLD and code in (rule.code, "inquiry.answered")
        if asks or (rule.action is Action.BUDGET and code in _BEYOND):
            return self._held(applied, code, record, starts=starts)
        return {Verdict.DENY}

    def _held(self, applied: Applied, code: str, record: Record, *, starts: bool) -> set[Verdict]:
        """What a rule may say that holds, or past a budget."""
        rule = applied.rule
        assert rule is not None
        if not rule.holds:
            return {Verdict.DENY}
        answered = Verdict.ALLOW if code == "inquiry.answered" else Verdict.DENY
        if not starts:
            return {answered} if code == "inquiry.answered" else {Verdict.HOLD, Verdict.DENY}
        found = self._limits.answers(applied, text_of(record.facts, "run"), record.at.date())
        if found.denied:
            return {Verdict.DENY}
        if code == "inquiry.answered":
            return {answered} if found.permit else set()
        return {Verdict.DENY if found.permit else Verdict.HOLD}


def _reasons(decision: Facts, packs: Facts) -> list[Facts]:
    """The reasons of packs: one of each that was asked."""
    value = decision.get("reasons")
    reasons = [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []
    found = [each for each in reasons if each.get("pack")]
    if sorted(str(each["pack"]) for each in found) != sorted(map(str, packs)):
        raise Wrong("A decision gives not one reason of each pack that it asks.")
    return found


def _verdict(facts: Facts, name: str) -> Verdict:
    try:
        return Verdict(text_of(facts, name))
    except ValueError as error:
        raise Wrong(f"{name} is no verdict.") from error
