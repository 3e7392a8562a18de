"""Which roles somebody has by what a realm calls them and the groups they are in. Who is not named has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gatekeeper.domain.person import Role


@dataclass(frozen=True, slots=True)
class RoleMap:
    """Role -> the groups (or names) that have it."""

    given: Mapping[Role, frozenset[str]]

    def of(self, names: Iterable[str]) -> frozenset[Role]:
        """The roles of somebody who goes by these names and groups, exactly as they are written."""
        held = frozenset(names)
        return frozenset(role for role, having in self.given.items() if having & held)
