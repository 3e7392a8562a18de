"""What the store keeps of users, and of people with several logins."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.domain.people import LoginAct, People
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


class LoginReads(Protocol):
    """Read side of logins."""

    def people(self) -> People:
        """Who has several logins, and who had."""
        ...


class LoginWrites(Protocol):
    """Write side of logins."""

    def add_login_act(self, act: LoginAct, after: People) -> None:
        """Store an act on a login and what it leaves.

        Args:
            act: with the index of its record, which is appended already.
            after: everybody as the act leaves them.
        """
        ...
