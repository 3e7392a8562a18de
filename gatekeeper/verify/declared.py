"""Follows declared runs: what a second person approved is what the first one declared, and who may book on which run.

`run.declared` stands in the log from its first version on. An approval that names no `declared_by`, as of training
before 2026-11-22, or of a run that nobody declared by the log, is told as not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.domain.person import same_person
from gatekeeper.domain.record import Record, RecordType
from gatekeeper.domain.run import Purpose, named_run, undeclared_run_id
from gatekeeper.verify.fields import Facts, Wrong, text_of, texts_of
from gatekeeper.verify.unchecked import Unchecked

# Said of the act, not of the run.
_OF_THE_ACT = ("replaces", "declared_by")


@dataclass(frozen=True, slots=True)
class _Declared:
    by: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Approved:
    customer: str
    counts: bool
    namespaces: frozenset[str]

    def works_for(self, customer: str, namespace: str) -> bool:
        return self.customer == customer and (self.counts or namespace in self.namespaces)


class DeclaredCheck:
    """A check for `verify_export(checks=[...])`. Memory grows with the runs."""

    def __init__(self, unchecked: Unchecked) -> None:
        self._unchecked = unchecked
        self._declared: dict[str, _Declared] = {}
        self._approved: dict[str, _Approved] = {}

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: a run is approved otherwise than it was declared, or by one person.
        """
        if record.type is RecordType.RUN_DECLARED:
            self._declared[text_of(record.facts, "run")] = _Declared(record.actor.name, record.facts)
        elif record.type is RecordType.RUN_APPROVED:
            self._approve(record.facts, record.actor.name)
        elif record.type is RecordType.RUN_RECLASSIFIED:
            self._approved.pop(text_of(record.facts, "run"), None)

    def booked_on(self, run: str, customer: str, namespace: str, bound: object) -> bool:
        """Whether work of a customer in a namespace that is bound to `bound` may be booked on a run: that one; the
        undeclared training of the customer where there is none; or beside a run of the customer that a label names."""
        named = named_run(run)
        if named is not None:
            labelled = self._approved.get(named)
            return labelled is not None and labelled.counts and labelled.customer == customer
        return run == self.own(customer, namespace, bound)

    def own(self, customer: str, namespace: str, bound: object) -> str:
        """The run that work of a namespace is booked on where no label names another."""
        found = self._approved.get(bound) if isinstance(bound, str) else None
        return str(bound) if found and found.works_for(customer, namespace) else undeclared_run_id(customer)

    def _approve(self, facts: Facts, by: str) -> None:
        run = text_of(facts, "run")
        declared = self._declared.pop(run, None)
        counts = str(facts.get("purpose", Purpose.TRAINING)) == Purpose.TRAINING
        namespaces = frozenset(texts_of(facts, "namespaces"))
        if isinstance(customer := facts.get("customer"), str):
            self._approved[run] = _Approved(customer, counts, namespaces)
        if "declared_by" in facts and declared is None:
            raise Wrong(f"Run {run} is approved, and nobody declared it.")
        if "declared_by" not in facts or declared is None:
            self._unchecked.add("approvals of runs whose declaration the log does not tell")
            return
        if facts["declared_by"] != declared.by:
            raise Wrong(f"Run {run} is approved as declared by {facts['declared_by']}; it was {declared.by}.")
        if same_person(declared.by, by):
            raise Wrong(f"{by} alone declared and approved run {run}.")
        names = (facts.keys() | declared.facts.keys()) - set(_OF_THE_ACT)
        other = sorted(name for name in names if facts.get(name) != declared.facts.get(name))
        if other:
            raise Wrong(f"Run {run} is approved with another {other[0]} than was declared.")
