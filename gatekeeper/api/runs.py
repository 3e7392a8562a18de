"""Runs over HTTP: list, look at, declare, approve, hand over, reclassify."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.shapes import Because
from gatekeeper.api.work_shapes import Declare, Join, RunShown, RunsShown
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.lineage_facts import lineage_json, lineage_of_json
from gatekeeper.domain.particulars import NOTHING_SAID, particulars_json, particulars_of
from gatekeeper.domain.run import Run, RunState
from gatekeeper.domain.units import parse_count, parse_flop
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["runs"])
RunId = Annotated[str, Path(max_length=63, description="Id of the run.")]


@router.get("/runs", response_model=RunsShown)
def list_runs(
    asked: Reading,
    customer: Annotated[str, Query(max_length=63)] = "",
    state: RunState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> RunsShown:
    """List declared runs, by id."""

    def work(_: Registry, reader: Reader) -> RunsShown:
        runs = [
            each
            for each in sorted(reader.runs(), key=lambda each: each.id)
            if (not customer or each.customer_id == customer) and (state is None or each.state is state)
        ]
        said = {"customer": customer, "state": state.value if state else ""}
        filters = {name: value for name, value in said.items() if value}
        items, following = page(runs, lambda each: each.id, limit=limit, cursor=cursor, path=asked.path, asked=filters)
        return RunsShown(items=[_shown(each, reader) for each in items], next=following)

    return asked.read(work)


@router.get("/runs/{run_id}", response_model=RunShown)
def show_run(run_id: RunId, asked: Reading) -> Response:
    """Look at a run. Its ETag names the declaration: approve it with If-Match. What was counted is not part of it."""
    answer = asked.read(lambda _, reader: _looked_at(reader, run_id))
    return answer.response()


@router.post("/runs", response_model=RunShown, status_code=201, openapi_extra={"x-body": "Declare"})
def declare_run(asked: Writing) -> Response:
    """Declare a run of a customer; it is used once a second person has approved it."""
    said = asked.body.check(Declare)
    with asked.body.at("carried_in"):
        carried_in_tflop = parse_flop(said.carried_in)
    with asked.body.at("parameters"):
        parameters = parse_count(said.parameters)
    with asked.body.at("tokens"):
        tokens = parse_count(said.tokens)
    with asked.body.at("lineage"):
        lineage = None if said.lineage is None else lineage_of_json(said.lineage)
    with asked.body.at("particulars"):
        particulars = NOTHING_SAID if said.particulars is None else particulars_of(said.particulars)

    def work(registry: Registry, reader: Reader) -> Answer:
        run = registry.declare_run(
            said.run,
            said.customer,
            by=asked.caller,
            title=said.title,
            carried_in_tflop=carried_in_tflop,
            carried_in_source=said.source,
            purpose=said.purpose,
            namespaces=said.namespaces,
            parameters=parameters,
            tokens=tokens,
            lineage=lineage,
            particulars=particulars,
        )
        return Answer(_shown(run, reader), 201, tag_of(run), location=f"{asked.path}/{run.id}")

    return asked.act(work)


@router.post("/runs/{run_id}/approve", response_model=RunShown)
def approve_run(run_id: RunId, asked: Writing) -> Response:
    """Approve exactly the declaration that If-Match names."""

    def work(registry: Registry, reader: Reader) -> Answer:
        declared = _existing(reader, run_id)
        asked.check_match(tag_of(declared))
        return Answer(
            _shown(run := registry.approve_run(run_id, by=asked.caller, seen=declared), reader), 200, tag_of(run)
        )

    return asked.act(work)


@router.post("/runs/{run_id}/hand-over", response_model=RunShown, openapi_extra={"x-body": "Join"})
def hand_over_run(run_id: RunId, asked: Writing) -> Response:
    """A checkpoint of this run goes on as another: both are one model for good, under one limit. If-Match may be left
    out."""
    said = asked.body.check(Join)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(reader, run_id).etag, owed=False)
        registry.hand_over(run_id, said.into, by=asked.caller, reason=said.reason)
        return _looked_at(reader, run_id)

    return asked.act(work)


@router.post("/runs/{run_id}/reclassify", response_model=RunShown, openapi_extra={"x-body": "Because"})
def reclassify_run(run_id: RunId, asked: Writing) -> Response:
    """End the classification of a run as no training: all of it counts from now on. If-Match may be left out."""
    said = asked.body.check(Because)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(reader, run_id).etag, owed=False)
        registry.reclassify_run(run_id, by=asked.caller, reason=said.reason)
        return _looked_at(reader, run_id)

    return asked.act(work)


def _looked_at(reader: Reader, run_id: str) -> Answer:
    run = _existing(reader, run_id)
    return Answer(_shown(run, reader), etag=tag_of(run))


def _existing(reader: Reader, run_id: str) -> Run:
    run = reader.run(run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r:.80}.", hint="GET /v1/runs lists them.")
    return run


def _shown(run: Run, reader: Reader) -> RunShown:
    account = reader.account(run.id)
    return RunShown(
        run=run.id,
        customer=run.customer_id,
        title=run.title,
        state=run.state.value,
        purpose=run.purpose.value,
        declared_by=run.declared_by,
        approved_by=run.approved_by,
        carried_in_tflop=str(run.carried_in_tflop),
        carried_in_source=run.carried_in_source,
        lineage=None if run.lineage is None else dict(lineage_json(run.lineage)),
        particulars=particulars_json(run.particulars),
        namespaces=list(run.namespaces),
        parameters=str(run.parameters),
        tokens=str(run.tokens),
        used_low_tflop=str(account.settled.low_tflop),
        used_best_tflop=str(account.settled.best_tflop),
        used_high_tflop=str(account.settled.high_tflop),
        pending_tflop=str(account.pending_tflop),
    )
