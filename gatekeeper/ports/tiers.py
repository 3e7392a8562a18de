"""What the store keeps of tiers: the last that the log said of each customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from gatekeeper.domain.tier import Tier

# Customer, policy pack.
Placed = tuple[str, str]


class TierReads(Protocol):
    """Read side."""

    def known_tiers(self, customer_ids: Collection[str] | None = None) -> dict[Placed, Tier]:
        """The tier that each customer was last seen in, by each pack: of these customers, or all."""
        ...


class TierWrites(Protocol):
    """Write side."""

    def put_known_tiers(self, tiers: Mapping[Placed, Tier]) -> None:
        """Store the tiers that customers are seen in now."""
        ...
