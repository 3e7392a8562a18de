"""Tokens that were refused: counted each, and logged so that nobody fills the log by sending them.

They are no records. Who may send a request could otherwise make the audit log grow, and nothing was done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from gatekeeper.identity.authenticator import Refusal

EVERY_S = 10.0

_log = structlog.get_logger(__name__)


class Refusals:
    """Logs the first refusal of a kind at once, and those after it as one line every ten seconds."""

    def __init__(
        self, counted: Callable[[str, Refusal], None] | None = None, *, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._counted = counted or (lambda _realm, _reason: None)
        self._tick = tick
        self._lock = threading.Lock()
        self._said: dict[tuple[str, Refusal], tuple[float, int]] = {}

    def __call__(self, realm: str, reason: Refusal) -> None:
        """A token of this realm was refused."""
        self._counted(realm, reason)
        key, now = (realm, reason), self._tick()
        with self._lock:
            at, unsaid = self._said.get(key, (float("-inf"), 0))
            if now - at < EVERY_S:
                self._said[key] = (at, unsaid + 1)
                return
            self._said[key] = (now, 0)
        _log.warning("token_refused", realm=realm, reason=reason.value, before=unsaid)
