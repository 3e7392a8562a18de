"""Users of the local table over HTTP: add, give roles, approve them, disable. All of it needs a policy-admin."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from gatekeeper.api.asking import Answer, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.review_shapes import AddUser, SetRoles, UserAdded, UserShown, UsersShown
from gatekeeper.domain.person import Right, Role
from gatekeeper.domain.user import User
from gatekeeper.identity.tokens import kept_of, new_token
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.users import existing_user

router = APIRouter(tags=["users"])
UserName = Annotated[str, Path(max_length=200, description="Login name or e-mail address.")]


@router.get("/users", response_model=UsersShown)
def list_users(asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> UsersShown:
    """List users with their roles, and the roles that wait for a second policy-admin, by name."""
    asked.caller.require(Right.POLICY)
    found = sorted(asked.read(lambda registry, _: registry.users()), key=lambda each: each.name)
    items, following = page(found, lambda each: each.name, limit=limit, cursor=cursor, path=asked.path, asked={})
    return UsersShown(items=[UserShown(**_shown(each)) for each in items], next=following)


@router.post("/users", response_model=UserAdded, status_code=201, openapi_extra={"x-body": "AddUser"})
def add_user(asked: Writing) -> Response:
    """Add a user, and answer with a token this once: it is good for nothing but a token of the user's own. As the
    answer holds a secret, an Idempotency-Key is refused."""
    said, token = asked.body.check(AddUser), new_token()

    def work(registry: Registry, _: Reader) -> Answer:
        user = registry.add_user(said.user, frozenset(said.roles), kept_of(token), by=asked.caller)
        return Answer(UserAdded(**_shown(user), token=token), 201, tag_of(user), location=f"{asked.path}/{user.name}")

    return asked.act(work, secret=True)


@router.get("/users/{user}", response_model=UserShown)
def show_user(user: UserName, asked: Reading) -> Response:
    """Look at a user."""
    asked.caller.require(Right.POLICY)
    return asked.read(lambda _, reader: _answer(existing_user(reader, user))).response()


@router.put("/users/{user}/roles", response_model=UserShown, openapi_extra={"x-body": "SetRoles"})
def set_roles(user: UserName, asked: Writing) -> Response:
    """Give exactly these roles to the user that If-Match names. Taking works at once; kyc-approver and policy-admin
    wait for a second policy-admin."""
    asked.caller.require(Right.POLICY)
    said = asked.body.check(SetRoles)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing_user(reader, user)))
        return _answer(registry.set_roles(user, frozenset(said.roles), by=asked.caller))

    return asked.act(work)


@router.post("/users/{user}/roles/approve", response_model=UserShown)
def approve_roles(user: UserName, asked: Writing) -> Response:
    """Approve exactly the roles that wait and If-Match names. Who asked for them cannot."""
    asked.caller.require(Right.POLICY)

    def work(registry: Registry, reader: Reader) -> Answer:
        seen = existing_user(reader, user)
        asked.check_match(tag_of(seen))
        return _answer(registry.approve_roles(user, by=asked.caller, seen=seen.asked))

    return asked.act(work)


@router.post("/users/{user}/disable", response_model=UserShown)
def disable_user(user: UserName, asked: Writing) -> Response:
    """Take every right from a user at once. If-Match may be left out."""
    asked.caller.require(Right.POLICY)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(tag_of(existing_user(reader, user)), owed=False)
        return _answer(registry.disable_user(user, by=asked.caller))

    return asked.act(work)


def _answer(user: User) -> Answer:
    return Answer(UserShown(**_shown(user)), etag=tag_of(user))


def _shown(user: User) -> dict[str, Any]:
    return {
        "user": user.name,
        "state": "disabled" if user.disabled_by else "handed" if user.handed else "active",
        "roles": _names(user.roles),
        "waiting": _names(user.asked),
        "asked_by": user.asked_by,
        "created_at": user.created_at,
        "created_by": user.created_by,
        "disabled_by": user.disabled_by,
    }


def _names(roles: frozenset[Role]) -> list[str]:
    return sorted(each.value for each in roles)
