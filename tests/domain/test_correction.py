"""Signed corrections of an account."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.correction import Correction, corrected
from gatekeeper.domain.errors import Conflict, InvalidInput, NotPermitted
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.usage import Usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def correction(low: int = 0, best: int = 0, high: int = 0, **changes: str) -> Correction:
    said = {"id": "c1", "run_id": "llm", "reason": "x", "proposed_by": "ana", "approved_by": "", **changes}
    return Correction(low_tflop=low, best_tflop=best, high_tflop=high, proposed_at=NOW, **said)


AMOUNTS = st.integers(-20, 20)


@given(st.lists(st.integers(0, 20), min_size=3, max_size=3), AMOUNTS, AMOUNTS, AMOUNTS, st.integers(0, 9))
def test_it_adds_up_in_order_or_is_refused(used: list[int], low: int, best: int, high: int, pending: int) -> None:
    if not (low or best or high):
        return
    account = Account("llm", 5, Usage(*sorted(used)), pending)
    wanted = [was + change for was, change in zip(sorted(used), (low, best, high), strict=True)]
    try:
        after = corrected(account, correction(low, best, high))
    except Conflict:
        assert not 0 <= wanted[0] <= wanted[1] <= wanted[2]
        return
    assert [after.settled.low_tflop, after.settled.best_tflop, after.settled.high_tflop] == wanted
    assert (after.carried_in_tflop, after.pending_tflop) == (5, pending)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_it_is_in_effect_at_once_only_where_nothing_goes_down(low: int, best: int, high: int) -> None:
    if low or best or high:
        assert correction(low, best, high).in_effect == (min(low, best, high) >= 0)


def test_it_is_of_one_run() -> None:
    with pytest.raises(Conflict, match="of run llm"):
        corrected(Account("other"), correction(high=1))


def test_a_second_person_approves_it_once() -> None:
    waiting = correction(high=-1)
    with pytest.raises(NotPermitted):
        waiting.approve(by="A na")
    approved = waiting.approve(by="ben")
    assert approved.in_effect
    for again in (approved, correction(high=1)):
        with pytest.raises(NotPermitted, match="in effect already"):
            again.approve(by="cem")


@pytest.mark.parametrize(
    "changes", [{"id": ""}, {"run_id": ""}, {"reason": " "}, {"proposed_by": ""}, {"approved_by": "ben"}]
)
def test_one_without_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        correction(high=1, **changes)
