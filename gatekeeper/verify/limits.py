"""Works out the limit of each reservation again: which rule of each pack applied to its customer, what the rule's own
allowances, lineages and answers make of the threshold, and what the models count that made a run's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.answers import Answers, answers_to
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP
from gatekeeper.domain.limits import limit_by
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.lineage_facts import lineage_of_json
from gatekeeper.domain.policy import Action, Mode, Rule, questions_of
from gatekeeper.domain.policy_facts import Terms
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import Purpose
from gatekeeper.domain.site import Site
from gatekeeper.domain.tier import Tier
from gatekeeper.verify.fields import Facts, Wrong, amount_of, amount_or, text_of
from gatekeeper.verify.inquiries import InquiryCheck
from gatekeeper.verify.overrides import OverrideCheck
from gatekeeper.verify.packs import PackCheck, told_questions
from gatekeeper.verify.tiers import TierCheck

Cell = tuple[Tier, Site, Tier]


@dataclass(frozen=True, slots=True)
class Applied:
    """A pack as it applied to a customer: its terms, the cell of its table, and the rule that decides there."""

    pack: str
    terms: Terms
    cell: Cell
    rule: Rule | None


class LimitCheck:
    """A check for `verify_export(checks=[...])`, to stand after those that it asks."""

    def __init__(self, packs: PackCheck, inquiries: InquiryCheck, tiers: TierCheck, overrides: OverrideCheck) -> None:
        self._packs, self._inquiries, self._tiers, self._overrides = packs, inquiries, tiers, overrides
        self._lineages: dict[str, Lineage | None] = {}

    def applied(
        self, cluster: str, customer: str, pack: str, sha256: str, at: datetime, *, tier: Tier | None = None
    ) -> Applied | None:
        """How a pack applied to a customer, in a tier if that is given; None where the log does not tell enough, or
        where the site changed just before: whichever process decided may have been at either."""
        told, table = self._packs.terms(cluster, sha256), self._tiers.table(sha256)
        sites = {each.site for each in self._packs.held(cluster, pack, at) if each.sha256 == sha256}
        if told is None or table is None or len(sites) > 1:
            return None
        if tier is None:
            judged = self._overrides.judged(customer, sha256, at)
            if judged is None:
                return None
            tier = judged.tier
        terms, site = told_questions(told[0]), told[1]
        cell = tier, site, table.tier_of(site.country, at.date())
        return Applied(pack, terms, cell, terms.rule_for(*cell))

    def answers(self, applied: Applied, run: str, day: date) -> Answers:
        """What was answered of all that a pack asks about a run."""
        asked = () if applied.rule is None else questions_of(applied.rule, applied.terms.inquiries, *applied.cell)
        return answers_to(asked, self._permits(applied, run), day)

    def limit(self, applied: Applied, model: Sequence[str], day: date) -> int | None:
        """The limit of a model by a pack: the lowest of its runs."""
        found = [
            limit_by(
                applied.terms,
                applied.rule,
                applied.cell,
                day,
                lineage=self._lineages.get(run),
                permits=self._permits(applied, run) if run else (),
            )
            for run in model or ("",)
        ]
        return min((each for each in found if each is not None), default=None)

    def declared(self) -> Sequence[str]:
        """The approved runs of training."""
        return tuple(self._lineages)

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a limit, or an amount that counts beside the accounts, which no pack of its decision sets its run.
        """
        if record.type is RecordType.RUN_APPROVED:
            self._approve_run(record.facts)
        elif record.type is RecordType.RUN_RECLASSIFIED:
            self._lineages.pop(text_of(record.facts, "run"), None)
        elif record.type is RecordType.RESERVATION_PENDING:
            self._compare(record.facts, record.at)

    def _approve_run(self, facts: Facts) -> None:
        run, lineage = text_of(facts, "run"), facts.get("lineage")
        if str(facts.get("purpose", Purpose.TRAINING)) != Purpose.TRAINING:
            return
        self._lineages[run] = None
        if isinstance(lineage, Mapping):
            try:
                self._lineages[run] = lineage_of_json(lineage)
            except InvalidInput as error:
                raise Wrong(f"The lineage of run {run} is none: {error}") from error

    def _compare(self, facts: Facts, at: datetime) -> None:
        """Limit and extra of a reservation are those of the enforcing pack that leaves its runs least."""
        decision, run, stated = facts.get("decision"), text_of(facts, "run"), amount_of(facts, "limit_tflop")
        packs = decision.get("packs") if isinstance(decision, Mapping) else None
        if not isinstance(packs, Mapping) or stated == NO_LIMIT_TFLOP:
            return
        workload, pool = facts.get("workload"), facts.get("pool")
        cluster = text_of(workload, "cluster") if isinstance(workload, Mapping) else ""
        found = self._under(cluster, text_of(facts, "customer"), packs, _runs_of(facts, run), at)
        if found is None:
            return  # of a log that began before packs told their terms
        extra = amount_or(pool, "extra_tflop", 0) if isinstance(pool, Mapping) else 0
        if stated not in {limit for limit, _, _ in found}:
            raise Wrong(f"Run {run} is held under a limit of {stated} TFLOP, which none of its packs sets it.")
        if (stated, extra) not in {(limit, each) for limit, each, _ in found}:
            raise Wrong(
                f"Beside run {run} {extra} TFLOP are counted for the data it is trained on; its packs count others."
            )
        sure = [limit - each for limit, each, certain in found if certain]
        if sure and stated - extra > min(sure):
            raise Wrong(f"Run {run} is held under a limit of {stated} TFLOP, and another of its packs leaves it less.")

    def _under(
        self, cluster: str, customer: str, packs: Mapping[str, object], runs: Sequence[str], at: datetime
    ) -> list[tuple[int, int, bool]] | None:
        """Limit and extra by each pack that may enforce a budget, and whether it surely did; None: not told."""
        model, found = [run for run in runs if run in self._lineages], list[tuple[int, int, bool]]()
        for pack, sha256 in packs.items():
            applied = self.applied(cluster, customer, str(pack), str(sha256), at)
            if applied is None:
                return None
            modes = {each.mode for each in self._packs.held(cluster, str(pack), at) if each.sha256 == sha256}
            budget = applied.rule is not None and applied.rule.action is Action.BUDGET
            limit = self.limit(applied, model, at.date())
            if budget and limit is not None and (not modes or Mode.ENFORCE in modes):
                rule = applied.terms.allowances
                extra = sum(extra_counted_tflop(rule, self._lineages[each]) for each in model)
                found.append((limit, extra, modes == {Mode.ENFORCE}))
        return found

    def _permits(self, applied: Applied, run: str) -> tuple[Permit, ...]:
        """The answers about a run; those without the id of a question are to the one there was."""
        permits = self._inquiries.permits(applied.pack, run)
        if applied.terms.inquiries and not applied.terms.inquiries[0].asks:
            return tuple(replace(each, asks=each.asks or applied.terms.inquiries[0].id) for each in permits)
        return permits


def _runs_of(facts: Facts, run: str) -> tuple[str, ...]:
    pool = facts.get("pool")
    runs = pool.get("runs") if isinstance(pool, Mapping) else None
    return tuple(str(each) for each in runs) if isinstance(runs, list | tuple) else (run,)
