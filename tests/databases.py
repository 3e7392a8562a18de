"""Databases of tests: each is a copy of one that was migrated once, for a migration costs as much as fifty tests."""

import atexit
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_engine

from gatekeeper.stores import SqlStores, open_stores, schema

_migrate = schema._migrate


def new_stores(path: Path) -> SqlStores:
    """Stores over a new SQLite file, or over one that is there already."""
    if not path.exists():
        shutil.copyfile(_migrated(), path)
    return open_stores(f"sqlite:///{path}")


def migrate_once(connection: Connection, found: str | None) -> None:
    """What the migrations do; an empty SQLite file gets all at once what they wrote into the first one."""
    if found is not None or connection.dialect.name != "sqlite":
        _migrate(connection, found)
        return
    for statement in _statements():
        connection.exec_driver_sql(statement)


@cache
def _statements() -> tuple[str, ...]:
    """What makes an empty SQLite file a migrated one, as SQLite tells it."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        _migrate(connection, None)
    with engine.connect() as connection:
        file = connection.connection.driver_connection
        assert isinstance(file, sqlite3.Connection)
        told = tuple(file.iterdump())
    engine.dispose()
    return tuple(line for line in told if line not in ("BEGIN TRANSACTION;", "COMMIT;"))


@cache
def _migrated() -> Path:
    """A migrated file without content, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_stores(f"sqlite:///{folder / 'empty.db'}").close()
    return folder / "empty.db"
