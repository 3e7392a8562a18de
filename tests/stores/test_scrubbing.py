"""What is erased is in no file of the database any more, on SQLite and in the tables of PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import Conflict, Unavailable
from gatekeeper.domain.kyc_profile import SealedProfile
from gatekeeper.domain.retention import Erasure, LegalHold
from gatekeeper.ports import Transaction
from gatekeeper.ports.answers import KeptAnswer
from gatekeeper.stores import SqlStores, open_stores
from tests.registry.office import NOON
from tests.stores.postgresql import Server
from tests.stores.values import CUSTOMER

SECRET = "a-street-that-nobody-finds-again"
WHOSE = CUSTOMER.id


def fill(stores: SqlStores) -> None:
    """Enough rows that pages are split and moved, and one customer's among them that is erased later."""

    def work(tx: Transaction) -> None:
        tx.put_customer(replace(CUSTOMER, standing=Standing.SUBMITTED, approved_by="", expires_at=None))
        for number in range(300):
            whose = WHOSE if number % 7 == 0 else f"other-{number}"
            text = f'{{"address":"{SECRET if whose == WHOSE else "stays"} {number} {"x" * (number * 37 % 6_000)}"}}'
            tx.add_profile(SealedProfile(whose, os.urandom(32), text))
        body = f'{{"customer":"{WHOSE}","address":"{SECRET}"}}'
        tx.keep_answer(KeptAnswer("local:ana", "one", "ab" * 32, 200, "{}", body, NOON))
        tx.keep_answer(KeptAnswer("local:ana", "two", "ab" * 32, 200, "{}", '{"customer":"other-1"}', NOON))

    stores.transact(work)


def erase(stores: SqlStores) -> None:
    approved = Erasure(WHOSE, "x", "ana", NOON, "ben", NOON + timedelta(minutes=1))

    def work(tx: Transaction) -> None:
        tx.put_erasure(replace(approved, approved_by="", approved_at=None))
        tx.put_erasure(approved)
        tx.erase_values(WHOSE)

    stores.transact(work)


def test_what_is_erased_is_gone_and_the_rest_stays(stores: SqlStores) -> None:
    fill(stores)
    erase(stores)
    stores.scrub()
    assert stores.read(lambda reader: reader.profile_names(WHOSE)) == []
    assert len(stores.read(lambda reader: reader.profile_names("other-1"))) == 1
    assert stores.read(lambda reader: reader.kept_answer("local:ana", "one")) is None
    assert stores.read(lambda reader: reader.kept_answer("local:ana", "two")) is not None


def test_nobody_removes_values_without_an_approval_or_under_a_hold(stores: SqlStores) -> None:
    fill(stores)
    with pytest.raises(Conflict, match="profile kept"):
        stores.transact(lambda tx: tx.erase_values(WHOSE))
    stores.transact(lambda tx: tx.put_legal_hold(LegalHold("h1", WHOSE, "agency", "ana", NOON)))
    with pytest.raises(Conflict, match="profile kept"):
        erase(stores)
    assert stores.read(lambda reader: reader.profile_names(WHOSE))


def bytes_in(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(folder.iterdir()) if each.is_file())


def test_no_file_of_sqlite_holds_it(tmp_path: Path, sqlite_path: Path) -> None:
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        fill(stores)
        assert SECRET.encode() in bytes_in(tmp_path)
        erase(stores)
        stores.scrub()
        assert SECRET.encode() not in bytes_in(tmp_path)
        assert b"stays" in bytes_in(tmp_path)


def test_somebody_who_reads_for_too_long_is_told_and_nothing_breaks(sqlite_path: Path, tmp_path: Path) -> None:
    with (
        open_stores(f"sqlite:///{sqlite_path}", busy_s=0.2) as stores,
        closing(sqlite3.connect(sqlite_path, isolation_level=None)) as reader,
    ):
        fill(stores)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM profile").fetchone()
        erase(stores)
        with pytest.raises(Unavailable, match="reads the database for so long"):
            stores.scrub()
        reader.execute("ROLLBACK")
        stores.scrub()
        assert SECRET.encode() not in bytes_in(tmp_path)


def test_works_go_on_before_and_after(sqlite_path: Path) -> None:
    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        fill(stores)
        erase(stores)
        others = [stores.submit(lambda tx: tx.log_size()) for _ in range(50)]
        scrubbing = threading.Thread(target=stores.scrub)
        scrubbing.start()
        others += [stores.submit(lambda tx: tx.log_size()) for _ in range(50)]
        assert [each.result(10) for each in others] == [0] * 100
        scrubbing.join(10)
        assert not scrubbing.is_alive()


@pytest.mark.slow
def test_no_table_of_postgresql_holds_it(postgresql_server: Server) -> None:
    name = postgresql_server.create(template="empty")

    @contextmanager
    def pages() -> Iterator[bytes]:
        """The files of the two tables and of what is kept beside them, once they are on disk."""
        postgresql_server.sql("CHECKPOINT", database=name)
        where = (
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname IN ('profile', 'kept_answer') OR oid IN "
            "(SELECT reltoastrelid FROM pg_class WHERE relname IN ('profile', 'kept_answer'))"
        )
        root = Path(postgresql_server.sql("SHOW data_directory").strip())
        found = postgresql_server.sql(where, database=name).split()
        yield b"".join((root / each).read_bytes() for each in found)

    with open_stores(postgresql_server.url(name)) as stores:
        fill(stores)
        with pages() as before:
            assert SECRET.encode() in before
        erase(stores)
        stores.scrub()
        with pages() as after:
            assert SECRET.encode() not in after
            assert b"stays" in after
