"""What a policy pack must answer: the cases of its suite.yaml and samples, asked with the real `decide`.

A case is who asks (with its owners), for how much, where, on which day and after how much usage; and the verdict,
tier and reason code that must come back. A sample is one case in full, with the sentence that the customer reads. A
matrix says of every cell of the table which rule decides, by which source, and what it does below the threshold and at
it; a cell that it leaves out fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gatekeeper.domain.allowances import extra_counted_tflop
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.deciding import decide
from gatekeeper.domain.decision import Decision, Question
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.inquiry import Permit, inquiry_id
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.limits import limit_under
from gatekeeper.domain.lineage import BaseModel, Generator, Lineage
from gatekeeper.domain.party import Party
from gatekeeper.domain.policy import ActivePack, ChipAuthorization, Mode, Pack, Site
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.domain.units import parse_flop
from gatekeeper.domain.workload import Count, Workload, WorkloadRef
from gatekeeper.policy_suite_format import (
    AnswerPart,
    CasePart,
    CustomerPart,
    LineagePart,
    MatrixPart,
    SampleFile,
    SitePart,
    SuiteFile,
    WhoPart,
)
from gatekeeper.yaml_files import Document, Place

# Seconds that containers may run on after their lease: grace cap 60 s and as much slack of the node.
GRACE_S = 120
MOST_OWNERS = 50


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


def run_cases(
    pack: Pack, sources: Mapping[str, str], suite: Document, samples: Sequence[Document]
) -> tuple[CaseResult, ...]:
    """Ask a pack every cell and every case. `sources`: citation -> how the pack's rules tell it.

    Raises:
        InvalidInput: a case cannot be read, or two of the suite have one name.
    """
    file = suite.check(SuiteFile)
    results = [] if file.matrix is None else run_matrix(pack, sources, file.matrix, suite)
    for index, case in enumerate(file.cases):
        if any(case.case == earlier.name for earlier in results):
            raise suite.error(("cases", index), f"a case called {case.case!r} stands twice.")
        results.append(_run(pack, case, suite, ("cases", index)))
    results.extend(_run(pack, sample.check(SampleFile), sample, ()) for sample in samples)
    return tuple(results)


def run_matrix(pack: Pack, sources: Mapping[str, str], matrix: MatrixPart, suite: Document) -> list[CaseResult]:
    """Ask a pack every cell of its matrix, below its threshold and at it; cells that it leaves out fail."""
    results, seen, places = [], set[tuple[Tier, ChipAuthorization, Tier]](), _places(pack, matrix.day)
    for index, row in enumerate(matrix.rows):
        where = ("matrix", "rows", index)
        if row.source is not None and row.source not in sources:
            raise suite.error((*where, "source"), f"{row.source!r} is the id of no citation of the pack.")
        for chips in row.chips or tuple(ChipAuthorization):
            for place in row.places or tuple(places.values()):
                site = Site("" if place == "unknown" else place, chips)
                with suite.at(*where):
                    tier, got = _cell(pack, row.headquarters, site, matrix.day)
                seen.add((tier, chips, pack.tiers.tier_of(site.country, matrix.day)))
                expected = {"rule": row.rule, "within": row.within.value, "beyond": row.beyond.value}
                if row.source is not None:
                    expected["source"] = sources[row.source]
                name = f"Cell {row.headquarters}, {chips.value} chips, data centre {site.country or 'not known'}"
                found = {key: value for key, value in got.items() if key in expected}
                results.append(CaseResult(name, suite.where(where), expected, found, ""))
    tiers = {Tier.UNRESOLVED, *(pack.tiers.tier_of(each, matrix.day) for each in pack.tiers.countries)}
    missing = {(tier, chips, at) for tier in tiers for chips in ChipAuthorization for at in places} - seen
    for cell in sorted(missing, key=_in_order):
        words = f"{cell[0]}, {cell[1].value} chips, data centre in {cell[2]}"
        results.append(CaseResult(f"Cell {words}", suite.where(("matrix",)), {"row": "one"}, {"row": "none"}, ""))
    return results


def _in_order(cell: tuple[Tier, ChipAuthorization, Tier]) -> tuple[int, str, int]:
    """Cells by tier, chips and place: tiers are no words, and have no order but that of how strict they are."""
    tier, chips, at = cell
    return tier.strictness, chips.value, at.strictness


def _places(pack: Pack, day: date) -> dict[Tier, str]:
    """One country of each tier that a data centre can be in by the pack's table, and none."""
    found = {Tier.UNRESOLVED: "unknown"}
    for country in sorted(pack.tiers.countries):
        found.setdefault(pack.tiers.tier_of(country, day), country)
    return found


def _cell(pack: Pack, headquarters: str, site: Site, day: date) -> tuple[Tier, dict[str, str]]:
    """What the pack says of a customer at a site with nothing used, and with all."""
    who = CustomerPart(headquarters=None if headquarters == "unknown" else headquarters)
    past = 0 if pack.threshold is None else pack.threshold.limit_tflop(day) + 1
    verdicts = []
    for used_tflop in (0, past):
        part = CasePart.model_construct(
            case="cell",
            day=day,
            customer=who,
            site=SitePart(country=site.country or None, chip_authorization=site.chip_authorization),
            used=f"{used_tflop}e12",
            answers={},
        )
        decision = decide(question_of(pack, part), (ActivePack(pack, Mode.ENFORCE),))
        verdicts.append(decision.verdict.value)
    tier = decision.tier or Tier.UNRESOLVED
    rule = pack.rule_for(tier, site, day)
    told = {"rule": rule.code if rule else "none", "source": rule.source if rule else ""}
    return tier, {**told, "within": verdicts[0], "beyond": verdicts[1]}


def _run(pack: Pack, case: CasePart, document: Document, place: Place) -> CaseResult:
    with document.at(*place):
        decision = decide(question_of(pack, case), (ActivePack(pack, case.mode),))
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


def question_of(pack: Pack, case: CasePart) -> Question:
    now = datetime.combine(case.day, time(12), tzinfo=UTC)
    asks = case.workload
    ref = WorkloadRef("case", asks.namespace, asks.kind, asks.name)
    site = Site(case.site.country or "", case.site.chip_authorization)
    findings = {} if case.customer is None else {pack.id: _finding(pack, case.customer, now)}
    lineage = None if case.lineage is None else _lineage(case.lineage)
    permits = _permits(pack, case)
    pools = {}
    for found in findings.values():
        limit = limit_under(pack, found.tier, site, case.day, lineage=lineage, permits=permits)
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
        permits={pack.id: permits},
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


def _permits(pack: Pack, case: CasePart) -> tuple[Permit, ...]:
    """The answers of a case; what it calls the answer is to the question that the pack lists first."""
    first = {pack.inquiries[0].id: case.answer} if case.answer is not None and pack.inquiries else {}
    answers: dict[str, AnswerPart] = {**first, **case.answers}
    known = {each.id for each in pack.inquiries}
    if missing := sorted(answers.keys() - known):
        raise InvalidInput(f"{missing[0]!r} is the id of no inquiry of this pack.")
    return tuple(_permit(pack, asks, part) for asks, part in answers.items())


def _permit(pack: Pack, asks: str, part: AnswerPart) -> Permit:
    limit_tflop = None if part.limit is None else parse_flop(part.limit)
    return Permit(inquiry_id(pack.id, "case", asks), part.denied, limit_tflop, part.until, asks=asks)


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
