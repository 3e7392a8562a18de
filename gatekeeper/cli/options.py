"""Options that many commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller

if TYPE_CHECKING:
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
Person = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who acts. [env: COMPUTE_GATEKEEPER_PERSON; default: your login name; an approval needs one of the two]",
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

    Args:
        wiring: what the command opened: its database knows the users.
        person: the option `--as`.
        approves: whether this is the second of four eyes.

    Raises:
        InvalidInput, NotPermitted: as `claimed_name` says.
    """
    return Caller.claimed(claimed_name(person, approves=approves))


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
