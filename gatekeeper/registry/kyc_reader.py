"""What use cases on customers ask the registry, as it stands or as it was known at a moment."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gatekeeper.domain.customer import Customer
from gatekeeper.domain.party import Party


class KycReader(Protocol):
    """The registry, as far as it is about customers and parties."""

    def customer(self, customer_id: str) -> Customer | None: ...
    def customers(self) -> list[Customer]: ...
    def parties(self) -> dict[str, Party]: ...
    def proposal(self, customer_id: str) -> str | None: ...
    def proposals(self, customer_ids: Collection[str] | None = None) -> dict[str, str]: ...
