"""`gatekeeper tier changes`: whose tier moved, when and why, and whose would move by what is loaded now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, opened, start_of
from gatekeeper.cli.printing import say_json, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gatekeeper.ports import Reader
    from gatekeeper.retiering import Move

_NEVER_LOOKED = (
    "Nobody has looked at tiers here yet, so nothing is known to have moved: `gatekeeper serve` looks again whenever "
    "something changed. Where it never ran: gatekeeper customer explain CUSTOMER"
)
_COLUMNS = ("at", "customer", "pack", "before", "after", "because")


def changes(
    *,
    since: Annotated[str | None, typer.Option("--since", help="From this day on, UTC.", metavar="YYYY-MM-DD")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Only of this customer.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Only moves that are not on record yet: what the next look would write.")
    ] = False,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List whose tier moved, whatever moved it: a record, an owner, a list, a pack, an override, or the date.

    `gatekeeper serve` looks at all customers again whenever something changed, and at least once an hour.
    """
    from gatekeeper.retiering import Retiering

    begin = start_of(since, "--since")
    with opened(config, data) as wiring:
        if due:
            moves = Retiering(wiring.stores, wiring.clock, wiring.packs).moves()
            rows = [_due(each) for each in moves if customer in (None, each.customer_id)]
        else:
            rows = wiring.stores.read(lambda reader: list(_recorded(reader, begin, customer)))
        looked = bool(wiring.stores.read(lambda reader: reader.known_tiers()))
    if output is Output.JSON:
        say_json(rows)
    else:
        show(rows, list(_COLUMNS), output, nothing="No tier moved." if looked else _NEVER_LOOKED)


def _recorded(reader: Reader, since: datetime | None, customer: str | None) -> Iterator[dict[str, object]]:
    from gatekeeper.domain.record import RecordType, decode

    for _, leaf in reader.records(types=(RecordType.TIER_CHANGED,), since=since, customer=customer):
        record = decode(leaf)
        facts, reason = record.facts, record.facts["reason"]
        assert isinstance(reason, dict)
        yield {
            "at": f"{record.at:%Y-%m-%d %H:%M}",
            **{name: facts[name] for name in ("customer", "pack", "before", "after")},
            "because": reason["text"],
            "path": reason["path"],
        }


def _due(move: Move) -> dict[str, object]:
    return {
        "at": "due",
        "customer": move.customer_id,
        "pack": move.pack,
        "before": move.before.value if move.before else None,
        "after": move.finding.tier.value,
        "because": move.finding.deciding.text,
        "path": list(move.finding.deciding.path),
    }
