"""Declared and undeclared runs."""

import pytest

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.run import Purpose, Run, RunState, is_undeclared, undeclared_run_id


def declared(**changes: object) -> Run:
    values: dict[str, object] = {"id": "base-1", "customer_id": "lab", "title": "Base model", "declared_by": "Ada"}
    return Run(**{**values, **changes})  # type: ignore[arg-type]


def test_a_run_is_approved_by_somebody_else_than_who_declared_it() -> None:
    run = declared().approve(by="Grace")
    assert (run.state, run.approved_by) == (RunState.APPROVED, "Grace")
    with pytest.raises(NotPermitted, match="declared run base-1"):
        declared().approve(by=" ADA ")


def test_a_run_is_approved_once() -> None:
    with pytest.raises(NotPermitted):
        declared().approve(by="Grace").approve(by="Joan")


def test_an_approved_run_names_its_approver() -> None:
    with pytest.raises(InvalidInput):
        declared(state=RunState.APPROVED)


def test_nobody_can_declare_a_run_that_looks_undeclared() -> None:
    assert is_undeclared(undeclared_run_id("lab"))
    assert not is_undeclared("base-1")
    with pytest.raises(InvalidInput, match="undeclared"):
        declared(id=undeclared_run_id("lab"))


def test_operations_carried_in_need_a_source() -> None:
    with pytest.raises(InvalidInput, match="where the number comes from"):
        declared(carried_in_tflop=1)
    assert declared(carried_in_tflop=1, carried_in_source="model card of 2026-05-01").carried_in_tflop == 1


@pytest.mark.parametrize(
    "changes", [{"id": "Base!"}, {"customer_id": ""}, {"title": " "}, {"declared_by": ""}, {"carried_in_tflop": -1}]
)
def test_a_run_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        declared(**changes)


def classified(**changes: object) -> Run:
    return declared(**{"purpose": Purpose.INFERENCE, "namespaces": ("serve",), **changes})


def test_everything_is_training_that_nobody_classified() -> None:
    assert declared().purpose is Purpose.TRAINING
    assert [each for each in Purpose if each.counts] == [Purpose.TRAINING]


def test_a_classification_works_for_its_customer_in_the_namespaces_that_it_names_once_it_is_approved() -> None:
    run = classified().approve(by="Grace")
    assert run.works_for("lab", "serve")
    assert not run.works_for("lab", "train")
    assert not run.works_for("rival", "serve")
    assert not classified().works_for("lab", "serve")
    assert not run.withdraw().works_for("lab", "serve")


def test_a_training_run_works_in_every_namespace_of_its_customer() -> None:
    run = declared().approve(by="Grace")
    assert run.works_for("lab", "anything")
    assert not run.works_for("rival", "anything")


def test_a_withdrawn_classification_counts_and_does_not_come_back() -> None:
    ended = classified().approve(by="Grace").withdraw()
    assert (ended.state, ended.purpose.counts, ended.namespaces) == (RunState.WITHDRAWN, True, ("serve",))
    with pytest.raises(NotPermitted):
        ended.approve(by="Joan")
    for other in (ended, classified(), declared().approve(by="Grace")):
        with pytest.raises(NotPermitted):
            other.withdraw()


@pytest.mark.parametrize(
    "changes",
    [
        {"namespaces": ()},
        {"namespaces": ("serve", "serve")},
        {"namespaces": ("Serve",)},
        {"namespaces": tuple(f"n{each}" for each in range(101))},
        {"parameters": 1, "tokens": 1},
        {"carried_in_tflop": 1, "carried_in_source": "card"},
        {"state": RunState.WITHDRAWN, "approved_by": "Grace"},
    ],
)
def test_a_classification_without_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        classified(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"parameters": 1}, {"tokens": 1}, {"parameters": 10**19, "tokens": 1}, {"parameters": 10**18, "tokens": 10**18}],
)
def test_a_plan_says_both_numbers_within_reason(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        declared(**changes)
    assert declared().plan is None
