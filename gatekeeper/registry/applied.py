"""What became of a batch, what an approver sees of one, and the names of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.profile_facts import profile_json
from gatekeeper.domain.record import canonical_json
from gatekeeper.ports.answers import KeptAnswer
from gatekeeper.registry.kyc_record import KycRecord, record_json
from gatekeeper.registry.plan import Plan
from gatekeeper.registry.review import Review


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch.

    Attributes:
        batch_id: names it for an approval; "" where nothing of it waits or changed.
        plans: what each record did, in their order; none where it is repeated.
        counts: outcome -> how many records.
        repeated: it had been applied before under this key, and nothing was done now.
    """

    batch_id: str
    plans: tuple[Plan, ...]
    counts: dict[str, int]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class BatchReview:
    """A batch as an approver sees it: what of it waits, and a name for exactly that."""

    reviews: tuple[Review, ...]
    fingerprint: str


def name_of(reviews: Iterable[Review]) -> str:
    """One name for what an approver sees of some customers."""
    said = "".join(f"{each.customer.id} {each.fingerprint}\n" for each in reviews)
    return hashlib.sha256(said.encode()).hexdigest()


def counts_of(plans: Iterable[Plan]) -> dict[str, int]:
    """Outcome -> how many records."""
    found: dict[str, int] = {}
    for plan in plans:
        found[plan.outcome.value] = found.get(plan.outcome.value, 0) + 1
    return found


def sha256_of(records: Sequence[KycRecord]) -> str:
    """What a request asks for. It stays in the store, beside the profiles themselves."""
    whole = hashlib.sha256()
    for each in records:
        profile = profile_json(each.profile) if each.profile else None
        whole.update(canonical_json({**record_json(each), "profile": profile}) + b"\n")
    return whole.hexdigest()


def repeated(kept: KeptAnswer, request: str) -> Applied:
    """The answer of before, given again to the same request."""
    if kept.request != request:
        raise Conflict(f"The idempotency key {kept.key!r:.80} was used for other records.", hint="Choose another key.")
    answer = json.loads(kept.body)
    return Applied(answer["batch"], (), answer["counts"], repeated=True)
