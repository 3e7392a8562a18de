"""What goes over the wire, as models: they stand in openapi.json.

Amounts are whole TFLOP as decimal text, as in the log: a run may have used more than 2^53 of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gatekeeper.domain.run import Purpose
from gatekeeper.yaml_files import Part

Text = Annotated[str, StringConstraints(max_length=2_000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Count = Annotated[str, StringConstraints(max_length=64)]


class Shown(BaseModel):
    """Something that we answer with."""

    model_config = ConfigDict(frozen=True)


class ReasonShown(Shown):
    """One fact that a tier rests on."""

    tier: str
    code: str
    path: list[str] = Field(description="Ids of the parties from the customer's own to the one that decides.")
    text: str


class TierShown(Shown):
    """A tier on a day and every reason, strictest first."""

    tier: str = Field(description="1, 2, 3 or unresolved.")
    as_of: date
    reasons: list[ReasonShown]


class TiersShown(Shown):
    """A customer's tier by each policy pack."""

    customer: str
    packs: dict[str, TierShown]


class CustomerShown(Shown):
    """A customer in a list."""

    customer: str
    name: str
    party: str
    standing: str
    tiers: dict[str, str] = Field(description="By pack, of what is in effect; of what waits where nothing is.")
    tiers_if_approved: dict[str, str]
    version: int
    prepared_by: str
    approved_by: str
    expires_at: datetime | None
    reason: str
    waits: bool = Field(description="Whether something waits for a second person.")
    fingerprint: str


class ChangeShown(Shown):
    """A customer whose tier an approval or a change moves."""

    customer: str
    pack: str
    before: str
    after: str


class RecordShown(CustomerShown):
    """A customer as an approver sees it; the two records have the shape that PUT takes."""

    record: dict[str, Any] | None
    proposed: dict[str, Any] | None
    changes: list[ChangeShown]


class CustomersShown(Shown):
    """A page of customers, by id."""

    items: list[CustomerShown]
    next: str | None = Field(description="Address of the next page; null on the last.")


class PlanShown(Shown):
    """What applying a record did, or would do."""

    customer: str
    outcome: str = Field(description="unchanged, enrolled, at_once, partly, waits or withdrawn.")
    dry_run: bool
    tiers: dict[str, str] = Field(description="By pack, once all of it is in effect.")
    changes: list[ChangeShown]
    record: dict[str, Any]


class Approval(Part):
    """An approval; If-Match says of what."""

    expires_at: datetime | None = Field(
        default=None, description="When it ends; left out: as late as the terms of approvals allow."
    )


class Because(Part):
    """An act that owes a reason."""

    reason: Text


class Rejection(Part):
    """A rejection of what waits."""

    reason: Text = Field(description="For the provider's own people.")
    final: bool = False
    comment: Text = Field(default="", description="What the customer is told.")


class NamespaceShown(Shown):
    """Whose a namespace is, and what waits for a second person."""

    cluster: str
    namespace: str
    customer: str | None
    run: str | None
    waits: NamespaceWaits | None


class NamespaceWaits(Shown):
    """A binding that waits for a second person."""

    customer: str
    run: str | None
    proposed_by: str


class NamespacesShown(Shown):
    """A page of namespaces, by name."""

    items: list[NamespaceShown]
    next: str | None


class Bind(Part):
    """To whom a namespace is to belong, and to which run its work."""

    customer: Id
    run: Id | None = None


class RunShown(Shown):
    """A declared run and what was counted of it."""

    run: str
    customer: str
    title: str
    state: str
    purpose: str
    declared_by: str
    approved_by: str
    carried_in_tflop: Count
    carried_in_source: str
    lineage: dict[str, Any] | None = Field(description="What the model rests on, as it stands in the log.")
    particulars: dict[str, Any] = Field(description="Who stands for it, and what is planned.")
    namespaces: list[str]
    parameters: Count
    tokens: Count
    used_low_tflop: Count
    used_best_tflop: Count
    used_high_tflop: Count
    pending_tflop: Count


class RunsShown(Shown):
    """A page of runs, by id."""

    items: list[RunShown]
    next: str | None


class Declare(Part):
    """The declaration of a run."""

    run: Id
    customer: Id
    title: Annotated[str, StringConstraints(max_length=300)]
    carried_in: Count = Field(default="0", description="FLOP that are in the model already, such as 2.5e24.")
    source: Text = Field(default="", description="Where that number comes from.")
    purpose: Purpose = Purpose.TRAINING
    namespaces: tuple[Id, ...] = Field(default=(), max_length=1_000)
    parameters: Count = "0"
    tokens: Count = "0"
    lineage: dict[str, Any] | None = Field(
        default=None, description="What the model rests on, in the shape that GET shows."
    )
    particulars: dict[str, Any] | None = Field(
        default=None, description="Who stands for it, and what is planned, in the shape that GET shows."
    )


class PackShown(Shown):
    """A policy pack that is loaded."""

    pack: str
    title: str
    version: date
    mode: str
    legal_status: str
    sha256: str
    citations: list[str]


class PacksShown(Shown):
    """All of them, by id."""

    items: list[PackShown]


class PartyShown(Shown):
    """A party as the registry holds it, in the shape of a file, and who the registry says it owns or controls."""

    party: dict[str, Any]
    owns: list[str] = Field(description="Ids of the parties that name it as parent, owner or head office.")


class VersionShown(Shown):
    """One version of a customer, of what waited for it, or of a party that it is or that owned it."""

    kind: str = Field(description="party, customer or proposal.")
    id: str
    number: int
    record: int = Field(description="Index of the record in the audit log that tells of it.")
    type: str | None
    at: datetime | None
    by: str | None
    changes: dict[str, list[Any]] = Field(description="Field: what it was, and what it is; null for nothing.")


class HistoryShown(Shown):
    """A page of versions, in the order in which they were written."""

    items: list[VersionShown]
    next: str | None


class OverrideShown(Shown):
    """Break-glass: a customer treated as in a milder tier for some hours, by two people."""

    override: str
    customer: str
    tier: str
    hours: int
    reason: str
    requested_by: str
    requested_at: datetime
    approved_by: str
    approved_at: datetime | None
    ended_by: str
    ends_at: datetime | None


class OverridesShown(Shown):
    """The overrides of a customer, oldest first."""

    items: list[OverrideShown]


class AskOverride(Part):
    """Break-glass, asked for by one person."""

    tier: Literal["1", "2"]
    hours: Annotated[int, Field(ge=1, le=72)]
    reason: Text


class GraphFinding(Shown):
    """The tier of a party of a graph, and why."""

    tier: int | str = Field(description="1, 2, 3 or unresolved.")
    reasons: list[GraphReason]


class GraphReason(Shown):
    """One fact that it rests on."""

    code: str
    path: list[str]
    text: str


class ProblemShown(Shown):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    hint: str | None = None
    errors: list[dict[str, str]] | None = None


NamespaceShown.model_rebuild()
GraphFinding.model_rebuild()
