"""A cluster without telemetry: nothing is counted, so the meter books the worst case at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.usage import Observation, PodInterval


class NoCounters:
    """`gatekeeper.ports.Counters` that never has anything to say."""

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        """Nothing, whatever is asked."""
        return ((each, []) for each in asked)
