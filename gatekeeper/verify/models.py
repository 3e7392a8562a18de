"""Follows which declared runs are of one model: joined by a hand-over, or of one base whose allowance they share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gatekeeper.domain.join import models_of, plain_name
from gatekeeper.verify.fields import Facts, Wrong, amount_of, text_of


class Models:
    """Declared runs of training, whose they are, and what joins them."""

    def __init__(self) -> None:
        self.customer_of: dict[str, str] = {}
        self._base_of: dict[str, tuple[str, int]] = {}
        self._joined: list[tuple[str, str]] = []

    def declare(self, facts: Facts) -> None:
        """A run of training is approved; what it says of its base may make it share an allowance."""
        run = text_of(facts, "run")
        self.customer_of[run] = text_of(facts, "customer")
        lineage = facts.get("lineage")
        base = lineage.get("base") if isinstance(lineage, Mapping) else None
        if isinstance(base, Mapping) and (base.get("published") is True or base.get("controlled") is True):
            self._base_of[run] = plain_name(text_of(base, "name")), amount_of(base, "training_tflop")

    def join(self, facts: Facts) -> None:
        """A checkpoint of one run goes on as another."""
        one, other = text_of(facts, "run"), text_of(facts, "into")
        if one == other or not {one, other} <= self.customer_of.keys():
            raise Wrong(f"Runs {one} and {other} are joined, and not both are approved runs of training.")
        self._joined.append((one, other))

    def of(self, group_of: Callable[[str], object]) -> Callable[[str], tuple[str, ...]]:
        """Run -> all runs of its model, itself among them."""
        bases = {
            run: (group_of(customer), self._base_of[run][0]) if run in self._base_of else None
            for run, customer in self.customer_of.items()
        }
        found = models_of(bases, self._joined)
        return lambda run: found.get(run, (run,))

    def twice_tflop(self, runs: Iterable[str]) -> int:
        """Operations of one base that several runs carry in."""
        by_base: dict[str, list[int]] = {}
        for run in runs:
            if run in self._base_of:
                name, tflop = self._base_of[run]
                by_base.setdefault(name, []).append(tflop)
        return sum((len(each) - 1) * min(each) for each in by_base.values())

    def may_exceed(self, runs: Iterable[str]) -> bool:
        """Whether an allowance may lift the limit of a model above that of others."""
        return any(run in self._base_of for run in runs)
