"""The second of two people at the command line: shown what waits, asked, and held to exactly that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gatekeeper.cli.options import caller_of
from gatekeeper.cli.printing import confirm

if TYPE_CHECKING:
    from gatekeeper.domain.person import Caller
    from gatekeeper.wiring import Wiring

T = TypeVar("T")
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def looked(
    wiring: Wiring, person: str | None, look: Callable[[], T], tell: Callable[[T], object], *, yes: bool
) -> tuple[Caller, T]:
    """Who approves, and what was looked at, which is what is then approved.

    Raises:
        typer.Abort: the person does not want it. NotPermitted: somebody who cannot be a second hand.
    """
    by, seen = caller_of(wiring, person, approves=True), look()
    tell(seen)
    if not yes:
        confirm(f"Approve this as {by.name}?")
    return by, seen
