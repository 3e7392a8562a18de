"""What the database itself refuses: an approval of a run, a correction or an answer by who proposed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from gatekeeper.ports import Reader, Stores, Transaction
from tests.stores.test_contract import put
from tests.stores.values import CUSTOMER

RUN = {
    "id": "llm", "customer_id": "lab", "title": "A model", "declared_by": "ana", "carried_in_tflop": 0,
    "carried_in_source": "", "state": "approved", "approved_by": "ben", "purpose": "training", "parameters": 0,
    "tokens": 0, "namespaces": "[]",
}  # fmt: skip
CORRECTION = {
    "id": "c1", "run_id": "llm", "low_tflop": 1, "best_tflop": 1, "high_tflop": 1, "reason": "twice counted",
    "proposed_by": "ana", "proposed_at": 0, "approved_by": "ben",
}  # fmt: skip
CASES = [("run", RUN, "declared_by"), ("correction", CORRECTION, "proposed_by")]
SPELLINGS = ["ana", "ANA", " a na ", "ana#00u1"]


def insert(stores: Stores, table: str, row: Mapping[str, Any]) -> None:
    names = ", ".join(row)
    statement = text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{each}' for each in row)})")
    stores.transact(lambda tx: _run(tx, statement, row))


def _run(tx: Transaction, statement: Any, values: Mapping[str, Any]) -> None:
    tx._connection.execute(statement, dict(values))  # type: ignore[attr-defined]


def count(stores: Stores, table: str) -> int:
    def work(reader: Reader) -> int:
        return int(reader._connection.execute(text(f"SELECT count(*) FROM {table}")).scalar())  # type: ignore[attr-defined]

    return stores.read(work)


@pytest.mark.parametrize(("table", "row", "first"), CASES)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_row_is_approved_by_who_proposed_it_under_any_spelling(
    stores: Stores, table: str, row: dict[str, Any], first: str, spelling: str
) -> None:
    put(stores, CUSTOMER)
    with pytest.raises(Exception, match="four_eyes"):
        insert(stores, table, row | {"approved_by": spelling})
    assert count(stores, table) == 0


@pytest.mark.parametrize(("table", "row", "first"), CASES)
def test_nor_is_it_changed_into_one(stores: Stores, table: str, row: dict[str, Any], first: str) -> None:
    put(stores, CUSTOMER)
    insert(stores, table, row | {"approved_by": ""})
    with pytest.raises(Exception, match="four_eyes"):
        stores.transact(lambda tx: _run(tx, text(f"UPDATE {table} SET approved_by = :who"), {"who": row[first]}))
    stores.transact(lambda tx: _run(tx, text(f"UPDATE {table} SET approved_by = :who"), {"who": "ben"}))
