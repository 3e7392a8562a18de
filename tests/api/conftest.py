"""One server for all tests; for each a database that begins empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.stores import SqlStores
from tests.api.office import ApiHouse, Served
from tests.databases import new_stores


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    running = Served(tmp_path_factory.mktemp("tls"))
    yield running
    running.server.stop()


@pytest.fixture
def served_certificate(served: Served) -> Path:
    """The certificate that the server shows, which also signs it."""
    return served.certificate


@pytest.fixture
def house(stores: SqlStores, served: Served) -> Iterator[ApiHouse]:
    opened = ApiHouse(stores, served)
    yield opened
    opened.close()
