"""A cluster without telemetry: nothing is counted, so the meter books the worst case at once."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.domain.usage import Observation


class NoCounters:
    """`gatekeeper.ports.Counters` that never has anything to say."""

    def observe(self, **_: object) -> Iterable[Observation]:
        """Nothing, whatever is asked."""
        return ()
