"""Waiting for what another thread or process does, and tells nobody."""

import threading
import time
from collections.abc import Callable

# Long, for it costs nothing where all is well, and a machine may have more to do than our tests.
WITHIN_S = 60
# Between two looks; whoever is waited for needs the processor more than we do.
PAUSE_S = 0.01


def until(holds: Callable[[], object], what: str = "it never came true") -> None:
    """Come back once it holds.

    Raises:
        AssertionError: it does not, for a minute.
    """
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what
        threading.Event().wait(PAUSE_S)
