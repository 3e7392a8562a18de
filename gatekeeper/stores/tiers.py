"""The last known tier of each customer by each pack."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Column, String, Table, bindparam, select, text

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


_KNOWN = select(known_tier)
_KNOWN_OF = _KNOWN.where(known_tier.c.customer_id.in_(bindparam("keys", expanding=True)))
# One statement for many rows, new and changed, which both databases know.
_PUT = text(
    "INSERT INTO known_tier (customer_id, pack, tier) VALUES (:customer_id, :pack, :tier) "
    "ON CONFLICT (customer_id, pack) DO UPDATE SET tier = excluded.tier"
)


class TierReads(Asking):
    """`gatekeeper.ports.tiers.TierReads`."""

    def known_tiers(self, customer_ids: Collection[str] | None = None) -> dict[Placed, Tier]:
        """The tier that each customer was last seen in, by each pack: of these customers, or all."""
        found = self._all(_KNOWN) if customer_ids is None else self._named(_KNOWN_OF, sorted(customer_ids))
        return {(row["customer_id"], row["pack"]): Tier(row["tier"]) for row in found}


class TierWrites(Changing):
    """`gatekeeper.ports.tiers.TierWrites`."""

    def put_known_tiers(self, tiers: Mapping[Placed, Tier]) -> None:
        """Store the tiers that customers are seen in now."""
        rows = [{"customer_id": each, "pack": pack, "tier": tier.value} for (each, pack), tier in tiers.items()]
        if rows:
            self._run(_PUT, rows)
