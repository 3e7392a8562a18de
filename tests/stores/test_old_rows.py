"""Rows from before versions were kept: they become version 1, and what was known before is not made up."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.record import RecordType, encode
from gatekeeper.facts import moment, new_record
from gatekeeper.registry import Registry
from gatekeeper.registry.due import REGISTRY
from gatekeeper.stores import open_stores
from gatekeeper.stores.schema import MIGRATIONS
from tests.registry.office import PACKS, HandClock, org
from tests.stores.values import NOW, record

_END = NOW + timedelta(days=300)


def old_database(path: Path) -> None:
    """A database as version 0002 left it, with one customer and one record."""
    from alembic import command
    from alembic.config import Config

    from gatekeeper.domain.merkle import Frontier, leaf_hash
    from gatekeeper.stores.tables import stored_moment

    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        body = encode(record(0))
        head = Frontier().append(leaf_hash(body))
        for statement, values in (
            ("INSERT INTO party VALUES ('lab', 'org', 'Lab', 'US', '[]', 'listed company')", {}),
            (
                "INSERT INTO customer VALUES ('lab', 'lab', 'approved', 'Ana Bé', 3, 'ben', :end, '')",
                {"end": stored_moment(_END)},
            ),
            (
                "INSERT INTO record VALUES (0, :id, :at, :type, 'lab', :body, :hash)",
                {
                    "id": record(0).id,
                    "at": stored_moment(record(0).at),
                    "type": record(0).type.value,
                    "body": body,
                    "hash": leaf_hash(body),
                },
            ),
            ("UPDATE log_head SET size = 1, frontier = :frontier", {"frontier": head.to_bytes()}),
        ):
            connection.execute(text(statement), values)
    engine.dispose()


def test_what_there_was_becomes_version_1_and_can_be_changed(tmp_path: Path) -> None:
    old_database(tmp_path / "old.db")
    with open_stores(f"sqlite:///{tmp_path / 'old.db'}") as stores:
        customer = Customer("lab", "lab", Standing.APPROVED, "Ana Bé", 3, "ben", _END)
        assert stores.read(lambda reader: reader.customer("lab")) == customer
        assert stores.read(lambda reader: reader.customers_known(1)) == {"lab": customer}
        assert stores.read(lambda reader: [each.number for each in reader.versions("party", "lab")]) == [1]
        clock = HandClock()
        registry = Registry(stores, clock, packs=PACKS, cluster="east")
        registry.suspend("lab", by="cem", reason="x")
        versions = [each.version for each in registry.history("lab") if each.version.kind == "customer"]
        assert [(each.number, each.record and each.record.type.value) for each in versions] == [
            (1, None),  # the last record before the migration tells of something else
            (2, "customer.suspended"),
        ]
        with pytest.raises(InvalidInput, match="older than the versions here"):
            registry.review_known("lab", known_on=(record(0).at - timedelta(days=1)).date())


def test_notices_that_the_log_has_are_never_told_again(tmp_path: Path) -> None:
    """Records of notices are older than the table that says which there are, and name the end in whole seconds."""
    end = NOW + timedelta(days=30, microseconds=7)
    customer = Customer("lab", "lab", Standing.APPROVED, "ana", 1, "ben", end)
    facts = {"customer": "lab", "version": 1, "kind": "60_days", "expires_at": moment(end)}
    with open_stores(f"sqlite:///{tmp_path / 'old.db'}") as stores:
        stores.transact(lambda tx: tx.put_party(org("lab", "US")))
        stores.transact(lambda tx: tx.put_customer(customer))
        stores.transact(lambda tx: tx.append(new_record(RecordType.CUSTOMER_NOTICE, REGISTRY, NOW, facts)))
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.execute("DROP TABLE notice")
        database.execute("UPDATE alembic_version SET version_num = '0005'")
    with open_stores(f"sqlite:///{tmp_path / 'old.db'}") as stores:
        clock = HandClock()
        clock.at = NOW + timedelta(days=1)
        registry = Registry(stores, clock, packs=PACKS, cluster="east")
        assert registry.record_notices() == 1
        told = [json.loads(leaf)["facts"]["kind"] for leaf in stores.read(lambda reader: list(reader.leaves()))]
        assert told == ["60_days", "30_days"]
