"""Customers over HTTP: list, look at, apply, approve, explain."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from gatekeeper.api.asking import Reading, Writing, WritingRecord
from gatekeeper.api.customer_answers import CustomerId, looked_at, record_in, summary, tier_shown
from gatekeeper.api.customer_shapes import Approval, CustomerShown, CustomersShown, PlanShown, RecordShown, TiersShown
from gatekeeper.api.name_words import check_name_words
from gatekeeper.api.pages import LIMIT_DEFAULT, Asking, Cursor, Limit
from gatekeeper.api.two_hands import act_on, put_record
from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.party import Party
from gatekeeper.registry import Registry, Review

router = APIRouter(tags=["customers"])


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
        each = summary(review)
        return (
            (tier is None or tier in each["tiers"].values())
            and (waits is None or each["waits"] is waits)
            and (sought in each["customer"] or sought in each["name"].casefold())
        )

    found = asked.read(
        lambda registry, _: registry.some_reviews(after=asking.after, most=limit + 1, may_be=may_be, wanted=wanted)
    )
    shown, following = asking.split(found, lambda each: each.customer.id)
    return CustomersShown(items=[CustomerShown(**summary(each)) for each in shown], next=following)


@router.get("/customers/{customer_id}", response_model=RecordShown, responses={304: {"description": "Unchanged."}})
def show_customer(customer_id: CustomerId, asked: Reading) -> Response:
    """Look at a customer as an approver does. Its ETag names all that is shown: approve it with If-Match."""
    answer = asked.read(lambda registry, _: looked_at(registry, customer_id, asked.caller, namesakes=True))
    if asked.unchanged(answer.etag):
        return Response(status_code=304, headers=answer.headers())
    return answer.response()


@router.put(
    "/customers/{customer_id}",
    response_model=PlanShown,
    responses={201: {"model": PlanShown, "description": "A new customer; it waits for a second person."}},
    openapi_extra={"x-body": "CustomerFile"},
)
def apply_customer(
    customer_id: CustomerId,
    asked: WritingRecord,
    dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False,
) -> Response:
    """Apply a record, in the shape of a customer's file. What makes the customer stricter takes effect at once;
    everything else waits until a second person approves it. If-Match names what you looked at; `If-None-Match: *` says
    that it is to be new."""
    record = record_in(asked, customer_id)
    check_name_words([record])
    return put_record(
        asked,
        customer_id,
        lambda registry: registry.plan(record),
        None if dry_run else lambda registry: registry.apply(record, by=asked.caller),
    )


@router.post("/customers/{customer_id}/approve", response_model=RecordShown, openapi_extra={"x-body": "Approval"})
def approve_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Approve what waits: a record, the end of a suspension or a renewal; exactly what If-Match names. Nobody who wrote
    any of it may."""
    said = asked.body.check(Approval)

    def approve(registry: Registry) -> None:
        seen = registry.review(customer_id).fingerprint  # what If-Match named, in the same transaction
        registry.approve(customer_id, by=asked.caller, expires_at=said.expires_at, seen=seen)

    return act_on(asked, customer_id, approve, at_length=True)


@router.get("/customers/{customer_id}/tier", response_model=TiersShown)
def explain_tier(
    customer_id: CustomerId,
    asked: Reading,
    as_of: Annotated[date | None, Query(description="A day; left out: today (UTC).")] = None,
) -> TiersShown:
    """Explain the tier of a customer by each pack, with the path of owners to every reason."""
    found = asked.read(lambda registry, _: registry.explain(customer_id, as_of=as_of))
    return TiersShown(customer=customer_id, packs={pack: tier_shown(each) for pack, each in found.items()})
