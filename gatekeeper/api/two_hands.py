"""What both hands do with a customer over HTTP: act on exactly what If-Match names, and be shown what it is then."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Response

from gatekeeper.api.asking import LONG_BYTES, Answer, Asked
from gatekeeper.api.customer_answers import check_review, check_seen, looked_at, plan_shown
from gatekeeper.ports import Reader
from gatekeeper.registry import Plan, Registry


def act_on(
    asked: Asked,
    customer_id: str,
    act: Callable[[Registry], object],
    *,
    in_a_hurry: bool = False,
    at_length: bool = False,
) -> Response:
    """Act on the customer that If-Match names, and answer with what it is then.

    Args:
        in_a_hurry: one person may do it at once, to tighten: such a one need not look first.
        at_length: names are compared with lists, which may take long: it is worked out beside the writer.

    Raises:
        Refused: 428, it does not say what was looked at; 412, it looked at something else.
    """

    def work(registry: Registry, _: Reader) -> Answer:
        if asked.if_match or not in_a_hurry:
            check_review(asked, registry, customer_id)
        act(registry)
        return looked_at(registry, customer_id, asked.caller)

    return asked.act(work, at_length=at_length)


def put_record(
    asked: Asked, customer_id: str, plan: Callable[[Registry], Plan], put: Callable[[Registry], Plan] | None
) -> Response:
    """Put a record, and answer with what became of it; without `put`, with what would become of it.

    Raises:
        Refused: as `act_on`; for a new customer, that it does not say so.
    """
    if put is None:
        return Answer(plan_shown(asked.read(lambda registry, _: plan(registry)), dry_run=True)).response()

    def work(registry: Registry, reader: Reader) -> Answer:
        check_seen(asked, registry, reader, customer_id)
        done = put(registry)
        status = 201 if done.customer is None else 200
        return Answer(plan_shown(done, dry_run=False), status, etag=looked_at(registry, customer_id, asked.caller).etag)

    return asked.act(work, at_length=len(asked.content) > LONG_BYTES)
