"""The answer to one workload as a value, and the question that it rests on. How it is found: `deciding`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.inquiry import Permit
from gatekeeper.domain.ledger import Pool
from gatekeeper.domain.override import Override
from gatekeeper.domain.policy import Site
from gatekeeper.domain.tier import Tier, TierFinding
from gatekeeper.domain.workload import Workload


class Verdict(StrEnum):
    """What happens, from mild to strict."""

    ALLOW = "allow"
    WARN = "warn"
    HOLD = "hold"
    DENY = "deny"
    STOP = "stop"

    @property
    def strictness(self) -> int:
        """Order in which the strictest verdict wins."""
        return list(Verdict).index(self)

    @property
    def lets_start(self) -> bool:
        """Whether the workload may start."""
        return self in (Verdict.ALLOW, Verdict.WARN)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code for programs, a clause for people, the verdict that the pack gave before and after its mode."""

    code: str
    text: str
    pack: str
    verdict: Verdict
    unmoderated: Verdict


@dataclass(frozen=True, slots=True)
class Grant:
    """What a workload may be given: a lease and the operations that must be held for it.

    Attributes:
        held_s: lease + grace + slack: how long its containers can run at the very most.
        amount_tflop: worst rate of the whole workload x held_s.
    """

    rate_tflop_per_s: int
    lease_s: int
    held_s: int

    @property
    def amount_tflop(self) -> int:
        """Operations to reserve for the whole workload."""
        return self.rate_tflop_per_s * self.held_s


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one pack says before its mode is taken into account.

    Attributes:
        pool: the accounts under the pack's limit, where a budget was asked for.
        inquiries: ids of the pack's questions that have to be answered before it goes on.
    """

    verdict: Verdict
    code: str
    text: str
    remedy: str
    tier: Tier | None = None
    grant: Grant | None = None
    pool: Pool | None = None
    inquiries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The strictest verdict of all active packs, with every reason.

    Attributes:
        sentence: one sentence for the customer: why, how far it was, what it can do.
        grant: lease and amount where the verdict lets it start and a budget holds; None otherwise.
        limit_tflop, used_tflop: of the pack whose lease is granted, else of the one that decided; None without one.
        packs: id -> SHA-256 of each pack that was asked.
        inquiries: (pack, id of its question) that somebody has to answer, whatever the mode let through.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    sentence: str
    tier: Tier | None = None
    grant: Grant | None = None
    limit_tflop: int | None = None
    used_tflop: int | None = None
    packs: Mapping[str, str] = field(default_factory=dict)
    inquiries: tuple[tuple[str, str], ...] = ()

    @property
    def worth_telling(self) -> bool:
        """Whether some pack would have said more than "allow", whatever its mode let through."""
        return any(reason.unmoderated is not Verdict.ALLOW for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Bar:
    """What bars work whoever its customer is and whatever a pack says: a code, a clause for people, and the way out."""

    code: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Question:
    """All that a decision rests on.

    Attributes:
        customer: whom the namespace is bound to; None where it is bound to nobody.
        findings: pack id -> tier of the customer by that pack's table.
        pools: pack id -> the accounts that share the pack's limit, with that limit; no entry where it has none.
        rate_tflop_per_s: worst rate of the whole workload.
        grace_s: how long containers may run on after their deadline (grace + slack of the node).
        bar: what bars the work, if anything does.
        override: what treats the customer as in a milder tier for now; `customer` and `findings` are as it has them.
        permits: pack id -> what the answers to its questions about this run permit or refuse.
        undeclared: nobody declared the run, so it may be of any model, and no licence covers it.
    """

    workload: Workload
    now: datetime
    site: Site
    customer: Customer | None
    findings: Mapping[str, TierFinding]
    pools: Mapping[str, Pool]
    rate_tflop_per_s: int
    grace_s: int
    permits: Mapping[str, tuple[Permit, ...]] = field(default_factory=dict)
    bar: Bar | None = None
    override: Override | None = None
    undeclared: bool = False
