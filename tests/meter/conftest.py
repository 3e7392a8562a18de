"""The real ledger on a real SQLite file; only the counters and the clock are the tests'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.stores import SqlStores
from tests.metering import (
    DAY,
    VirtualClock,
    at,
    fresh_stores,
    migrated,
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("meter"))


@pytest.fixture
def stores(tmp_path: Path, template: Path) -> Iterator[SqlStores]:
    with fresh_stores(tmp_path, template) as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(at(DAY))
