"""Until when the pods of a namespace need no gate: the earliest moment at which that could end.

A clearance must not outlive what it rests on, even with all of us dead: the approval, an override, and no day that is
known already on which an owner comes, a listing begins, a row of a pack's table starts, or an answer ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from gatekeeper.domain.deciding import needs_no_budget
from gatekeeper.domain.workload import Workload
from gatekeeper.snapshots import Snapshot
from gatekeeper.view import Asked, Provider, ask


class Clearances:
    """Answers for all namespaces of a cluster; what it worked out for later days holds until people change."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._strict_from: dict[str, datetime | None] = {}
        self._people: tuple[object, ...] = ()
        self._today: datetime | None = None

    def until(self, snapshot: Snapshot, namespace: Workload, now: datetime, at_most: timedelta) -> datetime | None:
        """How long the pods of a namespace need no gate; None where they need one.

        Where no pack enforces, nothing is held back and every namespace is cleared, bound or not.
        """
        latest = now + at_most
        if not self._provider.enforcing:
            return latest
        asked = self._ask(snapshot, namespace, now)
        if not self._needs_none(asked):
            return None
        assert asked.customer is not None
        override = asked.question.override
        ends = [
            latest,
            asked.customer.expires_at or now,
            override.ends_at if override else None,
            self._first_strict_day(snapshot, namespace, now, latest),
        ]
        return min(each for each in ends if each is not None)

    def _first_strict_day(
        self, snapshot: Snapshot, namespace: Workload, now: datetime, latest: datetime
    ) -> datetime | None:
        """The first midnight at which the namespace would need a gate by what is on record today; None for none."""
        today = datetime.combine(now.date(), time(), UTC)
        people = _people(snapshot)
        if self._today != today or not _same(self._people, people):
            self._strict_from, self._people, self._today = {}, people, today
        name = namespace.ref.namespace
        if name not in self._strict_from:
            days = (today + timedelta(days=each) for each in range(1, (latest - today).days + 2))
            strict = (day for day in days if not self._needs_none(self._ask(snapshot, namespace, day)))
            self._strict_from[name] = next(strict, None)
        return self._strict_from[name]

    def _ask(self, snapshot: Snapshot, namespace: Workload, at: datetime) -> Asked:
        return ask(snapshot, self._provider, namespace, at, rate_tflop_per_s=0)

    def _needs_none(self, asked: Asked) -> bool:
        return asked.customer is not None and needs_no_budget(asked.question, self._provider.packs)


def _people(snapshot: Snapshot) -> tuple[object, ...]:
    """All that is made anew when people change, and only then."""
    return (
        snapshot.by_customer,
        snapshot.by_party,
        snapshot.by_namespace,
        snapshot.by_run,
        snapshot.by_permit,
        snapshot.by_open_hit,
        snapshot.by_override,
    )


def _same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    """Whether nothing of it was made anew; held values keep their identity to themselves."""
    return len(before) == len(after) and all(one is other for one, other in zip(before, after, strict=True))
