"""Corrections of what runs have used, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.bodies import Body
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.runs import RunId
from gatekeeper.api.work_shapes import Correct, CorrectionShown, CorrectionsShown
from gatekeeper.domain.correction import Correction
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.units import parse_signed_flop
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.corrections import customer_of

router = APIRouter(tags=["runs"])
CorrectionId = Annotated[str, Path(max_length=63, description="Id of the correction.")]


@router.get("/runs/{run_id}/corrections", response_model=CorrectionsShown)
def list_corrections(
    run_id: RunId, asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> CorrectionsShown:
    """List the corrections of a run, by id; of undeclared training too, as `undeclared.CUSTOMER`."""

    def work(_: Registry, reader: Reader) -> CorrectionsShown:
        customer_of(reader, run_id)
        found = sorted(reader.corrections(run_id), key=lambda each: each.id)
        items, following = page(found, lambda each: each.id, limit=limit, cursor=cursor, path=asked.path, asked={})
        return CorrectionsShown(items=[_shown(each) for each in items], next=following)

    return asked.read(work)


@router.post(
    "/runs/{run_id}/corrections",
    response_model=CorrectionShown,
    status_code=201,
    openapi_extra={"x-body": "Correct"},
)
def correct_run(run_id: RunId, asked: Writing) -> Response:
    """Propose a signed correction of what a run has used. Up by little it takes effect at once; down, or up by more
    than 10^25, when a second person approves it."""
    said = asked.body.check(Correct)
    low, best, high = (_change(asked.body, name, text) for name, text in said.model_dump(exclude={"reason"}).items())

    def work(registry: Registry, _: Reader) -> Answer:
        made = registry.correct(
            run_id, by=asked.caller, reason=said.reason, low_tflop=low, best_tflop=best, high_tflop=high
        )
        return Answer(_shown(made), 201, tag_of(made), location=f"/v1/corrections/{made.id}")

    return asked.act(work)


@router.get("/corrections/{correction_id}", response_model=CorrectionShown)
def show_correction(correction_id: CorrectionId, asked: Reading) -> Response:
    """Look at a correction."""
    return asked.read(lambda _, reader: _answer(_existing(reader, correction_id))).response()


@router.post("/corrections/{correction_id}/approve", response_model=CorrectionShown)
def approve_correction(correction_id: CorrectionId, asked: Writing) -> Response:
    """Approve exactly the correction that If-Match names."""

    def work(registry: Registry, reader: Reader) -> Answer:
        seen = _existing(reader, correction_id)
        asked.check_match(tag_of(seen))
        return _answer(registry.approve_correction(correction_id, by=asked.caller, seen=seen))

    return asked.act(work)


@router.post("/corrections/{correction_id}/reject", response_model=CorrectionShown)
def reject_correction(correction_id: CorrectionId, asked: Writing) -> Response:
    """Drop a correction that waits: what is booked stays. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(_existing(reader, correction_id)), owed=False)
        return Answer(_shown(registry.reject_correction(correction_id, by=asked.caller)))

    return asked.act(work)


def _change(body: Body, name: str, text: str) -> int:
    """A change of FLOP; a number in JSON goes up without a sign."""
    with body.at(name):
        return parse_signed_flop(text if text.strip()[:1] in ("+", "-") else f"+{text}")


def _existing(reader: Reader, correction_id: str) -> Correction:
    found = reader.correction(correction_id)
    if found is None:
        raise NotFound(f"There is no correction {correction_id!r:.80}.", hint="GET /v1/runs/RUN/corrections.")
    return found


def _answer(correction: Correction) -> Answer:
    return Answer(_shown(correction), etag=tag_of(correction))


def _shown(correction: Correction) -> CorrectionShown:
    return CorrectionShown(
        correction=correction.id,
        run=correction.run_id,
        low_tflop=str(correction.low_tflop),
        best_tflop=str(correction.best_tflop),
        high_tflop=str(correction.high_tflop),
        reason=correction.reason,
        proposed_by=correction.proposed_by,
        proposed_at=correction.proposed_at,
        approved_by=correction.approved_by,
        in_effect=correction.in_effect,
    )
