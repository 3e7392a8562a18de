"""Acting on many things, one by one: what fails is logged and left to a later pass, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from gatekeeper.cluster.sight import Listener
from gatekeeper.domain.errors import Conflict, GatekeeperError, NotFound

_log = structlog.get_logger(__name__)
T = TypeVar("T")
REMEMBERED = 100_000


class Attempts:
    """`again` tells whether something moved meanwhile, so that another pass is due soon."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.again = False
        self._listener = listener or Listener()
        self._changed: dict[str, str] = {}

    def each(self, step: str, things: Iterable[T], act: Callable[[T], None]) -> bool:
        """Act on each thing; returns whether all went well."""
        well = True
        for thing in things:
            try:
                act(thing)
            except (Conflict, NotFound) as error:
                well, self.again = False, True  # The cluster moved on: look again soon.
                _log.info("moved_on", step=step, error=str(error)[:300])
            except GatekeeperError as error:
                well = False
                self._listener.step_failed(step)
                _log.warning("step_failed", step=step, error=str(error)[:500])
            except Exception:  # noqa: BLE001 - one tenant's odd object must not keep everybody else waiting
                well = False
                self._listener.step_failed(step)
                _log.exception("step_failed", step=step)
        return well

    def changed(self, key: str, version: str) -> None:
        """Note that we changed an object which was seen in this version."""
        if len(self._changed) >= REMEMBERED:
            self._changed.clear()
        self._changed[key] = version

    def is_stale(self, key: str, version: str) -> bool:
        """Whether this version is one that we changed already: our own change has not been seen yet."""
        return self._changed.get(key) == version
