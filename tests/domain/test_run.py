"""Declared and undeclared runs."""

import pytest

from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.run import Run, RunState, is_undeclared, undeclared_run_id


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
