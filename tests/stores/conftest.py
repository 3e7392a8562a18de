"""Databases for the tests: a fresh one each. A further kind of database is one more entry of DATABASES."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper.stores import SqlStores, open_stores


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


DATABASES: dict[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": fresh_sqlite}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for a database runs on each kind."""
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", list(DATABASES), indirect=True)


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
