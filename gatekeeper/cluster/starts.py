"""When pods began, or must be taken to have begun.

A kubelet says nothing of a pod's containers while it waits for the image of one of them or for a postStart hook of
another: seen with a container that computed meanwhile, and past its deadline, to which the kubelet does not look then
either. So a pod that has a node may run, whatever its status lacks.

When it can have begun is what its status says (`startTime`), within what we saw ourselves: no later than we saw it
with a node or started, and, where its containers are not spoken of, no earlier than it was made or released. So nobody
who can write a status hides or multiplies time. (A start that is reported may lie before that: clocks of nodes differ.)
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.state import ClusterState

# Kubelets take a pod on within a second of its binding; one that says nothing for so long may have done so unheard.
TAKEN_ON_WITHIN = timedelta(seconds=60)


class Starts:
    """Remembers when pods were first seen with a node; of those that started, when they were first seen so."""

    def __init__(self) -> None:
        self._seen_at: dict[str, datetime] = {}
        self._started_at: dict[str, datetime] = {}
        self._may_run_since: dict[str, datetime] = {}

    def see(self, state: ClusterState, now: datetime) -> None:
        """Take in what the cluster says now, and forget all pods but these."""
        seen = {**state.departed, **state.pods}
        self._started_at = {
            uid: self._started_at.get(uid) or min(pod.started_at, now)
            for uid, pod in seen.items()
            if pod.started_at is not None
        }
        silent = {uid: pod for uid, pod in seen.items() if pod.silent}
        self._seen_at = {uid: self._seen_at.get(uid, now) for uid in silent}
        self._may_run_since = {
            uid: min(pod.taken_at or self._seen_at[uid], self._seen_at[uid])
            for uid, pod in silent.items()
            # Of one that is gone nobody will say more.
            if pod.taken_at or uid not in state.pods or now - self._seen_at[uid] >= TAKEN_ON_WITHIN
        }

    def of(self, pod: PodState, *, not_before: datetime) -> datetime | None:
        """When it began, or can have begun; None where it cannot have yet."""
        if not pod.silent:
            return self._started_at.get(pod.uid)
        since = self._may_run_since.get(pod.uid)
        return None if since is None else max(since, not_before)
