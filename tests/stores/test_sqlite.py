"""What only a SQLite file brings: its settings, its rights, its other users, its end of space."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gatekeeper.domain.errors import Conflict, InvalidInput, Unavailable
from gatekeeper.stores import open_stores, tables
from tests.stores.values import CUSTOMER, record


def test_a_new_file_is_for_our_user_only(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with open_stores(f"sqlite:///{path}") as stores:
        stores.transact(lambda tx: tx.put_customer(CUSTOMER))
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes.keys() >= {"new.db", "new.db-wal"}
    assert set(modes.values()) == {0o600}


def test_every_commit_is_forced_to_disk_and_readers_go_on(sqlite_path: Path) -> None:
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        asked = ("synchronous", "journal_mode", "foreign_keys", "trusted_schema", "query_only")

        def settings(reader: object) -> list[object]:
            connection = reader._connection  # type: ignore[attr-defined]
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]

        assert stores.transact(settings) == [2, "wal", 1, 0, 0]
        assert stores.read(settings) == [2, "wal", 1, 0, 1]


@pytest.mark.parametrize(
    "refused",
    ["sqlite://", "sqlite:///:memory:", "sqlite:////tmp/x.db?mode=memory", "mysql://localhost/x", "no url", ""],
)
def test_a_database_that_cannot_keep_a_promise_is_refused(refused: str) -> None:
    with pytest.raises(InvalidInput):
        open_stores(refused)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nowhere/gatekeeper\.db cannot be opened.*Make its folder"):
        open_stores(f"sqlite:///{tmp_path}/nowhere/gatekeeper.db")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        open_stores(f"sqlite:///{path}")


def test_a_newer_schema_is_refused_and_left_alone(sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = sqlite_path.read_bytes()
    with pytest.raises(Conflict, match=r"schema 9999; this version knows schemas up to .* or a newer one"):
        open_stores(f"sqlite:///{sqlite_path}")
    assert sqlite_path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = x'00' WHERE seq = 0",
        "UPDATE record SET customer = 'other'",
        "DELETE FROM record WHERE seq = 1",
        "DELETE FROM record",
        "INSERT OR REPLACE INTO record SELECT seq, id, at, 'forged', customer, body, leaf_hash FROM record",
        "REPLACE INTO record SELECT 7, id, at, type, customer, body, leaf_hash FROM record WHERE seq = 0",
    ],
)
def test_a_record_is_never_changed_by_plain_sql(sqlite_path: Path, statement: str) -> None:
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        stores.transact(lambda tx: [tx.append(record(number)) for number in range(2)])
        before = stores.read(lambda reader: list(reader.records()))
        with closing(sqlite3.connect(sqlite_path)) as database, pytest.raises(sqlite3.IntegrityError, match="never"):
            database.execute(statement)
        assert stores.read(lambda reader: list(reader.records())) == before


def test_another_process_that_writes_for_long_is_told_and_not_waited_for(sqlite_path: Path) -> None:
    with (
        open_stores(f"sqlite:///{sqlite_path}", busy_s=0.05) as stores,
        closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"locked.*Try again"):
            stores.transact(lambda tx: tx.append(record(0)))
        assert stores.read(lambda reader: reader.log_size()) == 0
        other.execute("ROLLBACK")
        assert stores.transact(lambda tx: tx.append(record(0))) == 0


def test_a_full_disk_loses_the_whole_group_and_nothing_else(sqlite_path: Path) -> None:
    """SQLite ends the transaction by itself here; each later statement would be committed alone."""
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        stores.transact(lambda tx: tx.append(record(0)))

        def fill(tx: object) -> None:
            connection = tx._connection  # type: ignore[attr-defined]
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
            for number in range(1, 50):
                try:
                    tx.append(record(number, facts={"text": "x" * 9_000}))  # type: ignore[attr-defined]
                except Unavailable:
                    continue  # a work that goes on regardless must not get anything through

        with pytest.raises(Unavailable, match="lost"):
            stores.transact(fill)
        assert stores.read(lambda reader: (reader.log_size(), len(list(reader.leaves())))) == (1, 1)
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        assert stores.transact(lambda tx: tx.append(record(1))) == 1


def test_the_tables_in_the_code_are_those_that_the_migrations_make(sqlite_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from gatekeeper.stores.schema import MIGRATIONS

    engine = create_engine(f"sqlite:///{sqlite_path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == tables.SCHEMA


@pytest.mark.slow
def test_processes_that_meet_at_a_new_file_make_one_database(tmp_path: Path) -> None:
    """Each opening has connections of its own, as processes have."""
    path, together = tmp_path / "new.db", threading.Barrier(6)

    def open_and_write(number: int) -> int:
        together.wait(timeout=30)
        with open_stores(f"sqlite:///{path}") as stores:
            return stores.transact(lambda tx: tx.append(record(number)))

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(open_and_write, range(6))) == list(range(6))


def test_opening_to_read_waits_for_no_writer(sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with open_stores(f"sqlite:///{sqlite_path}", busy_s=0.01) as stores:
            assert stores.read(lambda reader: reader.log_size()) == 0


def test_a_damaged_head_stops_all_writing(sqlite_path: Path) -> None:
    with closing(sqlite3.connect(sqlite_path)) as database, database:
        database.execute("UPDATE log_head SET size = 5")
    with (
        open_stores(f"sqlite:///{sqlite_path}") as stores,
        pytest.raises(InvalidInput, match=r"damaged.*Restore it from a backup"),
    ):
        stores.transact(lambda tx: tx.append(record(0)))
