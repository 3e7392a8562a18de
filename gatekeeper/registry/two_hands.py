"""The two-hands rule at the one way into the log: no use case, and none to come, can forget to ask it.

A store over another one: each record that a use case appends is held against who is one person, against the logins
that the provider lets be hands at all, and against the roles that a user of our own table has at that moment (whoever
sent the token may have been disabled since). What is refused undoes the whole transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from gatekeeper.domain.people import LoginAct, People
from gatekeeper.domain.record import Actor, ActorKind, Record, decode
from gatekeeper.domain.rights import check_right
from gatekeeper.domain.two_hands import (
    FirstHands,
    Hands,
    check_first,
    check_second,
    check_two_people,
    first_hands,
    types_about,
)
from gatekeeper.domain.user import User
from gatekeeper.ports import Reader, Stores, Transaction
from gatekeeper.ports.written import Written

T = TypeVar("T")


class TwoHanded:
    """`gatekeeper.ports.Stores` into whose log no record of two hands comes that are one person's."""

    def __init__(self, stores: Stores, hands: Hands) -> None:
        self._stores = stores
        self._hands = hands

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work as one transaction, and look at each record that it appends."""
        return self._stores.transact(self._watched(work))

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The same without waiting."""
        return self._stores.submit(self._watched(work))

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state."""
        return self._stores.read(work)

    def _watched(self, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        return lambda tx: work(cast("Transaction", _Watched(tx, self._hands)))


class _Watched:
    """`gatekeeper.ports.Transaction` over another one. What it does not answer itself, that one does."""

    def __init__(self, tx: Transaction, hands: Hands) -> None:
        self._tx = tx
        self._hands = hands
        self._people: People | None = None  # read once: a batch approves thousands
        self._users: list[User] | None = None  # as they are before this transaction: nobody's act takes its own right

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transaction's own."""
        return getattr(self._tx, name)

    def people(self) -> People:
        """As the port says."""
        if self._people is None:
            self._people = self._tx.people()
        return self._people

    def add_login_act(self, act: LoginAct, after: People) -> None:
        """As the port says."""
        self._people = None
        self._tx.add_login_act(act, after)

    def put_user(self, user: User) -> None:
        """As the port says."""
        self._users_before()
        self._tx.put_user(user)

    def append(self, record: Record) -> int:
        """As the port says.

        Raises:
            NotPermitted: the actor has no role for it (any more), both hands of it are one person's, or not ones that
                the provider lets be hands.
        """
        return self.append_all([record])[0]

    def append_all(self, records: Sequence[Record]) -> list[int]:
        """As the port says; raises as `append`."""
        self._look_at(records)
        return self._tx.append_all(records)

    def write_all(self, written: Written) -> None:
        """As the port says; raises as `append`."""
        self._look_at(written.records)
        self._tx.write_all(written)

    def _look_at(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.actor.kind is ActorKind.PERSON:
                check_right(record, [each.caller for each in self._users_before()])
            check_first(record, self._hands)
            if first_hands(record):
                self._check(record, self.people())

    def _users_before(self) -> list[User]:
        if self._users is None:
            self._users = self._tx.users()
        return self._users

    def _check(self, record: Record, people: People) -> None:
        by = record.actor.name
        # The log is only read where it matters: the two were one person once, or its first hand's login is asked for.
        if self._hands.first is None and not any(people.same(each, by, since=0) for each in first_hands(record)):
            check_two_people(record, people, lambda _: 0)
            check_second(record, self._hands, lambda _: None)
            return
        told = _told(self._tx, record)

        def since(name: str) -> int:
            found = told.of(record, name)
            return found[0] if found else 0

        def first(name: str) -> Actor | None:
            found = told.of(record, name)
            return found[1] if found else None

        check_two_people(record, people, since)
        check_second(record, self._hands, first)


def _told(reader: Reader, record: Record) -> FirstHands:
    """Who became when a first hand of what a record approves, by the log. Only asked where it matters."""
    customer = record.facts.get("customer")
    found = reader.records(types=types_about(record), customer=customer if isinstance(customer, str) else None)
    told = FirstHands()
    for seq, leaf in found:
        told.see(seq, decode(leaf))
    return told
