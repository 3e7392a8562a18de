"""What registers say about parties."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.observation import Observed


class ObservationReads(Protocol):
    """Read side."""

    def observation(self, lei: str, source: str) -> Observed | None:
        """What a register said last about an LEI."""
        ...


class ObservationWrites(Protocol):
    """Write side."""

    def put_observation(self, observed: Observed) -> None:
        """Store what a register says now, in place of what it said before."""
        ...
