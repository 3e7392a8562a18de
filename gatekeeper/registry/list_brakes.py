"""What speaks against loading a list: each is a slip that would end the screening of names that are still listed.

A person with the right to load lists may go on with a reason, which is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gatekeeper.domain.list_entry import ListDiff, ListEntry, ListVersion
from gatekeeper.domain.record import RecordType
from gatekeeper.ports import Reader

# A list that really shrinks so much at once, or in steps within the days below, is news, and somebody can say so.
LOSS_PERCENT_MAX = 20
LOSS_DAYS = 90


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What a list has lost lately. `lost`: entries, since somebody last gave a reason; `largest`: the most that it had
    since then."""

    lost: int = 0
    largest: int = 0


def shrunk(reader: Reader, list_id: str, now: datetime) -> Shrunk:
    """What the log says that a list has lost in the last days. A load with a reason is where it is counted from."""
    lost = largest = 0
    for _, leaf in reader.records(types=(RecordType.LIST_LOADED,), since=now - timedelta(days=LOSS_DAYS)):
        facts = json.loads(leaf)["facts"]
        if facts["list"] != list_id:
            continue
        if "forced" in facts:
            lost, largest = 0, facts["entries"]
        else:
            # Who loaded a list before losses were told in whole told what was removed.
            lost += facts.get("lost_total", facts["removed_total"])
            largest = max(largest, facts["entries"])
    return Shrunk(lost, largest)


def objections(
    before: ListVersion | None,
    kept: Iterable[ListEntry],
    *,
    diff: ListDiff,
    entries: Iterable[ListEntry],
    published_on: date,
    today: date,
    lately: Shrunk,
) -> tuple[str, ...]:
    """Sentences; none where nothing speaks against it.

    Args:
        before, kept: the version that is loaded, and its entries; entries: those of the file.
        lately: what the list has lost before.
    """
    found = [f"It says that it was published on {published_on}, which is to come."] if published_on > today else []
    if before is None:
        return tuple(found)
    if published_on < before.published_on:
        found.append(f"It is of {published_on}, older than what is loaded ({before.published_on}).")
    old, new = ({each.source for each in some} for some in (kept, entries))
    if old and old.isdisjoint(new):
        found.append(f"It is another kind of file: of {_some(new)}, and what is loaded is of {_some(old)}.")
    lost = lost_in(diff, today)
    if lost * 100 > LOSS_PERCENT_MAX * before.entries:
        found.append(
            f"It lacks {lost:,} of the {before.entries:,} entries that are loaded, or has them as ended or without any "
            f"of their names: more than {LOSS_PERCENT_MAX} percent."
        )
    together, most = lost + lately.lost, max(lately.largest, before.entries)
    if lost and lost < together and together * 100 > LOSS_PERCENT_MAX * most:
        found.append(
            f"With what it lost in the last {LOSS_DAYS} days it lacks {together:,} of at most {most:,} entries: "
            f"more than {LOSS_PERCENT_MAX} percent in steps, for which nobody gave a reason."
        )
    return tuple(found)


def lost_in(diff: ListDiff, today: date) -> int:
    """How many entries a new version lacks, or has so that nobody is found under them any more."""
    return len(diff.removed) + _emptied(diff, today)


def _emptied(diff: ListDiff, today: date) -> int:
    """Entries that are still there, and under which nobody is found any more who was found before."""
    held = ((was, is_now) for was, is_now in diff.changed if not was.ended_by(today))
    return sum(is_now.ended_by(today) or {*was.names}.isdisjoint(is_now.names) for was, is_now in held)


def _some(sources: set[str]) -> str:
    first = sorted(sources)[:3]
    return ", ".join(first) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")
