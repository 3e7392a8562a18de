"""Training runs: the lineage that makes one model, and the account that its operations are booked on.

A run exists because the provider approved its declaration. All undeclared training of a corporate group pools:
each customer has one undeclared run, and it may be of any model, so it counts beside each declared run (`view`).

Everything counts as training that two people of the provider have not positively classified as something else:
restarts and discarded steps, roll-outs of reinforcement learning, generating synthetic data and running a teacher too.
A classification names the namespaces that it is about, and it alone can bind them. A run of training may name some: one
that worked for a declared run before comes to another only so, by two people. One person can withdraw it; from
then on all that was used under it counts as undeclared training, because nobody ever approved it as a run of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.lineage import Lineage
from gatekeeper.domain.particulars import NOTHING_SAID, Particulars
from gatekeeper.domain.party import checked_identifier
from gatekeeper.domain.person import same_person
from gatekeeper.domain.plan import Plan
from gatekeeper.domain.units import LARGEST_COUNT, checked_tflop

_UNDECLARED = "undeclared."
# No customer and no run can be called so: a slash is in no identifier of ours.
_LABELLED = f"{_UNDECLARED}run/"
# RFC 1123 label: what Kubernetes takes as the name of a namespace.
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# All of them stand in one record, and one person has to read them.
NAMESPACES_MAX = 100


def undeclared_run_id(customer_id: str) -> str:
    """Id of the run that all undeclared training of a customer is booked on."""
    return f"{_UNDECLARED}{customer_id}"


def labelled_run_id(run_id: str) -> str:
    """Id of the account of what names a declared run by label, from where the provider bound nothing to that run."""
    return f"{_LABELLED}{run_id}"


def named_run(run_id: str) -> str | None:
    """The declared run beside which an account of labelled work stands; None for every other id."""
    return run_id.removeprefix(_LABELLED) if run_id.startswith(_LABELLED) else None


def is_undeclared(run_id: str) -> bool:
    """Whether the id is one of undeclared training, whether or not a label names a run."""
    return run_id.startswith(_UNDECLARED)


def checked_namespace(name: str) -> str:
    """The name itself, if a namespace can have it.

    Raises:
        InvalidInput: Kubernetes would not take it.
    """
    if not _NAMESPACE.fullmatch(name):
        raise InvalidInput(f"{name!r:.80} cannot be the name of a namespace.")
    return name


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
    WITHDRAWN = "withdrawn"  # was classified as something else than training; undeclared training from then on


@dataclass(frozen=True, slots=True)
class Run:
    """A declared run of one customer.

    Attributes:
        carried_in_tflop: operations already in the model when it came here (base model, other providers).
        carried_in_source: where that number comes from; owed when it is not 0.
        purpose: training, unless the provider classified it otherwise.
        namespaces: what the approval binds to it, named before the second person looks. What does not count works in
            these alone; a namespace that never worked for a declared run may join a training run later.
        parameters, tokens: declared size of the model (active parameters) and of its training data; 0 = not said.
            A cross-check that can alarm and never lowers a count.
        approved_by: the second person; a withdrawn classification keeps it.
        lineage: what the model rests on, as declared; None: nothing was said, so no allowance holds.
        particulars: who stands for it, and what is planned.
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
    lineage: Lineage | None = None
    particulars: Particulars = NOTHING_SAID

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
        if self.state is not RunState.DECLARED and not self.approved_by:
            raise InvalidInput(f"Run {self.id} is approved by nobody.")
        self._check_purpose()
        self._check_lineage()
        if self.parameters or self.tokens:
            if max(self.parameters, self.tokens) > LARGEST_COUNT:
                raise InvalidInput(f"Run {self.id}: parameters and tokens are at most 10^18.")
            Plan(self.parameters, self.tokens)
        if self.approved_by and same_person(self.approved_by, self.declared_by):
            raise NotPermitted(
                f"{self.approved_by} declared run {self.id} and so cannot approve it.",
                hint="Ask a second person to approve.",
            )

    def _check_purpose(self) -> None:
        for name in self.namespaces:
            checked_namespace(name)
        if len(set(self.namespaces)) != len(self.namespaces) or len(self.namespaces) > NAMESPACES_MAX:
            raise InvalidInput(f"Run {self.id} names each namespace once, and at most {NAMESPACES_MAX} of them.")
        if not self.purpose.counts and not self.namespaces:
            raise InvalidInput(
                f"Run {self.id} is to be {self.purpose.value}, which does not count: say in which namespaces.",
                hint="Name each with --namespace; two people then stand for what runs there.",
            )
        if not self.purpose.counts and (self.carried_in_tflop or self.parameters or self.tokens):
            raise InvalidInput(f"Run {self.id} trains nothing: it has no plan, and nothing is carried into it.")
        if self.state is RunState.WITHDRAWN and not self.purpose.counts:
            raise InvalidInput(f"Run {self.id} is withdrawn, so it counts.")

    def _check_lineage(self) -> None:
        if self.lineage is not None and self.lineage.carried_in_tflop != self.carried_in_tflop:
            raise InvalidInput(f"Run {self.id}: what is carried in by its lineage is what it carries in.")
        if not self.purpose.counts and (self.lineage is not None or self.particulars.base_run):
            raise InvalidInput(f"Run {self.id} trains nothing, so it begins from no model.")
        if self.particulars.base_run == self.id:
            raise InvalidInput(f"Run {self.id} cannot begin from itself.")

    @property
    def plan(self) -> Plan | None:
        """What was said of the model's size; None where nothing was."""
        return Plan(self.parameters, self.tokens) if self.parameters else None

    def works_for(self, customer_id: str, namespace: str) -> bool:
        """Whether work of a customer in a namespace may be booked on this run."""
        theirs = self.state is RunState.APPROVED and self.customer_id == customer_id
        return theirs and (self.purpose.counts or namespace in self.namespaces)

    def withdraw(self) -> Run:
        """The run after its classification ended: training that nobody declared.

        Raises:
            NotPermitted: it is not an approved classification.
        """
        if self.purpose.counts or self.state is not RunState.APPROVED:
            raise NotPermitted(
                f"Run {self.id} is {self.state.value} and {self.purpose.value}: nothing is to be withdrawn."
            )
        return replace(self, state=RunState.WITHDRAWN, purpose=Purpose.TRAINING)

    def approve(self, *, by: str) -> Run:
        """The approved run.

        Raises:
            NotPermitted: by the person who declared it, or it is approved already.
        """
        if self.state is not RunState.DECLARED:
            raise NotPermitted(f"Run {self.id} is {self.state.value} already.")
        return replace(self, state=RunState.APPROVED, approved_by=by)
