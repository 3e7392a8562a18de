"""What the store keeps of bindings that wait for a second person."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.binding import ProposedBinding


class BindingReads(Protocol):
    """Read side."""

    def proposed_binding(self, cluster: str, namespace: str) -> ProposedBinding | None:
        """The one binding of a namespace that waits; None where none does."""
        ...

    def proposed_bindings(self) -> list[ProposedBinding]: ...


class BindingWrites(Protocol):
    """Write side."""

    def put_proposed_binding(self, proposed: ProposedBinding) -> None:
        """Store what waits, in place of what waited for this namespace."""
        ...

    def drop_proposed_binding(self, cluster: str, namespace: str) -> None: ...
    def drop_binding(self, cluster: str, namespace: str) -> None: ...
