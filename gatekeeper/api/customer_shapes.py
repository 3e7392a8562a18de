"""Customers and batches of them as they go over the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from gatekeeper.api.shapes import Shown, Text
from gatekeeper.customer_files import CustomerFile
from gatekeeper.yaml_files import Part

BATCH_RECORDS_MAX = 1_000


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
    tiers: dict[str, str] = Field(
        description="By pack, of what is in effect; of what waits where nothing is. As decisions use it now: with open "
        "screenings and an override in force; without packs that treat all tiers alike, or are off."
    )
    tiers_if_approved: dict[str, str]
    open_screenings: list[str] = Field(description="Its parties with a hit on a list that nobody has judged.")
    override: str = Field(description="Id of the override in force; empty for none.")
    override_waits: str = Field(description="Id of the override that waits for a second person; empty for none.")
    version: int
    prepared_by: str
    approved_by: str
    expires_at: datetime | None
    reason: str
    waits: bool = Field(description="Whether something waits for a second person.")


class CustomersShown(Shown):
    """A page of customers, by id."""

    items: list[CustomerShown]
    next: str | None = Field(description="Address of the next page; null on the last.")


class ChangeShown(Shown):
    """A customer whose tier an approval or a change moves."""

    customer: str
    pack: str
    before: str
    after: str
    day: date | None = Field(default=None, description="First day of it; null: today.")


class GroupShown(Shown):
    """A customer whose corporate group an approval makes smaller: what it left counts on budgets of its own."""

    customer: str
    left: list[str] = Field(description="Ids of the parties that it no longer pools with.")


class ConflictShown(Shown):
    """Where a public register disagreed with the record, when it was read last."""

    party: str
    lei: str
    code: str = Field(description="headquarters, parent, hidden_parent, successor, status or absent.")
    recorded: str
    observed: str
    overwritten_by: str | None = Field(description="Who imported another word since; null: this is the last one.")
    overwritten_at: datetime | None


class NamesakeShown(Shown):
    """A party of the customer, and another one that is called the same."""

    party: str
    name: str
    other_party: str
    other_name: str
    lists: list[str] = Field(description="Lists that the other one stands on.")


class RecordShown(CustomerShown):
    """A customer as an approver sees it; the two records have the shape that PUT takes."""

    record: dict[str, Any] | None
    record_left_out: int = Field(default=0, description="How many owners of it are not shown: there are too many.")
    proposed: dict[str, Any] | None
    proposed_left_out: int = Field(default=0, description="The same; what the proposal itself tells is always shown.")
    ask: str = Field(description="What an approval does besides: change (nothing), reinstate or renew.")
    ask_reason: str
    authors: list[str] = Field(description="Who wrote what waits; none of them may approve it.")
    stale: list[str] = Field(description="Parties that moved since: it has to be applied or asked for again.")
    changes: list[ChangeShown] = Field(description="Whose tier an approval moves, today or later.")
    groups: list[GroupShown]
    conflicts: list[ConflictShown] = Field(description="Where GLEIF's register disagrees with what is looked at.")
    namesakes: list[NamesakeShown] = Field(
        default=[],
        description="Other parties of the same name, also with letters that look alike; told where a customer or a "
        "batch is looked at with GET.",
    )
    fingerprint: str = Field(description="Names all that an approval does.")


class PlanShown(Shown):
    """What applying a record did, or would do."""

    customer: str
    outcome: str = Field(description="unchanged, enrolled, at_once, partly, waits or withdrawn.")
    dry_run: bool
    tiers: dict[str, str] = Field(description="By pack, once all of it is in effect.")
    replaces: str | None = Field(description='What had waited and was somebody else\'s: "ana proposed on 2026-11-20".')
    changes: list[ChangeShown]
    record: dict[str, Any]
    record_left_out: int = Field(default=0, description="How many owners of it are not shown: there are too many.")


class Approval(Part):
    """An approval; If-Match says of what."""

    expires_at: datetime | None = Field(
        default=None, description="When it ends; left out: as late as the terms of approvals allow."
    )


class Verified(Part):
    """A record that was verified again and stands as it is."""

    reason: Text = Field(default="", description="How it was verified.")


class Rejection(Part):
    """A rejection of what waits."""

    reason: Text = Field(description="For the provider's own people.")
    final: bool = False
    comment: Text = Field(default="", description="What the customer is told.")


class Batched(Part):
    """Many customers' records, applied as a whole or not at all."""

    records: tuple[CustomerFile, ...] = Field(min_length=1, max_length=BATCH_RECORDS_MAX)


class AppliedShown(Shown):
    """What became of a batch, or would become."""

    batch: str = Field(description="Its id; empty where nothing of it waits or changed, and in a dry run.")
    dry_run: bool
    counts: dict[str, int] = Field(description="Outcome: how many records.")
    items: list[PlanShown] = Field(description="What each record did, in their order.")


class BatchShown(Shown):
    """A batch: a page of what of it waits, by id, each as its approver sees it."""

    batch: str
    prepared_by: str
    at: datetime
    customers: int
    waiting: int
    items: list[RecordShown]
    next: str | None
