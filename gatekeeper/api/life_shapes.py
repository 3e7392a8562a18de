"""What happens to customers over time as it goes over the wire: versions, overrides, ends of approvals, moved tiers,
and what records rest on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gatekeeper.api.shapes import Shown, Text
from gatekeeper.domain.evidence import CheckMethod, Statement
from gatekeeper.yaml_files import Day, Part


class VersionShown(Shown):
    """One version of a customer, of what waited for it, or of a party that it is or that owned it."""

    kind: str = Field(description="party, customer or proposal.")
    id: str
    number: int
    record: int | None = Field(
        description="Index of the record in the audit log that tells of it; null for what is known since the migration."
    )
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


class DueShown(Shown):
    """A customer whose approval ends soon or has ended."""

    customer: str
    standing: str
    ends_at: datetime
    notice: str | None = Field(description="The last notice that fell due: 60_days, 30_days, 7_days or expired.")
    version: int


class DuesShown(Shown):
    """A page of them, the first to end first."""

    items: list[DueShown]
    next: str | None


class MoveShown(Shown):
    """A customer's tier moved."""

    record: int = Field(description="Index of the record in the audit log that tells of it.")
    at: datetime
    customer: str
    pack: str
    before: str
    after: str
    code: str
    path: list[str]
    because: str


class MovesShown(Shown):
    """A page of them, oldest first."""

    items: list[MoveShown]
    next: str | None


class EvidenceShown(Shown):
    """A file that a customer's record rests on, without its bytes."""

    sha256: str
    size_bytes: int
    media_type: str
    description: str
    source: str
    sensitivity: str
    collected_on: date | None
    added_by: str
    added_at: datetime


class EvidencesShown(Shown):
    """A page of files, in the order in which they were added."""

    items: list[EvidenceShown]
    next: str | None


class Attest(Part):
    """Somebody checked something."""

    statement: Statement
    method: CheckMethod
    attested_on: Day | None = Field(default=None, description="Left out: today (UTC).")
    attested_by: Text = Field(default="", description="Who says so; left out: whoever sends this.")
    above_percent: int | None = Field(default=None, description="With ownership-complete: above which share.")
    evidence: tuple[Annotated[str, Field(max_length=64)], ...] = Field(default=(), max_length=50)


class AttestationShown(Shown):
    """A person's word on a customer."""

    attestation: str
    customer: str
    statement: str
    method: str
    above_percent: int | None
    attested_by: str
    attested_on: date
    recorded_by: str
    recorded_at: datetime
    evidence: list[str]


class AttestationsShown(Shown):
    """A page of them, in the order in which they were made."""

    items: list[AttestationShown]
    next: str | None
