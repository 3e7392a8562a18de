"""Whose a namespace is: two people say so, of the namespace that is there; one person takes away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.domain.binding import ProposedBinding
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.run import Purpose
from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from gatekeeper.stores import SqlStores
from tests.registry.office import bind, declare, enrol, log, log_types, org
from tests.test_gate import House, make_gang, make_pod


@pytest.fixture
def house(stores: SqlStores) -> House:
    house = House(stores)
    house.enrol("lab", "PL")
    return house


def approve(registry: Registry, run_id: str = "llm") -> None:
    declare(registry, run_id)
    registry.approve_run(run_id, by="ben")


@pytest.mark.parametrize("spelling", ["ana", "ANA", " a na", "ａｎａ"])
def test_who_proposed_a_binding_cannot_approve_it(registry: Registry, stores: Stores, spelling: str) -> None:
    enrol(registry, org("lab", "IN"))
    registry.bind("train", "lab", by="ana")
    with pytest.raises(NotPermitted, match="proposed the binding"):
        registry.approve_binding("train", by=spelling)
    assert stores.read(lambda reader: reader.bindings()) == []


def test_what_waits_is_replaced_dropped_and_approved_as_it_was_seen(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "IN"), customer="rival")
    seen = registry.bind("train", "lab", by="ana")
    assert isinstance(seen, ProposedBinding)
    assert registry.bind("train", "lab", by="cem") == seen
    registry.bind("train", "rival", by="ana")
    with pytest.raises(Conflict, match="not what ben looked at"):
        registry.approve_binding("train", by="ben", seen=seen)
    registry.reject_binding("train", by="ben")
    with pytest.raises(NotFound, match="waits"):
        registry.approve_binding("train", by="ben")
    assert log_types(stores)[-3:] == ["namespace.proposed", "namespace.proposed", "namespace.rejected"]


def test_a_proposal_is_void_once_the_namespace_is_bound_otherwise(registry: Registry) -> None:
    enrol(registry, org("lab", "IN"))
    approve(registry)
    bind(registry, "train", run="llm")
    registry.unbind("train", by="eve", reason="a mistake")
    registry.bind("train", "lab", by="ana", run_id="llm")
    registry.declare_run("next", "lab", by="eve", title="Next", namespaces=("train",))
    registry.approve_run("next", by="cem")
    with pytest.raises(NotFound, match="waits"):
        registry.approve_binding("train", by="ben")


def test_one_person_unbinds_and_cannot_bind_back(house: House) -> None:
    house.registry.unbind("lab", by="eve", reason="contract ended")
    stopped = house.gate.must_stop("lab")
    assert stopped is not None
    assert "bound to no customer" in stopped.sentence
    house.registry.bind("lab", "lab", by="eve")
    with pytest.raises(NotPermitted):
        house.registry.approve_binding("lab", by="eve")
    assert not house.gate.release(make_gang("lab", "a")).lets_start
    with pytest.raises(NotFound, match="bound to nobody"):
        house.registry.unbind("free", by="eve", reason="x")
    with pytest.raises(InvalidInput, match="reason"):
        house.registry.unbind("lab", by="eve", reason=" ")


def test_one_person_takes_a_namespace_back_to_undeclared_training(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    approve(registry)
    bind(registry, "train", run="llm")
    registry.bind("train", "lab", by="eve")
    assert log(stores)[-1]["facts"]["approved_by"] is None
    assert log(stores)[-1]["facts"]["before"] == {"customer": "lab", "run": "llm", "holds": True}


def test_an_unbound_namespace_does_not_change_hands_under_what_runs_there(house: House) -> None:
    house.enrol("rival", "PL")
    house.gate.release(make_gang("lab", "a"))
    house.registry.unbind("lab", by="eve", reason="x")
    with pytest.raises(Conflict, match="still has 1 reservations"):
        house.registry.bind("lab", "rival", by="ana")
    house.registry.declare_run("m", "rival", by="ana", title="M", namespaces=("lab",))
    with pytest.raises(Conflict, match="still has 1 reservations"):
        house.registry.approve_run("m", by="ben")


# Which namespace it is


def test_the_first_namespace_that_is_seen_is_the_one_that_was_bound(house: House) -> None:
    before = house.stores.read(lambda reader: reader.log_size())
    for _ in range(2):
        house.registry.identify({"lab": "uid-1", "other": "uid-9"})
    assert house.stores.read(lambda reader: reader.log_size()) == before + 1
    assert house.gate.release(make_gang("lab", "a")).lets_start


@pytest.mark.parametrize("country", ["PL", "US"])
def test_a_namespace_made_anew_inherits_neither_budget_nor_clearance(house: House, country: str) -> None:
    house.enrol("other", country, namespace="ns")
    house.registry.identify({"ns": "uid-1"})
    house.registry.identify({"ns": "uid-2"})
    refused = house.gate.release(make_gang("ns", "a")).decision
    assert refused is not None
    assert "was deleted and made anew; ask your provider to bind it again" in refused.sentence
    assert house.gate.must_stop("ns") is not None
    assert house.gate.cleared_until("ns", at_most=house.clock.now() - house.clock.now()) is None
    assert "made anew" in house.gate.consider(make_pod("ns", "b"), dry_run=True).decision.sentence
    house.registry.identify({"ns": "uid-1"})  # a name that comes back under an old uid is told by nobody we trust
    assert house.gate.must_stop("ns") is not None


def test_a_classification_is_not_inherited_and_not_declared_over(house: House) -> None:
    serving = {"title": "Serving", "purpose": Purpose.INFERENCE, "namespaces": ("serve",)}
    house.registry.declare_run("chat", "lab", by="ana", **serving)  # type: ignore[arg-type]
    house.registry.approve_run("chat", by="ben")
    house.registry.identify({"serve": "uid-1"})
    house.registry.identify({"serve": "uid-2"})
    assert not house.gate.release(make_gang("serve", "a")).lets_start
    with pytest.raises(Conflict, match="made anew"):
        house.registry.declare_run("chat-2", "lab", by="ana", **serving)  # type: ignore[arg-type]


def test_two_people_renew_the_binding_of_the_namespace_that_they_saw(house: House) -> None:
    house.registry.identify({"lab": "uid-1"})
    house.registry.identify({"lab": "uid-2"})
    proposed = house.registry.renew_binding("lab", by="eve")
    assert isinstance(proposed, ProposedBinding)
    house.registry.identify({"lab": "uid-3"})
    with pytest.raises(Conflict, match="not bound any more"):
        house.registry.approve_binding("lab", by="ben")
    house.registry.renew_binding("lab", by="eve")
    bound = house.registry.approve_binding("lab", by="ben")
    assert (bound.uid, bound.holds) == ("uid-3", True)
    assert house.gate.release(make_gang("lab", "a")).lets_start
    assert house.records(RecordType.NAMESPACE_BOUND)[-1]["before"] == {"customer": "lab", "run": None, "holds": False}


def test_a_namespace_that_is_seen_while_a_proposal_waits_is_the_one_that_is_bound(house: House) -> None:
    house.registry.declare_run("m", "lab", by="ana", title="M")
    house.registry.approve_run("m", by="ben")
    house.registry.bind("lab", "lab", by="ana", run_id="m")
    house.registry.identify({"lab": "uid-1"})
    bound = house.registry.approve_binding("lab", by="ben")
    assert (bound.uid, bound.run_id) == ("uid-1", "m")
    assert house.stores.read(lambda reader: reader.binding("east", "lab")) == replace(bound, found_uid="")
