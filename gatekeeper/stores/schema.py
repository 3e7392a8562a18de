"""The schema of a database: which one it has, and how it gets ours."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from gatekeeper.domain.errors import Conflict
from gatekeeper.stores.faults import told
from gatekeeper.stores.tables import SCHEMA

MIGRATIONS = Path(__file__).with_name("migrations")


def prepare(engine: Engine) -> None:
    """Bring the database to our schema, in one transaction; the usual case costs one query.

    Raises:
        Conflict: its schema is newer than this version knows.
        Unavailable: it cannot be read or written.
    """
    with told(), engine.connect() as connection, connection.begin():
        found = revision(connection)
        if found != SCHEMA:
            _migrate(connection, found)


def revision(connection: Connection) -> str | None:
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
