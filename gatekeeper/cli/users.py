"""`gatekeeper user` and `gatekeeper login`: who has a token of ours, and what each may do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli import logins
from gatekeeper.cli.options import Config, Data, Output, Printed, caller_of, known_user, opened
from gatekeeper.cli.printing import confirm, note, say, show
from gatekeeper.cli.two_hands import Yes, refuse_first
from gatekeeper.domain.person import Right, Role, same_person

if TYPE_CHECKING:
    from gatekeeper.domain.person import Caller
    from gatekeeper.domain.user import User
    from gatekeeper.wiring import Wiring

app = typer.Typer(help="Add people, and say what each may do.", no_args_is_help=True)
LOGIN_EXAMPLE = "Example: gatekeeper login < token.txt"
LOGOUT_EXAMPLE = "Example: gatekeeper logout"
Name = Annotated[str, typer.Argument(help="Login name or e-mail address.", show_default=False)]
Roles = Annotated[
    list[Role], typer.Option("--role", help="What the user may do; repeatable.", show_default=False, metavar="ROLE")
]


@app.command(epilog="Example: gatekeeper user add ana@provider.example --role kyc-editor")
def add(
    name: Name,
    role: Roles,
    bootstrap: Annotated[
        bool, typer.Option("--bootstrap", help="Add a policy-admin where fewer than two are left to do it.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Add a user, and print a token once. The first user is the policy-admin who adds the others.

    With the first user the time of --as ends: who acts is from then on whoever the token belongs to.
    """
    from gatekeeper.identity.tokens import kept_of, new_token

    token = new_token()
    with opened(config, data, makes_data=True, tell=note) as wiring:
        registry = wiring.registry
        if bootstrap or not registry.users():
            user = registry.begin_users(name, frozenset(role), kept_of(token))
        else:
            user = registry.add_user(name, frozenset(role), kept_of(token), by=caller_of(wiring, None))
    _tell(user)
    _hand_out(token, user)


@app.command("list", epilog="Example: gatekeeper user list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all users with their roles, and the roles that wait for a second policy-admin."""
    with opened(config, data) as wiring:
        rows = [_row(user) for user in wiring.registry.users()]
    columns = ["user", "state", "roles", "waits", "asked_by"]
    nothing = "No users yet, so --as is believed. Add the first: gatekeeper user add NAME --role policy-admin"
    show(rows, columns, output, nothing=nothing)


@app.command(epilog="Example: gatekeeper user roles ana@provider.example --role kyc-editor --role viewer")
def roles(name: Name, role: Roles, yes: Yes = False, config: Config = None, data: Data = None) -> None:
    """Give a user exactly these roles. Taking works at once; kyc-approver and policy-admin are given by two."""
    with opened(config, data) as wiring:
        by = caller_of(wiring, None)
        if Role.POLICY_ADMIN not in role:
            _ask_of_last_admin(wiring, by, name, yes=yes)
        _tell(wiring.registry.set_roles(name, frozenset(role), by=by))


@app.command(epilog="Example: gatekeeper user approve ben@provider.example")
def approve(
    name: Name,
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve the roles that wait for a user. Who asked for them cannot approve them."""
    from gatekeeper.registry.users import existing_user

    with opened(config, data) as wiring:
        by = caller_of(wiring, None, approves=True)
        seen = wiring.stores.read(lambda reader: existing_user(reader, name))
        if seen.asked:
            say(f"{seen.asked_by} asks for {seen.name}: {_words(seen.asked)}")
            refuse_first(wiring, by, (seen.asked_by,), f"asked to give {seen.name} these roles", right=Right.POLICY)
            if not yes:
                confirm(f"Approve this as {by.name}?")
        _tell(wiring.registry.approve_roles(name, by=by, seen=seen.asked))


@app.command(epilog="Example: gatekeeper user disable ana@provider.example")
def disable(name: Name, yes: Yes = False, config: Config = None, data: Data = None) -> None:
    """Take every right from a user at once. Asks first where no other policy-admin is left."""
    with opened(config, data) as wiring:
        by = caller_of(wiring, None)
        _ask_of_last_admin(wiring, by, name, yes=yes)
        user = wiring.registry.disable_user(name, by=by)
    say(f"user {user.name} is disabled")


def _ask_of_last_admin(wiring: Wiring, by: Caller, name: str, *, yes: bool) -> None:
    """Have whoever takes its rights from the last policy-admin know what is left then."""
    from gatekeeper.registry.people import keeper

    keeper(by)
    admins = [each for each in wiring.registry.users() if Role.POLICY_ADMIN in each.caller.roles]
    if len(admins) != 1 or not same_person(admins[0].name, name):
        return
    note(
        f"{admins[0].name} is the last user who is a policy-admin: nobody with a token of ours could keep users then. "
        "Another is added on the machine with the database: gatekeeper user add NAME --role policy-admin --bootstrap"
    )
    if not yes:
        confirm(f"Take it from {admins[0].name} all the same?")


@app.command(epilog="Example: gatekeeper user rotate")
def rotate(
    name: Annotated[str | None, typer.Argument(help="Somebody else, who lost the token.", show_default=False)] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Print a new token, for yourself or for somebody who lost the old one, which ends at once."""
    from gatekeeper.cli.tokens import replace_kept, token_of_caller
    from gatekeeper.identity.tokens import kept_of, new_token

    token = new_token()
    with opened(config, data) as wiring:
        if name is None or same_person(name, known_user(wiring).name):
            before = token_of_caller()
            user = wiring.registry.rotate_own(kept_of(token), by=known_user(wiring).caller)
            replace_kept(before, token)
        else:
            user = wiring.registry.hand_token(name, kept_of(token), by=caller_of(wiring, None))
            _tell(user)
    _hand_out(token, user)


def login(config: Config = None, data: Data = None) -> None:
    """Read a token from stdin, replace it by one of your own if it was shown to anybody, and keep that."""
    from gatekeeper.cli.tokens import keep
    from gatekeeper.identity.tokens import kept_of, new_token

    token = _asked()
    with opened(config, data) as wiring:
        user = known_user(wiring, token)
        made = user.printed
        if made:
            token = new_token()
            # Kept first: were it lost after the change, nobody would have a token of this user any more.
            path = keep(token)
            user = wiring.registry.rotate_own(kept_of(token), by=user.caller)
        else:
            path = keep(token)
    say(f"{user.name} ({_words(user.roles) or 'no role in effect'}): token kept at {path}")
    if made:
        note("It is a new one: the token that was read ends with this.")


def logout() -> None:
    """Take away the token that `gatekeeper login` keeps. It does not end by that: `gatekeeper user rotate` ends it."""
    from gatekeeper.cli.tokens import forget

    path = forget()
    say(f"the token at {path} is gone" if path else "no token was kept")


logins.add_to(app)


def _asked() -> str:
    import getpass

    text = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    return text.strip()


def _hand_out(token: str, user: User) -> None:
    note(f"This token of {user.name} is shown this once. Its owner keeps it with `gatekeeper login`.")
    sys.stdout.write(token + "\n")


def _tell(user: User) -> None:
    """On stderr, as stdout may hold a token."""
    note(f"user {user.name}: {_words(user.roles) or 'no role in effect'}")
    if {Role.POLICY_ADMIN, Role.KYC_APPROVER} <= user.roles | user.asked:
        note(f"{user.name} may add users, and approve what they prepare: better give nobody both of these roles.")
    if user.asked:
        note(f"{_words(user.asked)} waits for a second policy-admin: gatekeeper user approve {user.name}")


def _words(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(each.value for each in roles))


def _row(user: User) -> dict[str, object]:
    state = "disabled" if user.disabled_by else "token not yet its own" if user.handed else "active"
    return {
        "user": user.name,
        "state": state,
        "roles": _words(user.roles),
        "waits": _words(user.asked),
        "asked_by": user.asked_by,
        "created_at": user.created_at,
        "created_by": user.created_by,
        "disabled_by": user.disabled_by,
    }
