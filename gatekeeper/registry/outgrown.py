"""Overrides end with the first fact that their two people did not see: one that makes the customer stricter.

An override is for a record that is wrong or late, and two people stand for it as they knew the customer. Whatever a
record, an approval or a register adds that makes the tier stricter without it, on a day on which it would still hold,
ends it in the same transaction, on record as any end before its time; one that waits is withdrawn, because whoever
approved it next would not have been shown that. Whoever still wants it asks again, and two people look again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

from gatekeeper.domain.override import Override
from gatekeeper.domain.record import Actor, RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Reader, Transaction
from gatekeeper.registry.consequences import TierChange
from gatekeeper.registry.life_facts import outgrown_facts


def outgrown(
    reader: Reader, changes: Iterable[TierChange], placing: Collection[str], now: datetime
) -> tuple[Override, ...]:
    """The overrides in force, and those that wait, of customers whom changes make stricter while they would hold.

    Args:
        placing: packs to whose decisions a tier matters; what others say ends nothing.
    """
    first: dict[str, date] = {}
    for each in changes:
        if each.pack in placing and each.after.strictness > each.before.strictness:
            day = each.day or now.date()
            first[each.customer_id] = min(day, first.get(each.customer_id, day))
    return tuple(
        each
        for customer_id, day in sorted(first.items())
        for each in reader.overrides(customer_id)
        if _lives(each, now) and (each.ends_at is None or day <= each.ends_at.date())
    )


def _lives(override: Override, now: datetime) -> bool:
    """Whether an override waits or is not over. One that was approved after `now` is in force: whoever makes something
    stricter looked at the clock before the writer, or a long comparison, let them go on."""
    return override.ended_at is None and (override.ends_at is None or now < override.ends_at)


def end_outgrown(tx: Transaction, overrides: Iterable[Override], actor: Actor, now: datetime) -> None:
    """End overrides, by whoever put the newer fact into effect."""
    for each in overrides:
        ended = each.end(by=actor.name, now=now)
        tx.put_override(ended)
        tx.append(new_record(RecordType.OVERRIDE_ENDED, actor, now, outgrown_facts(ended)))
