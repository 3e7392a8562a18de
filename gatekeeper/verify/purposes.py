"""Follows from record to record which runs do not count, and that two people said so of each."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.domain.person import same_person
from gatekeeper.domain.run import Purpose, undeclared_run_id
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.verify.fields import Facts, Wrong, text_of, texts_of


@dataclass(frozen=True, slots=True)
class _Classified:
    """A run that does not count: what it is, and the namespaces that work for it."""

    customer: str
    purpose: Purpose
    cluster: str
    namespaces: frozenset[str]


class Purposes:
    """Classifications in effect, and those that were withdrawn: customer -> runs."""

    def __init__(self) -> None:
        self._classified: dict[str, _Classified] = {}
        self.withdrawn: dict[str, set[str]] = {}

    def of(self, run: str) -> Purpose:
        """What a run is; training unless it is classified otherwise."""
        found = self._classified.get(run)
        return found.purpose if found else Purpose.TRAINING

    def approve(self, facts: Facts, by: str) -> None:
        """A run is approved; where it does not count, by somebody else than who declared it."""
        purpose = _purpose(facts)
        if purpose.counts:
            return
        run, declared_by = text_of(facts, "run"), text_of(facts, "declared_by")
        self._classified[run] = _Classified(
            text_of(facts, "customer"), purpose, text_of(facts, "cluster"), frozenset(texts_of(facts, "namespaces"))
        )
        if same_person(declared_by, by):
            raise Wrong(f"Run {run} does not count, and {by} alone declared and approved that.")

    def withdraw(self, facts: Facts) -> None:
        """A classification ends; from now on the run counts as undeclared training of its customer."""
        run = text_of(facts, "run")
        found = self._classified.pop(run, None)
        if found is None:
            raise Wrong(f"Run {run} is reclassified, and was not classified before.")
        self.withdrawn.setdefault(found.customer, set()).add(run)
        if not _purpose(facts).counts:
            raise Wrong(f"Run {run} is reclassified to something that does not count.")

    def check_hold(self, facts: Facts, run: str, pool: set[str], limit_tflop: int) -> None:
        """A reservation is of the purpose that its run has, and only what does not count has no limit."""
        purpose = self.of(run)
        if _purpose(facts) is not purpose:
            raise Wrong(f"Run {run} is {purpose.value}; a reservation of it says otherwise.")
        if purpose.counts:
            self._check_counted(run, pool, limit_tflop)
            return
        if pool != {run}:
            raise Wrong(f"Run {run} does not count, and shares a limit.")
        self._check_place(facts, run)

    def check_metering(self, facts: Facts, run: str) -> None:
        """What holds nothing is booked on a run that does not count only from the namespaces that it names."""
        self._check_not_withdrawn(run)
        if not self.of(run).counts:
            self._check_place(facts, run)

    def _check_place(self, facts: Facts, run: str) -> None:
        workload = facts.get("workload")
        place = (workload.get("cluster"), workload.get("namespace")) if isinstance(workload, dict) else ("", "")
        found = self._classified[run]
        if place[0] != found.cluster or place[1] not in found.namespaces:
            raise Wrong(f"Run {run} does not count, and this reservation is not of a namespace that it names.")

    def _check_not_withdrawn(self, run: str) -> None:
        if any(run in withdrawn for withdrawn in self.withdrawn.values()):
            raise Wrong(f"The classification of run {run} was withdrawn: nothing new is booked on it.")

    def _check_counted(self, run: str, pool: set[str], limit_tflop: int) -> None:
        if limit_tflop == LARGEST_TFLOP:
            raise Wrong(f"Run {run} counts, and is held under no limit.")
        self._check_not_withdrawn(run)
        for customer, withdrawn in self.withdrawn.items():
            if undeclared_run_id(customer) in pool and not withdrawn <= pool:
                raise Wrong(
                    f"Run {run} shares its limit with {', '.join(sorted(withdrawn - pool))}, which is left out."
                )


def _purpose(facts: Facts) -> Purpose:
    """What a record says of the purpose; training where it says nothing, as records did at first."""
    try:
        return Purpose(str(facts.get("purpose", Purpose.TRAINING)))
    except ValueError as error:
        raise Wrong("purpose must be training, inference or evaluation.") from error
