"""Statements by key, built once a table: building one costs SQLAlchemy four times what running it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Insert, Select, Table, Update, bindparam, insert, select, update
from sqlalchemy.engine import Dialect

# A name of a column would collide with the same column's new value in an UPDATE.
_KEY = "key_"


@cache
def by_key(table: Table) -> Select[Any]:
    """The row with a key; run it with `key_of`."""
    return select(table).where(*_keys(table))


@cache
def change(table: Table) -> Update:
    """Set the other columns of the row with a key; run it with `key_of` and the values."""
    others = [column for column in table.columns if not column.primary_key]
    return update(table).where(*_keys(table)).values({column.name: bindparam(column.name) for column in others})


@cache
def change_only(table: Table, *names: str) -> Update:
    """Set these columns alone of the row with a key; run it with `key_of` and their values."""
    return update(table).where(*_keys(table)).values({name: bindparam(name) for name in names})


@cache
def add(table: Table) -> Insert:
    """A new row; run it with the values."""
    return insert(table)


@dataclass(frozen=True, slots=True)
class Driven:
    """A statement in the words of one database's driver, for many rows at once.

    SQLAlchemy works out the parameters of each row anew, which costs more than the database does; here rows come as
    they are stored, and their parameters in the order that the driver wants.
    """

    sql: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, statement: ClauseElement, dialect: Dialect, columns: Iterable[str] | None = None) -> Driven:
        """Compile a statement; `columns` are those that an INSERT sets."""
        compiled = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        return cls(str(compiled), tuple(getattr(compiled, "positiontup", None) or ()))

    def parameters(self, rows: Sequence[dict[str, Any]]) -> list[Any]:
        """The rows as the driver takes them: in order where it counts them, by name otherwise."""
        if len(self.names) == 1:  # of one name itemgetter gives the value alone
            return [(each[self.names[0]],) for each in rows]
        return list(map(itemgetter(*self.names), rows)) if self.names else list(rows)


def key_of(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """Parameters that name the row to which the values belong."""
    return {_KEY + column.name: values[column.name] for column in table.primary_key}


def _keys(table: Table) -> list[ColumnElement[bool]]:
    return [column == bindparam(_KEY + column.name, type_=column.type) for column in table.primary_key]
