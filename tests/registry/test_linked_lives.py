"""Whatever the logins of one human do to a customer, whenever they are linked and taken apart: nothing is in effect
that both hands of one person did, and the log alone shows it."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.person import Caller, Method, Role
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.people import PeopleCheck
from tests.registry.test_life_machine import Lives

pytestmark = pytest.mark.slow
ADMINS = [Caller(name, Method.LOCAL, frozenset({Role.POLICY_ADMIN})) for name in ("pia", "quy")]
LOGINS = ("eve", "evelyn", "e.smith")


class LinkedLives(Lives):
    """One customer, somebody with three logins that are linked and unlinked, and two others."""

    people = (*LOGINS, "ana")

    @rule(one=st.sampled_from(LOGINS), other=st.sampled_from(LOGINS), by=st.sampled_from(ADMINS))
    def link(self, one: str, other: str, by: Caller) -> None:
        try:
            self.registry.link_login(one, other, by=by)
        except GatekeeperError:
            return

    @rule(login=st.sampled_from(LOGINS), by=st.sampled_from(ADMINS), asks=st.booleans())
    def unlink(self, login: str, by: Caller, asks: bool) -> None:
        act = self.registry.ask_unlink if asks else self.registry.approve_unlink
        try:
            act(login, by=by)
        except GatekeeperError:
            return

    @invariant()
    def the_log_shows_no_two_hands_of_one_person(self) -> None:
        check = PeopleCheck()
        for leaf in self.stores.read(lambda reader: list(reader.leaves())):
            record = decode(leaf)
            try:
                check.see(record)
            except Wrong as error:
                raise AssertionError(str(error)) from error

    @invariant()
    def links_in_the_store_are_those_of_the_log(self) -> None:
        types = (RecordType.LOGIN_LINKED, RecordType.LOGIN_UNLINK_ASKED, RecordType.LOGIN_UNLINKED)
        told = [decode(leaf).facts for _, leaf in self.stores.read(lambda reader: list(reader.records(types=types)))]
        people = self.registry.people()
        assert sum(each.get("withdrawn") is not None for each in told) >= len(people.persons)
        for each in people.persons:
            assert all(people.same(each.logins[0], name) for name in each.logins)


TestLinkedLives = LinkedLives.TestCase
TestLinkedLives.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
