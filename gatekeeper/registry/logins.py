"""Use cases on people with several logins: link two of them, and take one out again.

    login.linked          {login, person: a login of whose it is, logins: all of this person from now on, withdrawn}
    login.unlink_asked    {login, logins: all of the person that it would leave}
    login.unlinked        {login, asked_by, logins: those that stay one person}

Of more than 50 logins the first are told, and `logins_total`.

To link makes one pair of eyes of two: one policy-admin does it, at once. To unlink makes two of one: one asks, another
approves, and neither way what was done or waits before is judged anew in the milder direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.people import LoginAct, LoginChange, People, Person, told_logins
from gatekeeper.domain.person import Caller, Role, same_person
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.domain.two_hands import FIRST_TYPES, SECOND_TYPES
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.people import keeper, login

_RECORDS = {
    LoginChange.LINKED: RecordType.LOGIN_LINKED,
    LoginChange.UNLINK_ASKED: RecordType.LOGIN_UNLINK_ASKED,
    LoginChange.UNLINKED: RecordType.LOGIN_UNLINKED,
}
# By these people are known who have no token of ours. Reservations end too often to be read, and mostly by nobody.
_ACTS = (FIRST_TYPES | SECOND_TYPES | {RecordType.CUSTOMER_SUSPENDED, RecordType.LIST_LOADED}) - {
    RecordType.RESERVATION_SETTLED,
    RecordType.RESERVATION_VOIDED,
}
_ALIKE = 0.75


class LoginRegistry:
    """Use cases on logins, over one store."""

    def __init__(self, stores: Stores, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock

    def people(self) -> People:
        """Who has several logins, and which of them wait to be taken out."""
        return self._stores.read(lambda reader: reader.people())

    def link_login(self, name: str, other: str, *, by: Caller) -> Person:
        """Say that a login is a person's who has another one: from now on, also for what waits, they are one pair of
        eyes. An unlinking that waits for either login is withdrawn, but not one's own.

        Args:
            name: a login of the person.
            other: the one that is the same person's.

        Raises:
            NotPermitted: no right to, or it would withdraw the unlinking of one's own login.
            InvalidInput: not a name of a login, or both are one by their spelling.
            Conflict: they are one person already.
        """
        return self._act(LoginChange.LINKED, login(other), login(name), by)

    def ask_unlink(self, name: str, *, by: Caller) -> Person:
        """Ask to take a login out of the person whom it belongs to; another policy-admin approves.

        Raises:
            NotPermitted: no right to, or its name itself makes it this person's. NotFound: it is not linked.
            Conflict: somebody asked already.
        """
        return self._act(LoginChange.UNLINK_ASKED, login(name), "", by)

    def approve_unlink(self, name: str, *, by: Caller) -> Person:
        """Take a login out, as another policy-admin asked. What either did before is still judged as one person's.

        Raises:
            NotPermitted: no right to, nobody asked, or this is who asked, or whose login it is.
            NotFound: it is not linked.
        """
        return self._act(LoginChange.UNLINKED, login(name), "", by)

    def approved_by_one(self, name: str) -> list[str]:
        """The customers in effect whose two hands are both of the person of a name: approved before that was known.
        They stand, and want to be looked at again."""

        def work(reader: Reader) -> list[str]:
            people = reader.people()
            return [
                each.id
                for each in reader.customers()
                if each.standing is Standing.APPROVED
                and people.same(each.prepared_by, each.approved_by)
                and people.same(each.approved_by, name)
            ]

        return self._stores.read(work)

    def unknown(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Of some names those by which nobody is a user, has another login, or ever prepared, approved or changed
        anything; each with the known names that are like it."""

        def work(reader: Reader) -> dict[str, list[str]]:
            known = {each.name for each in reader.users()} | {
                decode(leaf).actor.name for _, leaf in reader.records(types=_ACTS)
            }
            strange = [name for name in names if not any(same_person(name, each) for each in known)]
            return {name: get_close_matches(name, sorted(known), cutoff=_ALIKE) for name in strange}

        return self._stores.read(work)

    def people_with(self, role: Role) -> int:
        """How many people there are among our own users with a role in effect: several logins of one are one."""

        def work(reader: Reader) -> int:
            people, found = reader.people(), list[str]()
            for user in reader.users():
                if role in user.caller.roles and not any(people.same(user.name, each) for each in found):
                    found.append(user.name)
            return len(found)

        return self._stores.read(work)

    def _act(self, change: LoginChange, name: str, person: str, by: Caller) -> Person:
        now, actor = self._clock.now(), keeper(by)

        def work(tx: Transaction) -> Person:
            before = tx.people()
            known = name if change is LoginChange.LINKED else before.spelled(name)
            act = LoginAct(tx.log_size(), change, known, person, actor.name)
            after = before.with_act(act)
            tx.append(new_record(_RECORDS[change], actor, now, _facts(act, before, after)))
            tx.add_login_act(act, after)
            return _person(before if change is LoginChange.UNLINKED else after, act)

        return self._stores.transact(work)


def _facts(act: LoginAct, before: People, after: People) -> Facts:
    if act.change is LoginChange.LINKED:
        withdrawn = sorted(before.waits.keys() - after.waits.keys())
        told = told_logins(_person(after, act).logins)
        return {"login": act.login, "person": act.person, **told, "withdrawn": withdrawn}
    told = told_logins(each for each in _person(before, act).logins if each != act.login)
    asked_by = {"asked_by": before.waits[act.login]} if act.change is LoginChange.UNLINKED else {}
    return {"login": act.login, **told, **asked_by}


def _person(people: People, act: LoginAct) -> Person:
    return people.person_of(act.login) or Person((act.login,))
