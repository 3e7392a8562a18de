"""Taking deleted rows out of the files of a database: to a database they are gone, and their bytes still lie about.

SQLite: `secure_delete` overwrites what a row leaves behind, but copies that older moves within pages left stay, and so
does the write-ahead log. VACUUM writes the whole file anew from the rows that there are; then that log is cut to
nothing. It takes as long as copying the file does, and writers wait meanwhile.

PostgreSQL: VACUUM FULL writes the tables that rows are deleted from anew, without the dead ones. What its own
write-ahead log, its replicas and its backups hold, and the blocks that its file system frees, are the operator's.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine

from gatekeeper.domain.errors import Unavailable

# Tables that personal data is deleted from.
_TABLES = ("profile", "kept_answer")
_LOCK_WITHIN_MS = 5_000


def scrub(engine: Engine) -> None:
    """Take what was deleted out of the files. No transaction may be open on the engine's connection.

    Raises:
        Unavailable: somebody reads for so long that the write-ahead log could not be cut.
    """
    if engine.dialect.name == "sqlite":
        _scrub_sqlite(engine)
    else:
        _scrub_postgresql(engine)


def _scrub_sqlite(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise Unavailable(
                f"The database file could not be written anew: {error}.",
                hint="It needs twice its size in free room. `gatekeeper customer retention --finish` tries again.",
            ) from error
        if busy:
            raise Unavailable(
                "Somebody reads the database for so long that erased bytes are still in its write-ahead log.",
                hint="They are taken out by the next `gatekeeper customer retention --finish`.",
            )


def _scrub_postgresql(engine: Engine) -> None:
    with engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.exec_driver_sql(f"SET lock_timeout = {_LOCK_WITHIN_MS}")
        try:
            for table in _TABLES:
                alone.exec_driver_sql(f"VACUUM (FULL) {table}")
        finally:
            alone.exec_driver_sql("RESET lock_timeout")
