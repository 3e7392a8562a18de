"""People with several logins over HTTP: link two, ask to unlink one, approve that. All of it needs a policy-admin."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gatekeeper.api.asking import Answer, Reading, Writing
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.people_shapes import LinkLogin, LoginNamed, PeopleShown, PersonLinked, PersonShown, UnlinkAsked
from gatekeeper.domain.people import People, Person
from gatekeeper.domain.person import Right
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["users"])


@router.get("/people", response_model=PeopleShown)
def list_people(asked: Reading, *, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> PeopleShown:
    """List the people who have several logins, each with those that wait to be unlinked, by their first login."""
    asked.caller.require(Right.POLICY)
    people = asked.read(lambda registry, _: registry.people())
    found = sorted(people.persons, key=lambda each: each.logins[0])
    items, following = page(found, lambda each: each.logins[0], limit=limit, cursor=cursor, path=asked.path, asked={})
    return PeopleShown(items=[_shown(each, people) for each in items], next=following)


@router.post("/people/link", response_model=PersonLinked, openapi_extra={"x-body": "LinkLogin"})
def link_login(asked: Writing) -> Response:
    """Say that two logins are one person's: from now on one pair of eyes, also for what waits. It withdraws what waits
    to be unlinked of either. The answer names customers in effect that this person approved alone, to be looked at
    again."""
    asked.caller.require(Right.POLICY)
    said = asked.body.check(LinkLogin)

    def work(registry: Registry, _: Reader) -> Answer:
        person = registry.link_login(said.person, said.login, by=asked.caller)
        shown = _shown(person, registry.people())
        again = registry.approved_by_one(said.login)
        return Answer(PersonLinked(logins=shown.logins, waiting=shown.waiting, look_again=again))

    return asked.act(work)


@router.post("/people/unlink", response_model=PersonShown, openapi_extra={"x-body": "LoginNamed"})
def ask_unlink(asked: Writing) -> Response:
    """Ask to take a login out of its person; it waits for a second policy-admin."""
    asked.caller.require(Right.POLICY)
    said = asked.body.check(LoginNamed)

    def work(registry: Registry, _: Reader) -> Answer:
        person = registry.ask_unlink(said.login, by=asked.caller)
        return Answer(_shown(person, registry.people()))

    return asked.act(work)


@router.post("/people/unlink/approve", response_model=PersonShown, openapi_extra={"x-body": "LoginNamed"})
def approve_unlink(asked: Writing) -> Response:
    """Take a login out of its person, as another policy-admin asked; answers with the person as it was. Neither who
    asked may, nor whose login it is. What either did before is still judged as one person's."""
    asked.caller.require(Right.POLICY)
    said = asked.body.check(LoginNamed)

    def work(registry: Registry, _: Reader) -> Answer:
        person = registry.approve_unlink(said.login, by=asked.caller)
        return Answer(_shown(person, registry.people()))

    return asked.act(work)


def _shown(person: Person, people: People) -> PersonShown:
    waiting = [UnlinkAsked(login=each, asked_by=people.waits[each]) for each in person.logins if each in people.waits]
    return PersonShown(logins=list(person.logins), waiting=waiting)
