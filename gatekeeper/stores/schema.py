"""The schema of a database: which one it has, and how it gets ours."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from gatekeeper.domain.errors import Conflict
from gatekeeper.stores.faults import told
from gatekeeper.stores.tables import SCHEMA

MIGRATIONS = Path(__file__).with_name("migrations")
# Any number, as long as nobody else on the server takes the same for a lock of theirs: "compgate" in ASCII.
ONE_MIGRATES = int.from_bytes(b"compgate", "big")


def prepare(reading: Engine, writing: Engine) -> None:
    """Bring the database to our schema, in one transaction. The usual case is one read, which waits for no writer.

    Raises:
        Conflict: its schema is newer than this version knows.
        Unavailable: it cannot be read or written.
    """
    with told(), reading.connect() as connection, connection.begin():
        if _revision(connection) == SCHEMA:
            return
    with told(), writing.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            # On SQLite the transaction holds the write lock already; here no table exists yet that could be locked.
            connection.execute(select(func.pg_advisory_xact_lock(ONE_MIGRATES)))
        found = _revision(connection)  # asked again: another process may have been faster
        if found != SCHEMA:
            _migrate(connection, found)


def _revision(connection: Connection) -> str | None:
    """The name of the last migration that was applied; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection, found: str | None) -> None:
    # Imported here: it costs more than all the rest of opening, and only an upgrade needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Conflict(
            f"The database has schema {found}; this version knows schemas up to {SCHEMA}.",
            hint="Run the version that wrote it, or a newer one.",
        )
    command.upgrade(config, "head")
