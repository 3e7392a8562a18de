"""What registers say about parties."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gatekeeper.domain.observation import Observed


class ObservationReads(Protocol):
    """Read side."""

    def observation(self, lei: str, source: str) -> Observed | None:
        """What a register said last about an LEI."""
        ...

    def observations(self, leis: Collection[str], source: str) -> dict[str, Observed]:
        """What a register said last about some LEIs, by LEI."""
        ...


class ObservationWrites(Protocol):
    """Write side."""

    def put_observations(self, observed: Collection[Observed]) -> None:
        """Store what a register says now of some LEIs, in place of what it said before."""
        ...
