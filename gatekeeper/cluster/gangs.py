"""Which gated pods start together: those of one Job-like owner, once all that it starts at once are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

from gatekeeper.cluster.api import Api, Json
from gatekeeper.cluster.pods import Owner, PodState
from gatekeeper.cluster.stop import owner_path
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.workload import WorkloadRef

_log = structlog.get_logger(__name__)
# Owners whose pods do not wait for each other: each pod of them is a gang of its own.
ALONE = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"})


def group(pods: Iterable[PodState]) -> list[tuple[Owner | None, list[PodState]]]:
    """Gated pods by owner, the oldest first; pods without one, or of owners that start pods singly, alone."""
    groups: dict[str, tuple[Owner | None, list[PodState]]] = {}
    for pod in sorted(pods, key=lambda each: (each.created_at, each.uid)):
        alone = pod.owner is None or pod.owner.kind in ALONE
        key = pod.uid if alone or pod.owner is None else f"{pod.workload.ref.namespace}/{pod.owner.uid}"
        groups.setdefault(key, (None if alone else pod.owner, []))[1].append(pod)
    return list(groups.values())


def gang_owner(owner: Owner | None, pods: list[PodState]) -> WorkloadRef:
    """The owner as a reference; a single pod is its own."""
    first = pods[0].workload.ref
    if owner is None:
        return first
    return WorkloadRef(first.cluster, first.namespace, owner.kind, owner.name, owner.uid)


class GangSizes:
    """Reads from live owners how many pods each starts at once."""

    def __init__(self, api: Api, expected_pods: Callable[[Json], int | None]) -> None:
        self._api = api
        self._expected_pods = expected_pods

    def missing(self, owner: Owner | None, namespace: str, present: int) -> int:
        """How many pods of a gang are not there yet; 0 where nobody can say, or the owner is gone.

        A gang is a courtesy to the customer: what may start is decided by amounts, so not knowing its size lets
        the pods that are there ask for themselves.
        """
        path = owner and owner_path(owner, namespace)
        if owner is None or not path:
            return 0
        try:
            found = self._api.get(path)
            expected = self._expected_pods(found) if found["metadata"]["uid"] == owner.uid else None
        except GatekeeperError as error:
            _log.info("gang_size_unknown", owner=f"{owner.kind} {namespace}/{owner.name}", error=str(error)[:300])
            return 0
        return max(0, (expected or 0) - present)
