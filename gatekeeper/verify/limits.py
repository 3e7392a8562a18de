"""Compares the limit of every reservation with what the packs of its decision make of it (threshold of the day,
approved lineage, approved answers), and every inquiry with its own history.

The terms of a pack stand in its `policy.loaded` record, by its SHA-256, with the site that they were applied to. A log
without them (format of packs before 2026-11-22) has nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gatekeeper.domain.allowances import limit_tflop
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.inquiry import InquiryState
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.lineage_facts import lineage_of_json
from gatekeeper.domain.person import same_person
from gatekeeper.domain.policy import Action
from gatekeeper.domain.policy_facts import Terms, terms_of
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.site import ChipAuthorization, Site
from gatekeeper.verify.fields import Facts, Wrong, amount_of, text_of

# What says an answer is no, or yes, and what it was before.
_FOLLOWS = {
    # Opened again where the customer that it was answered about has other owners now.
    InquiryState.OPEN: frozenset({None, InquiryState.ANSWERED, InquiryState.APPROVED}),
    InquiryState.ANSWERED: frozenset(InquiryState),
    InquiryState.APPROVED: frozenset({InquiryState.ANSWERED}),
    InquiryState.DENIED: frozenset(InquiryState),
}
_SAYS = {
    RecordType.INQUIRY_OPENED: InquiryState.OPEN,
    RecordType.INQUIRY_ANSWERED: InquiryState.ANSWERED,
    RecordType.INQUIRY_APPROVED: InquiryState.APPROVED,
    RecordType.INQUIRY_DENIED: InquiryState.DENIED,
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """An inquiry as the log told of it last."""

    state: InquiryState
    said: tuple[object, ...]
    answered_by: str
    limit_tflop: int | None
    until: date | None

    def permits_on(self, day: date) -> int | None:
        """The limit that it lifts a run to on a day; None where it lifts none."""
        return self.limit_tflop if self.holds_on(day) else None

    def holds_on(self, day: date) -> bool:
        """Whether it permits anything on a day."""
        return self.state is InquiryState.APPROVED and self.until is not None and day <= self.until


class LimitCheck:
    """A check for `verify_export(checks=[...])`."""

    def __init__(self) -> None:
        self._terms: dict[tuple[str, str], tuple[Terms, Site]] = {}
        self._lineages: dict[str, Lineage] = {}
        self._answers: dict[tuple[str, str], _Answer] = {}

    def terms(self, cluster: str, sha256: str) -> tuple[Terms, Site] | None:
        """The terms of a pack, and the site that they were applied to; None where the log does not tell them."""
        return self._terms.get((cluster, sha256))

    def is_answered(self, pack: str, run: str, day: date) -> bool:
        """Whether an approved answer to the inquiry of a pack about a run holds on a day."""
        answer = self._answers.get((pack, run))
        return answer is not None and answer.holds_on(day)

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a limit that no pack of its decision sets, or an answer that one person alone let be.
        """
        facts = record.facts
        if record.type is RecordType.POLICY_LOADED and "terms" in facts:
            self._load(facts)
        elif record.type is RecordType.RUN_APPROVED:
            self._approve_run(facts)
        elif record.type in _SAYS:
            self._inquire(facts, _SAYS[record.type], record)
        elif record.type is RecordType.RESERVATION_PENDING:
            self._compare(facts, record.at.date())

    def _load(self, facts: Facts) -> None:
        site = facts.get("site")
        try:
            if not isinstance(site, Mapping):
                raise InvalidInput("it names no site")
            where = Site(str(site.get("country") or ""), ChipAuthorization(text_of(site, "chip_authorization")))
            terms = terms_of(facts["terms"])
        except (InvalidInput, ValueError) as error:
            raise Wrong(f"The terms of pack {text_of(facts, 'pack')} cannot be read: {error}") from error
        sha256 = text_of(facts, "sha256")
        if any(known != terms for (_, each), (known, _) in self._terms.items() if each == sha256):
            raise Wrong(f"The terms of pack {text_of(facts, 'pack')} are not those known by its SHA-256.")
        self._terms[text_of(facts, "cluster"), sha256] = terms, where

    def _approve_run(self, facts: Facts) -> None:
        lineage = facts.get("lineage")
        if isinstance(lineage, Mapping):
            try:
                self._lineages[text_of(facts, "run")] = lineage_of_json(lineage)
            except InvalidInput as error:
                raise Wrong(f"The lineage of run {text_of(facts, 'run')} is none: {error}") from error

    def _inquire(self, facts: Facts, says: InquiryState, record: Record) -> None:
        key = (text_of(facts, "pack"), text_of(facts, "run"))
        before, name, until = self._answers.get(key), text_of(facts, "inquiry"), facts.get("until")
        limit = amount_of(facts, "limit_tflop") if facts.get("limit_tflop") is not None else None
        said = tuple(facts.get(each) for each in ("answer", "licence", "limit_tflop", "until", "answered_by"))
        now = _Answer(
            says, said, str(facts.get("answered_by") or ""), limit, date.fromisoformat(str(until)) if until else None
        )
        self._answers[key] = now
        if name != ".".join(key) or facts.get("state") != says.value:
            raise Wrong(f"Inquiry {name} is not named for its pack and run, or is not what its record is about.")
        if (before.state if before else None) not in _FOLLOWS[says]:
            raise Wrong(f"Inquiry {name} is {says.value}, which does not follow from what it was.")
        if says in (InquiryState.ANSWERED, InquiryState.DENIED) and not same_person(now.answered_by, record.actor.name):
            raise Wrong(f"Inquiry {name} is answered by {now.answered_by}, and somebody else wrote that down.")
        if says is InquiryState.APPROVED:
            if before is None or before.said != now.said:
                raise Wrong(f"Inquiry {name} is approved with another answer than the one that waited.")
            if same_person(now.answered_by, record.actor.name):
                raise Wrong(f"Inquiry {name} is answered and approved by one person, {now.answered_by}.")

    def _compare(self, facts: Facts, day: date) -> None:
        """The limit of a reservation is one that a pack of its decision sets for its run."""
        decision, run, stated = facts.get("decision"), text_of(facts, "run"), amount_of(facts, "limit_tflop")
        packs = decision.get("packs") if isinstance(decision, Mapping) else None
        if not isinstance(packs, Mapping) or stated == NO_LIMIT_TFLOP:
            return
        workload, runs = facts.get("workload"), _runs_of(facts, run)
        cluster = text_of(workload, "cluster") if isinstance(workload, Mapping) else ""
        if not all((cluster, sha256) in self._terms for sha256 in packs.values()):
            return  # of a log that began before packs told their terms
        loaded = [(pack, *self._terms[cluster, sha256]) for pack, sha256 in packs.items()]
        possible = {
            limit for pack, terms, site in loaded for limit in self._limits(pack, terms, site, runs=runs, day=day)
        }
        if stated not in possible:
            raise Wrong(f"Run {run} is held under a limit of {stated} TFLOP, which none of its packs sets.")

    def _limits(self, pack: str, terms: Terms, site: Site, *, runs: tuple[str, ...], day: date) -> Iterator[int]:
        """All limits that a pack sets any of the runs that share one."""
        if terms.threshold is None or not terms.holds_on(day):
            return
        holds = any(rule.action is Action.BUDGET and rule.holds for rule in terms.rules)
        for lineage in (None, *(self._lineages.get(run) for run in runs)):
            limit = limit_tflop(terms.threshold, terms.allowances, lineage, day=day, site=site)
            yield limit
            for run in runs if holds else ():
                answer = self._answers.get((pack, run))
                permitted = answer.permits_on(day) if answer is not None else None
                if permitted is not None:
                    yield max(limit, permitted)


def _runs_of(facts: Facts, run: str) -> tuple[str, ...]:
    pool = facts.get("pool")
    runs = pool.get("runs") if isinstance(pool, Mapping) else None
    return tuple(str(each) for each in runs) if isinstance(runs, list | tuple) else (run,)
