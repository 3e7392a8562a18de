"""Which run work belongs to: by what the provider bound, and by the label of a workload, which only sorts.

A tenant writes the label, so it brings no budget. It may name an approved training run of the namespace's own customer.
Where that is the run that the namespace works for, it changes nothing. Everywhere else the work is booked beside that
run, on an account of its own (`labelled_run_id`), and counts like undeclared training: it could be of any model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gatekeeper.domain.customer import Binding
from gatekeeper.domain.decision import Bar
from gatekeeper.domain.run import Run, RunState, labelled_run_id, undeclared_run_id

RUN_LABEL = "compute-gatekeeper.io/run"
_SHOWN_CHARACTERS = 63


class Runs(Protocol):
    """Where declared runs are found."""

    def run(self, run_id: str) -> Run | None: ...


@dataclass(frozen=True, slots=True)
class Belonging:
    """The run that work is booked on, and what bars it from starting; what runs all the same is booked there too."""

    run_id: str
    bar: Bar | None = None


def belongs(runs: Runs, binding: Binding, labels: tuple[str, ...] = ()) -> Belonging:
    """Where work of a bound namespace belongs.

    Args:
        labels: the runs that its pods name by label, each once; "" for those that name none.
    """
    if not binding.holds:
        return Belonging(undeclared_run_id(binding.customer_id), _made_anew(binding))
    own = _own(runs, binding)
    if len(labels) > 1:
        return Belonging(own, Bar("label.several", "its pods name different runs by label", "let all name the same"))
    label = labels[0] if labels else ""
    if label in ("", own):
        return Belonging(own)
    run = runs.run(label)
    if run is None or run.customer_id != binding.customer_id or run.state is not RunState.APPROVED:
        text = f"its label names {_shown(label)}, which is no approved run of customer {binding.customer_id}"
        return Belonging(own, Bar("label.unknown", text, "correct the label, or ask your provider to approve the run"))
    if not run.purpose.counts:
        text = f"its label names run {label}, which does not count and is not for namespace {binding.namespace}"
        return Belonging(own, Bar("label.not_counting", text, "remove the label, or use a namespace of that run"))
    return Belonging(labelled_run_id(label))


def _own(runs: Runs, binding: Binding) -> str:
    """The run that a namespace's work is booked on where no label says otherwise."""
    run = runs.run(binding.run_id) if binding.run_id else None
    if run is not None and run.works_for(binding.customer_id, binding.namespace):
        return run.id
    return undeclared_run_id(binding.customer_id)


def _made_anew(binding: Binding) -> Bar:
    text = (
        f"namespace {binding.namespace} is not the one that was bound to customer {binding.customer_id}: it was "
        "deleted and made anew"
    )
    return Bar("namespace.made_anew", text, "ask your provider to bind it again")


def _shown(label: str) -> str:
    return repr(label[:_SHOWN_CHARACTERS])
