"""The writer: who shares a commit, who fails alone, and what happens when the commit itself fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from gatekeeper.domain.errors import GatekeeperError, Unavailable
from gatekeeper.ports import Transaction
from gatekeeper.stores import SqlStores, open_stores
from gatekeeper.stores.writer import GROUP_MAX
from tests.stores.values import CUSTOMER, record
from tests.stores.worker import HELD_TFLOP, check_sound, hold_many

DEADLINE_S = 30


@contextmanager
def busy_writer(stores: SqlStores) -> Iterator[None]:
    """Holds the writer inside of a work, so that what is submitted meanwhile makes one group."""
    begun, go = threading.Event(), threading.Event()

    def wait(_tx: Transaction) -> None:
        begun.set()
        assert go.wait(DEADLINE_S)

    waiting = stores.submit(wait)
    assert begun.wait(DEADLINE_S)
    try:
        yield
    finally:
        go.set()
    waiting.result(DEADLINE_S)


@contextmanager
def counted_commits() -> Iterator[list[Connection]]:
    """Commits of all engines meanwhile."""
    commits: list[Connection] = []

    def count(connection: Connection) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", count)
    try:
        yield commits
    finally:
        event.remove(Engine, "commit", count)


def submit_records(stores: SqlStores, *numbers: int) -> list[Future[int]]:
    def work(number: int) -> Future[int]:
        return stores.submit(lambda tx: tx.append(record(number)))

    return [work(number) for number in numbers]


def fail(tx: Transaction) -> None:
    tx.put_customer(CUSTOMER)
    tx.append(record(999))
    raise LookupError("alone")


def test_works_that_come_together_share_one_commit(stores: SqlStores) -> None:
    with counted_commits() as commits:
        with busy_writer(stores):
            futures = submit_records(stores, *range(100))
        assert [future.result(DEADLINE_S) for future in futures] == list(range(100))
    assert len(commits) <= 1 + -(-100 // GROUP_MAX)


def test_a_group_has_an_end(url: str) -> None:
    with open_stores(url, group_max=10) as stores, counted_commits() as commits:
        with busy_writer(stores):
            futures = submit_records(stores, *range(100))
        assert [future.result(DEADLINE_S) for future in futures] == list(range(100))
        assert len(commits) == 11


def test_a_work_that_raises_is_undone_alone(stores: SqlStores) -> None:
    with busy_writer(stores):
        before, failing, after = submit_records(stores, 0)[0], stores.submit(fail), submit_records(stores, 1)[0]
    assert (before.result(DEADLINE_S), after.result(DEADLINE_S)) == (0, 1)
    with pytest.raises(LookupError, match="alone"):
        failing.result(DEADLINE_S)
    assert stores.read(lambda reader: (reader.customers(), reader.log_size())) == ([], 2)


def test_no_result_is_given_before_it_is_durable(stores: SqlStores) -> None:
    """Each future ends only when another connection can see its record."""
    seen: list[bool] = []
    done = threading.Event()

    def look(future: Future[int]) -> None:
        seen.append(stores.read(lambda reader: reader.log_size()) > future.result())
        if len(seen) == 50:
            done.set()

    with busy_writer(stores):
        for future in submit_records(stores, *range(50)):
            future.add_done_callback(look)
    assert done.wait(DEADLINE_S)
    assert seen == [True] * 50


def test_a_commit_that_fails_fails_everybody_and_keeps_nothing(stores: SqlStores) -> None:
    def refuse(_connection: Any) -> None:
        raise OperationalError("COMMIT", None, Exception("disk I/O error"))

    with busy_writer(stores):
        breaking = stores.submit(lambda _tx: event.listen(Engine, "commit", refuse))
        futures: list[Future[Any]] = [breaking, *submit_records(stores, 0, 1)]
        failing = stores.submit(fail)
    try:
        for future in futures:
            with pytest.raises(Unavailable, match="disk I/O error"):
                future.result(DEADLINE_S)
        with pytest.raises(LookupError):
            failing.result(DEADLINE_S)
    finally:
        event.remove(Engine, "commit", refuse)
    assert stores.read(lambda reader: reader.log_size()) == 0
    assert submit_records(stores, 5)[0].result(DEADLINE_S) == 0


def test_a_full_queue_is_told_at_once_and_drains_again(url: str) -> None:
    with open_stores(url, queue_max=3) as stores:
        with busy_writer(stores):
            futures = submit_records(stores, 0, 1, 2)
            with pytest.raises(Unavailable, match="3 changes wait"):
                submit_records(stores, 3)
        assert [future.result(DEADLINE_S) for future in futures] == [0, 1, 2]
        assert stores.transact(lambda tx: tx.append(record(3))) == 3


def test_closing_finishes_what_waits_and_takes_no_more(url: str) -> None:
    stores = open_stores(url)
    with busy_writer(stores):
        futures = submit_records(stores, *range(200))
    stores.close()
    assert [future.result(0) for future in futures] == list(range(200))
    with pytest.raises(Unavailable, match="closed"):
        stores.submit(fail)
    stores.close()
    with open_stores(url) as again:
        assert again.read(lambda reader: reader.log_size()) == 200


def test_a_work_cannot_wait_for_a_second_transaction(stores: SqlStores) -> None:
    with pytest.raises(GatekeeperError, match="inside its own"):
        stores.transact(lambda _tx: stores.transact(fail))


def test_a_cancelled_work_is_not_done(stores: SqlStores) -> None:
    with busy_writer(stores):
        first, second = submit_records(stores, 0, 1)
        assert first.cancel()
    assert second.result(DEADLINE_S) == 0
    assert stores.read(lambda reader: reader.log_size()) == 1


def test_many_threads_race_for_one_pool_and_the_limit_holds(stores: SqlStores) -> None:
    limit_tflop = 120 * HELD_TFLOP + HELD_TFLOP // 2
    acknowledged = list(hold_many(stores, "race", 200, limit_tflop))
    assert check_sound(stores, limit_tflop, acknowledged) == 200
    assert len(stores.read(lambda reader: reader.open_reservations())) == 120
