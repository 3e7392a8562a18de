"""The format of a pack.yaml and of countries.yaml, as models; `policies/pack.schema.json` is made from it.

`format: 1` stands in every file, so that a later key (allowances, what counts) is a new number and never a key that
an older reader silently ignores. Unknown keys are errors.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gatekeeper.domain.policy import Action, ChipAuthorization, LegalStatus, Mode
from gatekeeper.yaml_files import Day, Line, Part


def _clause(text: str) -> str:
    if text.endswith("."):
        raise ValueError("is put inside a sentence, so it must not end with a dot")
    return text


Clause = Annotated[Line, AfterValidator(_clause)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Flop = Annotated[str, StringConstraints(pattern=r"^[0-9.]+([eE][0-9]+)?$", max_length=60)]
Span = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]


class CitationPart(Part):
    """A document that rows and numbers of the pack rest on."""

    id: Code
    document: Line
    date: Day = Field(description="Date of the document, or of the edition that was read.")
    says: Line = Field(description="What it says, in the pack's own words.")


class TierRowPart(Part):
    """Countries that were in a tier from a day on, up to but without another."""

    tier: Literal["1", "2", "3"]
    effective_from: Day = Field(alias="from")
    effective_to: Day | None = Field(default=None, alias="to")
    source: Code
    countries: tuple[Country, ...] = Field(min_length=1)


class TiersPart(Part):
    """Dated tiers by country."""

    otherwise: Literal["2", "3"] = Field(description="Tier of a country on no row; never 1.")
    rows: tuple[TierRowPart, ...] = Field(min_length=1)


class FloorPart(Part):
    """A ratchet under the threshold: may lift it, never lower it."""

    amount: Flop
    source: Code


class ThresholdPart(Part):
    """From when on a model is controlled, in operations (FLOP)."""

    amount: Flop
    controlled_when: Literal["reached", "exceeded"] = Field(
        description='"or more" is reached; "more than" is exceeded.'
    )
    source: Code
    floor: FloorPart | None = None


class RulePart(Part):
    """One row of the table: the first that fits a tier at a site is taken."""

    code: Code
    tiers: tuple[Literal["1", "2", "3"], ...] = Field(min_length=1)
    chip_authorizations: tuple[ChipAuthorization, ...] | None = Field(default=None, min_length=1)
    data_centre_countries: tuple[Country, ...] | None = Field(default=None, min_length=1)
    action: Action
    text: Clause = Field(description="Why, as a clause of the sentence that the customer reads.")
    source: Code


class LeasePart(Part):
    """How long a released pod may run."""

    shortest: Span
    longest: Span
    share_percent: int = Field(ge=1, le=100, description="Share of what the budget allows at the worst rate.")


class PackFile(Part):
    """A policy pack: one regime, dated and cited."""

    format: Literal["1"]
    id: Code = Field(description="The name of the pack's folder.")
    version: Day
    title: Line
    legal_status: LegalStatus
    default_mode: Mode
    citations: tuple[CitationPart, ...] = Field(min_length=1)
    tiers: TiersPart
    threshold: ThresholdPart
    rules: tuple[RulePart, ...] = Field(min_length=1)
    lease: LeasePart
    warn_percent: int = Field(ge=1, le=99, description="Share of the limit from which on the customer is warned.")
    remedy: Clause = Field(description="What a refused customer can do, as the last clause of a sentence.")


class CountriesFile(Part):
    """The codes that a headquarters may have."""

    format: Literal["1"]
    as_of: Day
    source: Line
    countries: dict[Country, Line] = Field(min_length=1)


def schema_text() -> str:
    """JSON schema of a pack.yaml for editors, as `policies/pack.schema.json` holds it.

    Numbers and days may stand without quotes in YAML, which an editor then sees as numbers: both are accepted.
    """
    schema = PackFile.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(_with_numbers(schema), indent=2, ensure_ascii=False) + "\n"


def _with_numbers(node: object) -> object:
    """The schema with every choice of digits ("1", "2") also as numbers."""
    if isinstance(node, list):
        return [_with_numbers(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_numbers(value) for key, value in node.items()}
    choices: Any = node.get("enum", [node["const"]] if "const" in node else [])
    if choices and all(isinstance(each, str) and each.isdigit() for each in choices):
        node.pop("const", None)
        node.pop("type", None)
        node["enum"] = [*choices, *(int(each) for each in choices)]
    return node
