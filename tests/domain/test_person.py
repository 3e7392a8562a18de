"""Who is who, and what each role may do."""

import pytest

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Method, Right, Role, is_machine, same_person


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana", "ANA"),
        ("ana", " a n a "),
        ("ana", "\uff41na"),
        ("ana@x.example#s-1", "anna.new@x.example#s-1"),
        ("ana@x.example#s-1", "ana@x.example#s-2"),
        ("ana@x.example", "Ana@X.example#s-1"),
        ("ana@x.example", "a.na@x.example"),
        ("ana@x.example", "ana+kyc@x.example"),
        ("ana@x.example", "ana@x.example."),
        ("ana@x.example", "an\u0430@x.example"),
        ("ana@x.example", "ana\u200b@x.example\u202e"),
        ("ana@\u0440rovider.example", "ana@provider.example"),
        ("ana@xn--prvider-bjg.example", "ana@provider.example"),
        ("+ana@x.example", "+ana@x.example"),
    ],
)
def test_spellings_of_one_person(one: str, other: str) -> None:
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana", "ben"),
        ("ana#s-1", "ben#s-2"),
        ("ana", "ben#ana"),
        ("ana@x.example", "ana@y.example"),
        ("", ""),
        ("#", "#"),
        ("+a@x.example", "+b@x.example"),
        ("ana@xn--a.example", "ana@xn--b.example"),
    ],
)
def test_two_people_stay_two(one: str, other: str) -> None:
    assert not same_person(one, other)


def test_no_role_gives_no_right() -> None:
    nobody = Caller("ana", Method.OIDC, frozenset())
    assert not any(nobody.may(right) for right in Right)
    with pytest.raises(NotPermitted, match="kyc-editor"):
        nobody.require(Right.EDIT)


def test_every_right_is_given_by_some_role_and_no_role_gives_all() -> None:
    having = {
        role: {right for right in Right if Caller("x", Method.LOCAL, frozenset({role})).may(right)} for role in Role
    }
    assert set().union(*having.values()) == set(Right)
    assert all(rights != set(Right) for rights in having.values())


def test_no_single_role_is_both_hands() -> None:
    for role in Role:
        alone = Caller("x", Method.LOCAL, frozenset({role}))
        assert not (alone.may(Right.EDIT) and alone.may(Right.APPROVE))


def test_a_caller_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Caller(" ", Method.LOCAL, frozenset())


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("system:serviceaccount:kyc:importer", True),
        ("SYSTEM:serviceaccount:kyc:importer", True),
        ("importer#system:serviceaccount:kyc:importer", True),
        ("system:node:n1", True),
        ("ana", False),
        ("ana@system.example#00u1", False),
    ],
)
def test_what_a_cluster_calls_its_own_is_no_person(name: str, machine: bool) -> None:
    assert is_machine(name) is machine
