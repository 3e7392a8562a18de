"""Step 0 of a pass: is each namespace still the one that was bound? One deleted and made anew inherits nothing."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.state import ClusterState
from gatekeeper.registry.namespaces import NamespaceRegistry


class Identifying:
    """Tells the registry what the cluster calls its namespaces."""

    def __init__(self, api: Api, registry: NamespaceRegistry) -> None:
        self._api, self._registry = api, registry
        self._at_home: set[str] = set()

    def run(self, state: ClusterState) -> None:
        """Compare all namespaces that are followed."""
        self._at_home &= state.pods.keys()
        self._registry.identify({each.name: each.uid for each in state.namespaces.values()})

    def look(self, namespace: str, pods: Iterable[PodState]) -> None:
        """Ask the API server which namespace pods are in, once for each pod: two collections are followed apart, so a
        pod of the new namespace may be seen while the old one still is.

        Raises:
            GatekeeperError: it does not answer, or the namespace is gone; its pods wait.
        """
        new = {pod.uid for pod in pods} - self._at_home
        if new:
            found = self._api.get(f"/api/v1/namespaces/{quote(namespace, safe='')}")
            self._registry.identify({namespace: found["metadata"]["uid"]})
            self._at_home |= new
