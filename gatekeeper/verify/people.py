"""Follows which logins are one person's, and that of every act of two hands both were two people's.

Other checks compare names, each for its own records; this one compares persons, for all of them. A log in which nobody
was ever linked says the same to both.
"""

from __future__ import annotations

from gatekeeper.domain.errors import GatekeeperError, NotPermitted
from gatekeeper.domain.people import LoginAct, LoginChange, People, told_logins
from gatekeeper.domain.person import Method, is_machine
from gatekeeper.domain.record import ActorKind, Record, RecordType
from gatekeeper.domain.two_hands import FirstHands, check_two_people, first_hands
from gatekeeper.verify.fields import Wrong, text_of, texts_of

_CHANGES = {
    RecordType.LOGIN_LINKED: LoginChange.LINKED,
    RecordType.LOGIN_UNLINK_ASKED: LoginChange.UNLINK_ASKED,
    RecordType.LOGIN_UNLINKED: LoginChange.UNLINKED,
}
# Approved is what was asked for last, by one person. Of the other types the first hands are held to the log elsewhere.
_ASKED_BY_ONE = frozenset(
    {
        RecordType.CUSTOMER_REOPENED,
        RecordType.OVERRIDE_APPROVED,
        RecordType.RESERVATION_SETTLED,
        RecordType.RESERVATION_VOIDED,
    }
)


class PeopleCheck:
    """Who was one person when, and who was first hand of what."""

    def __init__(self) -> None:
        self._people = People()
        self._firsts = FirstHands()
        self._seq = 0

    def see(self, record: Record) -> None:
        """Take the next record in.

        Raises:
            Wrong: both hands of it are one person's, or a login changes its person otherwise than it can.
        """
        seq, self._seq = self._seq, self._seq + 1
        try:
            check_two_people(record, self._people, lambda name: self._since(record, name))
        except NotPermitted as error:
            raise Wrong(str(error)) from error
        else:
            self._check_told(record)
        finally:
            self._firsts.see(seq, record)
            if record.type in _CHANGES:
                self._change(record, seq)

    def _check_told(self, record: Record) -> None:
        """Somebody else's name in the place of the first hand's would keep two logins of one person from being seen."""
        told, last = first_hands(record), self._firsts.last(record)
        if record.type in _ASKED_BY_ONE and told and told != (last,):
            raise Wrong(f"{last or 'Nobody'} was the first hand of this, and the record says {', '.join(told)}.")

    def _since(self, record: Record, name: str) -> int:
        found = self._firsts.of(record, name)
        return found[0] if found else 0

    def _change(self, record: Record, seq: int) -> None:
        facts, by, change = record.facts, record.actor.name, _CHANGES[record.type]
        login = text_of(facts, "login")
        person = text_of(facts, "person") if change is LoginChange.LINKED else ""
        before = self._people
        try:
            self._people = before.with_act(LoginAct(seq, change, login, person, by))
        except GatekeeperError as error:
            raise Wrong(f"Login {login} is {change.value.replace('_', ' ')}, which cannot be: {error}") from error
        if record.actor.kind is not ActorKind.PERSON or is_machine(by):
            raise Wrong(f"Login {login} is {change.value.replace('_', ' ')} by {by}, who is no person.")
        if record.actor.auth in (None, Method.CLAIMED):
            raise Wrong(
                f"Login {login} is {change.value.replace('_', ' ')} by {by}, and nobody established who that is."
            )
        asked_by = before.waits.get(login) if change is LoginChange.UNLINKED else None
        if facts.get("asked_by") != asked_by:
            raise Wrong(f"{asked_by} asked to unlink {login}; the record says {facts.get('asked_by')}.")
        withdrawn = tuple(sorted(before.waits.keys() - self._people.waits.keys()))
        if change is LoginChange.LINKED and texts_of(facts, "withdrawn") != withdrawn:
            raise Wrong(f"To link {login} withdraws {', '.join(withdrawn) or 'nothing'}; the record says otherwise.")
        told = self._people if change is LoginChange.LINKED else before
        found = told.person_of(login)
        logins = told_logins(
            each for each in (found.logins if found else ()) if change is LoginChange.LINKED or each != login
        )
        if (logins["logins"], logins.get("logins_total")) != ([*texts_of(facts, "logins")], facts.get("logins_total")):
            raise Wrong(f"The logins of one person with {login} are others by the log than the record says.")
