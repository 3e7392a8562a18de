"""Follows who was given which role: that two people gave what only two may give, and that whoever acts by our own table
of users had the role for it at that place of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.person import Caller, Method, Role, same_person
from gatekeeper.domain.record import Actor, Record, RecordType
from gatekeeper.domain.rights import check_right
from gatekeeper.domain.user import GIVEN_BY_TWO
from gatekeeper.verify.fields import Facts, Wrong, text_of, texts_of

_BY_TWO = {each.value for each in GIVEN_BY_TWO}
_ADMIN = Role.POLICY_ADMIN.value
_ROLES = {each.value: each for each in Role}


@dataclass(frozen=True, slots=True)
class _Held:
    roles: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    asked_by: str = ""
    disabled: bool = False


class Users:
    """What the log says of users so far."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._callers: tuple[Caller, ...] = ()  # the same, as whoever acts
        self._were_admins: set[str] = set()

    def see(self, record: Record) -> None:
        """Take the next record in; those of other kinds change nothing.

        Raises:
            Wrong: it does not follow from the records before it, one person gave what only two may give, or the actor
                showed a token of ours and was never added, or had no role for this, or none showed who it was.
        """
        facts, actor, before = record.facts, record.actor, self._callers
        known = actor.auth is not Method.LOCAL or any(same_person(each, actor.name) for each in self._held)
        if record.type is RecordType.USER_ADDED:
            self._add(facts, actor)
        elif record.type in (RecordType.USER_CHANGED, RecordType.USER_DISABLED):
            self._change(facts, actor, disables=record.type is RecordType.USER_DISABLED)
        if not known:
            raise Wrong(f"{actor.name} acts as a user, and was never added.")
        try:
            check_right(record, before)
        except NotPermitted as error:
            raise Wrong(f"{record.type.value}: {error.message} That was so at this place of the log.") from error

    def _add(self, facts: Facts, actor: Actor) -> None:
        name, now = text_of(facts, "user"), _held(facts, actor.name)
        admins = sum(_ADMIN in each.roles for each in self._held.values())
        alone = admins < 2 if facts.get("bootstrap") is True else self._one_is_enough(actor)
        known = any(same_person(each, name) for each in self._held)
        self._take(name, now)
        if known:
            raise Wrong(f"User {name} is added a second time.")
        if now.roles & _BY_TWO and not alone:
            raise Wrong(f"{actor.name} alone gave {name} {_listed(now.roles & _BY_TWO)}, which takes two.")

    def _change(self, facts: Facts, actor: Actor, *, disables: bool) -> None:
        name, before = text_of(facts, "user"), facts.get("before")
        known, alone = self._held.get(name, _Held()), self._one_is_enough(actor)
        added, now = name in self._held, _held(facts, str(facts.get("asked_by", "")))
        self._take(name, replace(now, disabled=disables))
        if not added or not isinstance(before, Mapping):
            raise Wrong(f"User {name} changes, and was never added.")
        if known.disabled and facts.get("token") != "handed":
            raise Wrong(f"User {name} is disabled, and changes without a new token from somebody else.")
        was = _held(before, "")
        if (was.roles, was.asked) != (known.roles, known.asked):
            raise Wrong(f"User {name} had other roles before than the record says.")
        if (
            now.asked
            and not same_person(now.asked_by, actor.name)
            and now != replace(known, roles=now.roles, disabled=False)
        ):
            raise Wrong(f"Roles of {name} wait that {now.asked_by} did not ask for.")
        gained = (now.roles - known.roles) & _BY_TWO
        approved = gained <= known.asked and not same_person(actor.name, known.asked_by)
        if gained and not approved and not alone:
            raise Wrong(f"{actor.name} alone gave {name} {_listed(gained)}, which takes two.")
        if gained and approved and facts.get("asked_by") != known.asked_by:
            raise Wrong(f"{known.asked_by} asked for {_listed(gained)} for {name}; the record says another one did.")

    def _take(self, name: str, now: _Held) -> None:
        self._held[name] = now
        self._callers = tuple(
            Caller(each, Method.LOCAL, frozenset(_ROLES[role] for role in held.roles if role in _ROLES))
            for each, held in self._held.items()
        )
        if _ADMIN in now.roles:
            self._were_admins.add(name)

    def _one_is_enough(self, actor: Actor) -> bool:
        return actor.auth is Method.LOCAL and len(self._were_admins) < 2


def _held(facts: Facts, by: str) -> _Held:
    asked = frozenset(texts_of(facts, "asked"))
    return _Held(frozenset(texts_of(facts, "roles")), asked, by if asked else "")


def _listed(roles: frozenset[str]) -> str:
    return ", ".join(sorted(roles))
