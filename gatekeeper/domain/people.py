"""Which logins belong to one person: linked by one policy-admin, taken apart again by two.

A login is a name as it stands in records, whichever realm gave it: `ana` of our own table, `ana@provider.example#00u1`
of an identity provider, `system:serviceaccount:kyc:ana` of a cluster. What two realms call alike is one person anyway.

To link is stricter: two pairs of eyes become one at once, for what waits already too. To take a login out is milder,
and never reaches back: whose logins were one while something waited stay one for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import first_hand_told, person_keys, person_marks, same_person

# A record names so many logins of one person, and how many there are. That is no limit: whoever could fill a person up
# with names of nobody would keep the real one out.
LOGINS_TOLD_MAX = 50


class LoginChange(StrEnum):
    """What happened to a login."""

    LINKED = "linked"
    UNLINK_ASKED = "unlink_asked"
    UNLINKED = "unlinked"


@dataclass(frozen=True, slots=True)
class LoginAct:
    """One act on a login.

    Attributes:
        seq: of its record in the log.
        login: whose it is about.
        person: for LINKED a login of the person whom it belongs to from now on; else "".
        by: who did it.
    """

    seq: int
    change: LoginChange
    login: str
    person: str
    by: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person with several logins, by name.

    Attributes:
        marks: what any name of this person has one of.
    """

    logins: tuple[str, ...]
    marks: frozenset[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "marks", frozenset[str]().union(*map(person_marks, self.logins)))

    def has(self, name: str) -> bool:
        """Whether a name is one of this person's, in whatever spelling."""
        return not self.marks.isdisjoint(person_marks(name))


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who has several logins, as of now, and who had them before.

    Attributes:
        persons: each login stands in at most one.
        waits: login -> who asked to take it out of its person.
        before: persons as they were until a login was taken out, each with the index of that record.
    """

    persons: tuple[Person, ...] = ()
    waits: dict[str, str] = field(default_factory=dict)
    before: tuple[tuple[int, Person], ...] = ()

    @classmethod
    def after(cls, acts: Iterable[LoginAct]) -> People:
        """What all acts that were judged already, oldest first, leave.

        An act that cannot follow by the spellings that we know today (`spelling` grows) is passed over: two logins that
        have become one by name need no link, and not to unlink is stricter. Nobody could approve anything otherwise.
        """
        people = cls()
        for act in acts:
            if act.change is not LoginChange.LINKED or not same_person(act.person, act.login):
                with suppress(Conflict, NotFound, NotPermitted):
                    people = people.with_act(act)
        return people

    def with_act(self, act: LoginAct) -> People:
        """As one more act leaves it.

        Raises:
            InvalidInput, Conflict, NotFound, NotPermitted: the act cannot follow.
        """
        if act.change is LoginChange.LINKED:
            return self.linked(act.person, act.login, by=act.by)
        if act.change is LoginChange.UNLINK_ASKED:
            return self.unlink_asked(act.login, by=act.by)
        return self.unlinked(act.login, by=act.by, seq=act.seq)

    def same(self, one: str, other: str, *, since: int | None = None) -> bool:
        """Whether two names are one person's.

        Args:
            since: index of the record from which on they have to have been two; None: now is enough.
        """
        if same_person(one, other):
            return True
        earlier = () if since is None else (person for until, person in self.before if until > since)
        mine, theirs = person_marks(one), person_marks(other)
        both = (each.marks for each in (*self.persons, *earlier))
        return any(not each.isdisjoint(mine) and not each.isdisjoint(theirs) for each in both)

    def person_of(self, name: str) -> Person | None:
        """The person of a name; None for somebody who has no second login."""
        return next((each for each in self.persons if each.has(name)), None)

    def spelled(self, login: str) -> str:
        """A linked login as it was written when it was linked.

        Raises:
            NotFound: it is not linked.
        """
        return self._listed(login)[0]

    def linked(self, person: str, login: str, *, by: str = "") -> People:
        """With a login given to a person; whoever else either of them was is the same person now.

        Where either of the two waits to be taken out, that is withdrawn; what waits of other logins waits on. Nobody
        withdraws what is about themselves: the real login would stay under names of nobody.

        Raises:
            InvalidInput: it is one name. Conflict: linked already, and nobody asks to take it out.
            NotPermitted: linked already, and it is one's own login that waits to be taken out.
        """
        if same_person(person, login):
            raise InvalidInput(f"{login} and {person} are one person by their names.", hint="Nothing has to be linked.")
        joined = [each for each in self.persons if each.has(person) or each.has(login)]
        whole = Person(_each_once(name for each in (Person((person, login)), *joined) for name in each.logins))
        meant = {name for name in self.waits if person_keys(name) in (person_keys(person), person_keys(login))}
        waits = {name: asked for name, asked in self.waits.items() if name not in meant or whole.has(by)}
        if any(each.has(person) and each.has(login) for each in joined) and waits == self.waits:
            if meant:
                raise NotPermitted(
                    f"{', '.join(sorted(meant))} waits to be unlinked, and nobody withdraws that of their own logins.",
                    hint="Another policy-admin may link them again.",
                )
            raise Conflict(f"{login} and {person} are one person already.", hint="See `gatekeeper user people`.")
        rest = (each for each in self.persons if each not in joined)
        return replace(self, persons=tuple(sorted((*rest, whole), key=lambda each: each.logins)), waits=waits)

    def unlink_asked(self, login: str, *, by: str) -> People:
        """With a login that waits to be taken out of its person.

        Raises:
            NotFound: it has no person. Conflict: somebody asked already.
            NotPermitted: its own name makes it this person's.
        """
        name, person = self._listed(login)
        if name in self.waits:
            raise Conflict(
                f"{self.waits[name]} asked already to unlink {name}.",
                hint=f"Another policy-admin approves: gatekeeper user approve-unlink {name}",
            )
        others = [each for each in person.logins if each != name]
        if any(same_person(name, each) for each in others):
            raise NotPermitted(f"{name} is one person with {', '.join(others)} by its own name; no link makes it that.")
        return replace(self, waits=self.waits | {name: by})

    def unlinked(self, login: str, *, by: str, seq: int) -> People:
        """With a login on its own again. Two people do that; whose login it is may ask, and not approve.

        Raises:
            NotFound: it has no person. NotPermitted: nobody asked, or this is who asked, or whose login it is.
        """
        name, person = self._listed(login)
        asked_by = self.waits.get(name)
        if asked_by is None:
            raise NotPermitted(f"Nobody asked to unlink {name}.", hint=f"Ask: gatekeeper user unlink {name}")
        if self.same(asked_by, by):
            raise NotPermitted(
                f"{first_hand_told(by, asked_by, f'asked to unlink {name}')} and so cannot approve it.",
                hint="Ask another policy-admin to approve.",
            )
        if person.has(by):
            raise NotPermitted(
                f"{by} is one person with {name} as long as this is not approved, and so cannot approve it.",
                hint="Ask another policy-admin to approve.",
            )
        left = Person(tuple(each for each in person.logins if each != name))
        over = {name} if len(left.logins) > 1 else set(person.logins)
        rest = (left if each == person else each for each in self.persons)
        return replace(
            self,
            persons=tuple(each for each in rest if len(each.logins) > 1),
            waits={each: who for each, who in self.waits.items() if each not in over},
            before=(*self.before, (seq, person)),
        )

    def _listed(self, login: str) -> tuple[str, Person]:
        for person in self.persons:
            for name in person.logins:
                if person_keys(name) == person_keys(login):
                    return name, person
        raise NotFound(f"{login!r:.80} is no login that was linked.", hint="See `gatekeeper user people`.")


def told_logins(logins: Iterable[str]) -> dict[str, Sequence[str] | int]:
    """Logins of one person as a record tells them: by name, the first of them, and how many where that is not all."""
    ordered = sorted(logins)
    total = {"logins_total": len(ordered)} if len(ordered) > LOGINS_TOLD_MAX else {}
    return {"logins": ordered[:LOGINS_TOLD_MAX], **total}


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({person_keys(each): each for each in names}.values()))
