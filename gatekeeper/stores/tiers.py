"""The last known tier of each customer by each pack."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Column, String, Table, select

from gatekeeper.domain.tier import Tier
from gatekeeper.ports.tiers import Placed
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.tables import metadata

known_tier = Table(
    "known_tier",
    metadata,
    Column("customer_id", String(63), primary_key=True),
    Column("pack", String(63), primary_key=True),
    Column("tier", String(16), nullable=False),
)


class TierReads(Asking):
    """`gatekeeper.ports.tiers.TierReads`."""

    def known_tiers(self) -> dict[Placed, Tier]:
        """The tier that each customer was last seen in, by each pack."""
        return {(row["customer_id"], row["pack"]): Tier(row["tier"]) for row in self._all(select(known_tier))}


class TierWrites(Changing):
    """`gatekeeper.ports.tiers.TierWrites`."""

    def put_known_tiers(self, tiers: Collection[tuple[Placed, Tier]]) -> None:
        """Store the tiers that customers are seen in now."""
        for (customer_id, pack), tier in tiers:
            self._put(known_tier, {"customer_id": customer_id, "pack": pack, "tier": tier.value})
