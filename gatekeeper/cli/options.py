"""Options that many commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Right, Role, same_person

if TYPE_CHECKING:
    from gatekeeper.domain.user import User
    from gatekeeper.wiring import Wiring


class Output(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


Config = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Settings file. [env: COMPUTE_GATEKEEPER_CONFIG]", metavar="FILE", show_default=False
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder, in place of the settings' own.", metavar="FOLDER", show_default=False),
]
Printed = Annotated[Output, typer.Option("--output", "-o", help="How to print it.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Write over files of the same names that say something else.")
]
Person = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who acts, where nobody has a token. [env: COMPUTE_GATEKEEPER_PERSON; default: your login name; an "
        "approval needs one of the two]",
        metavar="PERSON",
        show_default=False,
    ),
]


def opened(
    config: Path | None,
    data: Path | None,
    *,
    makes_data: bool = False,
    makes_key: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Wiring:
    """The objects that the settings describe; a context manager. What may be made and is told: as for Wiring.

    Raises:
        InvalidInput: the settings are wrong.
    """
    import os

    from gatekeeper.settings import load_settings
    from gatekeeper.wiring import Wiring

    settings = load_settings(os.environ, config=config, data=data)
    return Wiring(settings, makes_data=makes_data, makes_key=makes_key, tell=tell)


def caller_of(wiring: Wiring, person: str | None, *, approves: bool = False) -> Caller:
    """Who acts, as the registry wants it from a command.

    Where nobody has a token of ours yet, the name is believed: whoever runs the command has the database in hand.
    Where somebody has, it is whoever the token belongs to.

    Args:
        wiring: what the command opened: its database knows the users.
        person: the option `--as`.
        approves: whether this is the second of four eyes.

    Raises:
        NotPermitted: there are users and no token, a token that is nobody's, or `--as` names somebody else.
        InvalidInput: as `claimed_name` says.
    """
    from gatekeeper.cli.tokens import place_of_token, token_of_caller
    from gatekeeper.identity.authenticator import Unauthenticated
    from gatekeeper.identity.local import LocalUsers

    if not wiring.registry.users():
        by = claimed_caller(wiring, person, approves=approves)
        _say_it_is_claimed(by)
        return by
    token = token_of_caller()
    if token is None:
        role = Role.KYC_APPROVER.value if approves else "ROLE (which may do this: docs/people.md)"
        raise NotPermitted(
            "Who acts here shows a token.",
            hint="Keep yours with `gatekeeper login`, or put it in COMPUTE_GATEKEEPER_TOKEN. A policy-admin gives one: "
            f"gatekeeper user add NAME --role {role}",
        )
    try:
        known = LocalUsers(wiring.stores).authenticate(token)
    except Unauthenticated as error:
        left = any(Role.POLICY_ADMIN in each.caller.roles for each in wiring.registry.users())
        hint = f"{error.hint} {place_of_token()}{'' if left else _NO_ADMIN}"
        raise Unauthenticated(error.message, error.reason, hint=hint) from error
    said = person if person is not None else _person_of_environment()
    if said is not None and not same_person(said, known.name):
        raise NotPermitted(
            f"The token belongs to {known.name}, and --as says {said}.",
            hint=f"{place_of_token()} Leave --as out, or use another.",
        )
    return known


_NO_ADMIN = " No policy-admin is left: gatekeeper user add NAME --role policy-admin --bootstrap"


def record_packs(wiring: Wiring, by: Caller, right: Right) -> None:
    """Have the log hold the packs that are in force before somebody acts by them, in the right by which they do."""
    from gatekeeper.registry.people import acting

    wiring.record_packs(acting(by, right))


def known_user(wiring: Wiring, token: str | None = None) -> User:
    """The user of a token, or of the one that this command was given, though somebody else may have seen it.

    Raises:
        NotPermitted: none, or nobody's.
    """
    from gatekeeper.cli.tokens import token_of_caller
    from gatekeeper.identity.local import LocalUsers

    return LocalUsers(wiring.stores).owner(token or token_of_caller() or "")


def _person_of_environment() -> str | None:
    import os

    from gatekeeper.settings import PERSON_VARIABLE

    return os.environ.get(PERSON_VARIABLE)


def claimed_caller(wiring: Wiring, person: str | None, *, approves: bool = False) -> Caller:
    """Who acts where there are no users yet, or no data at all.

    Raises:
        NotPermitted: there is a token, which is nobody's here.
        InvalidInput: as `claimed_name` says.
    """
    from gatekeeper.cli.tokens import place_of_token, token_of_caller

    if token_of_caller() is not None:
        raise NotPermitted(
            f"There are no users in {wiring.settings.data}, so this token is nobody's.",
            hint=f"{place_of_token()} Name the right data folder or settings, or act with --as PERSON and without "
            "the token.",
        )
    return Caller.claimed(claimed_name(person, approves=approves))


def _say_it_is_claimed(by: Caller) -> None:
    """Tell somebody at a terminal; a script is told by `actor.auth` in the record, and by the documentation."""
    import sys

    if sys.stderr.isatty():
        from gatekeeper.cli.printing import note

        note(f"{by.name} is believed by name. To have people show tokens: gatekeeper user add NAME --role policy-admin")


def claimed_name(person: str | None, *, approves: bool = False) -> str:
    """Who acts: the option, the environment, or the user of the operating system.

    Args:
        person: the option.
        approves: whether this is the second of four eyes, who has to be named: a login name may be two people's.

    Raises:
        InvalidInput: the name is empty, or nobody is named.
        NotPermitted: somebody approves by a login name alone.
    """
    import getpass
    import os

    from gatekeeper.settings import PERSON_VARIABLE

    for name, said in (("--as", person), (PERSON_VARIABLE, os.environ.get(PERSON_VARIABLE))):
        if said is not None and not said.strip():
            raise InvalidInput(f"{name} is empty.", hint="Say who acts with --as PERSON.")
        if said is not None:
            return said
    if approves:
        raise NotPermitted(
            "An approval needs the name of who approves.",
            hint=f"Say it with --as PERSON, or in {PERSON_VARIABLE}: the login name is not enough.",
        )
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # a container's user may have no name
        raise InvalidInput("Nobody knows who you are.", hint="Say it with --as PERSON.") from error


def day_of(text: str, option: str) -> date:
    """A day as YYYY-MM-DD.

    Raises:
        InvalidInput: not such a day.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise InvalidInput(f"{option}: {text!r} is no day.", hint="Write it as YYYY-MM-DD.") from error


def start_of(text: str | None, option: str) -> datetime | None:
    """The first moment of a day in UTC; None for none."""
    return None if text is None else datetime.combine(day_of(text, option), datetime.min.time(), tzinfo=UTC)
