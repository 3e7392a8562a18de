"""Ends of reservations whose pod vanished unseen, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.shapes import Because
from gatekeeper.api.work_shapes import EndShown, EndsShown, ReservationShown
from gatekeeper.domain.ending import ProposedEnd
from gatekeeper.domain.ledger import Reservation
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.endings import existing_end

router = APIRouter(tags=["runs"])
ReservationId = Annotated[str, Path(max_length=253, description="Id of the reservation: its pod's uid.")]


@router.get("/reservations/ends", response_model=EndsShown)
def list_ends(asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> EndsShown:
    """List the ends of reservations that wait for a second person, by reservation."""

    def work(registry: Registry, _: Reader) -> EndsShown:
        found = sorted(registry.waiting_ends(), key=lambda each: each[0].reservation_id)
        items, following = page(
            found, lambda each: each[0].reservation_id, limit=limit, cursor=cursor, path=asked.path, asked={}
        )
        return EndsShown(items=[_shown(*each) for each in items], next=following)

    return asked.read(work)


@router.get("/reservations/{reservation_id}/end", response_model=EndShown)
def show_end(reservation_id: ReservationId, asked: Reading) -> Response:
    """Look at the end of a reservation that waits."""
    return asked.read(lambda _, reader: _looked_at(reader, reservation_id)).response()


@router.post(
    "/reservations/{reservation_id}/end",
    response_model=EndShown,
    status_code=201,
    openapi_extra={"x-body": "Because"},
)
def propose_end(reservation_id: ReservationId, asked: Writing) -> Response:
    """Propose to end a reservation whose pod vanished unseen: all that it holds is booked as used. A second person
    approves."""
    said = asked.body.check(Because)

    def work(registry: Registry, reader: Reader) -> Answer:
        registry.propose_end(reservation_id, by=asked.caller, reason=said.reason)
        return _looked_at(reader, reservation_id, 201)

    return asked.act(work)


@router.post("/reservations/{reservation_id}/end/approve", response_model=ReservationShown)
def approve_end(reservation_id: ReservationId, asked: Writing) -> Response:
    """Approve exactly the end that If-Match names."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(reader, reservation_id).etag)
        seen, _ = existing_end(reader, reservation_id)
        return Answer(_ended(registry.approve_end(reservation_id, by=asked.caller, seen=seen)))

    return asked.act(work)


@router.post("/reservations/{reservation_id}/end/reject", response_model=ReservationShown)
def reject_end(reservation_id: ReservationId, asked: Writing) -> Response:
    """Drop an end that waits: the reservation holds what it held. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(reader, reservation_id).etag, owed=False)
        return Answer(_ended(registry.reject_end(reservation_id, by=asked.caller)))

    return asked.act(work)


def _looked_at(reader: Reader, reservation_id: str, status: int = 200) -> Answer:
    proposed, reservation = existing_end(reader, reservation_id)
    return Answer(_shown(proposed, reservation), status, tag_of(proposed))


def _shown(proposed: ProposedEnd, reservation: Reservation) -> EndShown:
    return EndShown(
        reservation=reservation.id,
        run=reservation.run_id,
        customer=reservation.customer_id,
        namespace=reservation.workload.namespace,
        workload=str(reservation.workload),
        pending_tflop=str(reservation.pending_tflop),
        reason=proposed.reason,
        proposed_by=proposed.proposed_by,
        proposed_at=proposed.proposed_at,
    )


def _ended(reservation: Reservation) -> ReservationShown:
    return ReservationShown(
        reservation=reservation.id,
        run=reservation.run_id,
        state=reservation.state.value,
        pending_tflop=str(reservation.pending_tflop),
    )
