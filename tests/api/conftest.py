"""One server for all tests; for each a database that begins empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.ports import Stores
from gatekeeper.stores import open_stores
from tests.api.office import ApiHouse, Served


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, made once and copied: migrations take longer than the tests."""
    path = tmp_path_factory.mktemp("empty") / "gatekeeper.db"
    open_stores(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def stores(tmp_path: Path, empty_database: Path) -> Iterator[Stores]:
    path = shutil.copy(empty_database, tmp_path / "gatekeeper.db")
    with open_stores(f"sqlite:///{path}") as opened:
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
def house(stores: Stores, served: Served) -> Iterator[ApiHouse]:
    opened = ApiHouse(stores, served)
    yield opened
    opened.close()
