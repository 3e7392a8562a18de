"""Compares whatever lets work start, or books it, with what people let be by the log at that moment: whose the
namespace is, that the customer's approval holds, that its run is approved, and that the packs let its tier start.

    reservation.pending  all of it
    metering.begun       namespace and run: what runs is booked, whoever let it start
    clearance.given      all of it, and that it ends with what it rests on

A start is held to this from the first `policy.loaded` of its cluster with the `terms` of a pack on, a clearance where
it names its `packs`; both since 2026-11-22. Those before are told as not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.domain.policy import Action
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import undeclared_run_id
from gatekeeper.verify.declared import DeclaredCheck
from gatekeeper.verify.fields import Facts, Wrong, flag_of, moment_of, text_of
from gatekeeper.verify.life import LifeCheck
from gatekeeper.verify.limits import LimitCheck
from gatekeeper.verify.overrides import OverrideCheck
from gatekeeper.verify.packs import PackCheck
from gatekeeper.verify.screening import ScreeningCheck
from gatekeeper.verify.tiers import TierCheck
from gatekeeper.verify.unchecked import Unchecked

_STARTS = (RecordType.RESERVATION_PENDING, RecordType.METERING_BEGUN)
_LETS_START = (Action.ALLOW, Action.BUDGET, Action.NOTIFY)
_NEEDS_NO_BUDGET = (Action.ALLOW, Action.NOTIFY)
# Records tell whole seconds of an end.
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Place:
    """A namespace as the log binds it."""

    customer: str
    run: object
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """The checks whose knowledge starts are compared with; each has seen a record before this one does."""

    tiers: TierCheck
    screening: ScreeningCheck
    lives: LifeCheck
    overrides: OverrideCheck
    packs: PackCheck
    limits: LimitCheck
    declared: DeclaredCheck
    unchecked: Unchecked


class StartCheck:
    """A check for `verify_export(checks=[...])`, to stand after those that it knows."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._places: dict[tuple[str, str], _Place] = {}
        self._tell_terms: set[str] = set()

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: something starts that nobody let start by the records before.
        """
        facts = record.facts
        if record.type in _STARTS:
            self._start(record)
        elif record.type is RecordType.CLEARANCE_GIVEN:
            self._clear(facts, record.at)
        elif record.type is RecordType.POLICY_LOADED and "terms" in facts:
            self._tell_terms.add(text_of(facts, "cluster"))
        elif record.type is RecordType.NAMESPACE_BOUND:
            self._places[_place(facts)] = _Place(text_of(facts, "customer"), facts.get("run"))
        elif record.type is RecordType.NAMESPACE_UNBOUND:
            self._places.pop(_place(facts), None)
        elif record.type is RecordType.NAMESPACE_IDENTIFIED and _place(facts) in self._places:
            before = self._places[_place(facts)]
            self._places[_place(facts)] = _Place(before.customer, before.run, flag_of(facts, "holds"))

    def _start(self, record: Record) -> None:
        facts, workload = record.facts, record.facts.get("workload")
        cluster = text_of(workload, "cluster") if isinstance(workload, Mapping) else ""
        if not isinstance(workload, Mapping) or cluster not in self._tell_terms:
            self._known.unchecked.add("starts before the log told the terms of the packs of their cluster")
            return
        place, customer, run = _place(workload), text_of(facts, "customer"), text_of(facts, "run")
        reserves = record.type is RecordType.RESERVATION_PENDING
        bound = self._bound(place, customer, holds=reserves)
        booked = self._known.declared.booked_on(run, customer, place[1], bound.run) if bound.holds else False
        if not booked and (bound.holds or run != undeclared_run_id(customer)):
            raise Wrong(f"Work in namespace {place[1]} is booked on run {run}, which nobody let it be.")
        if reserves:
            packs = _that_let_start(facts.get("decision"))
            self._check_standing(customer, packs, record.at)
            self._check_tiers(cluster, customer, run, packs, at=record.at, actions=_LETS_START)

    def _clear(self, facts: Facts, at: datetime) -> None:
        place, packs = _place(facts), facts.get("packs")
        if not isinstance(packs, Mapping):
            self._known.unchecked.add("clearances that do not name the packs that enforce")
            return
        if not packs:
            return  # Nobody enforces anything, so nothing is held back.
        found = {str(pack): str(sha256) for pack, sha256 in packs.items()}
        customer = text_of(facts, "customer")
        bound = self._bound(place, customer, holds=True)
        run = self._known.declared.own(customer, place[1], bound.run)
        ends = self._check_standing(customer, found, at)
        self._check_tiers(place[0], customer, run, found, at=at, actions=_NEEDS_NO_BUDGET)
        if ends is not None and moment_of(facts, "until") > ends:
            raise Wrong(f"The clearance of namespace {place[1]} lasts longer than what it rests on.")

    def _bound(self, place: tuple[str, str], customer: str, *, holds: bool) -> _Place:
        bound = self._places.get(place)
        if bound is None:
            raise Wrong(f"Namespace {place[1]} is bound to nobody, and work of customer {customer} is let start there.")
        if bound.customer != customer:
            raise Wrong(f"Namespace {place[1]} belongs to customer {bound.customer}; the record says {customer}.")
        if holds and not bound.holds:
            raise Wrong(f"Namespace {place[1]} was made anew, and nobody bound it again.")
        return bound

    def _check_standing(self, customer: str, packs: Mapping[str, str], at: datetime) -> datetime | None:
        """The end of what lets a customer start; None where its standing does not matter.

        Raises:
            Wrong: no approval of it holds, nor an override that carries one which has ended.
        """
        lives, ends = self._known.lives, self._known.lives.ends(customer)
        if lives.standing(customer) != "approved" or ends is None:
            raise Wrong(f"Work of customer {customer} is let start, which is {lives.standing(customer) or 'unknown'}.")
        if not self._known.screening.is_screened(customer):
            raise Wrong(
                f"Work of customer {customer} is let start, whose names were not screened since they were written."
            )
        found = [self._known.overrides.judged(customer, sha256, at) for sha256 in packs.values()]
        if at < ends:
            return min([ends, *(each.ends + _SECOND for each in found if each and each.lowered and each.ends)])
        carried = [each.ends for each in found if each is not None and each.ends is not None]
        if not carried or len(carried) < len(found):
            raise Wrong(f"Work of customer {customer} is let start; its approval ended at {ends - _SECOND}.")
        return min(carried) + _SECOND

    def _check_tiers(
        self,
        cluster: str,
        customer: str,
        run: str,
        packs: Mapping[str, str],
        *,
        at: datetime,
        actions: Iterable[Action],
    ) -> None:
        """Every pack that enforces lets the customer's tier start, as its parties make it on this day."""
        for pack, sha256 in packs.items():
            if self._known.packs.terms(cluster, sha256) is None or self._known.tiers.table(sha256) is None:
                raise Wrong(f"Work of customer {customer} is let start by pack {pack}, whose terms the log lacks.")
            applied = self._known.limits.applied(cluster, customer, pack, sha256, at)
            if applied is None:
                self._known.unchecked.add(
                    "starts of customers whose parties the log does not tell, or as a site changed"
                )
                continue
            rule, tier = applied.rule, applied.cell[0]
            answered = rule is not None and rule.action is Action.HOLD
            answered = answered and self._known.limits.answers(applied, run, at.date()).permit
            if not answered and (rule is None or rule.action not in actions):
                raise Wrong(f"Work of customer {customer} is let start; by pack {pack} its {tier} may not, or not so.")


def _that_let_start(decision: object) -> dict[str, str]:
    """The packs that let work start by their own word, and not only by their mode: id -> SHA-256."""
    packs = decision.get("packs") if isinstance(decision, Mapping) else None
    reasons = decision.get("reasons") if isinstance(decision, Mapping) else None
    if not isinstance(packs, Mapping) or not isinstance(reasons, list | tuple):
        raise Wrong("The record of a start holds no decision.")
    lets = [each["pack"] for each in reasons if each.get("verdict") == each.get("unmoderated") and each.get("pack")]
    return {str(pack): str(packs.get(pack)) for pack in lets}


def _place(facts: Facts) -> tuple[str, str]:
    return text_of(facts, "cluster"), text_of(facts, "namespace")
