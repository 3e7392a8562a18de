"""Customers over HTTP: list, look at, apply, approve, tighten, explain."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Asked, Reading, Writing
from gatekeeper.api.pages import CURSOR_CHARACTERS_MAX, LIMIT_DEFAULT, LIMIT_MAX, Asking
from gatekeeper.api.problems import Fault, InvalidBody, Refused
from gatekeeper.api.shapes import (
    Approval,
    Because,
    ChangeShown,
    CustomerShown,
    CustomersShown,
    PlanShown,
    ReasonShown,
    RecordShown,
    Rejection,
    TierShown,
    TiersShown,
)
from gatekeeper.customer_files import record_of, shape_of
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.party import Party
from gatekeeper.domain.tier import TierFinding
from gatekeeper.ports import Reader
from gatekeeper.registry import Plan, Registry, Review

router = APIRouter(tags=["customers"])
CustomerId = Annotated[str, Path(max_length=63, description="Id of the customer.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="From `next` of the page before.")]


@router.get("/customers", response_model=CustomersShown)
def list_customers(
    asked: Reading,
    *,
    standing: Standing | None = None,
    tier: Literal["1", "2", "3", "unresolved"] | None = None,
    waits: bool | None = None,
    q: Annotated[str, Query(max_length=200, description="A part of the id or the name.")] = "",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> CustomersShown:
    """List customers, by id. `tier` is by any pack."""
    said = {"standing": standing, "tier": tier, "waits": None if waits is None else str(waits).lower(), "q": q}
    filters = {name: str(value) for name, value in said.items() if value}
    asking, sought = Asking(asked.path, filters, limit, cursor), q.casefold()
    now = asked.office.clock.now()

    def may_be(customer: Customer, party: Party | None) -> bool:
        named = party is None or sought in customer.id or sought in party.legal_name.casefold()
        return named and standing in (None, customer.standing_at(now))

    def wanted(review: Review) -> bool:
        each = _shown(review)
        return (
            (tier is None or tier in each["tiers"].values())
            and (waits is None or each["waits"] is waits)
            and (sought in each["customer"] or sought in each["name"].casefold())
        )

    found = asked.read(
        lambda registry, _: registry.some_reviews(after=asking.after, most=limit + 1, may_be=may_be, wanted=wanted)
    )
    shown, following = asking.split(found, lambda each: each.customer.id)
    return CustomersShown(items=[CustomerShown(**_shown(each)) for each in shown], next=following)


@router.get("/customers/{customer_id}", response_model=RecordShown, responses={304: {"description": "Unchanged."}})
def show_customer(customer_id: CustomerId, asked: Reading) -> Response:
    """Look at a customer as an approver does. Its ETag names all that is shown: approve it with If-Match."""
    answer = asked.read(lambda registry, _: _looked_at(registry, customer_id))
    if asked.unchanged(answer.etag):
        return Response(status_code=304, headers=answer.headers())
    return Response(answer.content.model_dump_json(), headers=answer.headers(), media_type="application/json")


@router.put(
    "/customers/{customer_id}",
    response_model=PlanShown,
    responses={201: {"model": PlanShown, "description": "A new customer; it waits for a second person."}},
    openapi_extra={"x-body": "CustomerFile"},
)
def apply_customer(
    customer_id: CustomerId,
    asked: Writing,
    dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False,
) -> Response:
    """Apply a record, in the shape of a customer's file. What makes the customer stricter takes effect at once;
    everything else waits until a second person approves it. If-Match names what you looked at; `If-None-Match: *` says
    that it is to be new."""
    record = record_of(asked.body)
    if record.customer_id != customer_id:
        raise InvalidBody([Fault(f"The address says customer {customer_id}.", pointer="/customer")])

    def work(registry: Registry, reader: Reader) -> Answer:
        _check_seen(asked, registry, reader, customer_id)
        plan = registry.apply(record, by=asked.caller)
        looked_at = _looked_at(registry, customer_id)
        created = plan.customer is None
        return Answer(_plan_shown(plan, dry_run=False), 201 if created else 200, etag=looked_at.etag)

    if dry_run:
        plan = asked.read(lambda registry, _: registry.plan(record))
        return Response(_plan_shown(plan, dry_run=True).model_dump_json(), media_type="application/json")
    return asked.act(work)


@router.post("/customers/{customer_id}/approve", response_model=RecordShown, openapi_extra={"x-body": "Approval"})
def approve_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Approve what waits, reinstate a suspended customer, or renew an approval: exactly what If-Match names."""
    said = asked.body.check(Approval)

    def work(registry: Registry, _: Reader) -> Answer:
        seen = _check_review(asked, registry, customer_id)
        registry.approve(customer_id, by=asked.caller, expires_at=said.expires_at, seen=seen)
        return _looked_at(registry, customer_id)

    return asked.act(work)


@router.post("/customers/{customer_id}/suspend", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def suspend_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Suspend a customer: nothing of it starts any more, and what runs is stopped. If-Match may be left out."""
    said = asked.body.check(Because)
    return _tighten(
        asked, customer_id, lambda registry: registry.suspend(customer_id, by=asked.caller, reason=said.reason)
    )


@router.post("/customers/{customer_id}/reject", response_model=RecordShown, openapi_extra={"x-body": "Rejection"})
def reject_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Reject exactly what waits and If-Match names."""
    said = asked.body.check(Rejection)

    def work(registry: Registry, _: Reader) -> Answer:
        _check_review(asked, registry, customer_id)
        registry.reject(customer_id, by=asked.caller, reason=said.reason, final=said.final, comment=said.comment)
        return _looked_at(registry, customer_id)

    return asked.act(work)


@router.post("/customers/{customer_id}/close", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def close_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Close an account for good. If-Match may be left out."""
    said = asked.body.check(Because)
    return _tighten(
        asked, customer_id, lambda registry: registry.close(customer_id, by=asked.caller, reason=said.reason)
    )


@router.get("/customers/{customer_id}/tier", response_model=TiersShown)
def explain_tier(
    customer_id: CustomerId,
    asked: Reading,
    as_of: Annotated[date | None, Query(description="A day; left out: today (UTC).")] = None,
) -> TiersShown:
    """Explain the tier of a customer by each pack, with the path of owners to every reason."""
    found = asked.read(lambda registry, _: registry.explain(customer_id, as_of=as_of))
    return TiersShown(customer=customer_id, packs={pack: tier_shown(each) for pack, each in found.items()})


def tier_shown(finding: TierFinding) -> TierShown:
    """A finding as it goes over the wire."""
    reasons = [
        ReasonShown(tier=each.tier.value, code=each.code, path=list(each.path), text=each.text)
        for each in finding.reasons
    ]
    return TierShown(tier=finding.tier.value, as_of=finding.as_of, reasons=reasons)


def _tighten(asked: Asked, customer_id: str, act: Any) -> Response:
    """What one person may do at once: whoever is in a hurry need not look first."""

    def work(registry: Registry, _: Reader) -> Answer:
        if asked.if_match:
            _check_review(asked, registry, customer_id)
        act(registry)
        return _looked_at(registry, customer_id)

    return asked.act(work)


def _check_seen(asked: Asked, registry: Registry, reader: Reader, customer_id: str) -> None:
    """A record replaces what its author looked at, or is new."""
    if reader.customer(customer_id) is None:
        if asked.if_match:
            raise Refused(412, f"There is no customer {customer_id} that you could have looked at.")
        if "*" not in asked.if_none_match:
            raise Refused(428, "This customer would be new.", hint="Send `If-None-Match: *` to enrol it.")
        return
    if asked.if_none_match:
        raise Refused(412, f"There is a customer {customer_id} already.", hint="Look at it, and send its ETag.")
    _check_review(asked, registry, customer_id)


def _check_review(asked: Asked, registry: Registry, customer_id: str) -> str:
    """Compare If-Match with what is there now; the fingerprint of it."""
    review = registry.review(customer_id)
    asked.check_match(_etag(review, _record_shown(review)), review.fingerprint)
    return review.fingerprint


def _looked_at(registry: Registry, customer_id: str) -> Answer:
    review = registry.review(customer_id)
    shown = _record_shown(review)
    return Answer(shown, etag=_etag(review, shown))


def _etag(review: Review, shown: RecordShown) -> str:
    """The fingerprint that an approval names, and a digest of all else that is shown: a tier that a new pack or list
    moved is another answer, though nobody touched the record."""
    return f"{review.fingerprint}.{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:16]}"


def _shown(review: Review) -> dict[str, Any]:
    customer = review.customer
    named = {each.id: each.legal_name for each in review.looked_at.parties}
    findings = review.findings_in_effect or review.findings
    return {
        "customer": customer.id,
        "name": named.get(review.looked_at.party_id, ""),
        "party": review.looked_at.party_id,
        "standing": review.standing.value,
        "tiers": {pack: each.tier.value for pack, each in findings.items()},
        "tiers_if_approved": {pack: each.tier.value for pack, each in review.findings.items()},
        "version": customer.version,
        "prepared_by": review.prepared_by,
        "approved_by": customer.approved_by,
        "expires_at": customer.expires_at,
        "reason": customer.reason,
        "waits": review.proposed is not None,
        "fingerprint": review.fingerprint,
    }


def _record_shown(review: Review) -> RecordShown:
    return RecordShown(
        **_shown(review),
        record=shape_of(review.in_effect) if review.in_effect else None,
        proposed=shape_of(review.proposed) if review.proposed else None,
        changes=_changes(review.changes),
    )


def _changes(changes: Any) -> list[ChangeShown]:
    return [
        ChangeShown(customer=each.customer_id, pack=each.pack, before=each.before.value, after=each.after.value)
        for each in changes
    ]


def _plan_shown(plan: Plan, *, dry_run: bool) -> PlanShown:
    return PlanShown(
        customer=plan.wanted.customer_id,
        outcome=plan.outcome.value,
        dry_run=dry_run,
        tiers={pack: each.tier.value for pack, each in plan.findings.items()},
        changes=_changes(plan.changes),
        record=shape_of(plan.wanted),
    )
