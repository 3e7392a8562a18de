"""Step 2 of a pass: clearances are given, renewed and withdrawn, each on record before it takes effect."""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.attempts import Attempts
from gatekeeper.cluster.namespaces import NamespaceState, write_clearance
from gatekeeper.cluster.state import ClusterState, Times
from gatekeeper.gate import Gate
from gatekeeper.ports import Clock


class Clearing:
    """Keeps the clearance of every namespace as the gate wants it."""

    def __init__(self, *, api: Api, gate: Gate, clock: Clock, times: Times, attempts: Attempts) -> None:
        self._api, self._gate, self._clock, self._attempts = api, gate, clock, attempts
        self._lasts = timedelta(seconds=times.clearance_s)

    def run(self, state: ClusterState) -> set[str]:
        """Give and withdraw clearances; returns the namespaces that have one now."""
        cleared: set[str] = set()
        living = (each for each in state.namespaces.values() if not each.deleting)
        self._attempts.each("clear", living, lambda namespace: self._clear(namespace, cleared))
        return cleared

    def _clear(self, namespace: NamespaceState, cleared: set[str]) -> None:
        until = self._gate.cleared_until(namespace.name, at_most=self._lasts)
        stale = self._attempts.is_stale(namespace.name, namespace.resource_version)
        marked = namespace.cleared or namespace.until is not None
        if not stale and (marked if until is None else self._outdated(namespace, until)):
            self._gate.record_clearance(namespace.name, until)
            write_clearance(self._api, namespace, until)
            self._attempts.changed(namespace.name, namespace.resource_version)
        if until is not None:
            cleared.add(namespace.name)

    def _outdated(self, namespace: NamespaceState, wanted: datetime) -> bool:
        if not namespace.cleared or namespace.until is None or namespace.until > wanted:
            return True
        half_over = namespace.until - self._clock.now() < self._lasts / 2
        return half_over and wanted - namespace.until > timedelta(seconds=1)
