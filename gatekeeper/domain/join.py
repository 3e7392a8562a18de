"""Runs that make one model: joined by a hand-over, or because they began from one base whose allowance they share.

A join only adds up, so one person makes it, and nobody takes it back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.run import Run, RunState
from gatekeeper.domain.units import require_utc

REASON_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Join:
    """Two runs that are of one model from now on: the checkpoint of one goes on as the other."""

    one: str
    other: str
    reason: str
    joined_by: str
    joined_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.joined_at)
        if self.one == self.other:
            raise InvalidInput(f"Run {self.one} is one model with itself already.")
        if not self.reason.strip() or len(self.reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"A hand-over needs a reason of at most {REASON_CHARACTERS_MAX:,} characters.")


def models_of(
    runs: Iterable[Run], joins: Iterable[Join], group_by_customer: Mapping[str, object]
) -> dict[str, tuple[str, ...]]:
    """Approved run of training -> all such runs of its model, itself among them, by id; runs that stand alone are
    left out.

    Runs of one corporate group that began from the same base share what a rule allows beyond it: to declare one
    training as several, each with an allowance of its own, gains nothing.
    """
    counted = {each.id: each for each in runs if each.state is RunState.APPROVED and each.purpose.counts}
    parent = {run_id: run_id for run_id in counted}

    def top(run_id: str) -> str:
        while parent[run_id] != run_id:
            parent[run_id] = parent[parent[run_id]]
            run_id = parent[run_id]
        return run_id

    def unite(one: str, other: str) -> None:
        if one in parent and other in parent:
            parent[top(one)] = top(other)

    for join in joins:
        unite(join.one, join.other)
    first: dict[object, str] = {}
    for run in counted.values():
        base = shared_base(run)
        if base:
            unite(run.id, first.setdefault((group_by_customer.get(run.customer_id, run.customer_id), base), run.id))
    members: dict[str, list[str]] = {}
    for run_id in sorted(counted):
        members.setdefault(top(run_id), []).append(run_id)
    return {run_id: tuple(each) for each in members.values() if len(each) > 1 for run_id in each}


def shared_base(run: Run) -> str:
    """A name of the base that a run shares an allowance of, the same however it is spelt; "" where no rule allows
    more by it."""
    base = run.lineage.base if run.lineage else None
    if base is None or not (base.published or base.controlled):
        return ""
    return plain_name(base.name)


def plain_name(name: str) -> str:
    """A model's name without what people spell differently: case, width, blanks and signs."""
    return "".join(each for each in unicodedata.normalize("NFKC", name).casefold() if each.isalnum())
