"""A registry over a database of its own, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.ports import Stores
from gatekeeper.registry import Registry
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with new_stores(tmp_path / "gatekeeper.db") as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry(stores: Stores, clock: HandClock) -> Registry:
    return Registry(stores, clock, packs=PACKS, cluster="east")
