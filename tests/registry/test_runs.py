"""Training runs: declared by one person, approved by another; namespaces are bound to them."""

from __future__ import annotations

import pytest

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.registry.office import NOON, bind, declare, enrol, log, log_types, org


def test_a_run_carries_in_what_two_people_agreed_on(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry, carried_in_tflop=10**13, carried_in_source="model card of the base model")
    assert stores.read(lambda reader: reader.account("llm")).carried_in_tflop == 0
    with pytest.raises(NotPermitted, match="declared run llm"):
        registry.approve_run("llm", by="ANA")
    registry.approve_run("llm", by="ben")
    assert stores.read(lambda reader: reader.account("llm")).carried_in_tflop == 10**13
    assert log(stores)[-1]["facts"]["carried_in_tflop"] == "10000000000000"


def test_an_approver_of_a_run_approves_the_declaration_that_it_saw(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry, carried_in_tflop=10**13, carried_in_source="model card")
    seen = stores.read(lambda reader: reader.run("llm"))
    declare(registry)
    with pytest.raises(Conflict, match="not the declaration"):
        registry.approve_run("llm", by="ben", seen=seen)


def test_an_approved_run_is_never_declared_anew(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry)
    registry.approve_run("llm", by="ben")
    before = log_types(stores)
    declare(registry)
    assert log_types(stores) == before
    with pytest.raises(Conflict, match="with other content"):
        declare(registry, title="Another model")


def test_a_namespace_is_bound_to_approved_runs_of_its_customer_only(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "IN"), customer="rival")
    declare(registry)
    with pytest.raises(NotPermitted, match="only declared"):
        registry.bind("train", "lab", by="ana", run_id="llm")
    registry.approve_run("llm", by="ben")
    with pytest.raises(NotPermitted, match="of customer lab, not of rival"):
        registry.bind("train", "rival", by="ana", run_id="llm")
    with pytest.raises(NotFound, match="no run"):
        registry.bind("train", "lab", by="ana", run_id="other")
    bind(registry, "train", run="llm")
    proposed, bound = log(stores)[-2:]
    facts = {"cluster": "east", "customer": "lab", "namespace": "train", "run": "llm", "uid": "", "before": None}
    assert (proposed["type"], proposed["facts"]) == ("namespace.proposed", {**facts, "proposed_by": "ana"})
    assert (bound["type"], bound["facts"]) == (
        "namespace.bound",
        {**facts, "proposed_by": "ana", "approved_by": "ben"},
    )


def test_binding_again_records_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    bind(registry, "train")
    before = log_types(stores)
    registry.bind("train", "lab", by="ben")
    assert log_types(stores) == before


def test_a_namespace_does_not_change_hands_under_running_work(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "US"), customer="rival")
    bind(registry, "train")
    held = Reservation.open(
        id="uid-1",
        run_id="undeclared.lab",
        customer_id="lab",
        workload=WorkloadRef("east", "train", "Pod", "p", "uid-1"),
        devices={"nvidia.com/gpu": 8},
        rate_tflop_per_s=1,
        lease_s=1,
        held_s=1,
        opened_at=NOON,
    )
    stores.transact(lambda tx: tx.put_reservation(held))
    with pytest.raises(Conflict, match="still has 1 reservations"):
        registry.bind("train", "rival", by="ana")
    bind(registry, "idle", "rival")


@pytest.mark.parametrize("namespace", ["", "Train", "a/b", "-a", "x" * 64, "a.b"])
def test_a_namespace_has_a_name_that_kubernetes_takes(registry: Registry, namespace: str) -> None:
    enrol(registry, org("lab", "IN"))
    with pytest.raises(InvalidInput, match="name of a namespace"):
        registry.bind(namespace, "lab", by="ana")
