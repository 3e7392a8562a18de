"""Settings that all tests share."""

import gc
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from gatekeeper.stores import schema
from tests.databases import migrate_once

# A busy machine stops any example for longer than Hypothesis's 200 ms; how fast things are is for `make bench` to say.
settings.register_profile("full", deadline=None, max_examples=100)
# What `make check` has time for. Tests that set a number of their own keep it.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("full")


def pytest_configure(config: pytest.Config) -> None:
    """Fewer examples where the slow tests are left out; `make test` runs every property in full after that.

    An explicit `--hypothesis-profile` wins.
    """
    if "not slow" in config.getoption("markexpr") and not config.getoption("--hypothesis-profile"):
        settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: nobody looks through it for garbage again and again.

    That, and every few hundred new objects, was an eighth of all time. What is garbage is still found, only later, and
    a test that asks for it finds it at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _migrated_once() -> Iterator[None]:
    """A new database is one that was migrated once; the migrations' own tests compare that with the tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_migrate", migrate_once)
        yield


@pytest.fixture(autouse=True)
def _logs_as_at_the_start() -> Iterator[None]:
    """A command that was run in this process, such as a play, leaves no other test without logs."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
