"""The writer: one thread that turns many small works into few durable transactions.

Works wait in a queue. The thread takes what has gathered, opens one transaction, runs each work in its own savepoint,
commits once and only then tells everybody. So a work costs a share of one fsync, and no two works ever race.
docs/decisions/0004-one-writer.md says why.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from gatekeeper.domain.errors import GatekeeperError, Unavailable
from gatekeeper.ports import Transaction
from gatekeeper.stores.faults import told
from gatekeeper.stores.transaction import SqlTransaction, lock_head, store_head

T = TypeVar("T")

# A group's works run one after the other while all of them wait: at 0.2 ms each this bounds the wait to a few
# hundredths of a second and still divides an fsync by 64.
GROUP_MAX = 64
# More than this waiting means that the disk has stopped; whoever comes later learns it at once.
QUEUE_MAX = 4_096


class _Job:
    """A work, the promise of its result, and the result until it is durable."""

    __slots__ = ("future", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any], future: Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None


class _Alone:
    """Something to be done with the writer's database between two groups, outside of any transaction."""

    __slots__ = ("future", "task")

    def __init__(self, task: Callable[[Engine], None], future: Future[None]) -> None:
        self.task = task
        self.future = future

    def run(self, engine: Engine) -> None:
        """Do it; its failure belongs to who asked."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            with told():
                self.task(engine)
        except BaseException as error:  # noqa: BLE001 - whatever it was, nobody may wait for ever
            self.future.set_exception(error)
        else:
            self.future.set_result(None)


class Writer:
    """Runs works on one connection, in groups, in the order in which they came."""

    def __init__(self, engine: Engine, *, group_max: int = GROUP_MAX, queue_max: int = QUEUE_MAX) -> None:
        self._engine = engine
        self._group_max = group_max
        self._queue: queue.Queue[_Job | _Alone | None] = queue.Queue(queue_max)
        self._door = threading.Lock()
        self._closed = False
        # A daemon: a process that dies with works in the queue has acknowledged none of them.
        self._thread = threading.Thread(target=self._serve, name="gatekeeper-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue a work; its future ends once the work is durable or has failed.

        Callbacks of the future run on the writer's thread and must be short.

        Raises:
            Unavailable: too many works wait already, or the stores are closed.
        """
        future: Future[T] = Future()
        self._queue_up(_Job(work, future))
        return future

    def alone(self, task: Callable[[Engine], None]) -> Future[None]:
        """Queue what no transaction may be open for: it is done between two groups, and works wait meanwhile.

        Raises:
            Unavailable: as for `submit`.
        """
        future: Future[None] = Future()
        self._queue_up(_Alone(task, future))
        return future

    def _queue_up(self, job: _Job | _Alone) -> None:
        if threading.current_thread() is self._thread:
            raise GatekeeperError("A work asked for a second transaction inside its own.", hint="Use the one it has.")
        with self._door:
            if self._closed:
                raise Unavailable("The stores are closed.")
            try:
                self._queue.put_nowait(job)
            except queue.Full as error:
                raise Unavailable(
                    f"{self._queue.maxsize} changes wait for the database already.",
                    hint="Look at its disk; nothing is lost, and asking again later helps.",
                ) from error

    def close(self) -> None:
        """Take no more works, finish those that wait, and end the thread."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = self._gather(first)
            works = [each for each in group if isinstance(each, _Job)]
            if works:
                self._write([job for job in works if job.future.set_running_or_notify_cancel()])
            for each in group:
                if isinstance(each, _Alone):
                    each.run(self._engine)
            if last:
                return

    def _gather(self, first: _Job | _Alone) -> tuple[list[_Job | _Alone], bool]:
        """What waits by now, and whether the end of the queue was among it."""
        group: list[_Job | _Alone] = [first]
        while len(group) < self._group_max:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _write(self, group: list[_Job]) -> None:
        """One durable transaction for a group; who failed alone is told with the others, after the commit."""
        failed: dict[_Job, BaseException] = {}
        try:
            with told(), self._engine.connect() as connection, connection.begin():
                self._run(connection, group, failed)
        except BaseException as error:  # noqa: BLE001 - whatever it was, nobody may wait for ever
            for job in group:
                job.future.set_exception(failed.get(job, error))
            return
        for job in group:
            if job in failed:
                job.future.set_exception(failed[job])
            else:
                job.future.set_result(job.result)

    def _run(self, connection: Connection, group: list[_Job], failed: dict[_Job, BaseException]) -> None:
        before = head = lock_head(connection)
        for job in group:
            transaction = SqlTransaction(connection, head)
            error = _in_savepoint(connection, transaction, job)
            if transaction.lost:
                raise Unavailable("The database lost a transaction.", hint="Nothing was changed; try again.") from error
            if error is not None:
                failed[job] = error
            else:
                head = transaction.head
        if head is not before:
            store_head(connection, head)


def _in_savepoint(connection: Connection, transaction: SqlTransaction, job: _Job) -> BaseException | None:
    """Run a work so that its failure undoes it alone; the failure is the answer."""
    savepoint = connection.begin_nested()
    try:
        job.result = job.work(transaction)
    except BaseException as error:  # noqa: BLE001 - it belongs to who asked, not to this thread
        if not transaction.lost:
            savepoint.rollback()
        return error
    if not transaction.lost:
        savepoint.commit()
    return None
