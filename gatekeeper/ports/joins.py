"""What the store keeps of runs that are of one model."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.join import Join


class JoinReads(Protocol):
    """Read side."""

    def joins(self) -> list[Join]: ...


class JoinWrites(Protocol):
    """Write side."""

    def put_join(self, join: Join) -> None: ...
