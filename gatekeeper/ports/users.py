"""What the store keeps of users."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.user import User


class UserReads(Protocol):
    """Read side."""

    def users(self) -> list[User]:
        """All users by name, those that are disabled too."""
        ...


class UserWrites(Protocol):
    """Write side."""

    def put_user(self, user: User) -> None:
        """Store a user as it is now."""
        ...
