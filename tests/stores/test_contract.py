"""What every database must do behind the ports, method by method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from operator import methodcaller
from typing import Any

import pytest

from gatekeeper.domain.customer import Binding, Customer, Standing
from gatekeeper.domain.errors import Conflict, InvalidInput
from gatekeeper.domain.ledger import Account, Reservation
from gatekeeper.domain.merkle import EMPTY_ROOT, Frontier, leaf_hash
from gatekeeper.domain.record import RecordType, encode
from gatekeeper.ports import Reader, Stores, Transaction
from tests.stores.values import (
    ACCOUNT,
    BINDING,
    CORRECTION,
    CUSTOMER,
    ENDED,
    NOW,
    ORPHAN,
    PARTY,
    RUN,
    SERVING,
    record,
    reservation,
)


def put(stores: Stores, *values: Any) -> None:
    """Store values of any kind in one transaction, in the order given."""

    def work(tx: Transaction) -> None:
        for value in values:
            getattr(tx, f"put_{type(value).__name__.lower()}")(value)

    stores.transact(work)


def roots(size: int) -> bytes:
    """Root over the first records that the tests append."""
    return Frontier().extend(leaf_hash(encode(record(number))) for number in range(size)).root()


def append(stores: Stores, *numbers: int) -> list[int]:
    return stores.transact(lambda tx: [tx.append(record(number)) for number in numbers])


@pytest.mark.parametrize(
    ("value", "get"),
    [
        (CUSTOMER, lambda reader: reader.customer("lab")),
        (CUSTOMER, lambda reader: reader.customers()[0]),
        (PARTY, lambda reader: reader.parties()["zuerich-lab"]),
        (ORPHAN, lambda reader: reader.parties()["holding"]),
        (BINDING, lambda reader: reader.binding("east", "lab-training")),
        (BINDING, lambda reader: reader.bindings()[0]),
        (RUN, lambda reader: reader.run("frontier-1")),
        (RUN, lambda reader: reader.runs()[0]),
        (SERVING, lambda reader: reader.run("chat")),
        (SERVING.withdraw(), lambda reader: reader.run("chat")),
        (CORRECTION, lambda reader: reader.correction("c7")),
        (CORRECTION, lambda reader: reader.corrections()[0]),
        (CORRECTION, lambda reader: reader.corrections("frontier-1")[0]),
        (ACCOUNT, lambda reader: reader.account("frontier-1")),
        (reservation(), lambda reader: reader.reservation("uid-0")),
        (reservation(), lambda reader: reader.open_reservations()[0]),
        (ENDED, lambda reader: reader.reservation("uid-ended")),
    ],
)
def test_what_was_put_comes_back_equal(stores: Stores, value: object, get: Callable[[Reader], object]) -> None:
    put(stores, CUSTOMER, value)
    assert stores.read(get) == value
    assert stores.transact(get) == value


@pytest.mark.parametrize(
    ("old", "new", "get"),
    [
        (CUSTOMER, CUSTOMER.suspend(by="eve", reason="listed"), lambda reader: reader.customers()),
        (CUSTOMER, replace(CUSTOMER, standing=Standing.DRAFT, expires_at=None), lambda reader: reader.customers()),
        (PARTY, replace(PARTY, parents=()), lambda reader: list(reader.parties().values())),
        (BINDING, replace(BINDING, run_id=None), lambda reader: reader.bindings()),
        (RUN, replace(RUN, title="Other"), lambda reader: reader.runs()),
        (SERVING, SERVING.withdraw(), lambda reader: reader.runs()),
        (replace(CORRECTION, approved_by=""), CORRECTION, lambda reader: reader.corrections()),
        (ACCOUNT, Account("frontier-1"), lambda reader: [reader.account("frontier-1")]),
        (reservation(), replace(reservation(), pending_tflop=1), lambda reader: reader.open_reservations()),
    ],
)
def test_putting_again_replaces(stores: Stores, old: object, new: object, get: Callable[[Reader], object]) -> None:
    put(stores, CUSTOMER, old, new)
    assert stores.read(get) == [new]


def test_what_is_not_there_is_none_or_empty(stores: Stores) -> None:
    def look(reader: Reader) -> list[object]:
        return [
            reader.customer("lab"),
            reader.proposal("lab"),
            reader.binding("east", "x"),
            reader.run("x"),
            reader.reservation("x"),
            reader.checkpoint(),
            reader.correction("x"),
            reader.account("x"),
            reader.customers(),
            reader.parties(),
            reader.bindings(),
            reader.runs(),
            reader.open_reservations(),
            reader.corrections(),
            list(reader.leaves()),
            reader.log_size(),
            reader.log_root(),
        ]

    empty: list[object] = [*[None] * 7, Account("x"), [], {}, [], [], [], [], [], 0, EMPTY_ROOT]
    assert stores.read(look) == empty
    assert stores.transact(look) == empty


def test_a_proposal_waits_until_it_is_replaced_or_removed(stores: Stores) -> None:
    seen = []
    for proposal in ('{"v":1}', '{"v":2}', None, None):
        stores.transact(methodcaller("put_proposal", "lab", proposal))
        seen.append(stores.read(lambda reader: reader.proposal("lab")))
    assert seen == ['{"v":1}', '{"v":2}', None, None]


def test_one_namespace_name_in_two_clusters_is_two_bindings(stores: Stores) -> None:
    other = Customer("other", "holding", Standing.DRAFT, "ana")
    west = Binding("west", "lab-training", "other")
    put(stores, CUSTOMER, other, west, BINDING)
    assert stores.read(lambda reader: reader.bindings()) == [BINDING, west]
    assert stores.read(lambda reader: reader.binding("west", "lab-training")) == west


@pytest.mark.parametrize("value", [BINDING, RUN])
def test_nothing_is_bound_to_a_customer_that_is_not_stored(stores: Stores, value: object) -> None:
    with pytest.raises(Conflict, match="stored before it"):
        put(stores, value)


def test_lists_come_in_one_order(stores: Stores) -> None:
    put(stores, *(replace(CUSTOMER, id=name) for name in ("b", "c", "a")))
    put(stores, *(replace(RUN, id=name, customer_id="a") for name in ("r2", "r1")))
    assert [each.id for each in stores.read(lambda reader: reader.customers())] == ["a", "b", "c"]
    assert [each.id for each in stores.read(lambda reader: reader.runs())] == ["r1", "r2"]


def test_open_reservations_come_oldest_first_without_the_ended_ones(stores: Stores) -> None:
    theirs = reservation(2, customer="other")
    put(stores, reservation(3), ENDED, theirs, reservation(1))

    def ids(found: list[Reservation]) -> list[str]:
        return [each.id for each in found]

    assert ids(stores.read(lambda reader: reader.open_reservations())) == ["uid-1", "uid-2", "uid-3"]
    assert ids(stores.read(lambda reader: reader.open_reservations("lab"))) == ["uid-1", "uid-3"]
    assert stores.read(lambda reader: reader.open_reservations("nobody")) == []


def test_records_are_numbered_from_zero_and_hashed_as_they_stand(stores: Stores) -> None:
    assert append(stores, 0, 1, 2) == [0, 1, 2]
    assert append(stores, 3) == [3]
    assert stores.read(lambda reader: list(reader.leaves())) == [encode(record(number)) for number in range(4)]
    assert stores.read(lambda reader: (reader.log_size(), reader.log_root())) == (4, roots(4))


def test_a_transaction_sees_the_tree_that_it_grows(stores: Stores) -> None:
    def work(tx: Transaction) -> list[tuple[int, bytes]]:
        states = [(tx.log_size(), tx.log_root())]
        for number in range(2):
            tx.append(record(number))
            states.append((tx.log_size(), tx.log_root()))
        assert len(list(tx.leaves())) == 2
        return states

    assert stores.transact(work) == [(size, roots(size)) for size in range(3)]


def test_the_same_record_again_changes_nothing(stores: Stores) -> None:
    append(stores, 0, 1)
    assert append(stores, 0) == [0]
    assert append(stores, 2, 2) == [2, 2]
    assert stores.read(lambda reader: reader.log_size()) == 3


def test_an_id_with_other_content_is_a_conflict(stores: Stores) -> None:
    append(stores, 0)
    with pytest.raises(Conflict, match="other content"):
        stores.transact(lambda tx: tx.append(record(0, facts={"number": "forged"})))
    assert stores.read(lambda reader: (reader.log_size(), reader.log_root())) == (1, roots(1))


def test_a_failed_work_leaves_no_gap_in_the_log(stores: Stores) -> None:
    def fail(tx: Transaction) -> None:
        tx.append(record(7))
        tx.put_customer(CUSTOMER)
        raise LookupError("changed my mind")

    append(stores, 0)
    with pytest.raises(LookupError, match="changed my mind"):
        stores.transact(fail)
    assert append(stores, 1) == [1]
    assert stores.read(lambda reader: (reader.customers(), reader.log_root())) == ([], roots(2))


@pytest.mark.parametrize(("begin", "end"), [(0, None), (0, 600), (255, 258), (599, None), (600, None), (5, 5), (7, 3)])
def test_leaves_and_their_hashes_come_by_range(stores: Stores, begin: int, end: int | None) -> None:
    append(stores, *range(600))  # more than two pages of leaves
    expected = [encode(record(number)) for number in range(600)][begin:end]
    assert stores.read(lambda reader: list(reader.leaves(begin, end))) == expected
    assert stores.read(lambda reader: list(reader.leaf_hashes(begin, end))) == [leaf_hash(leaf) for leaf in expected]


def test_records_are_found_by_type_customer_time_and_range(stores: Stores) -> None:
    kinds = [RecordType.WORKLOAD_REFUSED, RecordType.POLICY_LOADED, RecordType.WORKLOAD_HELD]
    made = [
        record(number, kinds[number % 3], at=NOW + timedelta(hours=number), facts={"customer": "ab"[number % 2]})
        for number in range(12)
    ]
    stores.transact(lambda tx: [tx.append(each) for each in made])

    def found(**wanted: Any) -> list[int]:
        rows = stores.read(lambda reader: list(reader.records(**wanted)))
        assert all(body == encode(made[seq]) for seq, body in rows)
        return [seq for seq, _ in rows]

    assert found() == list(range(12))
    assert found(types=[RecordType.WORKLOAD_HELD]) == [2, 5, 8, 11]
    assert found(types=[RecordType.WORKLOAD_HELD, RecordType.POLICY_LOADED], customer="b") == [1, 5, 7, 11]
    assert found(customer="nobody") == []
    assert found(since=NOW + timedelta(hours=3), until=NOW + timedelta(hours=6)) == [3, 4, 5]
    assert found(begin=10, end=11) == [10]


def test_a_customer_that_is_no_text_is_not_found_by_it(stores: Stores) -> None:
    stores.transact(lambda tx: tx.append(record(0, facts={"customer": ["lab"]})))
    assert stores.read(lambda reader: list(reader.records(customer="lab"))) == []


def test_the_checkpoint_over_most_records_is_the_newest(stores: Stores) -> None:
    append(stores, *range(10))
    for size, note in ((0, "none"), (9, "nine"), (10, "ten"), (2, "late"), (10, "ten again")):
        stores.transact(methodcaller("put_checkpoint", size, note))
    assert stores.read(lambda reader: reader.checkpoint()) == "ten again"


def test_no_checkpoint_covers_more_than_the_log_has(stores: Stores) -> None:
    with pytest.raises(Conflict, match="cannot belong"):
        stores.transact(lambda tx: tx.put_checkpoint(1, "note"))


def test_a_reader_sees_one_state_while_others_write(stores: Stores) -> None:
    append(stores, 0)

    def look(reader: Reader) -> tuple[int, int, int, bytes]:
        before = reader.log_size()
        append(stores, 1)
        put(stores, CUSTOMER)
        assert reader.customers() == []
        return before, reader.log_size(), len(list(reader.leaves())), reader.log_root()

    assert stores.read(look) == (1, 1, 1, roots(1))
    assert stores.read(lambda reader: reader.log_size()) == 2


def test_a_reader_cannot_write(stores: Stores) -> None:
    with pytest.raises(AttributeError):
        stores.read(lambda reader: reader.append(record(0)))  # type: ignore[attr-defined]


def test_text_that_no_database_holds_is_refused_and_not_cut(stores: Stores) -> None:
    """PostgreSQL has no NUL in texts, and its columns have an end; SQLite takes both. Neither loses a character."""
    odd = Binding("east", "n\x00ul", "lab")
    put(stores, CUSTOMER)
    try:
        put(stores, odd)
    except InvalidInput:
        assert stores.read(lambda reader: reader.bindings()) == []
    else:
        assert stores.read(lambda reader: reader.bindings()) == [odd]


def test_corrections_come_oldest_first_and_of_one_run_where_one_is_named(stores: Stores) -> None:
    later = replace(CORRECTION, id="c1", proposed_at=NOW + timedelta(microseconds=1))
    other = replace(CORRECTION, id="c9", run_id="other")
    put(stores, later, other, CORRECTION)
    assert stores.read(lambda reader: reader.corrections()) == [CORRECTION, other, later]
    assert stores.read(lambda reader: reader.corrections("frontier-1")) == [CORRECTION, later]
