"""Screening hits over HTTP: look at them, judge them, confirm. Whoever may read may see which list it was."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.review_shapes import HitShown, HitsShown, Judge
from gatekeeper.domain.errors import NotFound
from gatekeeper.domain.screening import Hit
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["screening"])
HitId = Annotated[str, Path(max_length=128, description="Id of the hit.")]


@router.get("/screening/hits", response_model=HitsShown)
def list_hits(
    asked: Reading,
    *,
    only_open: Annotated[bool, Query(alias="open", description="Only those that block a tier.")] = False,
    party: Annotated[str, Query(max_length=63)] = "",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> HitsShown:
    """List hits that no other took the place of, by id."""

    def work(registry: Registry, _: Reader) -> HitsShown:
        found = sorted(registry.hits(only_open=only_open, party_id=party or None), key=lambda each: each.id)
        said = {"open": "true" if only_open else "", "party": party}
        filters = {name: value for name, value in said.items() if value}
        items, following = page(found, lambda each: each.id, limit=limit, cursor=cursor, path=asked.path, asked=filters)
        return HitsShown(items=[_shown(each) for each in items], next=following)

    return asked.read(work)


@router.get("/screening/hits/{hit_id}", response_model=HitShown)
def show_hit(hit_id: HitId, asked: Reading) -> Response:
    """Look at a hit; judge and confirm it with If-Match."""
    return asked.read(lambda _, reader: _answer(_existing(reader, hit_id))).response()


@router.post("/screening/hits/{hit_id}/judge", response_model=HitShown, openapi_extra={"x-body": "Judge"})
def judge_hit(hit_id: HitId, asked: Writing) -> Response:
    """Say what a hit is. That it is the listed party takes effect at once, and If-Match may be left out; that it is
    another party waits for a second person, and owes If-Match."""
    said = asked.body.check(Judge)
    true_match = said.verdict == "true_match"

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(_existing(reader, hit_id)), owed=not true_match)
        return _answer(registry.judge(hit_id, true_match=true_match, reason=said.reason, by=asked.caller))

    return asked.act(work)


@router.post("/screening/hits/{hit_id}/confirm", response_model=HitShown)
def confirm_hit(hit_id: HitId, asked: Writing) -> Response:
    """Agree, as the second person, that exactly the hit that If-Match names is another party."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(_existing(reader, hit_id)))
        return _answer(registry.confirm(hit_id, by=asked.caller))

    return asked.act(work)


def _existing(reader: Reader, hit_id: str) -> Hit:
    found = reader.hit(hit_id)
    if found is None:
        raise NotFound(f"There is no screening hit {hit_id!r:.80}.", hint="GET /v1/screening/hits lists them.")
    return found


def _answer(hit: Hit) -> Answer:
    return Answer(_shown(hit), etag=tag_of(hit))


def _shown(hit: Hit) -> HitShown:
    return HitShown(
        hit=hit.id,
        state=hit.state.value,
        proposed=hit.proposed,
        party=hit.party_id,
        party_name=hit.party_name,
        list=hit.list,
        entry=hit.entry_key,
        entry_name=hit.entry_name,
        score=hit.score,
        judged_by=hit.judged_by,
        reason=hit.reason,
        confirmed_by=hit.confirmed_by,
    )
