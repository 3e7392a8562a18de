"""Follows corrections from proposal to effect: each once, as proposed, and by two people where it lowers anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gatekeeper.domain.person import same_person
from gatekeeper.verify.fields import Facts, Wrong, change_of, text_of
from gatekeeper.verify.report import RunTotals

_SAME = ("run", "customer", "low_tflop", "best_tflop", "high_tflop", "reason", "proposed_by")


class Corrections:
    """Corrections that were proposed and are not in effect yet, and the ids of those that are."""

    def __init__(self) -> None:
        self._waiting: dict[str, Mapping[str, object]] = {}
        self._booked: set[str] = set()

    def propose(self, facts: Facts, by: str) -> None:
        """A correction is proposed by the person who acts."""
        correction = text_of(facts, "correction")
        if correction in self._waiting or correction in self._booked:
            raise Wrong(f"Correction {correction} is proposed a second time.")
        self._waiting[correction] = {name: facts.get(name) for name in _SAME}
        if text_of(facts, "proposed_by") != by:
            raise Wrong(f"Correction {correction} is proposed by {by}; its record names somebody else.")

    def reject(self, facts: Facts) -> None:
        """A correction that waited is dropped."""
        correction = text_of(facts, "correction")
        if self._waiting.pop(correction, None) is None:
            raise Wrong(f"Correction {correction} is rejected, and does not wait.")

    def book(self, facts: Facts, totals: RunTotals) -> RunTotals:
        """A run's totals with a correction in effect."""
        return replace(
            totals,
            low_tflop=totals.low_tflop + change_of(facts, "low_tflop"),
            best_tflop=totals.best_tflop + change_of(facts, "best_tflop"),
            settled_tflop=totals.settled_tflop + change_of(facts, "high_tflop"),
        )

    def check(self, facts: Facts, by: str, totals: RunTotals) -> None:
        """A correction that took effect follows from its proposal; `totals` are those after it."""
        correction = text_of(facts, "correction")
        proposed = self._waiting.pop(correction, None)
        self._booked.add(correction)
        if proposed is None:
            raise Wrong(f"Correction {correction} takes effect, and does not wait.")
        if any(facts.get(name) != value for name, value in proposed.items()):
            raise Wrong(f"Correction {correction} takes effect otherwise than it was proposed.")
        lowers = min(change_of(facts, name) for name in ("low_tflop", "best_tflop", "high_tflop")) < 0
        if lowers and (facts.get("approved_by") != by or same_person(text_of(facts, "proposed_by"), by)):
            raise Wrong(f"Correction {correction} lowers what run {totals.run} used, and one person alone did it.")
        if not 0 <= totals.low_tflop <= totals.best_tflop <= totals.settled_tflop:
            raise Wrong(f"After correction {correction} low, best and high of run {totals.run} are out of order.")
