"""What does not count as training: said by two people, for namespaces that they named; one person can only end it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from gatekeeper.domain.customer import Binding
from gatekeeper.domain.decision import Verdict
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Purpose, RunState
from gatekeeper.verify import verify_export
from tests.databases import new_stores
from tests.domain.questions import limit_of_pack
from tests.registry.serving import classify, use
from tests.test_gate import PACK, House, make_gang
from tests.verify.books import KEY, export_of

LIMIT_TFLOP = limit_of_pack(PACK)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "house.db") as stores:
        found = House(stores)
        found.enrol("lab", "PL", namespace="train")
        yield found


def bound_to(house: House, namespace: str) -> str | None:
    binding = house.stores.read(lambda reader: reader.binding("east", namespace))
    return binding.run_id if binding else None


def types(house: House) -> list[str]:
    return [each["type"] for each in _log(house)]


def _log(house: House) -> list[dict[str, str]]:
    return [json.loads(leaf) for leaf in house.stores.read(lambda reader: list(reader.leaves()))]


def assert_verifies(house: House) -> None:
    report = verify_export(BytesIO(export_of(house.stores.read(lambda reader: list(reader.leaves())))), KEY)
    assert report.problems == ()


# What it does


def test_its_approval_binds_the_namespaces_that_it_names_and_all_of_it_is_recorded(house: House) -> None:
    classify(house, "serve", "train")
    assert types(house)[-4:] == ["run.declared", "run.approved", "namespace.bound", "namespace.bound"]
    assert (bound_to(house, "serve"), bound_to(house, "train")) == ("chat", "chat")
    (approved,) = house.records(RecordType.RUN_APPROVED)
    assert approved["purpose"] == "inference"
    assert approved["namespaces"] == ["serve", "train"]
    assert (approved["declared_by"], approved["cluster"]) == ("ana", "east")
    moved = house.records(RecordType.NAMESPACE_BOUND)[-1]
    assert moved == {
        "cluster": "east",
        "namespace": "train",
        "customer": "lab",
        "run": "chat",
        "uid": "",
        "before": {"customer": "lab", "run": None, "holds": True},
        "proposed_by": "ana",
        "approved_by": "ben",
    }
    assert_verifies(house)


def test_its_work_is_booked_on_its_own_account_under_the_longest_lease_and_no_limit(house: House) -> None:
    classify(house, "serve")
    use(house, "undeclared.lab", LIMIT_TFLOP)
    release = house.gate.release(make_gang("serve", "a", "b"))
    assert release.decision is not None
    assert release.decision.verdict is Verdict.ALLOW
    assert release.decision.reasons[0].code == "budget.not_counted"
    assert "inference by the provider's classification, which does not count" in release.decision.sentence
    assert {each.run_id for each in release.reservations} == {"chat"}
    assert {each.lease_s for each in release.reservations} == {PACK.lease.longest_s}
    recorded = house.records(RecordType.RESERVATION_PENDING)[-1]
    assert (recorded["purpose"], recorded["limit_tflop"]) == ("inference", str(NO_LIMIT_TFLOP))
    assert house.pending_tflop("chat") == sum(each.pending_tflop for each in release.reservations)
    assert house.pending_tflop("undeclared.lab") == 0
    assert not house.gate.release(make_gang("train", "c")).lets_start
    assert house.gate.must_stop("serve") is None


def test_what_it_used_leaves_the_budget_of_training_as_it_is(house: House) -> None:
    classify(house, "serve")
    use(house, "chat", 50 * LIMIT_TFLOP)
    assert house.gate.release(make_gang("serve", "a")).lets_start
    trained = house.gate.release(make_gang("train", "b"))
    assert trained.decision is not None
    assert trained.decision.used_tflop == 0
    assert trained.reservations[0].run_id == "undeclared.lab"


def test_a_namespace_that_serves_is_not_cleared_so_that_its_leases_stay_bounded(house: House) -> None:
    classify(house, "serve")
    assert house.gate.cleared_until("serve", at_most=timedelta(days=7)) is None


def test_a_customer_that_may_start_nothing_may_not_serve_either(house: House) -> None:
    classify(house, "serve")
    house.registry.suspend("lab", by="ana", reason="inquiry")
    assert not house.gate.release(make_gang("serve", "a")).lets_start
    assert house.gate.must_stop("serve") is not None


def test_what_runs_when_it_is_approved_stays_booked_as_training(house: House) -> None:
    house.gate.release(make_gang("train", "a"))
    classify(house, "train")
    again = house.gate.release(make_gang("train", "a"))
    assert again.reservations[0].run_id == "undeclared.lab"
    assert house.pending_tflop("chat") == 0
    assert house.gate.release(make_gang("train", "b")).reservations[0].run_id == "chat"
    assert_verifies(house)


# What it must say


@pytest.mark.parametrize("purpose", [Purpose.INFERENCE, Purpose.EVALUATION])
def test_a_classification_names_its_namespaces(house: House, purpose: Purpose) -> None:
    with pytest.raises(InvalidInput, match="in which namespaces"):
        house.registry.declare_run("chat", "lab", by="ana", title="Serving", purpose=purpose)


@pytest.mark.parametrize("names", [("serve", "serve"), ("Serve",), ("*",), ("",), tuple(f"n{i}" for i in range(101))])
def test_it_names_each_namespace_once_and_exactly(house: House, names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        classify(house, *names)


def test_inference_has_no_plan(house: House) -> None:
    for odd in ({"parameters": 1, "tokens": 1}, {"carried_in_tflop": 1, "carried_in_source": "a card"}):
        with pytest.raises(InvalidInput, match="trains nothing"):
            house.registry.declare_run(
                "chat",
                "lab",
                by="ana",
                title="x",
                purpose=Purpose.INFERENCE,
                namespaces=("serve",),
                **odd,
            )


# One person alone


@pytest.mark.parametrize("spelling", ["ana", "Ana", "ANA ", "a na", "ａｎａ"])
def test_who_declared_it_cannot_approve_it(house: House, spelling: str) -> None:
    classify(house, "train", approve=False)
    with pytest.raises(NotPermitted):
        house.registry.approve_run("chat", by=spelling)
    assert bound_to(house, "train") is None
    assert house.gate.release(make_gang("train", "a")).reservations[0].run_id == "undeclared.lab"


def test_one_person_binds_nothing_to_what_does_not_count(house: House) -> None:
    classify(house, "serve")
    with pytest.raises(NotPermitted, match="no namespace can be bound") as refused:
        house.registry.bind("train", "lab", by="eve", run_id="chat")
    assert "run declare NEW --purpose inference --namespace" in refused.value.hint
    assert bound_to(house, "train") is None


def test_one_person_binds_back_to_training_and_cannot_return(house: House) -> None:
    classify(house, "serve")
    house.registry.bind("serve", "lab", by="eve")
    assert house.gate.release(make_gang("serve", "a")).reservations[0].run_id == "undeclared.lab"
    with pytest.raises(NotPermitted, match="no namespace can be bound"):
        house.registry.bind("serve", "lab", by="eve", run_id="chat")


def test_a_binding_to_it_that_nobody_approved_counts_as_training(house: House) -> None:
    classify(house, "serve")
    house.stores.transact(lambda tx: tx.put_binding(Binding("east", "train", "lab", "chat")))
    assert house.gate.release(make_gang("train", "a")).reservations[0].run_id == "undeclared.lab"


def test_an_approver_approves_the_namespaces_that_it_saw(house: House) -> None:
    classify(house, "serve", approve=False)
    seen = house.stores.read(lambda reader: reader.run("chat"))
    classify(house, "serve", "train", approve=False)
    with pytest.raises(Conflict, match="not the declaration"):
        house.registry.approve_run("chat", by="ben", seen=seen)


def test_an_approved_purpose_is_never_declared_anew(house: House) -> None:
    house.registry.declare_run("llm", "lab", by="ana", title="A model")
    house.registry.approve_run("llm", by="ben")
    with pytest.raises(Conflict, match="with other content"):
        classify(house, "train", run_id="llm", approve=False)
    classify(house, "serve")
    with pytest.raises(Conflict, match="with other content"):
        classify(house, "serve", "train", approve=False)


def test_it_takes_no_namespace_from_another_customer(house: House) -> None:
    house.enrol("rival", "PL", namespace="rival")
    with pytest.raises(Conflict, match="belongs to customer rival"):
        classify(house, "rival", approve=False)
    classify(house, "free", approve=False)
    house.bind("free", "rival")
    with pytest.raises(Conflict, match="belongs to customer rival"):
        house.registry.approve_run("chat", by="ben")
    assert bound_to(house, "free") is None


# Its end


def test_one_person_ends_it_and_all_that_was_used_counts_as_undeclared_training(house: House) -> None:
    classify(house, "serve")
    use(house, "chat", 60 * 10**12)
    use(house, "undeclared.lab", 30 * 10**12)
    ended = house.registry.reclassify_run("chat", by="ana", reason="fine-tuning found there")
    assert (ended.state, ended.purpose) == (RunState.WITHDRAWN, Purpose.TRAINING)
    assert house.records(RecordType.RUN_RECLASSIFIED) == [
        {
            "run": "chat",
            "customer": "lab",
            "before": "inference",
            "purpose": "training",
            "reason": "fine-tuning found there",
        }
    ]
    for namespace in ("serve", "train"):
        release = house.gate.release(make_gang(namespace, f"after-{namespace}"))
        assert {each.run_id for each in release.reservations} == {"undeclared.lab"}
        assert release.decision is not None
        assert release.decision.used_tflop is not None
        assert release.decision.used_tflop >= 90 * 10**12


def test_its_end_stops_what_is_past_the_limit_then(house: House) -> None:
    classify(house, "serve")
    assert house.gate.release(make_gang("serve", "a")).lets_start
    use(house, "chat", LIMIT_TFLOP)
    assert house.gate.must_stop("serve") is None
    house.registry.reclassify_run("chat", by="ana", reason="training found")
    for namespace in ("serve", "train"):
        stopped = house.gate.must_stop(namespace)
        assert stopped is not None
        assert stopped.verdict is Verdict.STOP


def test_it_counts_for_the_whole_corporate_group(house: House) -> None:
    house.enrol("daughter", "PL", namespace="daughter", parents=("lab",))
    classify(house, "serve", run_id="chat", customer="daughter")
    use(house, "chat", LIMIT_TFLOP)
    assert house.gate.release(make_gang("train", "a")).lets_start
    house.registry.reclassify_run("chat", by="ana", reason="training found")
    assert not house.gate.release(make_gang("train", "b")).lets_start


def test_its_end_brings_no_budget_of_its_own(house: House) -> None:
    classify(house, "serve")
    use(house, "undeclared.lab", LIMIT_TFLOP)
    house.registry.reclassify_run("chat", by="eve", reason="a fresh budget, please")
    assert not house.gate.release(make_gang("serve", "a")).lets_start
    with pytest.raises(NotPermitted, match="was withdrawn"):
        house.registry.bind("train", "lab", by="eve", run_id="chat")
    with pytest.raises(NotPermitted, match="withdrawn already"):
        house.registry.approve_run("chat", by="eve")
    for purpose, names in ((Purpose.TRAINING, ()), (Purpose.INFERENCE, ("serve",))):
        with pytest.raises(Conflict, match="with other content"):
            house.registry.declare_run("chat", "lab", by="eve", title="Serving", purpose=purpose, namespaces=names)


def test_a_new_classification_needs_two_people_again(house: House) -> None:
    classify(house, "serve")
    house.registry.reclassify_run("chat", by="eve", reason="by mistake")
    classify(house, "serve", run_id="chat-2")
    assert house.gate.release(make_gang("serve", "a")).reservations[0].run_id == "chat-2"
    assert_verifies(house)


def test_only_an_approved_classification_ends_and_it_needs_a_reason(house: House) -> None:
    with pytest.raises(NotFound):
        house.registry.reclassify_run("chat", by="ana", reason="x")
    classify(house, "serve", approve=False)
    with pytest.raises(NotPermitted, match="nothing is to be withdrawn"):
        house.registry.reclassify_run("chat", by="ana", reason="x")
    house.registry.approve_run("chat", by="ben")
    with pytest.raises(InvalidInput, match="reason"):
        house.registry.reclassify_run("chat", by="ana", reason=" ")
    house.registry.reclassify_run("chat", by="ana", reason="x")
    with pytest.raises(NotPermitted, match="nothing is to be withdrawn"):
        house.registry.reclassify_run("chat", by="ana", reason="x")
