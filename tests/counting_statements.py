"""How much a use case asks of its database: in statements, which do not depend on how busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from gatekeeper.stores import SqlStores


@contextmanager
def counted(stores: SqlStores) -> Iterator[list[str]]:
    """The statements that run meanwhile, in their order."""
    found: list[str] = []

    def note(*told: Any) -> None:
        found.append(told[2])

    engines = (stores._reading, stores._writing)
    for each in engines:
        event.listen(each, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for each in engines:
            event.remove(each, "before_cursor_execute", note)
