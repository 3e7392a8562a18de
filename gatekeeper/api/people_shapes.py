"""People with several logins as they go over the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gatekeeper.api.shapes import Shown
from gatekeeper.yaml_files import Part

Login = Annotated[
    str,
    StringConstraints(min_length=1, max_length=400),
    Field(description="A name as it stands in records: ana, ana@provider.example#00u1, system:serviceaccount:NS:NAME."),
]


class LinkLogin(Part):
    """A login, and another one of the person whose it is."""

    login: Login
    person: Login


class LoginNamed(Part):
    """A login that was linked."""

    login: Login


class UnlinkAsked(Shown):
    """A login that waits to be taken out of its person."""

    login: str
    asked_by: str


class PersonShown(Shown):
    """Somebody with several logins."""

    logins: list[str]
    waiting: list[UnlinkAsked] = Field(description="Those that wait for a second policy-admin to be unlinked.")


class PersonLinked(PersonShown):
    """Somebody with one login more."""

    look_again: list[str] = Field(description="Customers in effect that this person prepared and approved.")


class PeopleShown(Shown):
    """A page of people with several logins, by the first of them."""

    items: list[PersonShown]
    next: str | None
