"""Rows from before versions were kept: they become version 1, and what was known before is not made up."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert, text

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.merkle import Frontier, leaf_hash
from gatekeeper.domain.record import RecordType, encode
from gatekeeper.facts import Facts, moment, new_record
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry
from gatekeeper.registry.due import REGISTRY
from gatekeeper.stores import open_stores, rows, tables
from gatekeeper.stores.schema import MIGRATIONS
from gatekeeper.stores.versions import customer_keys
from tests.registry.office import PACKS, HandClock, org
from tests.stores.values import NOW, record

_END = NOW + timedelta(days=300)


def old_database(path: Path) -> None:
    """A database as version 0002 left it, with one customer and one record."""
    from alembic import command
    from alembic.config import Config

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


def database_of_0005(path: Path, *what: tuple[Table, dict[str, Any]]) -> None:
    """A database as version 0005 left it, with some rows."""
    from alembic import command
    from alembic.config import Config

    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        for table, row in what:
            connection.execute(insert(table).values(**row))
    engine.dispose()


def test_notices_that_the_log_has_are_never_told_again(tmp_path: Path) -> None:
    """Records of notices are older than the table that says which there are, and name the end in whole seconds."""
    end = NOW + timedelta(days=30, microseconds=7)
    customer = Customer("lab", "lab", Standing.APPROVED, "ana", 1, "ben", end)
    facts: Facts = {"customer": "lab", "version": 1, "kind": "60_days", "expires_at": moment(end)}
    told = new_record(RecordType.CUSTOMER_NOTICE, REGISTRY, NOW, facts)
    body = encode(told)
    hashed = leaf_hash(body)
    row = {"seq": 0, "id": told.id, "at": NOW, "type": told.type.value, "customer": "lab", "body": body}
    database_of_0005(
        tmp_path / "old.db",
        (tables.customer, rows.customer_row(customer) | customer_keys(customer)),
        (tables.record, {**row, "leaf_hash": hashed}),
    )
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        frontier = Frontier().append(hashed).to_bytes()
        database.execute("UPDATE log_head SET size = 1, frontier = ?", (frontier,))
    with open_stores(f"sqlite:///{tmp_path / 'old.db'}") as stores:
        clock = HandClock()
        clock.at = NOW + timedelta(days=1)
        registry = Registry(stores, clock, packs=PACKS, cluster="east")
        assert registry.record_notices() == 1
        kinds = [json.loads(leaf)["facts"]["kind"] for leaf in stores.read(lambda reader: list(reader.leaves()))]
        assert kinds == ["60_days", "30_days"]


def test_who_owns_whom_is_known_of_parties_that_were_there_before(tmp_path: Path) -> None:
    shared = replace(org("lab", "US", "holding"), interests=(Interest("fund", 0, None),), no_parent_reason="")
    office = replace(org("office", "US"), branch_of="lab", no_parent_reason="")
    database_of_0005(tmp_path / "old.db", *((tables.party, rows.party_row(each)) for each in (shared, office)))
    with open_stores(f"sqlite:///{tmp_path / 'old.db'}") as stores:
        below = {each: stores.read(partial(_owned_by, each)) for each in ("holding", "fund", "lab", "office")}
        assert below == {"holding": {"lab"}, "fund": {"lab"}, "lab": {"office"}, "office": set()}


def _owned_by(owner: str, reader: Reader) -> set[str]:
    return reader.owned_by({owner})
