"""Use cases on users: add, give roles, approve roles, disable, and give a new token.

    user.added     {user, roles, asked, handed, bootstrap}
    user.changed   {user, roles, asked, handed, before: {roles, asked}, token: "kept|rotated|handed", asked_by}
    user.disabled  {user, before: {roles, asked}}

One policy-admin takes roles, disables, and gives those that only prepare or read. The roles in `GIVEN_BY_TWO` need a
second policy-admin, from the moment on when there have ever been two: to disable the other does not bring the time
back when one was enough. Neither the token nor its hash is in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import Caller, Method, Right, Role, same_person
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.domain.spelling import looks
from gatekeeper.domain.two_hands import Hands
from gatekeeper.domain.user import User
from gatekeeper.facts import Facts, new_record
from gatekeeper.ports import Clock, Reader, Stores, Transaction
from gatekeeper.registry.people import acting, keeper, new_login

Roles = frozenset[Role]


class UserRegistry:
    """Use cases on users, over one store."""

    def __init__(self, stores: Stores, clock: Clock, hands: Hands | None = None) -> None:
        self._stores = stores
        self._clock = clock
        self._domains = hands.domains if hands else ()

    def users(self) -> list[User]:
        """All users by name."""
        return self._stores.read(lambda reader: reader.users())

    def begin_users(self, name: str, roles: Roles, token_sha256: str) -> User:
        """Add the first user, or another where fewer than two policy-admins are left: nobody can vouch for this one.

        Only for a process that has the database in its hands; never for a request from outside.

        Raises:
            NotPermitted: two policy-admins are there. InvalidInput: not a name, or not a policy-admin.
            Conflict: there is such a user.
        """
        now, actor = self._clock.now(), acting(Caller.claimed(new_login(name, self._domains)), Right.POLICY)
        if Role.POLICY_ADMIN not in roles:
            raise InvalidInput(
                "The first user keeps the others, so it is a policy-admin.", hint="Add --role policy-admin."
            )

        def work(tx: Transaction) -> User:
            admins = [each.name for each in tx.users() if Role.POLICY_ADMIN in each.caller.roles]
            if len(admins) > 1:
                raise NotPermitted(f"{' and '.join(admins[:2])} keep the users.", hint="Ask them.")
            _check_new(tx, name)
            user = User(actor.name, roles, token_sha256, now, actor.name, handed=False)
            return _added(tx, user, actor, now, bootstrap=True)

        return self._stores.transact(work)

    def add_user(self, name: str, roles: Roles, token_sha256: str, *, by: Caller) -> User:
        """Add a user with a token that whoever adds has seen: the user's first act is to make one of its own.

        Raises:
            NotPermitted: no right to. Conflict: there is a user of this name, in whatever spelling.
            InvalidInput: not a name, or no roles.
        """
        now, actor, plain = self._clock.now(), keeper(by), new_login(name, self._domains)
        if not roles:
            raise InvalidInput("A user without a role may do nothing.", hint="Add --role viewer.")

        def work(tx: Transaction) -> User:
            _check_new(tx, plain)
            empty = User(plain, frozenset(), token_sha256, now, actor.name, handed=True, version=0)
            user = empty.with_roles(roles, by=actor.name, alone=_one_is_enough(tx, by))
            return _added(tx, user, actor, now, bootstrap=False)

        return self._stores.transact(work)

    def set_roles(self, name: str, roles: Roles, *, by: Caller) -> User:
        """Give a user exactly these roles; those that only two may give wait.

        Raises:
            NotPermitted: no right to, or the user is disabled. NotFound: no such user.
        """
        actor = keeper(by)
        return self._change(
            name, actor, lambda tx, user: user.with_roles(roles, by=actor.name, alone=_one_is_enough(tx, by))
        )

    def approve_roles(self, name: str, *, by: Caller, seen: Roles) -> User:
        """Approve the roles that wait for a user.

        Args:
            seen: the roles that the approver looked at.

        Raises:
            NotPermitted: no right to, nothing waits, or this is who asked. Conflict: other roles wait by now.
            NotFound: no such user.
        """
        actor = keeper(by)

        def approved(_: Transaction, user: User) -> User:
            if user.asked and user.asked != seen:
                raise Conflict(f"Other roles wait for {user.name} than {actor.name} looked at.", hint="Look again.")
            return user.approve(by=actor.name)

        return self._change(name, actor, approved)

    def disable_user(self, name: str, *, by: Caller) -> User:
        """Take every right from a user at once.

        Raises:
            NotPermitted: no right to, or disabled already. NotFound: no such user.
        """
        actor = keeper(by)
        return self._change(name, actor, lambda _, user: user.disable(by=actor.name), RecordType.USER_DISABLED)

    def rotate_own(self, token_sha256: str, *, by: Caller) -> User:
        """Replace one's own token; the one before ends at once.

        Raises:
            NotPermitted: not a user of the local table, or disabled.
        """
        if by.method is not Method.LOCAL:
            raise NotPermitted(f"{by.name} has no token of ours.", hint="Log in again where the token came from.")
        actor = Actor(ActorKind.PERSON, by.name, by.method)
        return self._change(by.name, actor, lambda _, user: user.own_token(token_sha256))

    def hand_token(self, name: str, token_sha256: str, *, by: Caller) -> User:
        """Give a user who lost the token, or was disabled, a new one; see `User.handed_token`.

        Raises:
            NotPermitted: no right to. NotFound: no such user.
        """
        actor = keeper(by)
        return self._change(
            name,
            actor,
            lambda tx, user: user.handed_token(token_sha256, by=actor.name, alone=_one_is_enough(tx, by)),
        )

    def _change(
        self,
        name: str,
        actor: Actor,
        changed: Callable[[Transaction, User], User],
        kind: RecordType = RecordType.USER_CHANGED,
    ) -> User:
        now = self._clock.now()

        def work(tx: Transaction) -> User:
            before = existing_user(tx, name)
            after = changed(tx, before)
            tx.put_user(after)
            tx.append(new_record(kind, actor, now, _change_facts(before, after)))
            return after

        return self._stores.transact(work)


def existing_user(reader: Reader, name: str) -> User:
    """The user of a name in any spelling.

    Raises:
        NotFound: no such user.
    """
    for user in reader.users():
        if same_person(user.name, name):
            return user
    raise NotFound(f"There is no user {name!r:.80}.", hint="See `gatekeeper user list`.")


def _one_is_enough(tx: Transaction, by: Caller) -> bool:
    """Whether one policy-admin may give any role: not where there have been two, nor where others give out admins."""
    return by.method is Method.LOCAL and sum(each.was_admin for each in tx.users()) < 2


def _check_new(tx: Transaction, name: str) -> None:
    for user in tx.users():
        if same_person(user.name, name):
            raise Conflict(
                f"{name} is the user {user.name}.", hint="See `gatekeeper user roles` and `gatekeeper user rotate`."
            )
        if looks(user.name) == looks(name):
            raise Conflict(
                f"{name} looks like the user {user.name}.", hint="Choose a name that nobody takes for that one."
            )


def _added(tx: Transaction, user: User, actor: Actor, now: datetime, *, bootstrap: bool) -> User:
    tx.put_user(user)
    facts = {**_facts(user), "bootstrap": bootstrap}
    tx.append(new_record(RecordType.USER_ADDED, actor, now, facts))
    return user


def _facts(user: User) -> Facts:
    return {"user": user.name, **_held(user), "handed": user.handed}


def _held(user: User) -> Facts:
    return {
        "roles": sorted(each.value for each in user.caller.roles),
        "asked": sorted(each.value for each in user.asked),
    }


def _change_facts(before: User, after: User) -> Facts:
    rotated = before.token_sha256 != after.token_sha256
    return {
        **_facts(after),
        "before": _held(before),
        "asked_by": after.asked_by or before.asked_by,
        "token": "kept" if not rotated else "handed" if after.handed else "rotated",
    }
