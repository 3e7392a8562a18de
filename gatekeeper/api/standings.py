"""What becomes of a customer over HTTP: draft, submit, suspend, reinstate, renew, reject, close, reopen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gatekeeper.api.asking import Writing, WritingRecord
from gatekeeper.api.customer_answers import CustomerId, record_in
from gatekeeper.api.customer_shapes import PlanShown, RecordShown, Rejection, Verified
from gatekeeper.api.name_words import check_name_words
from gatekeeper.api.shapes import Because
from gatekeeper.api.two_hands import act_on, put_record

router = APIRouter(tags=["customers"])


@router.put(
    "/customers/{customer_id}/draft",
    response_model=PlanShown,
    responses={201: {"model": PlanShown, "description": "A new customer; it waits for nobody."}},
    openapi_extra={"x-body": "CustomerFile"},
)
def draft_customer(
    customer_id: CustomerId,
    asked: WritingRecord,
    dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False,
) -> Response:
    """Keep a customer's first record as a draft, under the conditions of applying it: it waits for nobody until it is
    submitted."""
    record = record_in(asked, customer_id)
    check_name_words([record])
    return put_record(
        asked,
        customer_id,
        lambda registry: registry.plan_draft(record),
        None if dry_run else lambda registry: registry.draft(record, by=asked.caller),
    )


@router.post("/customers/{customer_id}/submit", response_model=RecordShown)
def submit_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Hand in exactly the draft that If-Match names: from now on it waits for a second person."""
    return act_on(asked, customer_id, lambda registry: registry.submit(customer_id, by=asked.caller), at_length=True)


@router.post("/customers/{customer_id}/suspend", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def suspend_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Suspend a customer: nothing of it starts any more, and what runs is stopped. If-Match may be left out."""
    said = asked.body.check(Because)
    return act_on(
        asked,
        customer_id,
        lambda registry: registry.suspend(customer_id, by=asked.caller, reason=said.reason),
        in_a_hurry=True,
    )


@router.post("/customers/{customer_id}/reinstate", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def reinstate_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Ask that the suspension that If-Match names be lifted: another person approves it."""
    said = asked.body.check(Because)
    return act_on(
        asked, customer_id, lambda registry: registry.reinstate(customer_id, by=asked.caller, reason=said.reason)
    )


@router.post("/customers/{customer_id}/renew", response_model=RecordShown, openapi_extra={"x-body": "Verified"})
def renew_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Say that the record that If-Match names was verified again and stands as it is: another person approves it."""
    said = asked.body.check(Verified)
    return act_on(asked, customer_id, lambda registry: registry.renew(customer_id, by=asked.caller, reason=said.reason))


@router.post("/customers/{customer_id}/reject", response_model=RecordShown, openapi_extra={"x-body": "Rejection"})
def reject_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Reject exactly what waits and If-Match names."""
    said = asked.body.check(Rejection)
    return act_on(
        asked,
        customer_id,
        lambda registry: registry.reject(
            customer_id, by=asked.caller, reason=said.reason, final=said.final, comment=said.comment
        ),
    )


@router.post("/customers/{customer_id}/close", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def close_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Close an account for good. If-Match may be left out."""
    said = asked.body.check(Because)
    return act_on(
        asked,
        customer_id,
        lambda registry: registry.close(customer_id, by=asked.caller, reason=said.reason),
        in_a_hurry=True,
    )


@router.post("/customers/{customer_id}/reopen", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def reopen_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Let a record be applied again that was rejected for good: exactly what If-Match names. Who rejected it cannot."""
    said = asked.body.check(Because)
    return act_on(
        asked, customer_id, lambda registry: registry.reopen(customer_id, by=asked.caller, reason=said.reason)
    )
