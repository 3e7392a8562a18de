"""What asks for accelerators: a Pod, a Job-like object, a Ray job.

A workload says how many devices it starts with, how many it can reach without another edit, and whether it
only *could reach* a device (host paths, privileged...) without asking for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.domain.errors import InvalidInput

# A count above this is not a workload but an attack on arithmetic: ten times the largest cluster known.
LARGEST_COUNT = 10_000_000


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """How many devices: `least` start at once, `most` is the ceiling; None means that nothing bounds it."""

    least: int
    most: int | None

    def __post_init__(self) -> None:
        if not 0 <= self.least <= LARGEST_COUNT:
            raise InvalidInput(f"A workload cannot start with {self.least} devices.")
        if self.most is not None and not self.least <= self.most <= LARGEST_COUNT:
            raise InvalidInput(f"At most {self.most} devices is not between {self.least} and {LARGEST_COUNT}.")

    def __add__(self, other: Count) -> Count:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Count(self.least + other.least, most)


@dataclass(frozen=True, slots=True)
class WorkloadRef:
    """Where a workload stands: unique in the world by (cluster, uid), readable by the rest."""

    cluster: str
    namespace: str
    kind: str
    name: str
    uid: str = ""

    def __post_init__(self) -> None:
        if not self.namespace or not self.kind:
            raise InvalidInput("A workload needs a namespace and a kind.")

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name or '(unnamed)'}"


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload as read from its manifest.

    Attributes:
        devices: resource key (such as nvidia.com/gpu) -> how many.
        claims: it asks through DRA claims, whose size the manifest does not say.
        unsaid: it asks by a way that names no number: an environment variable, an annotation, a share of a device.
        host_access: it could reach a device without asking for it.
        unknown: a number was missing, a placeholder, or the kind is not known; the worst case holds. By itself it
            asks for nothing: an unknown kind whose pods want no device is left alone.
        reason: what made it gated or unknown, for people.
        runs: the runs that its pods with accelerators name by label, each once; "" among them where some name none.
    """

    ref: WorkloadRef
    devices: Mapping[str, Count] = field(default_factory=dict)
    claims: bool = False
    unsaid: bool = False
    host_access: bool = False
    unknown: bool = False
    reason: str = ""
    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.unsaid and not self.unknown:
            raise InvalidInput(f"{self.ref}: what asks without naming a number is unknown.")

    @property
    def asks(self) -> bool:
        """It asks for an accelerator: needs a budget."""
        return bool(self.devices) or self.claims or self.unsaid

    @property
    def gated(self) -> bool:
        """It must not start before we released it."""
        return self.asks or self.host_access
