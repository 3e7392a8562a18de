"""What the store keeps of screening: lists as loaded, their entries, and hits of parties on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from gatekeeper.domain.list_entry import ListEntry, ListVersion
from gatekeeper.domain.screening import Hit


class ScreeningReads(Protocol):
    """Read side."""

    def lists(self) -> list[ListVersion]:
        """All lists that are loaded, by id."""
        ...

    def list_entries(self, list_id: str | None = None) -> list[ListEntry]:
        """The entries of one list or of all, by list and hash."""
        ...

    def hit(self, hit_id: str) -> Hit | None: ...
    def hits(self, *, party_ids: Collection[str] | None = None, current: bool = False) -> list[Hit]:
        """Hits by party and score: of these parties, or all; `current`: without those that were superseded."""
        ...

    def open_hits(self) -> dict[str, tuple[str, ...]]:
        """Party -> ids of its open hits."""
        ...


class ScreeningWrites(Protocol):
    """Write side."""

    def put_list(self, version: ListVersion) -> None: ...
    def replace_entries(self, list_id: str, *, removed: Collection[str], added: Iterable[ListEntry]) -> None:
        """Take entries away by their hashes, and add others."""
        ...

    def put_hits(self, hits: Iterable[Hit]) -> None: ...
