"""What closed accounts left behind, over HTTP: legal holds, what is due, and erasing it by two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.customer_answers import CustomerId
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.shapes import Because, Shown
from gatekeeper.domain.retention import LegalHold
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.holds import existing_hold
from gatekeeper.registry.retention import ErasurePlan, Kept, waiting_erasure

router = APIRouter(tags=["retention"])
HoldId = Annotated[str, Path(max_length=63, description="Id of the legal hold.")]


class HoldShown(Shown):
    """A legal hold: while it holds, nothing of the customer is erased."""

    hold: str
    customer: str
    holds: bool
    reason: str
    placed_by: str
    placed_at: datetime
    lift_reason: str
    lift_asked_by: str
    lifted_by: str
    lifted_at: datetime | None


class HoldsShown(Shown):
    """A page of them, by id."""

    items: list[HoldShown]
    next: str | None


class KeptShown(Shown):
    """A customer, until when what it told of itself is kept, and what stands against erasing it."""

    customer: str
    latest_event_at: datetime
    kept_until: datetime
    holds: list[str] = Field(description="Ids of the legal holds that hold.")
    asked_by: str
    reason: str
    erased_at: datetime | None
    finished_at: datetime | None = Field(description="When no byte of it was left in our files.")
    refused: str = Field(description="Why it may not be erased now; empty where it may.")


class KeptsShown(Shown):
    """A page of closed customers, by id."""

    items: list[KeptShown]
    next: str | None


class ErasureShown(KeptShown):
    """What an erasure removes."""

    profiles: list[str] = Field(description="Salted hashes of the profiles whose values go; the log keeps the hashes.")
    files: list[str] = Field(description="SHA-256 of evidence that is this customer's alone.")
    shared: list[str] = Field(description="Of evidence that stays, as others have it on record too.")


@router.get("/retention", response_model=KeptsShown)
def list_kept(
    asked: Reading,
    *,
    due: Annotated[bool, Query(description="Only what may be erased now.")] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> KeptsShown:
    """List closed customers, and until when what they told of themselves is kept."""
    found = asked.read(lambda registry, _: registry.retention(due=due))
    found.sort(key=lambda each: each.customer.id)
    items, following = page(
        found,
        lambda each: each.customer.id,
        limit=limit,
        cursor=cursor,
        path=asked.path,
        asked={"due": "true"} if due else {},
    )
    return KeptsShown(items=[KeptShown(**_kept(each)) for each in items], next=following)


@router.get("/legal-holds", response_model=HoldsShown)
def list_holds(asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> HoldsShown:
    """List legal holds, by id; lifted ones too."""
    found = sorted(asked.read(lambda registry, _: registry.legal_holds()), key=lambda each: each.id)
    items, following = page(found, lambda each: each.id, limit=limit, cursor=cursor, path=asked.path, asked={})
    return HoldsShown(items=[_hold(each) for each in items], next=following)


@router.post(
    "/customers/{customer_id}/holds", response_model=HoldShown, status_code=201, openapi_extra={"x-body": "Because"}
)
def place_hold(customer_id: CustomerId, asked: Writing) -> Response:
    """Place a legal hold: nothing of the customer is erased until two people lift it."""
    said = asked.body.check(Because)
    return asked.act(lambda registry, _: _answer(registry.hold(customer_id, by=asked.caller, reason=said.reason), 201))


@router.get("/legal-holds/{hold_id}", response_model=HoldShown)
def show_hold(hold_id: HoldId, asked: Reading) -> Response:
    """Look at a legal hold."""
    return asked.read(lambda _, reader: _answer(existing_hold(reader, hold_id))).response()


@router.post("/legal-holds/{hold_id}/lift", response_model=HoldShown, openapi_extra={"x-body": "Because"})
def ask_to_lift(hold_id: HoldId, asked: Writing) -> Response:
    """Ask that exactly the hold that If-Match names be lifted: another person approves it."""
    said = asked.body.check(Because)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing_hold(reader, hold_id)))
        return _answer(registry.ask_to_lift(hold_id, by=asked.caller, reason=said.reason))

    return asked.act(work)


@router.post("/legal-holds/{hold_id}/lift/approve", response_model=HoldShown)
def approve_lift(hold_id: HoldId, asked: Writing) -> Response:
    """Lift exactly the hold that If-Match names, as another person asked."""

    def work(registry: Registry, reader: Reader) -> Answer:
        seen = existing_hold(reader, hold_id)
        asked.check_match(tag_of(seen))
        return _answer(registry.approve_lift(hold_id, by=asked.caller, seen=seen))

    return asked.act(work)


@router.post("/legal-holds/{hold_id}/lift/reject", response_model=HoldShown)
def reject_lift(hold_id: HoldId, asked: Writing) -> Response:
    """Drop the request to lift a hold. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing_hold(reader, hold_id)), owed=False)
        return _answer(registry.reject_lift(hold_id, by=asked.caller))

    return asked.act(work)


@router.get("/customers/{customer_id}/erasure", response_model=ErasureShown)
def show_erasure(customer_id: CustomerId, asked: Reading) -> Response:
    """Look at what erasing a customer would remove, at what stands against it, and at who asked for it."""
    return asked.read(lambda registry, reader: _looked_at(registry, reader, customer_id)).response()


@router.post(
    "/customers/{customer_id}/erasure",
    response_model=ErasureShown,
    status_code=201,
    openapi_extra={"x-body": "Because"},
)
def ask_to_erase(customer_id: CustomerId, asked: Writing) -> Response:
    """Ask to erase what a closed customer told of itself: profiles of all versions, and files that are its alone.
    Another person approves it. The log keeps their hashes, and stays whole."""
    said = asked.body.check(Because)

    def work(registry: Registry, reader: Reader) -> Answer:
        registry.erase(customer_id, by=asked.caller, reason=said.reason)
        return _looked_at(registry, reader, customer_id, 201)

    return asked.act(work)


@router.post("/customers/{customer_id}/erasure/approve", response_model=ErasureShown)
def approve_erasure(customer_id: CustomerId, asked: Writing) -> Response:
    """Erase exactly what If-Match names, for good. Backups and replicas of the database are not reached. A 503 may come
    when it is done and bytes are left in our files: ask again under the same Idempotency-Key."""

    def work(registry: Registry, reader: Reader) -> Answer:
        waiting = waiting_erasure(reader, customer_id)
        asked.check_match(_looked_at(registry, reader, customer_id).etag)
        plan = registry.approve_erasure(customer_id, by=asked.caller, seen=waiting)
        return Answer(ErasureShown(**_kept(registry.plan_erasure(customer_id).kept), **_removed(plan)))

    answer = asked.act(work)
    office = asked.office
    office.registry_over(office.stores).finish_erasures(office.evidence_files, office.scrub)
    return answer


@router.post("/customers/{customer_id}/erasure/reject", response_model=ErasureShown)
def reject_erasure(customer_id: CustomerId, asked: Writing) -> Response:
    """Drop an erasure that waits: everything stays. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(registry, reader, customer_id).etag, owed=False)
        registry.reject_erasure(customer_id, by=asked.caller)
        return _looked_at(registry, reader, customer_id)

    return asked.act(work)


def _looked_at(registry: Registry, reader: Reader, customer_id: str, status: int = 200) -> Answer:
    plan, erasure = registry.plan_erasure(customer_id), reader.erasure(customer_id)
    shown = ErasureShown(**_kept(plan.kept), **_removed(plan))
    return Answer(shown, status, tag_of(erasure, plan.profiles, plan.files))


def _kept(kept: Kept) -> dict[str, Any]:
    erasure = kept.erasure
    return {
        "customer": kept.customer.id,
        "latest_event_at": kept.last_event_at,
        "kept_until": kept.kept_until,
        "holds": [each.id for each in kept.holds],
        "asked_by": erasure.asked_by if erasure else "",
        "reason": erasure.reason if erasure else "",
        "erased_at": erasure.approved_at if erasure else None,
        "finished_at": erasure.finished_at if erasure else None,
        "refused": kept.refused,
    }


def _removed(plan: ErasurePlan) -> dict[str, Any]:
    return {"profiles": list(plan.profiles), "files": list(plan.files), "shared": list(plan.shared)}


def _answer(hold: LegalHold, status: int = 200) -> Answer:
    return Answer(_hold(hold), status, tag_of(hold))


def _hold(hold: LegalHold) -> HoldShown:
    return HoldShown(
        hold=hold.id,
        customer=hold.customer_id,
        holds=hold.holds,
        reason=hold.reason,
        placed_by=hold.placed_by,
        placed_at=hold.placed_at,
        lift_reason=hold.lift_reason,
        lift_asked_by=hold.lift_asked_by,
        lifted_by=hold.lifted_by,
        lifted_at=hold.lifted_at,
    )
