"""One served API for each test: its database begins empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.ports import Stores
from gatekeeper.stores import open_stores
from tests.api.office import ApiHouse


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_stores(f"sqlite:///{tmp_path / 'gatekeeper.db'}") as opened:
        yield opened


@pytest.fixture
def house(stores: Stores, tmp_path: Path) -> Iterator[ApiHouse]:
    (tmp_path / "tls").mkdir()
    served = ApiHouse(stores, tmp_path / "tls")
    try:
        yield served
    finally:
        served.close()
