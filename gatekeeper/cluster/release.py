"""Lifting our gate: one patch with a precondition on the pod's resource version.

The gate and the deadline change together or not at all, and never on a pod other than the one that was priced.
"""

from __future__ import annotations

import structlog

from gatekeeper.cluster.api import Api, Json, pod_path
from gatekeeper.cluster.names import ACCELERATOR_NODE, RESERVATION
from gatekeeper.cluster.pods import PodState
from gatekeeper.domain.ledger import Reservation

_log = structlog.get_logger(__name__)
_AWAY = {"key": ACCELERATOR_NODE, "operator": "DoesNotExist"}


def release(api: Api, pod: PodState, reservation: Reservation) -> None:
    """Let a pod start under its lease.

    Raises:
        Conflict: the pod changed since it was read. NotFound: it is gone. Unavailable: the API server does not answer,
            and whether the patch was carried out is not known.
    """
    lease_s = min(reservation.lease_s, pod.deadline_s or reservation.lease_s)
    deadline = {"op": "add", "path": "/spec/activeDeadlineSeconds", "value": lease_s}
    _patch(api, pod, [deadline, *_annotation(pod, reservation.id)])
    _log.info("pod_released", pod=str(pod.workload.ref), lease_s=lease_s, reservation=reservation.id)


def release_freely(api: Api, pod: PodState) -> None:
    """Let a pod of a cleared namespace start: no pack asks for a budget, so there is no lease.

    Raises:
        Conflict, NotFound, Unavailable: as for `release`.
    """
    _patch(api, pod, [])
    _log.info("pod_released", pod=str(pod.workload.ref), lease_s=None)


def release_away(api: Api, pod: PodState) -> None:
    """Let a pod start that asks for no device, on nodes without accelerators only.

    Raises:
        Conflict, NotFound, Unavailable: as for `release`.
    """
    _patch(api, pod, [{"op": "add", "path": "/spec/affinity", "value": narrowed(pod.affinity)}])
    _log.info("pod_released_away", pod=str(pod.workload.ref))


def has_empty_term(affinity: Json | None) -> bool:
    """Whether an alternative of the required node affinity is empty: it matches no node, so it cannot be narrowed,
    and the API server lets nobody add to it."""
    node = (affinity or {}).get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or ()
    return any(not term.get("matchExpressions") and not term.get("matchFields") for term in terms)


def _patch(api: Api, pod: PodState, changes: list[Json]) -> None:
    guard: list[Json] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": pod.resource_version},
        {"op": "test", "path": "/metadata/uid", "value": pod.uid},
        {"op": "remove", "path": "/spec/schedulingGates"},  # ours is the last one, see PodState.only_ours
    ]
    api.json_patch(pod_path(pod.workload.ref.namespace, pod.workload.ref.name), [*guard, *changes])


def _annotation(pod: PodState, reservation_id: str) -> list[Json]:
    if not pod.has_annotations:
        return [{"op": "add", "path": "/metadata/annotations", "value": {RESERVATION: reservation_id}}]
    key = RESERVATION.replace("/", "~1")
    return [{"op": "add", "path": f"/metadata/annotations/{key}", "value": reservation_id}]


def narrowed(affinity: Json | None) -> Json:
    """The pod's affinity, narrowed: every term of it also wants a node without our mark."""
    affinity = dict(affinity or {})
    node = dict(affinity.get("nodeAffinity") or {})
    required = dict(node.get("requiredDuringSchedulingIgnoredDuringExecution") or {})
    terms = required.get("nodeSelectorTerms") or [{}]
    required["nodeSelectorTerms"] = [
        {**term, "matchExpressions": [*(term.get("matchExpressions") or []), _AWAY]} for term in terms
    ]
    node["requiredDuringSchedulingIgnoredDuringExecution"] = required
    return {**affinity, "nodeAffinity": node}
