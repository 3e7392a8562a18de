"""Batches over HTTP: many records applied as a whole, and approved as one."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Asked, Reading, WritingAtLength
from gatekeeper.api.customer_answers import plan_shown, record_shown, shown_to, with_namesakes
from gatekeeper.api.customer_shapes import AppliedShown, Approval, Batched, BatchShown
from gatekeeper.api.name_words import check_name_words
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.problems import ERRORS_MAX, Fault, InvalidBody
from gatekeeper.customer_files import record_of
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.person import Caller, Right
from gatekeeper.ports import Reader
from gatekeeper.ports.batches import Batch
from gatekeeper.registry import Applied, BatchReview, KycRecord, Registry

router = APIRouter(tags=["batches"])
BatchId = Annotated[str, Path(max_length=63, description="Id of the batch.")]


@router.post(
    "/batches",
    response_model=AppliedShown,
    status_code=201,
    responses={200: {"model": AppliedShown, "description": "Nothing of it waits or changed, or a dry run."}},
    openapi_extra={"x-body": "Batched"},
)
def apply_batch(
    asked: WritingAtLength, dry_run: Annotated[bool, Query(description="Only say what it would do.")] = False
) -> Response:
    """Apply many records, each as a `PUT` would: all of them, or none where one is refused. Each replaces whatever is
    there. Give it one Idempotency-Key."""
    records = _records(asked)
    check_name_words(records)
    if dry_run:
        asked.caller.require(Right.EDIT)  # it costs as much as to apply them
        plans = asked.office.registry_over(asked.office.stores).plan_all(records)
        counts: dict[str, int] = {}
        for each in plans:
            counts[each.outcome.value] = counts.get(each.outcome.value, 0) + 1
        return Answer(_applied_shown(Applied("", plans, counts), dry_run=True)).response()

    def work(registry: Registry, _: Reader) -> Answer:
        done = registry.apply_all(records, by=asked.caller)
        shown = _applied_shown(done, dry_run=False)
        if not done.batch_id:
            return Answer(shown)
        etag = _etag(registry.review_all(done.batch_id))
        return Answer(shown, 201, etag, location=f"{asked.path}/{done.batch_id}")

    return asked.act(work, at_length=True)


@router.get("/batches/{batch_id}", response_model=BatchShown)
def show_batch(batch_id: BatchId, asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Response:
    """Look at what of a batch waits. The ETag, the same on all pages, names all of it: approve it with If-Match."""

    def work(registry: Registry, reader: Reader) -> Answer:
        batch, review = _existing(reader, batch_id), registry.review_all(batch_id)
        return _looked_at(registry, asked.caller, batch, review, limit=limit, cursor=cursor)

    return asked.read(work).response()


@router.post("/batches/{batch_id}/approve", response_model=BatchShown, openapi_extra={"x-body": "Approval"})
def approve_batch(batch_id: BatchId, asked: WritingAtLength) -> Response:
    """Approve exactly what of a batch waits and If-Match names: all of it, or nothing."""
    said = asked.body.check(Approval)

    def work(registry: Registry, reader: Reader) -> Answer:
        batch, review = _existing(reader, batch_id), registry.review_all(batch_id)
        asked.check_match(_etag(review), review.fingerprint)
        registry.approve_all(batch_id, by=asked.caller, seen=review.fingerprint, expires_at=said.expires_at)
        return _looked_at(registry, asked.caller, batch, registry.review_all(batch_id))

    return asked.act(work, at_length=True)


def _records(asked: Asked) -> list[KycRecord]:
    """The records of a body, or every place of it that is wrong."""
    found, faults, first = list[KycRecord](), list[Fault](), dict[str, int]()
    try:
        asked.body.check(Batched)
    except InvalidBody as error:
        faults += error.faults
    whole = [fault for fault in faults if not re.match(r"/records/\d+(/|$)", fault.pointer or "")]
    if whole:
        raise InvalidBody(whole)
    wrong = {int((fault.pointer or "").split("/")[2]) for fault in faults}
    for number in sorted(set(range(len(asked.body.data["records"]))) - wrong):
        if len(faults) >= ERRORS_MAX:
            break  # no more are told, and to find what each may mean takes long
        try:
            found.append(record_of(asked.body.part("records", number)))
        except InvalidBody as error:
            faults += error.faults
            continue
        if first.setdefault(found[-1].customer_id, number) != number:
            sentence = f"Customer {found[-1].customer_id} stands in this batch already."
            faults.append(Fault(sentence, pointer=f"/records/{number}/customer"))
    if faults:
        raise InvalidBody(faults[:ERRORS_MAX])
    return found


def _existing(reader: Reader, batch_id: str) -> Batch:
    batch = reader.batch(batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id!r:.80}.", hint="POST /v1/batches told its id.")
    return batch


def _looked_at(
    registry: Registry,
    by: Caller,
    batch: Batch,
    review: BatchReview,
    *,
    limit: int = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Answer:
    path = f"/v1/batches/{batch.id}"
    reviews = sorted(review.reviews, key=lambda each: each.customer.id)
    items, following = page(reviews, lambda each: each.customer.id, limit=limit, cursor=cursor, path=path, asked={})
    shown = BatchShown(
        batch=batch.id,
        prepared_by=batch.prepared_by,
        at=batch.at,
        customers=len(batch.customers),
        waiting=len(reviews),
        items=with_namesakes(registry, items, [shown_to(record_shown(each), by) for each in items]),
        next=following,
    )
    return Answer(shown, etag=_etag(review))


def _etag(review: BatchReview) -> str:
    """The fingerprint that an approval names, and a digest of the tiers, which a new pack or list moves too."""
    tiers = [sorted((pack, found.tier.value) for pack, found in each.shown.items()) for each in review.reviews]
    return f"{review.fingerprint}.{hashlib.sha256(repr(tiers).encode()).hexdigest()[:16]}"


def _applied_shown(done: Applied, *, dry_run: bool) -> AppliedShown:
    items = [plan_shown(each, dry_run=dry_run) for each in done.plans]
    return AppliedShown(batch=done.batch_id, dry_run=dry_run, counts=done.counts, items=items)
