"""What happens to customers over time, over HTTP: versions, overrides (break-glass), ends of approvals, moved tiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.customer_answers import CustomerId
from gatekeeper.api.life_shapes import (
    AskOverride,
    DueShown,
    DuesShown,
    HistoryShown,
    MoveShown,
    MovesShown,
    OverrideShown,
    OverridesShown,
    VersionShown,
)
from gatekeeper.api.pages import LIMIT_DEFAULT, Asking, Cursor, Limit, page
from gatekeeper.domain.override import Override
from gatekeeper.domain.record import Record, RecordType, decode
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
    return answer.response()


@router.post("/customers/{customer_id}/override/end", response_model=OverrideShown)
def end_override(customer_id: CustomerId, asked: Writing) -> Response:
    """End an override before its time, or withdraw one that waits. If-Match may be left out."""
    return asked.act(lambda registry, _: _answer(registry.end_override(customer_id, by=asked.caller)))


@router.get("/due", response_model=DuesShown)
def list_due(
    asked: Reading,
    *,
    within_days: Annotated[int, Query(ge=0, le=3_660, description="Approvals that end within so many days.")] = 60,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> DuesShown:
    """List customers that have to be verified again: whose approval ends soon or has ended, the first to end first."""
    found = asked.read(lambda registry, _: registry.due(within=timedelta(days=within_days)))
    filters = {"within_days": str(within_days)}
    items, following = page(
        found,
        lambda each: f"{each.ends_at.isoformat()} {each.customer.id}",
        limit=limit,
        cursor=cursor,
        path=asked.path,
        asked=filters,
    )
    shown = [
        DueShown(
            customer=each.customer.id,
            standing=each.standing.value,
            ends_at=each.ends_at,
            notice=each.kind.value if each.kind else None,
            version=each.customer.version,
        )
        for each in items
    ]
    return DuesShown(items=shown, next=following)


@router.get("/tiers/changes", response_model=MovesShown, tags=["tiers"])
def list_moves(
    asked: Reading,
    *,
    since: Annotated[date | None, Query(description="From this day on (UTC).")] = None,
    customer: Annotated[str | None, Query(max_length=63)] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> MovesShown:
    """List whose tier moved, when and why, whatever moved it, oldest first."""
    said = {"since": since.isoformat() if since else "", "customer": customer or ""}
    asking = Asking(asked.path, {name: value for name, value in said.items() if value}, limit, cursor)
    begin = int(asking.after) + 1 if asking.after.isdecimal() else 0
    since_at = datetime.combine(since, time(), UTC) if since else None

    def work(_: Registry, reader: Reader) -> list[tuple[int, Record]]:
        records = reader.records(types=(RecordType.TIER_CHANGED,), customer=customer, since=since_at, begin=begin)
        return [(index, decode(leaf)) for index, leaf in islice(records, limit + 1)]

    shown, following = asking.split(asked.read(work), lambda each: f"{each[0]:012d}")
    return MovesShown(items=[_move_shown(index, record) for index, record in shown], next=following)


def _move_shown(index: int, record: Record) -> MoveShown:
    facts, reason = record.facts, record.facts["reason"]
    assert isinstance(reason, dict)
    named = {name: str(facts[name]) for name in ("customer", "pack", "before", "after")}
    path = reason["path"]
    assert isinstance(path, list)
    return MoveShown(
        record=index,
        at=record.at,
        **named,
        code=str(reason["code"]),
        path=[str(each) for each in path],
        because=str(reason["text"]),
    )


def _answer(override: Override, status: int = 200) -> Answer:
    return Answer(_shown(override), status, tag_of(override))


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
        record=version.seq if record else None,
        type=record.type.value if record else None,
        at=record.at if record else None,
        by=record.actor.name if record else None,
        changes={name: list(pair) for name, pair in change.changes.items()},
    )
