"""`gatekeeper user link`, `unlink`, `approve-unlink` and `people`: which logins are one person's."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, note, say, show, warn
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.person import Right, Role

# So many people with a role there have to be: who prepared or asked cannot approve.
_NEEDED = {Role.KYC_APPROVER: 2, Role.POLICY_ADMIN: 2}
_FORM = "A name as records have it: ana, ana@provider.example#SUBJECT, system:serviceaccount:NS:NAME."
Login = Annotated[str, typer.Argument(help=_FORM, show_default=False)]
Name = Annotated[str, typer.Argument(help="A login of the person: a user's name, or any other.", show_default=False)]


def link(name: Name, login: Login, config: Config = None, data: Data = None) -> None:
    """Say that two logins are one person's: one pair of eyes from now on, also for what waits.

    One policy-admin does it. What waits to be unlinked of either is withdrawn.
    """
    with opened(config, data) as wiring:
        before = {role: wiring.registry.people_with(role) for role in _NEEDED}
        person = wiring.registry.link_login(name, login, by=caller_of(wiring, None))
        again = wiring.registry.approved_by_one(login)
        unknown = wiring.registry.unknown((name, login))
        left = {role: wiring.registry.people_with(role) for role in _NEEDED}
    say(f"one person: {', '.join(person.logins)}")
    for each, near in unknown.items():
        like = f" Did you mean {' or '.join(near)}?" if near else ""
        warn(f"Nobody by the name {each} is a user here or ever prepared or approved anything.{like}")
    for role, number in left.items():
        if number < before[role] and number < _NEEDED[role]:
            warn(
                f"Of the users here {number} person is left with the role {role}, and {_NEEDED[role]} are needed: "
                "what waits may find nobody. The way out: docs/people.md, One human, several logins."
            )
    if again:
        note(f"This person prepared and approved, so look at them again: {', '.join(again)}")


def unlink(login: Login, config: Config = None, data: Data = None) -> None:
    """Ask to take a login out of its person. Another policy-admin approves: one pair of eyes becomes two."""
    with opened(config, data) as wiring:
        person = wiring.registry.ask_unlink(login, by=caller_of(wiring, None))
    say(
        f"{login} of {', '.join(person.logins)} waits for a second policy-admin: gatekeeper user approve-unlink {login}"
    )


def approve_unlink(
    login: Login,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve that a login is another person's. Neither who asked may, nor whose login it is."""
    with opened(config, data) as wiring:
        by = caller_of(wiring, None, approves=True)
        people = wiring.registry.people()
        person = people.person_of(login)
        if person is not None:
            refuse_first(wiring, by, (people.waits.get(login, ""),), f"asked to unlink {login}", right=Right.POLICY)
            refuse_first(wiring, by, person.logins, f"has the login {login}", right=Right.POLICY)
        if person is not None and not yes:
            say(f"One person as of now: {', '.join(person.logins)}")
            confirm(f"Take {login} out of it as {by.name}?")
        wiring.registry.approve_unlink(login, by=by)
    say(f"{login} is on its own. What waited before is still judged as one person's.")


def people(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List the people who have several logins, and the logins that wait to be unlinked."""
    with opened(config, data) as wiring:
        found = wiring.registry.people()
    rows: list[dict[str, object]] = [
        {
            "logins": ", ".join(each.logins),
            "waits": ", ".join(name for name in each.logins if name in found.waits),
            "asked_by": ", ".join(found.waits[name] for name in each.logins if name in found.waits),
        }
        for each in found.persons
    ]
    nothing = "Nobody has several logins. Link two: gatekeeper user link NAME LOGIN"
    show(rows, ["logins", "waits", "asked_by"], output, nothing=nothing)


def add_to(app: typer.Typer) -> None:
    """The commands, in the group of users."""
    ana = "ana@provider.example#00u1ab"
    app.command("link", epilog=f"Example: gatekeeper user link ana {ana}")(link)
    app.command("unlink", epilog=f"Example: gatekeeper user unlink {ana}")(unlink)
    app.command("approve-unlink", epilog=f"Example: gatekeeper user approve-unlink {ana}")(approve_unlink)
    app.command("people", epilog="Example: gatekeeper user people --output json")(people)
