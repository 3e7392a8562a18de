"""What the API server says of one pod, trimmed to what the controller decides on.

An end is observed only from the node's container statuses. A vanished object, a phase alone or a passed deadline
proves nothing: each was seen while the container went on computing (docs/decisions/0005).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from gatekeeper.cluster.api import Json
from gatekeeper.cluster.claims import PodClaims, claims_of
from gatekeeper.cluster.names import GATE, RESERVATION, STATIC_POD
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.workload import Workload, WorkloadRef

_log = structlog.get_logger(__name__)
TERMINAL_PHASES = ("Succeeded", "Failed")
# The kubelet's own words for a pod that it never started (kubelet.go, rejectPod; Kubernetes 1.36).
KUBELET_REJECTED = "Pod was rejected"
# Kubernetes names nothing longer; the fields of an owner reference are not bounded, and we hold them for each pod.
NAME_CHARACTERS_MAX = 253
# Of a pod's other gates we need to know only that there are some, and an affinity above this names no nodes.
GATES_HELD_MAX = 16
AFFINITY_CHARACTERS_MAX = 2**16


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
        unreadable: why nobody can tell what it asks for; "" for all others.
        static_hash: names the file on the node that a static pod is made of; "" for all others.
        started_at: when its kubelet took it on, once any container of it has run.
        ended_at: when the last container ended, once the node has said that all of them are gone.
        never_started: its end is known and no container of it ever ran.
        claims: its DRA claims; None where it has none.
        taken_at: when its kubelet took it on, whether or not any container of it is known to have run.
    """

    workload: Workload
    unreadable: str
    resource_version: str
    gates: tuple[str, ...]
    owner: Owner | None
    reservation: str
    static_hash: str
    node: str
    deadline_s: int | None
    affinity: Json | None
    has_annotations: bool
    deleting: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    never_started: bool
    claims: PodClaims | None = None
    taken_at: datetime | None = None

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

    @property
    def ended(self) -> bool:
        """Whether the node has said that nothing of it runs any more, or ever will."""
        return self.ended_at is not None or self.never_started

    @property
    def silent(self) -> bool:
        """Whether it has a node that has not said yet whether any container of it ran: some may, unreported."""
        return bool(self.node) and self.started_at is None and not self.ended

    def departed(self) -> PodState:
        """The same pod after its object is gone: one that was never bound to a node cannot have started."""
        return replace(self, deleting=True, never_started=self.never_started or not self.node)


def pod_keeper(read: Callable[[Json], Workload | None], cluster: str) -> Callable[[Json], PodState | None]:
    """What an informer of pods keeps: those that ask for, could reach, or were released with accelerators."""

    def keep(pod: Json) -> PodState | None:
        metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
        gates = _gates(spec)
        annotations = metadata.get("annotations") or {}
        # Every pod has a node in the end; only at its creation does naming one pass the scheduler by.
        asked = {**pod, "spec": {key: value for key, value in spec.items() if key != "nodeName"}}
        workload, unreadable = _read(read, cluster, {"apiVersion": "v1", "kind": "Pod", **asked})
        if workload is None or not (GATE in gates or RESERVATION in annotations or _matters(workload, spec)):
            return None
        life, taken_at = _life(spec, status), _time(status.get("startTime"))
        affinity = spec.get("affinity") if GATE in gates and not workload.asks else None
        if affinity and len(json.dumps(affinity)) > AFFINITY_CHARACTERS_MAX:
            affinity, unreadable = None, "its affinity is too long"
        return PodState(
            workload=workload,
            unreadable=unreadable,
            resource_version=metadata["resourceVersion"],
            gates=gates,
            owner=controller_of(metadata),
            reservation=annotations.get(RESERVATION, ""),
            static_hash=annotations.get(STATIC_POD, ""),
            node=spec.get("nodeName") or "",
            deadline_s=spec.get("activeDeadlineSeconds"),
            affinity=affinity,
            has_annotations=bool(annotations),
            deleting="deletionTimestamp" in metadata,
            created_at=_time(metadata["creationTimestamp"]) or datetime.now(UTC),
            started_at=taken_at if life.started else None,
            ended_at=life.ended_at,
            never_started=life.never_started,
            claims=claims_of(spec, status),
            taken_at=taken_at,
        )

    return keep


def _gates(spec: Json) -> tuple[str, ...]:
    """The names of a pod's gates; of endlessly many ours alone, and that there are others."""
    names = tuple(str(each.get("name")) for each in spec.get("schedulingGates") or ())
    if len(names) <= GATES_HELD_MAX:
        return names
    return (*(GATE for name in names if name == GATE), "and others")


def _matters(workload: Workload, spec: Json) -> bool:
    """Whether a pod without gate and reservation has accelerators, or could reach those of the node it is on."""
    return workload.asks or (workload.host_access and bool(spec.get("nodeName")))


def _read(read: Callable[[Json], Workload | None], cluster: str, pod: Json) -> tuple[Workload | None, str]:
    """The pod as a workload, and why it cannot be read: one tenant's odd pod must not blind us to all others."""
    try:
        return read(pod), ""
    except InvalidInput as error:
        why = str(error)
    except Exception:  # noqa: BLE001 - a fault of the reader is found in our log, and costs only this pod its start
        _log.exception("pod_not_read", namespace=pod["metadata"]["namespace"], uid=pod["metadata"]["uid"])
        why = "an error of Compute Gatekeeper, which its log tells of"
    metadata = pod["metadata"]
    ref = WorkloadRef(cluster, metadata["namespace"], "Pod", metadata["name"], metadata["uid"])
    return Workload(ref, unsaid=True, unknown=True, reason=why), why


def controller_of(metadata: Json) -> Owner | None:
    """The controlling owner that an object names; None where it names none."""
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            fields = (str(reference[key])[:NAME_CHARACTERS_MAX] for key in ("apiVersion", "kind", "name", "uid"))
            return Owner(*fields)
    return None


@dataclass(frozen=True, slots=True)
class _Life:
    started: bool = False
    ended_at: datetime | None = None
    never_started: bool = False


def _life(spec: Json, status: Json) -> _Life:
    """How far a pod has come, by its node's container statuses alone."""
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    statuses = [each for kind in kinds for each in status.get(kind) or ()]
    started = any(_has_run(each) for each in statuses)
    if status.get("phase") not in TERMINAL_PHASES:
        return _Life(started)
    if not statuses:
        rejected = not spec.get("nodeName") or str(status.get("message") or "").startswith(KUBELET_REJECTED)
        return _Life(never_started=rejected)
    if not started:
        return _Life(never_started=_all_told(spec, status))
    if not _all_told(spec, status) or any(_has_run(each) and not _is_gone(each) for each in statuses):
        return _Life(started=True)
    ended_at, began_at = max(_ended_at(each) for each in statuses if _has_run(each)), _time(status.get("startTime"))
    if began_at is not None and ended_at < began_at:
        ended_at = datetime.now(UTC)  # A runtime that does not know when says 1970: it may have run until now.
    return _Life(started=True, ended_at=ended_at)


def _all_told(spec: Json, status: Json) -> bool:
    """Whether the node speaks of every container: of one that it leaves out nobody knows anything."""
    told = {each.get("name") for each in status.get("containerStatuses") or ()}
    return all(each["name"] in told for each in spec["containers"])


def _has_run(container: Json) -> bool:
    """Whether anything says that a container was ever started. A kubelet reports one that it never started as
    terminated too (reason ContainerStatusUnknown), then without an id and without times."""
    state, last = container.get("state") or {}, container.get("lastState") or {}
    terminated = state.get("terminated") or {}
    return bool(
        container.get("containerID")
        or container.get("restartCount")
        or "running" in state
        or "running" in last
        or "terminated" in last
        or terminated.get("containerID")
        or terminated.get("startedAt")
        or terminated.get("finishedAt")
    )


def _is_gone(container: Json) -> bool:
    return "terminated" in (container.get("state") or {})


def _ended_at(container: Json) -> datetime:
    """When a container that is gone ended, or the latest time at which it can have."""
    found = _time(container["state"]["terminated"].get("finishedAt"))
    last = (container.get("lastState") or {}).get("terminated") or {}
    if found is None and last.get("containerID") and last["containerID"] == container.get("containerID"):
        found = _time(last.get("finishedAt"))  # It was waiting to be started again.
    # A node that lost a container's traces (a reboot) says that it is gone, not since when: it may have run until now.
    return found or datetime.now(UTC)


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone(UTC)
