"""Inquiries over HTTP: what a hold asks of the provider, and the answer of two people."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Asked, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.review_shapes import AnswerInquiry, DenyInquiry, InquiriesShown, InquiryShown
from gatekeeper.domain.inquiry import Inquiry
from gatekeeper.domain.units import parse_flop
from gatekeeper.inquiries import waits_for_answer
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.inquiries import existing

router = APIRouter(tags=["inquiries"])
InquiryId = Annotated[str, Path(max_length=253, description="Id of the inquiry: its pack's, run's and question's.")]


@router.get("/inquiries", response_model=InquiriesShown)
def list_inquiries(
    asked: Reading,
    *,
    waits: Annotated[bool | None, Query(description="Whether somebody has to do something about it.")] = None,
    customer: Annotated[str, Query(max_length=63)] = "",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> InquiriesShown:
    """List inquiries, by id."""

    def work(_: Registry, reader: Reader) -> InquiriesShown:
        today = _today(asked)
        found = [
            each
            for each in sorted(reader.inquiries(), key=lambda each: each.id)
            if customer in ("", each.customer_id) and waits in (None, waits_for_answer(each, today))
        ]
        said = {"waits": "" if waits is None else str(waits).lower(), "customer": customer}
        filters = {name: value for name, value in said.items() if value}
        items, following = page(found, lambda each: each.id, limit=limit, cursor=cursor, path=asked.path, asked=filters)
        return InquiriesShown(items=[_shown(each, today) for each in items], next=following)

    return asked.read(work)


@router.get("/inquiries/{inquiry_id}", response_model=InquiryShown)
def show_inquiry(inquiry_id: InquiryId, asked: Reading) -> Response:
    """Look at an inquiry; approve its answer with If-Match."""
    return asked.read(lambda _, reader: _answer(asked, existing(reader, inquiry_id))).response()


@router.post("/inquiries/{inquiry_id}/answer", response_model=InquiryShown, openapi_extra={"x-body": "AnswerInquiry"})
def answer_inquiry(inquiry_id: InquiryId, asked: Writing) -> Response:
    """Answer exactly the inquiry that If-Match names: the run may go on once a second person has approved. What was
    permitted before ends until then."""
    said = asked.body.check(AnswerInquiry)
    with asked.body.at("limit"):
        limit_tflop = None if said.limit is None else parse_flop(said.limit)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing(reader, inquiry_id)))
        answered = registry.answer_inquiry(
            inquiry_id,
            answer=said.answer,
            licence=said.licence,
            until=said.until,
            limit_tflop=limit_tflop,
            by=asked.caller,
        )
        return _answer(asked, answered)

    return asked.act(work)


@router.post("/inquiries/{inquiry_id}/approve", response_model=InquiryShown)
def approve_inquiry(inquiry_id: InquiryId, asked: Writing) -> Response:
    """Approve exactly the answer that If-Match names."""

    def work(registry: Registry, reader: Reader) -> Answer:
        seen = existing(reader, inquiry_id)
        asked.check_match(tag_of(seen))
        return _answer(asked, registry.approve_inquiry(inquiry_id, by=asked.caller, seen=seen))

    return asked.act(work)


@router.post("/inquiries/{inquiry_id}/deny", response_model=InquiryShown, openapi_extra={"x-body": "DenyInquiry"})
def deny_inquiry(inquiry_id: InquiryId, asked: Writing) -> Response:
    """Answer an inquiry with no: what runs by it is stopped. If-Match may be left out."""
    said = asked.body.check(DenyInquiry)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing(reader, inquiry_id)), owed=False)
        return _answer(asked, registry.deny_inquiry(inquiry_id, answer=said.answer, by=asked.caller))

    return asked.act(work)


def _today(asked: Asked) -> date:
    return asked.office.clock.now().date()


def _answer(asked: Asked, inquiry: Inquiry) -> Answer:
    return Answer(_shown(inquiry, _today(asked)), etag=tag_of(inquiry))


def _shown(inquiry: Inquiry, today: date) -> InquiryShown:
    return InquiryShown(
        inquiry=inquiry.id,
        customer=inquiry.customer_id,
        run=inquiry.run_id,
        pack=inquiry.pack_id,
        asks=inquiry.asks,
        kind=inquiry.kind.value,
        question=inquiry.question,
        opened_at=inquiry.opened_at,
        state=inquiry.state.value,
        answer=inquiry.answer,
        licence=inquiry.licence,
        limit_tflop=None if inquiry.limit_tflop is None else str(inquiry.limit_tflop),
        until=inquiry.until,
        answered_by=inquiry.answered_by,
        approved_by=inquiry.approved_by,
        waits=waits_for_answer(inquiry, today),
    )
