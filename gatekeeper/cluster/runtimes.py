"""The training runtimes of a cluster, for the early answer to a TrainJob, which says half of what it wants in one.

They are few and change rarely, so they are listed again every minute instead of watched: most clusters do not have the
kind at all. Whoever asks gets what was there at the last listing, from memory; that a runtime is too new or too
large to be known makes the answer less exact, and nothing rests on that.
"""

from __future__ import annotations

import json
import threading
from collections import Counter

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.domain.errors import GatekeeperError, NotFound

_log = structlog.get_logger(__name__)
REFRESH_S = 60.0
# What is held as text: of one namespace, so that no tenant takes the room of others, and of all.
NAMESPACE_BYTES_MAX = 256 * 1024
HELD_BYTES_MAX = 16 * 1024**2

_BASE = "/apis/trainer.kubeflow.org/v1alpha1"
# The provider's own come first.
_COLLECTIONS = {
    "ClusterTrainingRuntime": f"{_BASE}/clustertrainingruntimes",
    "TrainingRuntime": f"{_BASE}/trainingruntimes",
}
_Held = dict[tuple[str, str, str], Json]


class Runtimes:
    """Finds a runtime by kind, namespace and name; for a kind without namespaces any is taken."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._held: dict[str, _Held] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="runtimes", daemon=True)

    def start(self) -> None:
        """Begin to list them."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def __call__(self, kind: str, namespace: str, name: str) -> Json | None:
        """The runtime, or None where it was not there at the last listing."""
        home = namespace if kind == "TrainingRuntime" else ""
        return self._held.get(kind, {}).get((kind, home, name))

    def refresh(self) -> None:
        """List them now. What cannot be listed stays as it was; kinds that the cluster does not have are empty."""
        free = HELD_BYTES_MAX
        for kind, path in _COLLECTIONS.items():
            try:
                self._held[kind], free = self._listed(kind, path, free)
            except NotFound:
                self._held[kind] = {}
            except GatekeeperError as error:
                _log.warning("runtimes_not_listed", path=path, error=str(error)[:300])

    def _listed(self, kind: str, path: str, free: int) -> tuple[_Held, int]:
        held: _Held = {}
        taken: Counter[str] = Counter()
        for page, _ in self._api.pages(path):
            for item in page:
                home = item["metadata"].get("namespace", "")
                kept = {"spec": item.get("spec")}
                size = len(json.dumps(kept))
                if size <= free and (not home or taken[home] + size <= NAMESPACE_BYTES_MAX):
                    held[kind, home, item["metadata"]["name"]] = kept
                    taken[home] += size
                    free -= size
        return held, free

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - without them answers are less exact; the process must go on
                _log.exception("runtimes_failed")
            self._stopping.wait(REFRESH_S)
