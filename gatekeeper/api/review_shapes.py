"""Inquiries, screening hits and users as they go over the wire: what people are asked, and who may answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.api.shapes import Count, Shown, Text
from gatekeeper.domain.person import Role
from gatekeeper.yaml_files import Day, Part

LongText = Annotated[str, StringConstraints(max_length=4_000)]
Roles = Annotated[tuple[Role, ...], Field(max_length=len(Role))]


class InquiryShown(Shown):
    """What a hold asks about a run, and its answer."""

    inquiry: str
    customer: str
    run: str
    pack: str
    asks: str = Field(description="Id of the question in its pack; empty where it was asked before they had ids.")
    kind: str
    question: str
    opened_at: datetime
    state: str = Field(description="open, answered (waits for a second person), approved or denied.")
    answer: str
    licence: str
    limit_tflop: Count | None
    until: date | None
    answered_by: str
    approved_by: str
    waits: bool = Field(description="Whether somebody has to do something about it today.")


class InquiriesShown(Shown):
    """A page of inquiries, by id."""

    items: list[InquiryShown]
    next: str | None


class AnswerInquiry(Part):
    """What was found out; a second person approves."""

    answer: LongText
    licence: LongText = Field(description="Number of the licence, notice or attestation.")
    until: Day = Field(description="Last day on which the answer holds.")
    limit: Count | None = Field(default=None, description="What the run may come to in all, such as 1.5e26.")


class DenyInquiry(Part):
    """The answer is no."""

    answer: LongText


class HitShown(Shown):
    """A party's name is similar to an entry of a list."""

    hit: str
    state: str = Field(description="open, true_match or false_positive.")
    proposed: bool = Field(description="Whether one of two people says that it is another party.")
    party: str
    party_name: str
    list: str = Field(description="`unscreened` for a name that could not be compared: people compare it.")
    entry: str
    entry_name: str = Field(description="Name of the entry; on the list `unscreened`, the name that was not compared.")
    score: int = Field(description="Of 100, how similar they are; 0 where they were not compared.")
    judged_by: str
    reason: str
    confirmed_by: str


class HitsShown(Shown):
    """A page of hits, by id."""

    items: list[HitShown]
    next: str | None


class Judge(Part):
    """What a hit is."""

    verdict: Literal["true_match", "false_positive"]
    reason: Text


class UserShown(Shown):
    """Somebody whom the provider gave a token."""

    user: str
    state: str = Field(description="active, disabled, or handed: the token is not yet the user's own.")
    roles: list[str]
    waiting: list[str] = Field(description="Roles that wait for a second policy-admin.")
    asked_by: str
    created_at: datetime
    created_by: str
    disabled_by: str


class UsersShown(Shown):
    """A page of users, by name."""

    items: list[UserShown]
    next: str | None


class AddUser(Part):
    """A new user."""

    user: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    roles: Roles


class SetRoles(Part):
    """Exactly these roles."""

    roles: Roles


class UserAdded(UserShown):
    """A new user with the token, which is shown this once."""

    token: str
