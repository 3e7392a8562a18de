"""What happens to customers over time, over HTTP: versions, and overrides (break-glass) by two people."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Response

from gatekeeper.api.asking import Answer, Reading, Writing
from gatekeeper.api.customers import Cursor, CustomerId, Limit
from gatekeeper.api.pages import LIMIT_DEFAULT, page
from gatekeeper.api.shapes import AskOverride, HistoryShown, OverrideShown, OverridesShown, VersionShown
from gatekeeper.domain.override import Override
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.history import Change
from gatekeeper.registry.review import existing

router = APIRouter(tags=["customers"])


@router.get("/customers/{customer_id}/history", response_model=HistoryShown)
def show_history(
    customer_id: CustomerId, asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> HistoryShown:
    """Every version of a customer, of what waited for it, and of its parties, oldest first."""
    changes = asked.read(lambda registry, _: registry.history(customer_id))
    numbered = list(enumerate(changes))
    items, following = page(
        numbered, lambda each: f"{each[0]:012d}", limit=limit, cursor=cursor, path=asked.path, asked={}
    )
    return HistoryShown(items=[_version_shown(change) for _, change in items], next=following)


@router.get("/customers/{customer_id}/overrides", response_model=OverridesShown)
def list_overrides(customer_id: CustomerId, asked: Reading) -> OverridesShown:
    """The overrides of a customer, oldest first."""

    def work(registry: Registry, reader: Reader) -> OverridesShown:
        existing(reader, customer_id)
        return OverridesShown(items=[_shown(each) for each in registry.overrides(customer_id)])

    return asked.read(work)


@router.post(
    "/customers/{customer_id}/override",
    response_model=OverrideShown,
    status_code=201,
    openapi_extra={"x-body": "AskOverride"},
)
def ask_override(customer_id: CustomerId, asked: Writing) -> Response:
    """Break glass: ask that a customer be treated as in a milder tier for some hours from the approval on."""
    said = asked.body.check(AskOverride)

    def work(registry: Registry, _: Reader) -> Answer:
        return _answer(
            registry.override(customer_id, tier=Tier(said.tier), hours=said.hours, reason=said.reason, by=asked.caller),
            201,
        )

    return asked.act(work)


@router.post("/customers/{customer_id}/override/approve", response_model=OverrideShown)
def approve_override(customer_id: CustomerId, asked: Writing) -> Response:
    """Approve exactly the override that If-Match names: the ETag of the answer in which it was asked for."""

    def work(registry: Registry, _: Reader) -> Answer:
        waiting = registry.waiting_override(customer_id)
        asked.check_match(_answer(waiting).etag)
        return _answer(registry.approve_override(customer_id, by=asked.caller, seen=waiting))

    return asked.act(work)


@router.get("/customers/{customer_id}/override", response_model=OverrideShown)
def show_override(customer_id: CustomerId, asked: Reading) -> Response:
    """The override that waits for a second person, with the ETag that its approval owes."""
    answer = asked.read(lambda registry, _: _answer(registry.waiting_override(customer_id)))
    return Response(answer.content.model_dump_json(), headers=answer.headers(), media_type="application/json")


@router.post("/customers/{customer_id}/override/end", response_model=OverrideShown)
def end_override(customer_id: CustomerId, asked: Writing) -> Response:
    """End an override before its time, or withdraw one that waits. If-Match may be left out."""
    return asked.act(lambda registry, _: _answer(registry.end_override(customer_id, by=asked.caller)))


def _answer(override: Override, status: int = 200) -> Answer:
    return Answer(_shown(override), status, hashlib.sha256(repr(override).encode()).hexdigest())


def _shown(override: Override) -> OverrideShown:
    return OverrideShown(
        override=override.id,
        customer=override.customer_id,
        tier=override.tier.value,
        hours=override.hours,
        reason=override.reason,
        requested_by=override.requested_by,
        requested_at=override.requested_at,
        approved_by=override.approved_by,
        approved_at=override.approved_at,
        ended_by=override.ended_by,
        ends_at=override.ends_at,
    )


def _version_shown(change: Change) -> VersionShown:
    version, record = change.version, change.version.record
    return VersionShown(
        kind=version.kind,
        id=version.id,
        number=version.number,
        record=version.seq,
        type=record.type.value if record else None,
        at=record.at if record else None,
        by=record.actor.name if record else None,
        changes={name: list(pair) for name, pair in change.changes.items()},
    )
