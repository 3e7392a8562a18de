"""Every act on records needs a right, and the record says how we knew who acted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.person import Caller, Method, Right, Role
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.registry.people import acting
from tests.registry.office import declare, enrol, log, org, record_of

Act = Callable[[Registry, Caller], object]
ACTS: dict[Right, dict[str, Act]] = {
    Right.EDIT: {
        "apply": lambda registry, by: registry.apply(record_of(org("lab", "US")), by=by),
        "bind": lambda registry, by: registry.bind("team", "lab", by=by),
        "declare": lambda registry, by: registry.declare_run("new", "lab", by=by, title="New"),
        "correct": lambda registry, by: registry.correct("llm", by=by, reason="metered twice", high_tflop=1),
    },
    Right.APPROVE: {
        "approve": lambda registry, by: registry.approve("lab", by=by),
        "approve binding": lambda registry, by: registry.approve_binding("team", by=by),
        "approve run": lambda registry, by: registry.approve_run("llm", by=by),
        "approve correction": lambda registry, by: registry.approve_correction("c9", by=by),
    },
    Right.TIGHTEN: {
        "suspend": lambda registry, by: registry.suspend("lab", by=by, reason="fraud"),
        "unbind": lambda registry, by: registry.unbind("team", by=by, reason="left"),
        "reject binding": lambda registry, by: registry.reject_binding("team", by=by),
        "reclassify": lambda registry, by: registry.reclassify_run("llm", by=by, reason="it trains"),
    },
}

# How a refusal tells a right in a sentence.
_WORDS = {
    Right.EDIT: "prepare, declare, bind or answer anything here",
    Right.APPROVE: "approve anything here",
    Right.TIGHTEN: "suspend anybody or make anything stricter here",
    Right.POLICY: "load packs and lists or keep users here",
}


def caller(*roles: Role, name: str = "cleo", method: Method = Method.LOCAL) -> Caller:
    return Caller(name, method, frozenset(roles))


@pytest.mark.parametrize(
    ("right", "act"), [pytest.param(right, act, id=name) for right, acts in ACTS.items() for name, act in acts.items()]
)
def test_nobody_acts_without_the_right_and_nothing_is_written(
    registry: Registry, stores: Stores, right: Right, act: Act
) -> None:
    enrol(registry, org("lab", "US"))
    declare(registry)
    before = log(stores)
    for role in Role:
        if not caller(role).may(right):
            with pytest.raises(NotPermitted, match=f"may not {_WORDS[right]}"):
                act(registry, caller(role))
    assert log(stores) == before


def test_the_record_says_how_we_knew_who_acted(registry: Registry, stores: Stores) -> None:
    registry.apply(
        record_of(org("lab", "US")), by=caller(Role.KYC_EDITOR, name="ana@x.example#s-1", method=Method.OIDC)
    )
    registry.approve("lab", by=caller(Role.KYC_APPROVER))
    registry.suspend("lab", by="eve", reason="fraud")
    assert [each["actor"] for each in log(stores)] == [
        {"auth": "oidc", "kind": "person", "name": "ana@x.example#s-1"},
        {"auth": "local", "kind": "person", "name": "cleo"},
        {"kind": "person", "name": "eve"},
    ]


def test_who_has_both_roles_still_cannot_approve_own_work(registry: Registry) -> None:
    both = caller(Role.KYC_EDITOR, Role.KYC_APPROVER)
    registry.apply(record_of(org("lab", "US")), by=both)
    with pytest.raises(NotPermitted):
        registry.approve("lab", by=both)
    with pytest.raises(NotPermitted):  # nor under a new address, while the identity provider says who it is
        registry.approve("lab", by=caller(Role.KYC_APPROVER, name="Cleo#s-1", method=Method.OIDC))


def test_a_service_account_prepares_but_is_no_second_person() -> None:
    robot = caller(*Role, name="system:serviceaccount:kyc:importer", method=Method.TOKEN_REVIEW)
    assert acting(robot, Right.EDIT).kind == "service"
    with pytest.raises(NotPermitted, match="service account"):
        acting(robot, Right.APPROVE)


@pytest.mark.parametrize("name", ["an\u0430", "ana\u200b", "ana, ben", "#s-1", "a" * 500, "ana\nben"])
def test_a_name_that_could_be_taken_for_another_is_refused(name: str) -> None:
    for method in Method:
        with pytest.raises(InvalidInput):
            acting(caller(Role.KYC_EDITOR, name=name, method=method), Right.EDIT)


def test_only_an_established_name_may_have_a_unique_part() -> None:
    for method in (Method.CLAIMED, Method.LOCAL):
        with pytest.raises(InvalidInput):
            acting(caller(Role.KYC_EDITOR, name="ana#s-1", method=method), Right.EDIT)
    with pytest.raises(InvalidInput):
        acting("ana#s-1", Right.EDIT)
