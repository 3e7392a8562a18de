"""The format of a pack's suite.yaml and samples, as models; how they are asked is `policy_suites`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.party import PartyKind
from gatekeeper.domain.policy import ChipAuthorization, Mode
from gatekeeper.policy_format import Code, Country, Flop
from gatekeeper.yaml_files import Day, Line, Part


class WhoPart(Part):
    """A party and its owners, as far as the case tells them."""

    name: Line = "Case Ltd"
    kind: PartyKind = PartyKind.ORG
    headquarters: Country | None = None
    owned_by: tuple[WhoPart, ...] = ()
    ownership: Literal["known", "unknown"] = "known"


class CustomerPart(WhoPart):
    """The customer: a party, and how its KYC record stands."""

    standing: Standing = Standing.APPROVED


class SitePart(Part):
    """Where the accelerators stand and how the provider got them; left out means not known."""

    country: Country | None = None
    chip_authorization: ChipAuthorization = ChipAuthorization.UNKNOWN


class WorkloadPart(Part):
    """What asks: devices of one key and the worst rate of each of them, in FLOP/s."""

    namespace: Line = "lab"
    kind: Line = "Job"
    name: Line = "train"
    devices: int = Field(default=8, ge=0)
    rate_per_device: Flop = "2286e12"


class BasePart(Part):
    """The model that the run began from; its operations are among what is `used`."""

    training: Flop
    published: bool | None = None
    controlled: bool | None = None


class GeneratorPart(Part):
    """A model whose output the run is trained on."""

    share_percent: int = Field(ge=0, le=100)
    generation: Flop
    training: Flop
    published: bool | None = None
    data_published: bool | None = None


class LineagePart(Part):
    """What two people approved of the run's lineage."""

    base: BasePart | None = None
    generators: tuple[GeneratorPart, ...] = ()


class AnswerPart(Part):
    """The answer to a question of the pack about the run, approved."""

    denied: bool = False
    limit: Flop | None = None
    until: Day


class ExpectPart(Part):
    """What must come back; only what stands here is compared."""

    verdict: Verdict
    tier: Literal["1", "2", "3", "unresolved", "none"] | None = None
    code: Annotated[str, Field(max_length=100)]
    lease_h: int | None = Field(default=None, ge=1)
    sentence: Annotated[str, Field(max_length=4000)] | None = None


class CasePart(Part):
    """One question and its answer."""

    case: Line
    day: Day = Field(alias="on")
    mode: Mode = Mode.ENFORCE
    customer: CustomerPart | None
    workload: WorkloadPart = WorkloadPart()
    site: SitePart = SitePart()
    used: Flop = "0"
    lineage: LineagePart | None = None
    answer: AnswerPart | None = Field(default=None, description="To the pack's first question.")
    answers: dict[Code, AnswerPart] = Field(default_factory=dict, description="By the id of the question.")
    expect: ExpectPart


class RowPart(Part):
    """Cells of the table that are alike. Left out, `chips` are all, and `places` one of each tier and one not known."""

    headquarters: Country | Literal["unknown"]
    chips: tuple[ChipAuthorization, ...] | None = Field(default=None, min_length=1)
    places: tuple[Country | Literal["unknown"], ...] | None = Field(default=None, min_length=1)
    rule: Annotated[str, Field(max_length=63)] = Field(description="Code of the rule that decides; none: it refuses.")
    source: Code | None = Field(default=None, description="Citation that the rule rests on.")
    within: Verdict = Field(description="Below the threshold.")
    beyond: Verdict = Field(description="At the threshold, or past it where it has to be exceeded.")


class MatrixPart(Part):
    """What the pack says in every cell of its table on a day."""

    day: Day = Field(alias="on")
    rows: tuple[RowPart, ...] = Field(min_length=1)


class SuiteFile(Part):
    """All cases of a pack, and its table cell by cell."""

    format: Literal["2"]
    matrix: MatrixPart | None = None
    cases: tuple[CasePart, ...] = Field(min_length=1)


class SampleFile(CasePart):
    """One case in full."""

    format: Literal["2"]
