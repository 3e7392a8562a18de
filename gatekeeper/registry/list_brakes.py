"""What speaks against loading a list: each is a slip that would end the screening of names that are still listed.

A person with the right to load lists may go on with a reason, which is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from gatekeeper.domain.list_entry import ListDiff, ListEntry, ListVersion

# A list that really shrinks so much at once is news, and somebody can say so.
LOSS_PERCENT_MAX = 20


def objections(
    before: ListVersion | None,
    kept: Iterable[ListEntry],
    *,
    diff: ListDiff,
    entries: Iterable[ListEntry],
    published_on: date,
    today: date,
) -> tuple[str, ...]:
    """Sentences; none where nothing speaks against it.

    Args:
        before, kept: the version that is loaded, and its entries; entries: those of the file.
    """
    found = [f"It says that it was published on {published_on}, which is to come."] if published_on > today else []
    if before is None:
        return tuple(found)
    if published_on < before.published_on:
        found.append(f"It is of {published_on}, older than what is loaded ({before.published_on}).")
    old, new = ({each.source for each in some} for some in (kept, entries))
    if old and old.isdisjoint(new):
        found.append(f"It is another kind of file: of {_some(new)}, and what is loaded is of {_some(old)}.")
    lost = len(diff.removed) + _emptied(diff, today)
    if lost * 100 > LOSS_PERCENT_MAX * before.entries:
        found.append(
            f"It lacks {lost:,} of the {before.entries:,} entries that are loaded, or has them as ended or without any "
            f"of their names: more than {LOSS_PERCENT_MAX} percent."
        )
    return tuple(found)


def _emptied(diff: ListDiff, today: date) -> int:
    """Entries that are still there, and under which nobody is found any more who was found before."""
    held = ((was, is_now) for was, is_now in diff.changed if not was.ended_by(today))
    return sum(is_now.ended_by(today) or {*was.names}.isdisjoint(is_now.names) for was, is_now in held)


def _some(sources: set[str]) -> str:
    first = sorted(sources)[:3]
    return ", ".join(first) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")
