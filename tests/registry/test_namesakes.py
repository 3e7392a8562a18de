"""Parties of one name: who looks at a customer before approving is told of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.api.inside import Inside
from gatekeeper.domain.errors import Conflict
from gatekeeper.domain.party import Listing
from gatekeeper.domain.record import Actor, ActorKind, RecordType
from gatekeeper.facts import new_record
from gatekeeper.ports import Transaction
from gatekeeper.registry import Registry
from gatekeeper.registry.screener import Screener
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.registry.office import NOON, PACKS, HandClock, enrol, org, record_of
from tests.registry.screened import named


def told(registry: Registry, customer: str = "new") -> list[tuple[str, str, tuple[str, ...]]]:
    found = registry.namesakes([registry.review(customer)]).get(customer, ())
    return [(each.party_id, each.other_id, each.listed) for each in found]


@pytest.mark.parametrize("name", ["Hold Ltd", "HOLD GmbH", "Hоld Ltd", "H0ld", "Ho1d Limited", "ltd. hold"])
def test_a_second_party_of_a_name_is_told_with_the_list_that_the_first_one_is_on(registry: Registry, name: str) -> None:
    first = replace(named("Hold Ltd", "hold"), listings=(Listing("csl"),))
    enrol(registry, org("lab", "US", "hold"), first)
    registry.apply(record_of(org("own", "US", "hold-2"), named(name, "hold-2"), customer="new"), by="ana")
    assert told(registry) == [("hold-2", "hold", ("csl",))]
    (found,) = registry.namesakes([registry.review("new")])["new"]
    assert str(found) == f"party hold-2 ({name}) is called like party hold (Hold Ltd), which is on the list csl"


def test_two_that_wait_are_told_of_each_other(registry: Registry) -> None:
    for customer in ("old", "new"):
        registry.apply(record_of(named("Hold Ltd", f"hold-{customer}"), customer=customer), by="ana")
    assert told(registry, "old") == [("hold-old", "hold-new", ())]
    assert told(registry, "new") == [("hold-new", "hold-old", ())]


def test_another_name_and_the_party_itself_are_not_told(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "hold"), named("Hold Ltd", "hold"))
    parties = (org("own", "US", "hold", "bold"), named("Hold Ltd", "hold"), named("Bold", "bold"))
    registry.apply(record_of(*parties, customer="new"), by="ana")
    assert told(registry) == []


def test_what_was_told_is_told_anew_once_something_is_written(registry: Registry) -> None:
    registry.apply(record_of(named("Hold Ltd", "one"), customer="new"), by="ana")
    assert told(registry) == []
    registry.apply(record_of(named("Hold", "two"), customer="other"), by="ana")
    assert told(registry) == [("one", "two", ())]


def test_names_are_not_read_again_for_each_request_nor_for_what_runs_meanwhile(
    stores: SqlStores, clock: HandClock
) -> None:
    screener = Screener()

    def office() -> Registry:  # as each request has its own
        return Registry(stores, clock, packs=PACKS, cluster="east", screener=screener)

    office().apply(record_of(named("Hold Ltd", "one"), customer="new"), by="ana")
    office().apply(record_of(named("Hold", "two"), customer="other"), by="ana")
    review = office().review("new")
    office().namesakes([review])
    settled = new_record(RecordType.RESERVATION_SETTLED, Actor(ActorKind.SERVICE, "controller"), NOON, {})
    stores.transact(lambda tx: tx.append(settled))
    with counted(stores) as asked:
        assert [each.other_id for each in office().namesakes([review])["new"]] == ["two"]
    assert not [each for each in asked if "FROM party" in each or "FROM proposal" in each]


def test_names_of_a_transaction_that_was_undone_are_forgotten(stores: SqlStores, clock: HandClock) -> None:
    screener = Screener()
    registry = Registry(stores, clock, packs=PACKS, cluster="east", screener=screener)
    registry.apply(record_of(named("Hold Ltd", "one"), customer="new"), by="ana")
    review = registry.review("new")

    def undone(tx: Transaction) -> None:
        inside = Registry(Inside(tx, tx), clock, packs=PACKS, cluster="east", screener=screener)
        inside.apply(record_of(named("Hold", "two"), customer="other"), by="ana")
        assert [each.other_id for each in inside.namesakes([review])["new"]] == ["two"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stores.transact(undone)
    registry.apply(record_of(named("Bold", "three"), customer="third"), by="ana")
    assert registry.namesakes([review]) == {}


def test_one_lei_on_two_parties_is_refused(registry: Registry) -> None:
    lei = "529900T8BM49AURSDO55"
    enrol(registry, replace(named("Hold Ltd", "hold"), lei=lei))
    with pytest.raises(Conflict, match=lei):
        registry.apply(record_of(replace(named("Hold Ltd", "hold-2"), lei=lei), customer="new"), by="ana")
