"""What every reader and every transaction can do with a table; a noun's own file builds on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Connection, Executable, Insert, RowMapping, Select, Table
from sqlalchemy.engine import Dialect

from gatekeeper.stores.faults import told
from gatekeeper.stores.statements import Driven, add, by_key, change, key_of

# Keys named in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535.
PAGE_KEYS = 1_000


class Asking:
    """Reads rows over a connection that is in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _get(self, table: Table, **key: Any) -> RowMapping | None:
        """The row with this primary key."""
        return next(iter(self._all(by_key(table), key_of(table, key))), None)

    def _all(self, asked: Select[Any], parameters: dict[str, Any] | None = None) -> list[RowMapping]:
        with told():
            return list(self._connection.execute(asked, parameters).mappings().all())

    def _named(self, asked: Select[Any], keys: Sequence[str]) -> Iterator[RowMapping]:
        """Rows of a statement with a set of keys, as many keys at a time as a statement takes."""
        for begin in range(0, len(keys), PAGE_KEYS):
            yield from self._all(asked, {"keys": keys[begin : begin + PAGE_KEYS]})


class Changing(Asking):
    """Changes rows as well."""

    def _put(self, table: Table, values: dict[str, Any]) -> None:
        """Change the row with this key, or insert it: no statement that only one database knows."""
        if self._run(change(table), {**values, **key_of(table, values)}) == 0:
            self._run(add(table), values)

    def _run(self, statement: Executable, parameters: dict[str, Any] | Sequence[dict[str, Any]]) -> int:
        """Run a statement that changes rows, once or for many rows; how many it changed."""
        with told():
            return self._connection.execute(statement, parameters).rowcount

    def _run_all(self, statement: ClauseElement, values: Sequence[dict[str, Any]]) -> int:
        """Run a statement for many rows, whose values are as they are stored; how many rows it changed."""
        driven = _driven(statement, self._connection.dialect, tuple(values[0]))
        with told():
            return self._connection.exec_driver_sql(driven.sql, driven.parameters(values)).rowcount


@cache
def _driven(statement: ClauseElement, dialect: Dialect, columns: tuple[str, ...]) -> Driven:
    """A statement, compiled once; only an INSERT is told its columns."""
    return Driven.of(statement, dialect, columns if isinstance(statement, Insert) else None)
