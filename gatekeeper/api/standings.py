"""What becomes of a customer over HTTP: draft, submit, suspend, reinstate, renew, reject, close, reopen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gatekeeper.api.asking import Answer, Asked, Writing
from gatekeeper.api.customer_answers import CustomerId, check_review, check_seen, looked_at, plan_shown, record_in
from gatekeeper.api.customer_shapes import PlanShown, RecordShown, Rejection, Verified
from gatekeeper.api.shapes import Because
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["customers"])


@router.put(
    "/customers/{customer_id}/draft",
    response_model=PlanShown,
    responses={201: {"model": PlanShown, "description": "A new customer; it waits for nobody."}},
    openapi_extra={"x-body": "CustomerFile"},
)
def draft_customer(
    customer_id: CustomerId,
    asked: Writing,
    dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False,
) -> Response:
    """Keep a customer's first record as a draft, under the conditions of applying it: it waits for nobody until it is
    submitted."""
    record = record_in(asked, customer_id)

    def work(registry: Registry, reader: Reader) -> Answer:
        check_seen(asked, registry, reader, customer_id)
        plan = registry.draft(record, by=asked.caller)
        status = 201 if plan.customer is None else 200
        return Answer(plan_shown(plan, dry_run=False), status, etag=looked_at(registry, customer_id, asked.caller).etag)

    if dry_run:
        return Answer(plan_shown(asked.read(lambda registry, _: registry.plan_draft(record)), dry_run=True)).response()
    return asked.act(work)


@router.post("/customers/{customer_id}/submit", response_model=RecordShown)
def submit_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Hand in exactly the draft that If-Match names: from now on it waits for a second person."""

    def work(registry: Registry, _: Reader) -> Answer:
        check_review(asked, registry, customer_id)
        registry.submit(customer_id, by=asked.caller)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)


@router.post("/customers/{customer_id}/suspend", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def suspend_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Suspend a customer: nothing of it starts any more, and what runs is stopped. If-Match may be left out."""
    said = asked.body.check(Because)
    return _tighten(
        asked, customer_id, lambda registry: registry.suspend(customer_id, by=asked.caller, reason=said.reason)
    )


@router.post("/customers/{customer_id}/reinstate", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def reinstate_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Ask that the suspension that If-Match names be lifted: another person approves it."""
    said = asked.body.check(Because)

    def work(registry: Registry, _: Reader) -> Answer:
        check_review(asked, registry, customer_id)
        registry.reinstate(customer_id, by=asked.caller, reason=said.reason)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)


@router.post("/customers/{customer_id}/renew", response_model=RecordShown, openapi_extra={"x-body": "Verified"})
def renew_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Say that the record that If-Match names was verified again and stands as it is: another person approves it."""
    said = asked.body.check(Verified)

    def work(registry: Registry, _: Reader) -> Answer:
        check_review(asked, registry, customer_id)
        registry.renew(customer_id, by=asked.caller, reason=said.reason)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)


@router.post("/customers/{customer_id}/reject", response_model=RecordShown, openapi_extra={"x-body": "Rejection"})
def reject_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Reject exactly what waits and If-Match names."""
    said = asked.body.check(Rejection)

    def work(registry: Registry, _: Reader) -> Answer:
        check_review(asked, registry, customer_id)
        registry.reject(customer_id, by=asked.caller, reason=said.reason, final=said.final, comment=said.comment)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)


@router.post("/customers/{customer_id}/close", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def close_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Close an account for good. If-Match may be left out."""
    said = asked.body.check(Because)
    return _tighten(
        asked, customer_id, lambda registry: registry.close(customer_id, by=asked.caller, reason=said.reason)
    )


@router.post("/customers/{customer_id}/reopen", response_model=RecordShown, openapi_extra={"x-body": "Because"})
def reopen_customer(customer_id: CustomerId, asked: Writing) -> Response:
    """Let a record be applied again that was rejected for good: exactly what If-Match names. Who rejected it cannot."""
    said = asked.body.check(Because)

    def work(registry: Registry, _: Reader) -> Answer:
        check_review(asked, registry, customer_id)
        registry.reopen(customer_id, by=asked.caller, reason=said.reason)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)


def _tighten(asked: Asked, customer_id: str, act: Callable[[Registry], object]) -> Response:
    """What one person may do at once: whoever is in a hurry need not look first."""

    def work(registry: Registry, _: Reader) -> Answer:
        if asked.if_match:
            check_review(asked, registry, customer_id)
        act(registry)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work)
