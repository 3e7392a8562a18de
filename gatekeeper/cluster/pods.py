"""What the API server says of one pod, trimmed to what the controller decides on.

An end is observed only from the node's container statuses. A vanished object, a phase alone or a passed deadline
proves nothing: each was seen while the container went on computing (docs/decisions/0005).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gatekeeper.cluster.api import Json
from gatekeeper.cluster.names import GATE, PRODUCT_LABELS, RESERVATION
from gatekeeper.domain.workload import Workload

TERMINAL_PHASES = ("Succeeded", "Failed")
# The kubelet's own words for a pod that it never started (kubelet.go, rejectPod; Kubernetes 1.36).
KUBELET_REJECTED = "Pod was rejected"


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that made a pod, as the pod says: for grouping and courtesy only, tenants can write it."""

    api_version: str
    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PodState:
    """A pod that we gate, released, or that holds accelerators.

    Attributes:
        started_at: when its kubelet took it on; None until then.
        ended_at: when the last container ended, once the node has said that all of them are gone.
        never_started: its end is known and no container of it ever ran.
    """

    workload: Workload
    resource_version: str
    gates: tuple[str, ...]
    owner: Owner | None
    reservation: str
    node: str
    deadline_s: int | None
    affinity: Json | None
    has_annotations: bool
    deleting: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    never_started: bool

    @property
    def uid(self) -> str:
        """The pod's uid; also the id of its reservation."""
        return self.workload.ref.uid

    @property
    def gated(self) -> bool:
        """Whether our gate still holds it."""
        return GATE in self.gates

    @property
    def only_ours(self) -> bool:
        """Whether ours is the last gate: only then may it be lifted, nobody changes the pod after that."""
        return self.gates == (GATE,)

    def departed(self) -> PodState:
        """The same pod after its object is gone: one that was never bound to a node cannot have started."""
        return replace(self, deleting=True, never_started=self.never_started or not self.node)


def pod_keeper(read: Callable[[Json], Workload | None]) -> Callable[[Json], PodState | None]:
    """What an informer of pods keeps: those that ask for, could reach, or were released with accelerators."""

    def keep(pod: Json) -> PodState | None:
        metadata, spec = pod["metadata"], pod["spec"]
        gates = tuple(str(each.get("name")) for each in spec.get("schedulingGates") or ())
        annotations = metadata.get("annotations") or {}
        workload = read({"apiVersion": "v1", "kind": "Pod", **pod})
        if workload is None or (GATE not in gates and RESERVATION not in annotations and not workload.asks):
            return None
        status = pod.get("status") or {}
        ended_at, never_started = _end(status, bound=bool(spec.get("nodeName")))
        return PodState(
            workload=workload,
            resource_version=metadata["resourceVersion"],
            gates=gates,
            owner=controller_of(metadata),
            reservation=annotations.get(RESERVATION, ""),
            node=spec.get("nodeName") or "",
            deadline_s=spec.get("activeDeadlineSeconds"),
            affinity=spec.get("affinity"),
            has_annotations=bool(annotations),
            deleting="deletionTimestamp" in metadata,
            created_at=_time(metadata["creationTimestamp"]) or datetime.now(UTC),
            started_at=_time(status.get("startTime")),
            ended_at=ended_at,
            never_started=never_started,
        )

    return keep


def product_of(labels: Json) -> str:
    """Product name of a node's accelerators from the labels that the provider's node software writes."""
    return next((str(labels[name]) for name in PRODUCT_LABELS if labels.get(name)), "")


def controller_of(metadata: Json) -> Owner | None:
    """The controlling owner that an object names; None where it names none."""
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            return Owner(reference["apiVersion"], reference["kind"], reference["name"], reference["uid"])
    return None


def _end(status: Json, *, bound: bool) -> tuple[datetime | None, bool]:
    """(when the last container ended, whether none ever ran); (None, False) while the end is not known."""
    if status.get("phase") not in TERMINAL_PHASES:
        return None, False
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    statuses = [each for kind in kinds for each in status.get(kind) or ()]
    if not statuses:
        rejected = not bound or str(status.get("message") or "").startswith(KUBELET_REJECTED)
        return None, rejected
    ends: list[datetime] = []
    for each in statuses:
        terminated = (each.get("state") or {}).get("terminated")
        earlier = (each.get("lastState") or {}).get("terminated")
        if terminated is None and (earlier is not None or each.get("containerID") or _runs(each)):
            return None, False
        finished = _time((terminated or {}).get("finishedAt"))
        if finished is not None:
            ends.append(finished)
    return (max(ends), False) if ends else (None, True)


def _runs(container: Json) -> bool:
    return "running" in (container.get("state") or {})


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone(UTC)
