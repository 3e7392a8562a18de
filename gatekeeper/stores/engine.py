"""Opening a database: where it is, how safely it writes, and that its schema is the one we know."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gatekeeper.domain.errors import InvalidInput, Unavailable
from gatekeeper.ports import Reader, Transaction
from gatekeeper.stores.faults import told
from gatekeeper.stores.reader import SqlReader
from gatekeeper.stores.schema import prepare
from gatekeeper.stores.scrubbing import scrub
from gatekeeper.stores.writer import GROUP_MAX, QUEUE_MAX, Writer

T = TypeVar("T")

# How long we wait for another process that writes (the command line beside the service).
BUSY_S = 5
READERS_MAX = 8


class SqlStores:
    """`gatekeeper.ports.Stores` over two engines: one writer connection, and a pool of readers."""

    def __init__(self, writing: Engine, reading: Engine, *, group_max: int, queue_max: int) -> None:
        self._writing = writing
        self._reading = reading
        self._writer = Writer(writing, group_max=group_max, queue_max=queue_max)

    def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run the work, wait until it is durable, and return its result."""
        return self._writer.submit(work).result()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue the work; see `Writer.submit`."""
        return self._writer.submit(work)

    def read(self, work: Callable[[Reader], T]) -> T:
        """Run the work on one consistent state. What it returns must not be an iterator over the database.

        Raises:
            Unavailable: the database does not answer, or all readers are busy for too long.
        """
        with told(), self._reading.connect() as connection, connection.begin():
            return work(SqlReader(connection))

    def scrub(self) -> None:
        """Take what was deleted out of the database's own files; see `gatekeeper.stores.scrubbing`.

        Raises:
            Unavailable: it was not done, and can be done again: somebody reads for too long, or the disk is full.
        """
        self._writer.alone(scrub).result()

    def close(self) -> None:
        """Finish what waits and let the database go."""
        self._writer.close()
        self._writing.dispose()
        self._reading.dispose()

    def __enter__(self) -> SqlStores:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_stores(
    url: str, *, busy_s: float = BUSY_S, group_max: int = GROUP_MAX, queue_max: int = QUEUE_MAX
) -> SqlStores:
    """Open a database, bring its schema up to date, and start its writer.

    Args:
        url: as SQLAlchemy writes it: `sqlite:////var/lib/compute-gatekeeper/gatekeeper.db`, `postgresql+psycopg://...`.
        busy_s: how long to wait for another process that writes.

    Raises:
        InvalidInput: not a URL of a database that we know.
        Unavailable: it cannot be opened.
        Conflict: its schema is newer than this version knows.
    """
    where = _checked(url)
    writing, reading = _engine(where, busy_s, writes=True), _engine(where, busy_s, writes=False)
    try:
        prepare(reading, writing)
    except BaseException:
        reading.dispose()
        writing.dispose()
        raise
    return SqlStores(writing, reading, group_max=group_max, queue_max=queue_max)


def _checked(url: str) -> URL:
    try:
        where = make_url(url)
        backend = where.get_backend_name()
    except ArgumentError as error:
        raise InvalidInput(
            "The database URL cannot be read.", hint="It looks like sqlite:////var/lib/gatekeeper.db."
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise InvalidInput(f"The database {backend!r} is not known.", hint="Use sqlite or postgresql.")
    if backend == "sqlite":
        _prepare_file(where)
    return where


def _prepare_file(where: URL) -> None:
    """Make the file so that only our user reads it: it names customers."""
    if not where.database or where.database == ":memory:" or where.query:
        raise InvalidInput(
            "SQLite needs a plain file: what is kept in memory is not durable.",
            hint="Use sqlite:/// and a path, without parameters.",
        )
    path = Path(where.database)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Unavailable(
            f"The database file {path} cannot be opened: {error.strerror}.",
            hint="Make its folder, and let this user write there.",
        ) from error


def _engine(where: URL, busy_s: float, *, writes: bool) -> Engine:
    sqlite = where.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"pool_size": 1 if writes else READERS_MAX, "max_overflow": 0, "pool_timeout": busy_s}
    if not sqlite:
        options["isolation_level"] = "READ COMMITTED" if writes else "REPEATABLE READ"
        options["pool_pre_ping"] = True
    try:
        engine = create_engine(where, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise InvalidInput(f"The driver of {where.drivername} is not installed.") from error
    if sqlite:
        _tune_sqlite(engine, busy_s, writes=writes)
    elif not writes:
        engine = engine.execution_options(postgresql_readonly=True)
    return engine


def _tune_sqlite(engine: Engine, busy_s: float, *, writes: bool) -> None:
    """WAL lets readers go on beside the writer; FULL makes each commit survive a power cut, not only a crash."""
    settings = [
        f"PRAGMA busy_timeout = {int(busy_s * 1000)}",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        # What is deleted is overwritten with zeros (`scrubbing` does the rest).
        "PRAGMA secure_delete = ON",
        # The file is data that others may have touched: schema tricks in it run no functions of ours.
        "PRAGMA trusted_schema = OFF",
        f"PRAGMA query_only = {'OFF' if writes else 'ON'}",
    ]

    @event.listens_for(engine, "connect")
    def tune(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver must not open or end transactions on its own
        for setting in settings:
            connection.execute(setting)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that began as a reader could find its state outdated at its first change, and would start over.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
