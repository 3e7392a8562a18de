"""How often Python looks for garbage in circles: less often in a process that settles many pieces at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Our values are never part of circles, so Python frees them without a search; but each search walks over thousands of
# pieces that are only on their way to the database, and took a quarter of a settlement's time. Python's own 700 is of
# a time of small memories: 10,000 small values are a few MB.
NEW_VALUES = 10_000
# Searches of the new values before one of those that stayed, and of these before one of all.
YOUNGER_SEARCHES = 20


@contextmanager
def seldom_searched() -> Iterator[None]:
    """Look for garbage seldom meanwhile."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_VALUES, YOUNGER_SEARCHES, YOUNGER_SEARCHES)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def never_searched_again() -> Iterator[None]:
    """Look no more through what is there: modules, packs and catalogue. For a process that runs on for days: one search
    of all of it takes longer than most commands."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
