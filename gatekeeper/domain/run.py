"""Training runs: the lineage that makes one model, and the account that its operations are booked on.

A run exists because the provider approved its declaration. All undeclared training of a corporate group pools:
each customer has one undeclared run, and the budget of each is what all of them together leave.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.party import checked_identifier, same_person
from gatekeeper.domain.units import checked_tflop

_UNDECLARED = "undeclared."


def undeclared_run_id(customer_id: str) -> str:
    """Id of the run that all undeclared training of a customer is booked on."""
    return f"{_UNDECLARED}{customer_id}"


def is_undeclared(run_id: str) -> bool:
    """Whether the id is one of an undeclared run."""
    return run_id.startswith(_UNDECLARED)


class Purpose(StrEnum):
    """What a run does. Only what the provider has positively classified as something else is not training."""

    TRAINING = "training"
    INFERENCE = "inference"
    EVALUATION = "evaluation"

    @property
    def counts(self) -> bool:
        """Whether what it uses counts against the limit of a model's training."""
        return self is Purpose.TRAINING


class RunState(StrEnum):
    """State of a run's declaration."""

    DECLARED = "declared"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class Run:
    """A declared run of one customer.

    Attributes:
        carried_in_tflop: operations already in the model when it came here (base model, other providers).
        carried_in_source: where that number comes from; owed when it is not 0.
        purpose: training, unless the provider classified it otherwise. Then only `namespaces` work for it, all named
            before the second person approves.
        parameters, tokens: declared size of the model (active parameters) and of its training data; 0 = not said.
            A cross-check that can alarm and never lowers a count.
    """

    id: str
    customer_id: str
    title: str
    declared_by: str
    carried_in_tflop: int = 0
    carried_in_source: str = ""
    state: RunState = RunState.DECLARED
    approved_by: str = ""
    purpose: Purpose = Purpose.TRAINING
    parameters: int = 0
    tokens: int = 0
    namespaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_identifier(self.id, "run")
        checked_identifier(self.customer_id, "customer")
        checked_tflop(self.carried_in_tflop)
        if is_undeclared(self.id):
            raise InvalidInput(f"A declared run cannot be called {self.id}: {_UNDECLARED}* names undeclared training.")
        if not self.title.strip() or not self.declared_by.strip():
            raise InvalidInput(f"Run {self.id} needs a title and the person who declares it.")
        if self.carried_in_tflop and not self.carried_in_source.strip():
            raise InvalidInput(f"Run {self.id} carries operations in; say where the number comes from.")
        if self.state is RunState.APPROVED and not self.approved_by:
            raise InvalidInput(f"Run {self.id} is approved by nobody.")
        if self.approved_by and same_person(self.approved_by, self.declared_by):
            raise NotPermitted(
                f"{self.approved_by} declared run {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    def approve(self, *, by: str) -> Run:
        """The approved run.

        Raises:
            NotPermitted: by the person who declared it, or it is approved already.
        """
        if self.state is not RunState.DECLARED:
            raise NotPermitted(f"Run {self.id} is {self.state.value} already.")
        return replace(self, state=RunState.APPROVED, approved_by=by)
