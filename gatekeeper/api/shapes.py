"""What goes over the wire, as models: they stand in openapi.json. Here are what all share, packs, parties and problems.

Amounts are whole TFLOP as decimal text, as in the log: a run may have used more than 2^53 of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gatekeeper.yaml_files import Part

Text = Annotated[str, StringConstraints(max_length=2_000)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Count = Annotated[str, StringConstraints(max_length=64)]


class Shown(BaseModel):
    """Something that we answer with."""

    model_config = ConfigDict(frozen=True)


class Because(Part):
    """An act that owes a reason."""

    reason: Text


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


class GraphReason(Shown):
    """One fact that it rests on."""

    code: str
    path: list[str]
    text: str


class GraphFinding(Shown):
    """The tier of a party of a graph, and why."""

    tier: int | str = Field(description="1, 2, 3 or unresolved.")
    reasons: list[GraphReason]


class ProblemShown(Shown):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    hint: str | None = None
    errors: list[dict[str, str]] | None = None
