"""Namespaces, runs, corrections of them and ends of reservations as they go over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from gatekeeper.api.shapes import Count, Id, Shown, Text
from gatekeeper.domain.run import Purpose
from gatekeeper.yaml_files import Part


class NamespaceWaits(Shown):
    """A binding that waits for a second person."""

    customer: str
    run: str | None
    proposed_by: str


class NamespaceShown(Shown):
    """Whose a namespace is, and what waits for a second person."""

    cluster: str
    namespace: str
    customer: str | None
    run: str | None
    holds: bool = Field(description="False: it was deleted and made anew under its name; renew it.")
    waits: NamespaceWaits | None


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


class Join(Part):
    """A checkpoint of a run goes on as another."""

    into: Id
    reason: Text


class Correct(Part):
    """A signed change of what a run has used, in FLOP such as -1.2e22."""

    low: Count = "0"
    best: Count = "0"
    high: Count = "0"
    reason: Text


class CorrectionShown(Shown):
    """A correction of a run, in effect or waiting for a second person."""

    correction: str
    run: str
    low_tflop: Count
    best_tflop: Count
    high_tflop: Count
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    in_effect: bool


class CorrectionsShown(Shown):
    """A page of corrections, by id."""

    items: list[CorrectionShown]
    next: str | None


class EndShown(Shown):
    """The end of a reservation that waits for a second person, and what the reservation holds."""

    reservation: str
    run: str
    customer: str
    namespace: str
    workload: str
    pending_tflop: Count
    reason: str
    proposed_by: str
    proposed_at: datetime


class EndsShown(Shown):
    """A page of them, by reservation."""

    items: list[EndShown]
    next: str | None


class ReservationShown(Shown):
    """A reservation after somebody decided on its end."""

    reservation: str
    run: str
    state: str
    pending_tflop: Count
