"""Runs that make one model: joined by a hand-over, or because they began from one base whose allowance they share.

A join only adds up, so one person makes it, and nobody takes it back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


class Bond(StrEnum):
    """What makes a declared run count beside the one that asks: a clause that can follow its name."""

    HANDED_OVER = "one model with it since a checkpoint was handed over"
    SAME_BASE = "which began from the same base"
    COULD_BE = "which could be the same model"


@dataclass(frozen=True, slots=True)
class Tie:
    """A declared run that counts beside another, and why. `own`: the same customer's, so that it may read its name."""

    run_id: str
    bond: Bond
    own: bool


def ties_of(run: Run, others: Iterable[Run]) -> tuple[Tie, ...]:
    """What the other runs of its model are to a run."""
    base = shared_base(run)
    return tuple(
        Tie(
            each.id,
            Bond.SAME_BASE if base and shared_base(each) == base else Bond.HANDED_OVER,
            each.customer_id == run.customer_id,
        )
        for each in others
    )


def models_of(bases: Mapping[str, object], pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Run -> all runs of its model, itself among them, by id; runs that stand alone are left out.

    Args:
        bases: approved runs of training -> what names the base whose allowance they share, within whose group; None
            for those that share none. To declare one training as several, each with an allowance, so gains nothing.
        pairs: runs that were joined; others than those in `bases` join nothing.
    """
    above = {run_id: run_id for run_id in bases}

    def top(run_id: str) -> str:
        while above[run_id] != run_id:
            above[run_id] = above[above[run_id]]
            run_id = above[run_id]
        return run_id

    first: dict[object, str] = {}
    shared = [(run_id, first.setdefault(base, run_id)) for run_id, base in bases.items() if base is not None]
    for one, other in (*pairs, *shared):
        if one in above and other in above:
            above[top(one)] = top(other)
    members: dict[str, list[str]] = {}
    for run_id in sorted(above):
        members.setdefault(top(run_id), []).append(run_id)
    return {run_id: tuple(each) for each in members.values() if len(each) > 1 for run_id in each}


def bases_of(runs: Iterable[Run], group_by_customer: Mapping[str, object]) -> dict[str, object]:
    """Approved runs of training -> the base whose allowance they share, within their corporate group."""
    return {
        run.id: (group_by_customer.get(run.customer_id, run.customer_id), base) if (base := shared_base(run)) else None
        for run in runs
        if run.state is RunState.APPROVED and run.purpose.counts
    }


def counted_twice_tflop(runs: Iterable[Run]) -> int:
    """Operations of one base that several runs of a model carry in: they went into the model once."""
    by_base: dict[str, list[int]] = {}
    for run in runs:
        if (name := shared_base(run)) and run.lineage and run.lineage.base:
            by_base.setdefault(name, []).append(run.lineage.base.training_tflop)
    return sum((len(each) - 1) * min(each) for each in by_base.values())


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
