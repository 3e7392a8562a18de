"""Which DRA claims a pod has, and what was allocated to them: how much a claim gave, where its manifest says nothing.

A claim is believed only while it is reserved for this pod (by uid), and only if it is as old as the pod's start: its
owner can delete a claim under a running pod and make a smaller one of the same name, and once that is allocated to
somebody, Kubernetes reserves it for the old pod too (resourceclaim controller, Kubernetes 1.36). An allocation itself
never changes, and only the scheduler writes it: the roles `edit` and `admin` have no right to a claim's status.

Times are whole seconds, so a claim that is remade within the second in which its pod began passes for the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.cluster.api import Json

# Kubernetes takes no more than 32 devices for a claim; nobody needs more claims than this either.
CLAIMS_MAX = 32
# The driver whose devices we can read; of what others hand out nobody here knows how fast it is.
NVIDIA = "gpu.nvidia.com"
# What this one hands out are channels between GPUs (kubernetes-sigs/dra-driver-nvidia-gpu): nothing computes in them.
CHANNELS = "compute-domain.nvidia.com"


@dataclass(frozen=True, slots=True)
class PodClaims:
    """The claims of one pod, as its spec and Kubernetes' own part of its status name them.

    Attributes:
        names: ResourceClaims in its namespace, each once.
        implicit: the one of them that Kubernetes made for resource keys which a driver serves; "" where there is none.
        keys: those resource keys.
        complete: every claim of the pod has a name.
        scheduled_at: when the pod was bound to its node, by the API server's clock.
    """

    names: tuple[str, ...]
    implicit: str
    keys: frozenset[str]
    complete: bool
    scheduled_at: datetime | None


@dataclass(frozen=True, slots=True, order=True)
class Handle:
    """A device as claims and slices name it."""

    driver: str
    pool: str
    device: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one claim gave to a pod; not exclusive where another pod has the claim, or another claim the device."""

    handles: frozenset[Handle]
    exclusive: bool


def claims_of(spec: Json, status: Json) -> PodClaims | None:
    """The claims of a pod; None for one that has none."""
    wanted = spec.get("resourceClaims") or ()
    extended = status.get("extendedResourceClaimStatus") or {}
    if not wanted and not extended:
        return None
    generated = {each.get("name"): each.get("resourceClaimName") for each in status.get("resourceClaimStatuses") or ()}
    found = [each.get("resourceClaimName") or generated.get(each.get("name")) for each in wanted]
    implicit = extended.get("resourceClaimName") or ""
    names = tuple(dict.fromkeys(name for name in (*found, implicit) if name))
    return PodClaims(
        names=names[:CLAIMS_MAX],
        implicit=implicit,
        keys=frozenset(each.get("resourceName", "") for each in extended.get("requestMappings") or ()),
        complete=all(found) and bool(implicit or not extended) and len(names) <= CLAIMS_MAX,
        scheduled_at=_scheduled_at(status),
    )


def allocation_of(claim: Json, uid: str, *, began_at: datetime) -> Allocation | None:
    """What a claim gave to the pod of this uid, which began at that time; None where it cannot be believed or known."""
    status = claim.get("status") or {}
    reserved_for = status.get("reservedFor") or ()
    ours = any(each.get("uid") == uid and each.get("resource") == "pods" for each in reserved_for)
    created_at = _moment(claim["metadata"].get("creationTimestamp"))
    if not ours or not status.get("allocation") or created_at is None or created_at > began_at:
        return None
    every = (status["allocation"].get("devices") or {}).get("results") or ()
    results = [each for each in every if each.get("driver") != CHANNELS]
    # Access for administrators reaches devices that are others'; how many of them it uses nobody says.
    if any(each.get("driver") != NVIDIA or each.get("adminAccess") for each in results):
        return None
    shared = len(reserved_for) > 1 or any(each.get("shareID") or each.get("consumedCapacity") for each in results)
    return Allocation(frozenset(Handle(each["driver"], each["pool"], each["device"]) for each in results), not shared)


def _scheduled_at(status: Json) -> datetime | None:
    for each in status.get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "True":
            return _moment(each.get("lastTransitionTime"))
    return None


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else None
