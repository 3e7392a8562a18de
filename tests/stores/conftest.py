"""Databases for the tests: a fresh one each. A further kind of database is one more entry of DATABASES."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper.stores import SqlStores, open_stores
from tests.stores import postgresql


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file without content, to be copied: a migration costs as much as fifty tests."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    open_stores(f"sqlite:///{path}").close()
    return path


def fresh_sqlite(request: pytest.FixtureRequest) -> str:
    """URL of a new SQLite file."""
    path = request.getfixturevalue("tmp_path") / "gatekeeper.db"
    shutil.copy(request.getfixturevalue("empty_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A server with a migrated database `empty`, to be copied."""
    with postgresql.running() as server:
        server.create(name="empty")
        open_stores(server.url("empty")).close()
        yield server


def fresh_postgresql(request: pytest.FixtureRequest) -> str:
    """URL of a new database."""
    server = request.getfixturevalue("postgresql_server")
    return str(server.url(server.create(template="empty")))


DATABASES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": fresh_sqlite,
    "postgresql": fresh_postgresql,
}
_KINDS = [pytest.param(name, marks=[pytest.mark.slow] if name == "postgresql" else [], id=name) for name in DATABASES]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a database runs on each kind."""
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", _KINDS, indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """URL of an empty, migrated database."""
    return DATABASES[request.param](request)


@pytest.fixture
def stores(url: str) -> Iterator[SqlStores]:
    """Opened stores on an empty database."""
    with open_stores(url) as opened:
        yield opened


@pytest.fixture
def sqlite_path(request: pytest.FixtureRequest) -> Path:
    """For what only SQLite does: path of an empty, migrated file."""
    return Path(fresh_sqlite(request).removeprefix("sqlite:///"))
