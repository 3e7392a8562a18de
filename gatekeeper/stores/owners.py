"""Who owns whom, by key: what one record can touch is read without reading all parties."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Column, Index, String, Table, bindparam, delete, select

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party
from gatekeeper.stores import rows, tables
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import metadata

# What the body of a party says of its owners, once more: for whatever day, and of whatever kind.
party_owner = Table(
    "party_owner",
    metadata,
    Column("party_id", String(63), primary_key=True),
    Column("owner_id", String(63), primary_key=True),
    Index("party_owner_by_owner", "owner_id"),
)
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_OWNED = select(party_owner.c.party_id).distinct().where(party_owner.c.owner_id.in_(_KEYS))
_OWNERS = select(party_owner.c.owner_id).where(party_owner.c.party_id == bindparam("party"))
_NO_OWNERS = delete(party_owner).where(party_owner.c.party_id == bindparam("party"))
_PARTIES = select(tables.party).where(tables.party.c.id.in_(_KEYS))
_CUSTOMERS = select(tables.customer).where(tables.customer.c.party_id.in_(_KEYS))
_PROPOSALS = select(tables.proposal).where(tables.proposal.c.customer_id.in_(_KEYS))


class OwnerReads(Asking):
    """`gatekeeper.ports.owners.OwnerReads`."""

    def owned_by(self, owner_ids: Collection[str]) -> set[str]:
        """The parties that name any of these as an owner."""
        return {row["party_id"] for row in self._named(_OWNED, sorted(owner_ids))}

    def some_parties(self, ids: Collection[str]) -> dict[str, Party]:
        """Those of these parties that there are, by id."""
        return {row["id"]: rows.party_of_row(row) for row in self._named(_PARTIES, sorted(ids))}

    def customers_of(self, party_ids: Collection[str]) -> list[Customer]:
        """The customers that are these parties, by id."""
        found = [rows.customer_of(row) for row in self._named(_CUSTOMERS, sorted(party_ids))]
        return sorted(found, key=lambda each: each.id)

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        """What waits for approval, as it was put, by customer: of these customers, or of all."""
        asked = self._all(select(tables.proposal)) if customer_ids is None else None
        found = asked if asked is not None else self._named(_PROPOSALS, sorted(customer_ids or ()))
        return {row["customer_id"]: row["proposal"] for row in found}


class OwnerWrites(Changing):
    """What a party that is stored says of its owners."""

    def _put_owners(self, party: Party) -> None:
        before = {row["owner_id"] for row in self._all(_OWNERS, {"party": party.id})}
        if before == set(party.owners):
            return
        if before:
            self._run(_NO_OWNERS, {"party": party.id})
        if party.owners:
            self._run(add(party_owner), [{"party_id": party.id, "owner_id": each} for each in sorted(party.owners)])
