"""The second of two people at the command line: shown what waits, asked, and held to exactly that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gatekeeper.cli.options import caller_of
from gatekeeper.cli.printing import confirm
from gatekeeper.domain.errors import NotPermitted
from gatekeeper.domain.person import Right, first_hand_told

if TYPE_CHECKING:
    from gatekeeper.domain.person import Caller
    from gatekeeper.wiring import Wiring

T = TypeVar("T")
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def refuse_first(wiring: Wiring, by: Caller, firsts: Iterable[str], did: str, *, right: Right = Right.APPROVE) -> None:
    """Refuse who may not approve before asking whether to: the approval itself refuses once more.

    Args:
        firsts: who was first; an empty name is nobody.
        did: what they did, as a clause.

    Raises:
        NotPermitted: no right to, a program, or one person with somebody who was first.
    """
    from gatekeeper.registry.people import acting

    acting(by, right)
    people = wiring.registry.people()
    for each in firsts:
        if each and people.same(each, by.name):
            raise NotPermitted(
                f"{first_hand_told(by.name, each, did)} and so cannot approve it.",
                hint=f"Ask {'another policy-admin' if right is Right.POLICY else 'a second person'} to approve.",
            )


def looked(
    wiring: Wiring,
    person: str | None,
    look: Callable[[], T],
    tell: Callable[[T], object],
    first: Callable[[T], tuple[str, str]],
    *,
    yes: bool,
) -> tuple[Caller, T]:
    """Who approves, and what was looked at, which is what is then approved.

    Args:
        first: who was first, and what that person did, as a clause.

    Raises:
        typer.Abort: the person does not want it. NotPermitted: somebody who cannot be the second hand of this.
    """
    by, seen = caller_of(wiring, person, approves=True), look()
    tell(seen)
    name, did = first(seen)
    refuse_first(wiring, by, (name,), did)
    if not yes:
        confirm(f"Approve this as {by.name}?")
    return by, seen
