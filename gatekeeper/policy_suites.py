"""What a policy pack must answer: the cases of its suite.yaml and samples, asked with the real `decide`.

A case is who asks (with its owners), for how much, where, on which day and after how much usage; and the verdict,
tier and reason code that must come back. A sample is one case in full, with the sentence that the customer reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.deciding import decide
from gatekeeper.domain.decision import Decision, Question, Verdict
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.inquiry import Permit, inquiry_id
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.limits import limit_under
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, Mode, Pack, Site
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import TierFinding
from gatekeeper.domain.units import parse_flop
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.policy_format import Country, Flop
from gatekeeper.yaml_files import Day, Document, Line, Part, Place

# Seconds that containers may run on after their lease: grace cap 60 s and as much slack of the node.
GRACE_S = 120
MOST_OWNERS = 50


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
    """The answer to the pack's inquiry about the run, approved."""

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
    answer: AnswerPart | None = None
    expect: ExpectPart


class SuiteFile(Part):
    """All cases of a pack."""

    format: Literal["2"]
    cases: tuple[CasePart, ...] = Field(min_length=1)


class SampleFile(CasePart):
    """One case in full."""

    format: Literal["2"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case after it was asked.

    Attributes:
        where: file:line:column of the case.
        expected, got: what was compared, by name; equal where the case passes.
        sentence: what the customer would read.
    """

    name: str
    where: str
    expected: Mapping[str, str]
    got: Mapping[str, str]
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether the pack answered as the case says."""
        return self.expected == self.got


def run_cases(pack: Pack, suite: Document, samples: Sequence[Document]) -> tuple[CaseResult, ...]:
    """Ask a pack every case.

    Raises:
        InvalidInput: a case cannot be read, or two of the suite have one name.
    """
    results: list[CaseResult] = []
    for index, case in enumerate(suite.check(SuiteFile).cases):
        if any(case.case == earlier.name for earlier in results):
            raise suite.error(("cases", index), f"a case called {case.case!r} stands twice.")
        results.append(_run(pack, case, suite, ("cases", index)))
    results.extend(_run(pack, sample.check(SampleFile), sample, ()) for sample in samples)
    return tuple(results)


def _run(pack: Pack, case: CasePart, document: Document, place: Place) -> CaseResult:
    with document.at(*place):
        decision = decide(_question(pack, case), (ActivePack(pack, case.mode),))
    expected = {name: str(value) for name, value in case.expect.model_dump(mode="json", exclude_none=True).items()}
    got = {name: value for name, value in _answers(decision).items() if name in expected}
    return CaseResult(case.case, document.where(place), expected, got, decision.sentence)


def _answers(decision: Decision) -> dict[str, str]:
    return {
        "verdict": decision.verdict.value,
        "tier": decision.tier.value if decision.tier else "none",
        "code": decision.reasons[0].code if decision.reasons else "none",
        "lease_h": f"{decision.grant.lease_s / 3600:g}" if decision.grant else "none",
        "sentence": decision.sentence,
    }


def _question(pack: Pack, case: CasePart) -> Question:
    now = datetime.combine(case.day, time(12), tzinfo=UTC)
    asks = case.workload
    ref = WorkloadRef("case", asks.namespace, asks.kind, asks.name)
    site = Site(case.site.country or "", case.site.chip_authorization)
    findings = {} if case.customer is None else {pack.id: _finding(pack, case.customer, now)}
    lineage = None if case.lineage is None else _lineage(case.lineage)
    permit = None if case.answer is None else _permit(pack, case.answer)
    pools = {}
    for found in findings.values():
        limit = limit_under(pack, found.tier, site, case.day, lineage=lineage, permit=permit)
        if limit is not None:
            extra_tflop = extra_counted_tflop(pack.allowances, lineage)
            pools[pack.id] = Pool(limit, (Account("case", parse_flop(case.used)),), extra_tflop=extra_tflop)
    return Question(
        workload=Workload(ref, {"nvidia.com/gpu": Count(asks.devices, asks.devices)} if asks.devices else {}),
        now=now,
        site=site,
        customer=None if case.customer is None else _customer(case.customer.standing, now),
        findings=findings,
        pools=pools,
        rate_tflop_per_s=asks.devices * parse_flop(asks.rate_per_device),
        grace_s=GRACE_S,
        permits={} if permit is None else {pack.id: permit},
    )


def _lineage(part: LineagePart) -> Lineage:
    """The approved lineage of a case's run; its base's operations are carried in, and among what is used."""
    base = part.base
    return Lineage(
        base=None
        if base is None
        else BaseModel("base", "case", parse_flop(base.training), "case", base.published, base.controlled),
        carried_in_tflop=parse_flop(base.training) if base else 0,
        generators=tuple(
            Generator(
                id=f"generator-{index}",
                share_percent=each.share_percent,
                generation_tflop=parse_flop(each.generation),
                training_tflop=parse_flop(each.training),
                source="case",
                published=each.published,
                data_published=each.data_published,
            )
            for index, each in enumerate(part.generators)
        ),
    )


def _permit(pack: Pack, part: AnswerPart) -> Permit:
    limit_tflop = None if part.limit is None else parse_flop(part.limit)
    return Permit(inquiry_id(pack.id, "case"), part.denied, limit_tflop, part.until)


def _customer(standing: Standing, now: datetime) -> Customer:
    approved = standing is Standing.APPROVED
    return Customer(
        id="case",
        party_id="case",
        standing=standing,
        prepared_by="preparer",
        approved_by="approver" if approved else "",
        expires_at=now + timedelta(days=365) if approved else None,
    )


def _finding(pack: Pack, who: WhoPart, now: datetime) -> TierFinding:
    parties: dict[str, Party] = {}
    _collect(who, "case", parties)
    return resolve(parties, "case", pack.tiers, now.date())


def _collect(who: WhoPart, party_id: str, parties: dict[str, Party]) -> None:
    if len(parties) >= MOST_OWNERS:
        raise InvalidInput(f"A case has at most {MOST_OWNERS} parties.")
    owners = tuple(f"{party_id}.{index}" for index in range(len(who.owned_by)))
    reason = "nobody controls it" if not owners and who.ownership == "known" else ""
    parties[party_id] = Party(party_id, who.kind, who.name, who.headquarters or "", owners, reason)
    for owner_id, owner in zip(owners, who.owned_by, strict=True):
        _collect(owner, owner_id, parties)
