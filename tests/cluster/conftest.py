"""Fixtures of the tests of the cluster room that need no cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.answering import Answering


@pytest.fixture
def answering() -> Iterator[Answering]:
    """A server that answers as told."""
    server = Answering()
    yield server
    server.close()
