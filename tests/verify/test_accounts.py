"""Classifications and corrections, judged from the records alone: what two people must have done, one cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from gatekeeper.domain.correction import Correction, corrected
from gatekeeper.domain.customer import Binding
from gatekeeper.domain.ledger import NO_LIMIT_TFLOP, Account
from gatekeeper.domain.record import Actor, ActorKind, JsonValue, RecordType, canonical_json, encode
from gatekeeper.domain.run import Purpose, Run, RunState
from gatekeeper.domain.usage import DeviceUsage, Usage
from gatekeeper.facts import new_record
from gatekeeper.registry.facts import (
    binding_facts,
    corrected_facts,
    correction_facts,
    reclassified_facts,
    run_facts,
)
from gatekeeper.verify import Report, verify_export
from tests.verify.books import KEY, START, Books, export_of

Change = Callable[[dict[str, Any]], None]
SERVING = Run(
    "chat",
    "acme",
    "Serving",
    "ana",
    state=RunState.APPROVED,
    approved_by="ben",
    purpose=Purpose.INFERENCE,
    namespaces=("serve",),
)


class Office(Books):
    """Books with people in them."""

    def act(self, kind: RecordType, by: str, facts: Any) -> None:
        self.leaves.append(encode(new_record(kind, Actor(ActorKind.PERSON, by), START, facts)))

    def classify(self) -> None:
        self.accounts["chat"] = Account("chat")
        facts: dict[str, JsonValue] = {**run_facts(SERVING, "c1"), "declared_by": "ana"}
        self.act(RecordType.RUN_DECLARED, "ana", facts)
        self.act(RecordType.RUN_APPROVED, "ben", facts)
        bound = Binding("c1", "serve", "acme", "chat")
        self.act(RecordType.NAMESPACE_BOUND, "ben", binding_facts(bound, None, proposed_by="ana", approved_by="ben"))

    def reclassify(self) -> None:
        self.act(RecordType.RUN_RECLASSIFIED, "eve", reclassified_facts(SERVING, SERVING.withdraw(), "training found"))

    def serve(self, name: str, **changes: Any) -> None:
        """A reservation of the classified run, as the gate would write it."""
        account = self.accounts["chat"]
        pending = account.pending_tflop + 100
        self.accounts["chat"] = Account("chat", settled=account.settled, pending_tflop=pending)
        facts: dict[str, Any] = {
            "reservation": name,
            "run": "chat",
            "customer": "acme",
            "workload": {"cluster": "c1", "namespace": "serve", "kind": "Pod", "name": name, "uid": name},
            "amount_tflop": "100",
            "rate_tflop_per_s": "1",
            "lease_s": 90,
            "held_s": 100,
            "purpose": "inference",
            "limit_tflop": str(NO_LIMIT_TFLOP),
            "pool": {"runs": ["chat"], "used_tflop": str(pending)},
            "after": {"carried_in_tflop": "0", "settled_tflop": "0", "pending_tflop": str(pending)},
        }
        self.add(RecordType.RESERVATION_PENDING, {**facts, **changes})

    def correct(self, run: str, low: int, best: int, high: int, *, number: int = 1) -> None:
        correction = Correction(
            f"c{number}", run, low, best, high, "late data", "ana", datetime(2026, 11, 22, tzinfo=UTC)
        )
        self.act(RecordType.CORRECTION_PROPOSED, "ana", correction_facts(correction, "acme"))
        by = "ana"
        if correction.needs_two:
            correction, by = correction.approve(by="ben"), "ben"
        self.accounts[run] = corrected(self.accounts[run], correction)
        self.act(RecordType.USAGE_CORRECTED, by, corrected_facts(correction, "acme", self.accounts[run]))


def verify(office: Books) -> Report:
    return verify_export(BytesIO(export_of(office.leaves)), KEY)


def said(office: Books) -> str:
    report = verify(office)
    assert not report.verified
    return "\n".join(each.message for each in report.problems)


def lie(office: Books, kind: RecordType, change: Change) -> None:
    """Change the whole body of the last record of a kind; the log itself lies."""
    index = max(at for at, leaf in enumerate(office.leaves) if json.loads(leaf)["type"] == kind)
    body = json.loads(office.leaves[index])
    change(body)
    office.leaves[index] = canonical_json(body)


@pytest.fixture
def office() -> Office:
    found = Office()
    found.classify()
    found.approve("llm")
    found.hold("pod-a", "llm", seconds=1_000)
    found.settle("pod-a", seconds=300, high=300)
    return found


def test_a_classification_by_two_people_and_its_work_add_up(office: Office) -> None:
    office.serve("pod-s")
    report = verify(office)
    assert report.problems == ()
    assert (report.runs["chat"].purpose, report.runs["chat"].pending_tflop) == ("inference", 100)
    assert report.runs["llm"].purpose == "training"


def test_a_classification_by_one_person_is_named(office: Office) -> None:
    lie(office, RecordType.RUN_APPROVED, lambda body: None)  # the last one is of training: nothing to say
    assert verify(office).verified
    alone = Office()
    alone.classify()
    lie(alone, RecordType.RUN_APPROVED, lambda body: body["actor"].update(name="A na"))
    assert "alone declared and approved" in said(alone)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purpose": "training"}, "says otherwise"),
        ({"purpose": "evaluation"}, "says otherwise"),
        ({"purpose": "play"}, "purpose must be"),
        ({"workload": {"cluster": "c1", "namespace": "train"}}, "not of a namespace that it names"),
        ({"workload": {"cluster": "west", "namespace": "serve"}}, "not of a namespace that it names"),
    ],
)
def test_a_reservation_that_does_not_count_is_of_a_named_namespace(
    office: Office, changes: dict[str, object], message: str
) -> None:
    office.serve("pod-s", **changes)
    assert message in said(office)


def test_training_that_calls_itself_inference_is_named(office: Office) -> None:
    lie(office, RecordType.RESERVATION_PENDING, lambda body: body["facts"].update(purpose="inference"))
    assert "Run llm is training" in said(office)


def test_training_under_no_limit_is_named(office: Office) -> None:
    lie(office, RecordType.RESERVATION_PENDING, lambda body: body["facts"].update(limit_tflop=str(NO_LIMIT_TFLOP)))
    assert "counts, and is held under no limit" in said(office)


def test_after_its_end_it_shares_the_limit_of_undeclared_training(office: Office) -> None:
    office.serve("pod-s")
    office.reclassify()
    office.hold("pod-u", "undeclared.acme", seconds=100, with_runs=("chat",))
    report = verify(office)
    assert report.problems == ()
    assert report.runs["chat"].purpose == "training"
    office.hold("pod-v", "undeclared.acme", seconds=100)
    assert "shares its limit with chat, which is left out" in said(office)


def test_nothing_new_is_booked_on_a_withdrawn_classification(office: Office) -> None:
    office.reclassify()
    office.serve("pod-s", purpose="training", limit_tflop="10000")
    assert "was withdrawn" in said(office)


def test_what_holds_nothing_is_booked_on_a_classification_from_a_named_namespace_alone(office: Office) -> None:
    seconds = DeviceUsage("H100-SXM5", 80, Usage(1, 2, 3))
    office.meter("pod-c", "chat", devices=(seconds,), seconds=10)
    assert "not of a namespace that it names" in said(office)  # it ran in acme-train
    lie(office, RecordType.METERING_BEGUN, lambda body: body["facts"]["workload"].update(namespace="serve"))
    assert verify(office).verified
    office.reclassify()
    office.meter("pod-d", "chat", devices=(seconds,), seconds=10)
    assert "was withdrawn" in said(office)


def test_only_what_was_classified_ends(office: Office) -> None:
    office.reclassify()
    office.reclassify()
    assert "was not classified before" in said(office)


def test_corrections_up_by_one_and_down_by_two_add_up(office: Office) -> None:
    office.correct("llm", 1, 2, 50)
    office.correct("llm", 0, 0, -40, number=2)
    report = verify(office)
    assert report.problems == ()
    assert (report.runs["llm"].low_tflop, report.runs["llm"].settled_tflop) == (151, 310)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: body["actor"].update(name="ana"), "one person alone did it"),
        (lambda body: body["facts"].update(approved_by=None), "one person alone did it"),
        (lambda body: body["facts"].update(correction="c9"), "does not wait"),
        (lambda body: body["facts"].update(reason="other"), "otherwise than it was proposed"),
        (lambda body: body["facts"].update(high_tflop="-41"), "added up it is"),
        (lambda body: body["facts"]["after"].update(settled_tflop="0"), "added up it is"),
        (lambda body: body["facts"].update(high_tflop="-0"), "whole amount"),
        (lambda body: body["facts"].update(low_tflop=1), "whole amount"),
    ],
)
def test_a_lowering_that_does_not_follow_is_named(office: Office, change: Change, message: str) -> None:
    office.correct("llm", 0, 0, -40)
    lie(office, RecordType.USAGE_CORRECTED, change)
    assert message in said(office)


def test_a_correction_takes_effect_once_and_is_proposed_by_who_acts(office: Office) -> None:
    office.correct("llm", 0, 0, 40)
    lie(office, RecordType.CORRECTION_PROPOSED, lambda body: body["actor"].update(name="eve"))
    assert "its record names somebody else" in said(office)
    twice = Office()
    twice.approve("llm")
    twice.correct("llm", 0, 0, 40)
    twice.correct("llm", 0, 0, 40)
    assert "a second time" in said(twice)


def test_low_best_and_high_stay_in_order_over_corrections(office: Office) -> None:
    office.correct("llm", 0, 0, 40)
    for kind in (RecordType.CORRECTION_PROPOSED, RecordType.USAGE_CORRECTED):
        lie(office, kind, lambda body: body["facts"].update(low_tflop="900"))
    assert "out of order" in said(office)


# What shares a limit


def left_out(run: str) -> Change:
    """The record names neither the run nor what it used."""

    def change(body: dict[str, Any]) -> None:
        pool = body["facts"]["pool"]
        pool["runs"] = [each for each in pool["runs"] if each != run]
        used = sum(int(body["facts"]["after"][name]) for name in body["facts"]["after"])
        pool |= {"used_tflop": str(used), "beside_tflop": "0"}

    return change


def test_a_declared_run_that_leaves_undeclared_training_out_is_named(office: Office) -> None:
    assert verify(office).problems == ()
    lie(office, RecordType.RESERVATION_PENDING, left_out("undeclared.acme"))
    assert "Run llm shares its limit with undeclared.acme, which is left out" in said(office)


def test_undeclared_training_that_leaves_out_the_declared_run_that_used_most_is_named(office: Office) -> None:
    office.approve("llm-small")
    office.hold("pod-u", "undeclared.acme", seconds=100)
    assert verify(office).problems == ()
    lie(office, RecordType.RESERVATION_PENDING, left_out("llm"))
    assert "leaves out a model of its group that used 1000 TFLOP more: llm" in said(office)


def test_what_counts_beside_a_run_is_added_up_again(office: Office) -> None:
    lie(office, RecordType.RESERVATION_PENDING, lambda body: body["facts"]["pool"].update(beside_tflop="1"))
    assert "What counts beside run llm is not what the record says" in said(office)


def test_records_of_before_may_be_narrower_and_no_record_after_the_first_that_says_it(office: Office) -> None:
    def narrow(body: dict[str, Any]) -> None:
        left_out("undeclared.acme")(body)
        del body["facts"]["pool"]["beside_tflop"]

    lie(office, RecordType.RESERVATION_PENDING, narrow)
    assert verify(office).problems == ()
    office.hold("pod-b", "llm", seconds=100)
    assert verify(office).problems == ()
    office.hold("pod-c", "llm", seconds=100)
    lie(office, RecordType.RESERVATION_PENDING, lambda body: body["facts"]["pool"].pop("beside_tflop"))
    assert "does not say what counts beside its run" in said(office)


def enrolled(office: Office, customer: str, *parents: str) -> None:
    """A customer as the log tells of it, without its tiers."""
    party: dict[str, Any] = {"id": f"{customer}-ltd", "kind": "org", "legal_name": customer, "headquarters": "IN"}
    party |= {"parents": list(parents), "no_parent_reason": "" if parents else "listed"}
    state = {"customer": customer, "party": party["id"], "parties": [party], "tiers": {}}
    facts = {"customer": customer, "standing": "submitted", "applied": state, "written": [party]}
    office.act(RecordType.CUSTOMER_ENROLLED, "ana", facts)


def test_the_group_is_the_one_that_the_log_tells_of(office: Office) -> None:
    enrolled(office, "acme")
    enrolled(office, "sister")
    office.hold("pod-b", "llm", seconds=100)
    assert verify(office).problems == ()
    enrolled(office, "daughter", "acme-ltd")
    office.hold("pod-c", "llm", seconds=100)
    assert "shares its limit with undeclared.daughter, which is left out" in said(office)
