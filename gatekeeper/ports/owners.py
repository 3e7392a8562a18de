"""What the store answers of parties, customers and what waits by key: for who looks at one record among many."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party


class OwnerReads(Protocol):
    """Read side."""

    def owned_by(self, owner_ids: Collection[str]) -> set[str]:
        """The parties that name any of these as an owner, for whatever day."""
        ...

    def some_parties(self, ids: Collection[str]) -> dict[str, Party]:
        """Those of these parties that there are, by id."""
        ...

    def customers_of(self, party_ids: Collection[str]) -> list[Customer]:
        """The customers that are these parties, by id."""
        ...

    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]:
        """What waits for approval, as it was put, by customer: of these customers, or of all."""
        ...
