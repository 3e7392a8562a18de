"""Users of the local table, each as it is now; what each was before stands in the log."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, RowMapping, String, Table, Text, select

from gatekeeper.domain.person import Role, person_keys
from gatekeeper.domain.user import User
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.tables import Moment, metadata

# `person` is the name in its one spelling: the database itself refuses a second user of the same person.
local_user = Table(
    "local_user",
    metadata,
    Column("person", String(200), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("roles", Text, nullable=False),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("handed", Boolean, nullable=False),
    Column("disabled_by", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("was_admin", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
)


class UserReads(Asking):
    """`gatekeeper.ports.users.UserReads`."""

    def users(self) -> list[User]:
        """All users by name, those that are disabled too."""
        return [_user(row) for row in self._all(select(local_user).order_by(local_user.c.person))]


class UserWrites(Changing):
    """`gatekeeper.ports.users.UserWrites`."""

    def put_user(self, user: User) -> None:
        """Store a user as it is now."""
        plain = ("name", "token_sha256", "created_at", "created_by", "handed", "disabled_by", "asked_by", "was_admin")
        values = {name: getattr(user, name) for name in plain}
        key = {"person": person_keys(user.name)[0], "roles": _text(user.roles), "asked": _text(user.asked)}
        self._put(local_user, values | key | {"version": user.version})


def _user(row: RowMapping) -> User:
    values = {name: value for name, value in row.items() if name != "person"}
    return User(**values | {"roles": _roles(row["roles"]), "asked": _roles(row["asked"])})


def _text(roles: frozenset[Role]) -> str:
    return " ".join(sorted(each.value for each in roles))


def _roles(text: str) -> frozenset[Role]:
    return frozenset(Role(each) for each in text.split())
