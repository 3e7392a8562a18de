"""Who is one person after any number of links and unlinkings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.people import LOGINS_TOLD_MAX, LoginAct, LoginChange, People, told_logins
from gatekeeper.domain.person import Method, same_person
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, Record, RecordType
from gatekeeper.domain.two_hands import FIRST_TYPES, SECOND_TYPES, first_hands
from tests.registry.office import NOON

NAMES = ["ana", "ana@x.example#1", "ana@x.example#2", "bob@x.example#1", "ben", "cem#3", "system:serviceaccount:k:ana"]
ACTS = st.lists(
    st.tuples(st.sampled_from(LoginChange), st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    max_size=12,
)
Acts = list[tuple[LoginChange, str, str, str]]


def kept(acts: Acts) -> list[LoginAct]:
    """Those of the acts that can follow one another, as the registry would keep them."""
    people, found = People(), list[LoginAct]()
    for seq, (change, login, person, by) in enumerate(acts, 1):
        try:
            name = login if change is LoginChange.LINKED else people.spelled(login)
            act = LoginAct(seq, change, name, person if change is LoginChange.LINKED else "", by)
            people = people.with_act(act)
        except GatekeeperError:
            continue
        found.append(act)
    return found


@given(ACTS)
def test_each_login_has_one_person_and_no_two_persons_share_a_mark(acts: Acts) -> None:
    persons = People.after(kept(acts)).persons
    logins = [login for each in persons for login in each.logins]
    assert len(logins) == len(set(logins))
    marks = [mark for each in persons for mark in each.marks]
    assert len(marks) == len(set(marks))
    assert all(len(each.logins) > 1 for each in persons)


@given(ACTS, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_to_be_one_person_goes_both_ways_and_a_name_alone_is_enough(acts: Acts, one: str, other: str) -> None:
    people = People.after(kept(acts))
    assert people.same(one, other) == people.same(other, one)
    assert people.same(one, one.upper())
    assert people.same(one, other) or not same_person(one, other)


@given(ACTS, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_nobody_who_was_one_person_at_any_time_is_two_for_what_was_there_before(
    acts: Acts, one: str, other: str
) -> None:
    people, ever = People(), same_person(one, other)
    for act in kept(acts):
        people = people.with_act(act)
        ever = ever or people.same(one, other)
        assert people.same(one, other, since=0) == ever


@given(ACTS, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_a_link_never_makes_two_of_one(acts: Acts, one: str, other: str) -> None:
    people = People()
    for act in kept(acts):
        before, people = people, people.with_act(act)
        if act.change is not LoginChange.UNLINKED:
            assert people.same(one, other) or not before.same(one, other)


def test_logins_that_were_linked_and_have_become_one_by_their_names_stop_nobody() -> None:
    """As where the next version reads a spelling that this one does not."""
    linked = LoginAct(1, LoginChange.LINKED, "a.na@x.example", "ana@x.example", "cem")
    asked = LoginAct(2, LoginChange.UNLINK_ASKED, "a.na@x.example", "", "cem")
    apart = LoginAct(3, LoginChange.UNLINKED, "a.na@x.example", "", "eve")
    other = LoginAct(4, LoginChange.LINKED, "ben", "ana@x.example", "cem")
    people = People.after([linked, asked, apart, other])
    assert people.same("ana@x.example", "a.na@x.example")
    assert people.same("a.na@x.example", "ben")


def test_names_of_nobody_keep_no_real_login_out() -> None:
    people = People()
    for number in range(LOGINS_TOLD_MAX + 10):
        people = people.linked("ana", f"login{number}", by="ana")
    people = people.linked("ana", "ana-too#s-1", by="cem")
    (person,) = people.persons
    assert people.same("login0", "ana-too#s-1")
    told = told_logins(person.logins)
    assert (told["logins"], told["logins_total"]) == (list(person.logins[:LOGINS_TOLD_MAX]), len(person.logins))
    assert told_logins(["b", "a"]) == {"logins": ["a", "b"]}


FIRSTS: dict[RecordType, dict[str, JsonValue]] = {
    RecordType.CUSTOMER_APPROVED: {"prepared_by": "ana", "authors": ["ana"]},
    RecordType.CUSTOMER_REOPENED: {"rejected_by": "ana"},
    RecordType.OVERRIDE_APPROVED: {"requested_by": "ana", "approved_by": "ben"},
    RecordType.HOLD_LIFTED: {"requested_by": "ana", "approved_by": "ben"},
    RecordType.CUSTOMER_ERASED: {"requested_by": "ana", "approved_by": "ben"},
    RecordType.RUN_APPROVED: {"declared_by": "ana"},
    RecordType.NAMESPACE_BOUND: {"proposed_by": "ana", "approved_by": "ben"},
    RecordType.USAGE_CORRECTED: {"proposed_by": "ana", "approved_by": "ben"},
    RecordType.INQUIRY_APPROVED: {"answered_by": "ana", "approved_by": "ben"},
    RecordType.SCREENING_JUDGED: {"judged_by": "ana", "confirmed_by": "ben"},
    RecordType.RESERVATION_SETTLED: {"proposed_by": "ana", "approved_by": "ben"},
    RecordType.RESERVATION_VOIDED: {"proposed_by": "ana", "approved_by": "ben"},
    RecordType.USER_CHANGED: {"asked_by": "ana", "roles": ["viewer"], "before": {"roles": [], "asked": ["viewer"]}},
    RecordType.LOGIN_UNLINKED: {"asked_by": "ana", "login": "cem"},
}


def record(kind: RecordType, facts: dict[str, JsonValue], by: str = "ben") -> Record:
    actor = Actor(ActorKind.PERSON, by, Method.LOCAL)
    return Record(id="0" * 8 + "-0000-0000-0000-" + "0" * 12, at=NOON, type=kind, actor=actor, facts=facts)


@pytest.mark.parametrize("kind", sorted(SECOND_TYPES), ids=lambda kind: kind.value)
def test_every_act_of_a_second_person_tells_who_was_first(kind: RecordType) -> None:
    assert first_hands(record(kind, FIRSTS[kind])) == ("ana",)


@pytest.mark.parametrize("kind", RecordType, ids=lambda kind: kind.value)
def test_a_type_that_nobody_listed_takes_two_where_it_says_that_two_did_it(kind: RecordType) -> None:
    facts: dict[str, JsonValue] = {"requested_by": "ana", "approved_by": "ben"}
    found = first_hands(record(kind, facts))
    if kind not in SECOND_TYPES:
        assert found == (() if kind is RecordType.OVERRIDE_ENDED else ("ana",))
    assert first_hands(record(kind, {"requested_by": "ana"})) in ((), found)


def test_what_one_person_does_alone_has_no_first_hand() -> None:
    for kind in FIRST_TYPES - SECOND_TYPES:
        assert first_hands(record(kind, {"prepared_by": "ana"})) == ()
    alone: list[tuple[RecordType, dict[str, JsonValue]]] = [
        (RecordType.NAMESPACE_BOUND, {"proposed_by": None, "approved_by": None}),
        (RecordType.USAGE_CORRECTED, {"proposed_by": "ben", "approved_by": None}),
        (RecordType.SCREENING_JUDGED, {"judged_by": "ben", "confirmed_by": None}),
        (RecordType.RESERVATION_SETTLED, {}),
        (RecordType.USER_CHANGED, {"asked_by": "", "roles": ["viewer"], "before": {"roles": [], "asked": []}}),
    ]
    for kind, facts in alone:
        assert first_hands(record(kind, facts)) == ()
