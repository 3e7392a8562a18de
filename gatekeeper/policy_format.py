"""The format of a pack.yaml, as models; `policies/pack.schema.json` is made from it.

`format: 2` stands in every pack, so that a later key is a new number and never a key that an older reader silently
ignores. Unknown keys are errors. Format 1 (before allowances, dates and inquiries) is refused: what it could not say it
would leave out.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from gatekeeper.domain.policy import Action, ChipAuthorization, InquiryKind, LegalStatus, Mode
from gatekeeper.yaml_files import Day, Line, Part

_FLOP = r"^[0-9.]+([eE][0-9]+)?$"


def _clause(text: str) -> str:
    if text.endswith("."):
        raise ValueError("is put inside a sentence, so it must not end with a dot")
    return text


def _not_the_first(number: object) -> object:
    if str(number) == "1":
        raise ValueError("format 1 is no longer read; policies/README.md says what format 2 asks for")
    return number


def _amount(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(_FLOP, text):
        raise ValueError(f"{text!r:.40} is not an amount of FLOP; say it as 1e26")
    return text


Clause = Annotated[Line, AfterValidator(_clause)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
CountryOrPart = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,5})?$")]
Flop = Annotated[str, StringConstraints(pattern=_FLOP, max_length=60), BeforeValidator(_amount)]
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
    countries: tuple[CountryOrPart, ...] = Field(min_length=1)


class TiersPart(Part):
    """Dated tiers by country."""

    otherwise: Literal["2", "3"] = Field(description="Tier of a country on no row; never 1.")
    begins: Day | None = Field(
        default=None,
        description="First day on which the table is whole: earlier a country on no row is unresolved. Default: the "
        "first day of the first row.",
    )
    rows: tuple[TierRowPart, ...] = Field(default=(), description="None where the regime knows no countries.")


class InForcePart(Part):
    """Days on which an ownership rule holds: from one on, up to but without another."""

    effective_from: Day | None = Field(default=None, alias="from")
    effective_to: Day | None = Field(default=None, alias="to")
    source: Code | None = None


class ShareRulePart(Part):
    """From which share on owners pass on what they are."""

    share_percent: int = Field(default=50, ge=1, le=100, description="What such owners hold together.")
    in_force: tuple[InForcePart, ...] | None = Field(
        default=None, description="When it holds; always where this is left out, never where it is empty."
    )


class OwnershipPart(Part):
    """What the owners of a party do to its tier, besides parents. Left out: any list, both rules on at 50 percent."""

    lists: tuple[Code, ...] | None = Field(default=None, description="Restrictive lists that count. Default: any.")
    listed: ShareRulePart = Field(default=ShareRulePart(), description="Owners on such a list make it Tier 3.")
    house: ShareRulePart = Field(default=ShareRulePart(), description="Owners of a stricter tier make it that tier.")


class FloorPart(Part):
    """A ratchet under the threshold: lifts it from a day on, never lowers it."""

    amount: Flop
    effective_from: Day = Field(alias="from")
    source: Code


class ThresholdPart(Part):
    """From when on a model is controlled, in operations (FLOP)."""

    amount: Flop
    op: Literal["reached", "exceeded"] = Field(description='"or more" is reached; "more than" is exceeded.')
    source: Code
    floors: tuple[FloorPart, ...] = Field(default=(), description="Oldest first; each at least the one before.")


class PublishedBasePart(Part):
    """A model derived from published weights is free up to the larger of two amounts of extra training."""

    extra: Flop
    percent_of_threshold: int = Field(ge=1, le=100)
    source: Code


class FineTuningPart(Part):
    """A controlled model may be trained further by this share of its own operations."""

    percent_of_base: int = Field(ge=1, le=100)
    chip_authorizations: tuple[ChipAuthorization, ...] = Field(min_length=1)
    rules: tuple[Code, ...] | None = Field(
        default=None, min_length=1, description="Codes of the rules that it is an exception from. Default: all."
    )
    source: Code


class SyntheticDataPart(Part):
    """Above this share of operations on a model's unpublished output, making that output counts too."""

    above_percent: int = Field(ge=0, le=100)
    training_of_models: Literal["counted", "not_counted"] = Field(
        default="counted", description="Whether the training of a model with unpublished weights counts too."
    )
    source: Code


class AllowancesPart(Part):
    """What the lineage of a run changes about its limit and its count."""

    published_base: PublishedBasePart | None = None
    fine_tuning: FineTuningPart | None = None
    synthetic_data: SyntheticDataPart | None = None


class WhenPart(Part):
    """Cells of the table; what is left out means any."""

    tiers: tuple[Literal["1", "2", "3", "unresolved"], ...] | None = Field(default=None, min_length=1)
    chip_authorizations: tuple[ChipAuthorization, ...] | None = Field(default=None, min_length=1)
    data_centre_countries: tuple[Country, ...] | None = Field(default=None, min_length=1)
    data_centre_tiers: tuple[Literal["1", "2", "3", "unresolved"], ...] | None = Field(default=None, min_length=1)


class InquiryPart(Part):
    """A question that a hold asks of the provider."""

    id: Code
    when: WhenPart = Field(default=WhenPart(), description="Where a rule that names it asks it. Default: always.")
    kind: InquiryKind = Field(description="licence: answered for an amount of operations; attestation: without one.")
    asks: Clause = Field(description='The question as a clause: "whether the customer ...".')
    source: Code


class RulePart(Part):
    """One row of the table: the first that fits a tier at a site is taken."""

    code: Code
    tiers: tuple[Literal["1", "2", "3", "unresolved"], ...] = Field(min_length=1)
    chip_authorizations: tuple[ChipAuthorization, ...] | None = Field(default=None, min_length=1)
    data_centre_countries: tuple[Country, ...] | None = Field(default=None, min_length=1)
    data_centre_tiers: tuple[Literal["1", "2", "3", "unresolved"], ...] | None = Field(
        default=None, min_length=1, description="Tier of the data centre's country; unresolved where it is not known."
    )
    action: Action
    beyond: Literal["deny", "hold"] | None = Field(
        default=None, description="Of a budget: what happens to what it does not cover. Default: deny."
    )
    inquiry: Code | None = Field(default=None, description="Id of the question that a hold asks, where it is one.")
    inquiries: tuple[Code, ...] | None = Field(
        default=None, min_length=1, description="Ids of the questions that a hold asks; all have to be answered."
    )
    text: Clause = Field(description="Why, as a clause of the sentence that the customer reads.")
    source: Code


class LeasePart(Part):
    """How long a released pod may run."""

    shortest: Span
    longest: Span
    share_percent: int = Field(ge=1, le=100, description="Share of what the budget allows at the worst rate.")


class PackFile(Part):
    """A policy pack: one regime, dated and cited."""

    format: Annotated[Literal["2"], BeforeValidator(_not_the_first)]
    id: Code = Field(description="The name of the pack's folder.")
    version: Day
    title: Line
    legal_status: LegalStatus
    effective_from: Day = Field(description="First day of the regime; before it the pack says nothing.")
    effective_to: Day | None = Field(default=None, description="First day after the regime.")
    default_mode: Mode
    citations: tuple[CitationPart, ...] = Field(min_length=1)
    tiers: TiersPart
    ownership: OwnershipPart = OwnershipPart()
    threshold: ThresholdPart | None = None
    allowances: AllowancesPart = AllowancesPart()
    inquiries: tuple[InquiryPart, ...] = ()
    rules: tuple[RulePart, ...] = Field(min_length=1)
    lease: LeasePart
    warn_percent: int = Field(ge=1, le=99, description="Share of the limit from which on the customer is warned.")
    remedy: Clause = Field(description="What a refused customer can do, as the last clause of a sentence.")


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
