"""A customer as it is shown, its tag, and whether a request names what is there now."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import Path

from gatekeeper.api.asking import Answer, Asked
from gatekeeper.api.customer_shapes import (
    ChangeShown,
    ConflictShown,
    GroupShown,
    NamesakeShown,
    PlanShown,
    ReasonShown,
    RecordShown,
    TierShown,
)
from gatekeeper.api.problems import Fault, InvalidBody, Refused
from gatekeeper.customer_files import record_of, shape_of
from gatekeeper.domain.evidence import Sensitivity
from gatekeeper.domain.person import Caller
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.registry import KycRecord, Plan, Registry, Review
from gatekeeper.registry.kyc_record import PARTIES_MAX
from gatekeeper.registry.namesakes import Namesake

CustomerId = Annotated[str, Path(max_length=63, description="Id of the customer.")]


def record_in(asked: Asked, customer_id: str) -> KycRecord:
    """The record in a body.

    Raises:
        InvalidBody: it is none, or another customer's.
    """
    record = record_of(asked.body)
    if record.customer_id != customer_id:
        raise InvalidBody([Fault(f"The address says customer {customer_id}.", pointer="/customer")])
    return record


def tier_shown(finding: TierFinding) -> TierShown:
    """A finding as it goes over the wire."""
    reasons = [
        ReasonShown(tier=each.tier.value, code=each.code, path=list(each.path), text=each.text)
        for each in finding.reasons
    ]
    return TierShown(tier=finding.tier.value, as_of=finding.as_of, reasons=reasons)


def check_seen(asked: Asked, registry: Registry, reader: Reader, customer_id: str) -> None:
    """A record replaces what its author looked at, or is new."""
    if reader.customer(customer_id) is None:
        if asked.if_match:
            raise Refused(412, f"There is no customer {customer_id} that you could have looked at.")
        if "*" not in asked.if_none_match:
            raise Refused(428, "This customer would be new.", hint="Send `If-None-Match: *` to enrol it.")
        return
    if asked.if_none_match:
        raise Refused(412, f"There is a customer {customer_id} already.", hint="Look at it, and send its ETag.")
    check_review(asked, registry, customer_id)


def check_review(asked: Asked, registry: Registry, customer_id: str) -> str:
    """Compare If-Match with what is there now; the fingerprint of it."""
    review = registry.review(customer_id)
    asked.check_match(_etag(review, record_shown(review)), review.fingerprint)
    return review.fingerprint


def looked_at(registry: Registry, customer_id: str, by: Caller, *, namesakes: bool = False) -> Answer:
    """A customer as an approver sees it, with its tag, which is the same for everybody.

    Args:
        by: who is shown it: a profile is personal data, and not for all who may read here.
        namesakes: whether other parties of the same name are told as well, which asks for the names of all. They are
            no part of the tag: that somebody else comes to be called so changes nothing of what is approved.
    """
    review = registry.review(customer_id)
    shown = record_shown(review)
    etag = _etag(review, shown)
    told = with_namesakes(registry, [review], [shown])[0] if namesakes else shown
    return Answer(shown_to(told, by), etag=etag)


def shown_to(shown: RecordShown, by: Caller) -> RecordShown:
    """What somebody may see of a customer."""
    if Sensitivity.PERSONAL.may_be_seen_by(by):
        return shown
    parts = {"record": shown.record, "proposed": shown.proposed}
    return shown.model_copy(update={name: _without_profile(part) for name, part in parts.items()})


def _without_profile(part: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if part is None else {name: value for name, value in part.items() if name != "profile"}


def with_namesakes(registry: Registry, reviews: Sequence[Review], shown: Sequence[RecordShown]) -> list[RecordShown]:
    """What is shown of some customers, with other parties of the same name."""
    found = registry.namesakes(reviews)
    return [
        each.model_copy(update={"namesakes": [_namesake_shown(one) for one in found.get(each.customer, ())]})
        for each in shown
    ]


def _namesake_shown(told: Namesake) -> NamesakeShown:
    return NamesakeShown(
        party=told.party_id,
        name=told.name,
        other_party=told.other_id,
        other_name=told.other_name,
        lists=list(told.listed),
    )


def _etag(review: Review, shown: RecordShown) -> str:
    """The fingerprint, which names all that an approval does, and a digest of all that is shown, reasons too."""
    return f"{review.fingerprint}.{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:16]}"


def summary(review: Review) -> dict[str, Any]:
    """What is shown of a customer in a list."""
    customer = review.customer
    named = {each.id: each.legal_name for each in review.looked_at.parties}
    return {
        "customer": customer.id,
        "name": named.get(review.looked_at.party_id, ""),
        "party": review.looked_at.party_id,
        "standing": review.standing.value,
        "tiers": {pack: each.tier.value for pack, each in review.shown.items()},
        "tiers_if_approved": {pack: each.tier.value for pack, each in review.shown_if_approved.items()},
        "open_screenings": list(review.open_screenings),
        "override": review.override.id if review.override else "",
        "override_waits": review.override_waits.id if review.override_waits else "",
        "version": customer.version,
        "prepared_by": review.prepared_by,
        "approved_by": customer.approved_by,
        "expires_at": customer.expires_at,
        "reason": customer.reason,
        "waits": review.proposed is not None,
    }


def record_shown(review: Review) -> RecordShown:
    """What is shown of a customer alone."""
    return RecordShown(
        **summary(review),
        **_part("record", review.in_effect, review.told),
        **_part("proposed", review.proposed, review.told),
        ask=review.ask.value,
        ask_reason=review.waiting.reason if review.waiting else "",
        authors=list(review.waiting.authors) if review.waiting else [],
        stale=list(review.stale),
        changes=_changes(review.changes),
        groups=[GroupShown(customer=each.customer_id, left=list(each.left)) for each in review.groups],
        conflicts=[
            ConflictShown(
                party=each.party_id,
                lei=each.lei,
                code=each.code,
                recorded=each.recorded,
                observed=each.observed,
                overwritten_by=each.overwritten_by or None,
                overwritten_at=each.overwritten_at,
            )
            for each in review.conflicts
        ],
        fingerprint=review.fingerprint,
    )


def _changes(changes: Any) -> list[ChangeShown]:
    return [
        ChangeShown(
            customer=each.customer_id, pack=each.pack, before=each.before.value, after=each.after.value, day=each.day
        )
        for each in changes
    ]


def plan_shown(plan: Plan, *, dry_run: bool) -> PlanShown:
    """What applying a record did, or would do."""
    return PlanShown(
        customer=plan.wanted.customer_id,
        outcome=plan.outcome.value,
        dry_run=dry_run,
        tiers={pack: each.tier.value for pack, each in plan.shown.items()},
        replaces=str(plan.replaced) if plan.replaced else None,
        changes=_changes(plan.changes),
        **_part("record", plan.wanted, plan.written.keys()),
    )


def _part(name: str, record: KycRecord | None, first: Collection[str]) -> dict[str, Any]:
    """A record as it is shown, and how many parties of it are not."""
    if record is None:
        return {name: None}
    shape = shape_of(record, first=first, at_most=PARTIES_MAX)
    return {name: shape, f"{name}_left_out": len(record.parties) - len(shape["parties"])}
