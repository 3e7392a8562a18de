"""Late corrections: new records, up by one person and down by two, and never below nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.domain.correction import RAISED_ALONE_MAX_TFLOP, Correction
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.domain.usage import Usage
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.registry.office import declare, enrol, log, log_types, org

USED = Usage(10, 20, 30)


def run_that_used(registry: Registry, stores: Stores, used: Usage = USED) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry)
    registry.approve_run("llm", by="ben")
    stores.transact(lambda tx: tx.put_account(Account("llm", settled=used, pending_tflop=7)))


def changed(amounts: dict[str, int]) -> Usage:
    """What was used, with a correction of these amounts."""
    return Usage(*(getattr(USED, each) + amounts.get(each, 0) for each in ("low_tflop", "best_tflop", "high_tflop")))


def settled(stores: Stores, run_id: str = "llm") -> Usage:
    return stores.read(lambda reader: reader.account(run_id)).settled


def test_raising_takes_effect_with_one_person_and_two_records(registry: Registry, stores: Stores) -> None:
    run_that_used(registry, stores)
    made = registry.correct("llm", by="ana", reason="node7 was not metered", best_tflop=5, high_tflop=12)
    assert made.in_effect
    assert settled(stores) == Usage(10, 25, 42)
    assert log_types(stores)[-2:] == ["correction.proposed", "usage.corrected"]
    facts = log(stores)[-1]["facts"]
    assert facts == {
        "correction": made.id,
        "run": "llm",
        "customer": "lab",
        "low_tflop": "0",
        "best_tflop": "5",
        "high_tflop": "12",
        "reason": "node7 was not metered",
        "proposed_by": "ana",
        "approved_by": None,
        "after": {"carried_in_tflop": "0", "settled_tflop": "42", "pending_tflop": "7"},
    }


@pytest.mark.parametrize(
    "amounts",
    [
        {"high_tflop": -1},
        {"best_tflop": -1},
        {"low_tflop": -1},
        {"low_tflop": -1, "best_tflop": 1, "high_tflop": 100},  # hidden behind a raise
    ],
)
def test_lowering_any_of_the_three_waits_for_a_second_person(
    registry: Registry, stores: Stores, amounts: dict[str, int]
) -> None:
    run_that_used(registry, stores)
    made = registry.correct("llm", by="ana", reason="counted twice", **amounts)
    assert not made.in_effect
    assert settled(stores) == USED
    for spelling in ("ana", "ANA ", "ａｎａ"):
        with pytest.raises(NotPermitted, match="proposed correction"):
            registry.approve_correction(made.id, by=spelling)
    assert settled(stores) == USED
    registry.approve_correction(made.id, by="ben", seen=made)
    assert settled(stores) == changed(amounts)
    last = log(stores)[-1]
    assert (last["type"], last["actor"]["name"]) == ("usage.corrected", "ben")
    assert (last["facts"]["proposed_by"], last["facts"]["approved_by"]) == ("ana", "ben")


@pytest.mark.parametrize("name", ["high_tflop", "best_tflop", "low_tflop"])
def test_raising_by_more_than_metering_can_have_missed_waits_for_a_second_person(
    registry: Registry, stores: Stores, name: str
) -> None:
    most = RAISED_ALONE_MAX_TFLOP
    run_that_used(registry, stores, Usage(0, 2 * most, 4 * most) if name != "high_tflop" else USED)
    before = settled(stores)
    made = registry.correct("llm", by="eve", reason="1e30 for 1e20", **{name: most + 1})
    assert not made.in_effect
    assert settled(stores) == before
    with pytest.raises(NotPermitted, match="proposed correction"):
        registry.approve_correction(made.id, by="Eve")
    registry.approve_correction(made.id, by="ben", seen=made)
    assert getattr(settled(stores), name) == getattr(before, name) + most + 1
    assert registry.correct("llm", by="eve", reason="no more than that", high_tflop=most).in_effect


def test_a_correction_takes_effect_once(registry: Registry, stores: Stores) -> None:
    run_that_used(registry, stores)
    up = registry.correct("llm", by="ana", reason="x", high_tflop=1)
    down = registry.correct("llm", by="ana", reason="x", high_tflop=-1)
    registry.approve_correction(down.id, by="ben")
    for made in (up, down):
        with pytest.raises(NotPermitted, match="in effect already"):
            registry.approve_correction(made.id, by="cem")
    assert settled(stores) == USED


@pytest.mark.parametrize("amounts", [{"high_tflop": -11}, {"low_tflop": 11}, {"low_tflop": -11}, {"best_tflop": 11}])
def test_low_best_and_high_stay_in_order_and_above_nothing(
    registry: Registry, stores: Stores, amounts: dict[str, int]
) -> None:
    run_that_used(registry, stores)
    before = log_types(stores)
    with pytest.raises(Conflict, match="0 <= low <= best <= high"):
        registry.correct("llm", by="ana", reason="x", **amounts)
    assert (settled(stores), log_types(stores)) == (USED, before)


def test_two_lowerings_that_fit_alone_and_not_together_do_not_both_take_effect(
    registry: Registry, stores: Stores
) -> None:
    run_that_used(registry, stores, Usage(0, 0, 10))
    first, second = (registry.correct("llm", by="ana", reason="x", high_tflop=-8) for _ in range(2))
    registry.approve_correction(first.id, by="ben")
    with pytest.raises(Conflict):
        registry.approve_correction(second.id, by="ben")
    assert settled(stores) == Usage(0, 0, 2)
    assert not stores.read(lambda reader: reader.corrections("llm"))[1].in_effect


def test_undeclared_training_can_be_corrected_too(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    registry.correct("undeclared.lab", by="ana", reason="metering was down", high_tflop=9)
    assert settled(stores, "undeclared.lab") == Usage(0, 0, 9)
    for nobody in ("undeclared.nobody", "nobody"):
        with pytest.raises(NotFound):
            registry.correct(nobody, by="ana", reason="x", high_tflop=9)


@pytest.mark.parametrize(
    "amounts",
    [{}, {"high_tflop": LARGEST_TFLOP + 1}, {"high_tflop": 1, "reason": " "}, {"high_tflop": 1, "reason": "x" * 2_001}],
)
def test_a_correction_without_sense_is_refused(registry: Registry, stores: Stores, amounts: dict[str, object]) -> None:
    run_that_used(registry, stores)
    with pytest.raises(InvalidInput):
        registry.correct("llm", by="ana", **{"reason": "x", **amounts})  # type: ignore[arg-type]


def test_an_approver_approves_the_correction_that_it_saw(registry: Registry, stores: Stores) -> None:
    run_that_used(registry, stores)
    made = registry.correct("llm", by="ana", reason="x", high_tflop=-1)
    with pytest.raises(Conflict, match="not what ben looked at"):
        registry.approve_correction(made.id, by="ben", seen=replace(made, high_tflop=-2))
    with pytest.raises(NotFound):
        registry.approve_correction("c999", by="ben")


def test_corrections_come_oldest_first(registry: Registry, stores: Stores) -> None:
    run_that_used(registry, stores)
    made = [registry.correct("llm", by="ana", reason=str(each), high_tflop=each) for each in (1, 2)]
    found: list[Correction] = stores.read(lambda reader: reader.corrections("llm"))
    assert found == made
    assert stores.read(lambda reader: reader.corrections("other")) == []
