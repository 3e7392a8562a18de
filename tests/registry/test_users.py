"""Users: what one policy-admin may do, what takes two, and what the log says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.user import GIVEN_BY_TWO, User
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.registry.office import NOON, log

ADMIN, APPROVER, EDITOR, VIEWER = Role.POLICY_ADMIN, Role.KYC_APPROVER, Role.KYC_EDITOR, Role.VIEWER


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by(user: User) -> Caller:
    return user.caller


def now(registry: Registry, name: str) -> User:
    return next(each for each in registry.users() if each.name == name)


@pytest.fixture
def ana(registry: Registry) -> User:
    """The first user."""
    return registry.begin_users("ana", frozenset({ADMIN}), sha("ana"))


@pytest.fixture
def ben(registry: Registry, ana: User) -> User:
    """The second policy-admin, whom the first gave the role alone: there was nobody else."""
    return registry.add_user("ben", frozenset({ADMIN}), sha("ben"), by=by(ana))


def test_the_first_user_is_a_policy_admin_and_on_record_as_nobodys_choice(registry: Registry, stores: Stores) -> None:
    with pytest.raises(InvalidInput, match="policy-admin"):
        registry.begin_users("ana", frozenset({EDITOR}), sha("ana"))
    registry.begin_users("ana", frozenset({ADMIN}), sha("ana"))
    record = log(stores)[-1]
    assert record["type"] == "user.added"
    assert record["actor"] == {"auth": "claimed", "kind": "person", "name": "ana"}
    assert record["facts"] == {
        "asked": [], "bootstrap": True, "handed": False, "roles": ["policy-admin"], "user": "ana",
    }  # fmt: skip


def test_one_admin_gives_every_role_while_there_has_been_only_one(registry: Registry, ana: User) -> None:
    user = registry.add_user("ed", frozenset({EDITOR, APPROVER}), sha("ed"), by=by(ana))
    assert user.roles == {EDITOR, APPROVER}
    assert not user.asked


@pytest.mark.parametrize("role", Role)
def test_two_admins_give_together_what_makes_things_milder(
    registry: Registry, ana: User, ben: User, role: Role
) -> None:
    user = registry.add_user("ed", frozenset({role}), sha("ed"), by=by(ana))
    waits = role in GIVEN_BY_TWO
    assert user.asked == ({role} if waits else frozenset())
    assert user.caller.roles == (frozenset() if waits else {role})
    if waits:
        with pytest.raises(NotPermitted, match="asked for these roles"):
            registry.approve_roles("ed", by=Caller("ANA#s-1", Method.OIDC, frozenset(Role)), seen=user.asked)
        approved = registry.approve_roles("ed", by=by(ben), seen=user.asked)
        assert approved.roles == {role}
        assert not approved.asked
        assert not approved.asked_by


def test_to_disable_the_other_admin_does_not_make_one_enough(registry: Registry, ana: User, ben: User) -> None:
    registry.disable_user("ben", by=by(ana))
    assert registry.add_user("ed", frozenset({APPROVER}), sha("ed"), by=by(ana)).asked == {APPROVER}
    registry.set_roles("ana", frozenset({ADMIN, APPROVER}), by=by(ana))
    assert now(registry, "ana").asked == {APPROVER}


def test_nor_does_taking_the_role_from_the_other(registry: Registry, ana: User, ben: User) -> None:
    registry.set_roles("ben", frozenset({VIEWER}), by=by(ana))
    assert registry.add_user("ed", frozenset({ADMIN}), sha("ed"), by=by(ana)).asked == {ADMIN}


def test_a_new_token_made_by_another_gives_nobody_a_second_hand(registry: Registry, ana: User, ben: User) -> None:
    registry.add_user("cleo", frozenset({APPROVER, VIEWER}), sha("cleo"), by=by(ana))
    registry.approve_roles("cleo", by=by(ben), seen=frozenset({APPROVER}))
    cleo = registry.hand_token("cleo", sha("cleo 2"), by=by(ana))
    own = registry.rotate_own(sha("cleo 3"), by=by(cleo))
    assert [cleo.handed, own.handed] == [True, False]
    for user in (cleo, own):
        assert user.roles == {VIEWER}
        assert user.asked == {APPROVER}
        assert user.asked_by == "ana"


def test_what_waits_is_withdrawn_with_the_user_and_comes_back_to_be_approved(
    registry: Registry, ana: User, ben: User
) -> None:
    registry.add_user("cleo", frozenset({APPROVER}), sha("cleo"), by=by(ana))
    registry.disable_user("cleo", by=by(ben))
    with pytest.raises(NotPermitted, match="No role waits"):
        registry.approve_roles("cleo", by=by(ben), seen=frozenset({APPROVER}))
    with pytest.raises(NotPermitted, match="disabled"):
        registry.set_roles("cleo", frozenset({VIEWER}), by=by(ana))


def test_an_approval_is_of_the_roles_that_were_looked_at(registry: Registry, ana: User, ben: User) -> None:
    registry.add_user("cleo", frozenset({APPROVER}), sha("cleo"), by=by(ana))
    registry.set_roles("cleo", frozenset({APPROVER, ADMIN}), by=by(ana))
    with pytest.raises(Conflict):
        registry.approve_roles("cleo", by=by(ben), seen=frozenset({APPROVER}))


def test_a_database_in_the_hand_helps_only_where_no_two_admins_are_left(
    registry: Registry, ana: User, ben: User
) -> None:
    with pytest.raises(NotPermitted, match="ana and ben"):
        registry.begin_users("eve", frozenset({ADMIN}), sha("eve"))
    registry.disable_user("ben", by=by(ana))
    assert registry.begin_users("cleo", frozenset({ADMIN}), sha("cleo")).roles == {ADMIN}


@pytest.mark.parametrize(
    "stranger",
    [
        Caller.claimed("ana"),
        Caller("system:serviceaccount:kyc:robot", Method.TOKEN_REVIEW, frozenset({ADMIN})),
        Caller("eve", Method.LOCAL, frozenset(Role) - {ADMIN}),
        Caller("eve", Method.OIDC, frozenset()),
    ],
    ids=lambda each: each.method.value,
)
def test_nobody_else_keeps_users(registry: Registry, stores: Stores, ana: User, stranger: Caller) -> None:
    before = log(stores)
    acts: tuple[Callable[[], User], ...] = (
        lambda: registry.add_user("ed", frozenset({VIEWER}), sha("ed"), by=stranger),
        lambda: registry.set_roles("ana", frozenset({VIEWER}), by=stranger),
        lambda: registry.approve_roles("ana", by=stranger, seen=frozenset()),
        lambda: registry.disable_user("ana", by=stranger),
        lambda: registry.hand_token("ana", sha("new"), by=stranger),
    )
    for act in acts:
        with pytest.raises(NotPermitted):
            act()
    assert log(stores) == before


def test_an_admin_of_the_identity_provider_is_not_alone_in_giving_roles(registry: Registry, ana: User) -> None:
    olga = Caller("olga@x.example#s-7", Method.OIDC, frozenset({ADMIN}))
    assert registry.add_user("ed", frozenset({APPROVER}), sha("ed"), by=olga).asked == {APPROVER}


@pytest.mark.parametrize("name", ["ANA", " ana ", "a n a", "\uff41na"])
def test_a_second_spelling_is_no_second_user(registry: Registry, ana: User, name: str) -> None:
    with pytest.raises(Conflict):
        registry.add_user(name, frozenset({VIEWER}), sha("x"), by=by(ana))


@pytest.mark.parametrize("name", ["", "\u0430na", "ana#s-1", "ana, ben", "system:admin"])
def test_a_name_that_could_be_taken_for_another_is_refused(registry: Registry, ana: User, name: str) -> None:
    with pytest.raises(InvalidInput):
        registry.add_user(name, frozenset({VIEWER}), sha("x"), by=by(ana))


def test_a_user_is_stored_as_it_was(registry: Registry, ana: User, ben: User) -> None:
    cleo = registry.add_user("Cleo", frozenset({APPROVER, EDITOR, VIEWER}), sha("cleo"), by=by(ana))
    assert now(registry, "Cleo") == cleo
    assert (cleo.created_at, cleo.created_by) == (NOON, "ana")
    with pytest.raises(NotFound):
        registry.disable_user("nobody", by=by(ana))


def test_the_log_says_what_each_was_before_and_never_a_token(registry: Registry, stores: Stores, ana: User) -> None:
    registry.add_user("ed", frozenset({EDITOR, VIEWER}), sha("ed"), by=by(ana))
    registry.set_roles("ed", frozenset({VIEWER}), by=by(ana))
    changed = log(stores)[-1]
    assert changed["type"] == "user.changed"
    assert changed["facts"]["before"] == {"asked": [], "roles": ["kyc-editor", "viewer"]}
    assert changed["facts"]["token"] == "kept"
    registry.disable_user("ed", by=by(ana))
    assert log(stores)[-1]["type"] == "user.disabled"
    assert log(stores)[-1]["facts"]["roles"] == []
    assert sha("ed") not in str(log(stores))
