"""Builders of packs and questions: a test names only what matters to it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.decision import Question
from gatekeeper.domain.ledger import Account, Pool
from gatekeeper.domain.policy import (
    Action,
    ActivePack,
    ChipAuthorization,
    InquiryKind,
    InquiryTerms,
    LeaseTerms,
    LegalStatus,
    Mode,
    Pack,
    Rule,
    Site,
    Threshold,
)
from gatekeeper.domain.tier import Tier, TierFinding, TierReason, TierTable
from gatekeeper.domain.workload import Count, Workload, WorkloadRef

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR_S, DAY_S = 3_600, 86_400
ALL_TIERS = frozenset({Tier.ONE, Tier.TWO, Tier.THREE})
TERMS = LeaseTerms(shortest_s=HOUR_S, longest_s=28 * DAY_S, share_percent=2)
THRESHOLD = Threshold(amount_tflop=10**14, reached_is_controlled=True, source="test")
H100_TFLOP_PER_S = 2286
INQUIRY = InquiryTerms("ask", InquiryKind.ATTESTATION, "what the model is for", "test")


def make_rule(
    code: str,
    action: Action,
    *,
    authorizations: frozenset[ChipAuthorization] | None = None,
    countries: frozenset[str] | None = None,
) -> Rule:
    text, asks = "models of this size are controlled", (INQUIRY.id,) if action is Action.HOLD else ()
    return Rule(ALL_TIERS, action, code, text, "test", authorizations, countries, inquiries=asks)


def make_pack(
    pack_id: str = "pack",
    *,
    action: Action = Action.BUDGET,
    rules: tuple[Rule, ...] | None = None,
    threshold: Threshold | None = THRESHOLD,
    lease: LeaseTerms = TERMS,
) -> Pack:
    return Pack(
        id=pack_id,
        version=date(2026, 11, 22),
        title="A pack",
        legal_status=LegalStatus.HOUSE,
        default_mode=Mode.WARN,
        tiers=TierTable({}, Tier.TWO, frozenset({"IN"})),
        threshold=threshold,
        rules=(make_rule("rule", action),) if rules is None else rules,
        lease=lease,
        warn_percent=80,
        remedy="ask for less",
        citations=("test",),
        sha256=f"sha256 of {pack_id}",
        inquiries=(INQUIRY,),
    )


def limit_of_pack(pack: Pack, now: datetime = NOW) -> int:
    """What a pack with a threshold limits a run to that nobody said more of."""
    assert pack.threshold is not None
    return pack.threshold.limit_tflop(now.date())


def enforced(*packs: Pack, mode: Mode = Mode.ENFORCE) -> tuple[ActivePack, ...]:
    return tuple(ActivePack(pack, mode) for pack in packs)


def make_customer(standing: Standing = Standing.APPROVED, reason: str = "") -> Customer:
    approved = standing is Standing.APPROVED
    return Customer(
        "lab",
        "lab",
        standing,
        "Ada",
        approved_by="Grace" if approved else "",
        expires_at=NOW + timedelta(days=1) if approved else None,
        reason=reason,
    )


def make_finding(tier: Tier = Tier.TWO) -> TierFinding:
    code = "hq.unknown" if tier is Tier.UNRESOLVED else "hq.own"
    text = "nobody has recorded where Lab is headquartered"
    if tier is not Tier.UNRESOLVED:
        text = f"Lab (IN) is headquartered in {tier}"
    return TierFinding("lab", NOW.date(), tier, (TierReason(tier, code, ("lab",), text),))


def make_question(
    packs: tuple[ActivePack, ...],
    *,
    customer: Customer | None = None,
    bound: bool = True,
    tier: Tier = Tier.TWO,
    used_tflop: Mapping[str, int] | int = 0,
    devices: int = 8,
    rate_tflop_per_s: int | None = None,
    now: datetime = NOW,
    grace_s: int = 120,
) -> Question:
    """What a lab in Tier 2 asks for 8 H100; `used_tflop` for all packs or by pack id."""

    def pool(pack: Pack) -> Pool:
        used = used_tflop if isinstance(used_tflop, int) else used_tflop.get(pack.id, 0)
        return Pool(limit_of_pack(pack, now), (Account("run", used),))

    return Question(
        workload=Workload(WorkloadRef("c", "lab", "Job", "train"), {"nvidia.com/gpu": Count(devices, devices)}),
        now=now,
        site=Site(),
        customer=(customer or make_customer()) if bound else None,
        findings={each.pack.id: make_finding(tier) for each in packs},
        pools={each.pack.id: pool(each.pack) for each in packs if each.pack.threshold is not None},
        rate_tflop_per_s=devices * H100_TFLOP_PER_S if rate_tflop_per_s is None else rate_tflop_per_s,
        grace_s=grace_s,
    )
