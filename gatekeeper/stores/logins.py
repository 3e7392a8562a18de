"""Which logins are one person's: every act on them, never changed, and beside them what the database compares by.

`login_key` holds what `login_act` leaves: triggers on the tables that two people fill look names up in it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text, select

from gatekeeper.domain.people import LoginAct, LoginChange, People
from gatekeeper.domain.person import person_keys
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.statements import add
from gatekeeper.stores.tables import metadata

login_act = Table(
    "login_act",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("change", String(16), nullable=False),
    Column("login", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("acted_by", Text, nullable=False),
)
# `name` is either part of a login as `person_keys` spells it; two with one `person` are one pair of eyes.
login_key = Table(
    "login_key",
    metadata,
    Column("name", String(512), primary_key=True),
    Column("person", Integer, nullable=False),
)
_ACTS = select(login_act).order_by(login_act.c.seq)


class LoginReads(Asking):
    """`gatekeeper.ports.users.LoginReads`."""

    def people(self) -> People:
        """Who has several logins, and who had."""
        return People.after(
            LoginAct(row["seq"], LoginChange(row["change"]), row["login"], row["person"], row["acted_by"])
            for row in self._all(_ACTS)
        )


class LoginWrites(Changing):
    """`gatekeeper.ports.users.LoginWrites`."""

    def add_login_act(self, act: LoginAct, after: People) -> None:
        """Store an act, and what the database compares by from now on."""
        values = {"seq": act.seq, "change": act.change.value, "login": act.login, "person": act.person}
        self._run(add(login_act), values | {"acted_by": act.by})
        self._run(login_key.delete(), {})
        rows = {
            part: number
            for number, person in enumerate(after.persons)
            for login in person.logins
            for part in person_keys(login)
            if part
        }
        for name, number in rows.items():
            self._run(add(login_key), {"name": name, "person": number})
