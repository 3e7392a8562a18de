"""What others may see of the controller at work: values to look at, and a listener that it tells of what it did.

Nothing here decides. The controller works the same where nobody looks or listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.cluster.pods import PodState
from gatekeeper.cluster.state import ClusterState


class Way(StrEnum):
    """How a gated pod was let go."""

    LEASE = "lease"
    FREELY = "freely"  # its namespace has a clearance
    AWAY = "away"  # it asks for no device, and was sent away from accelerator nodes


class Waits(StrEnum):
    """What a gated pod was last told."""

    HELD = "held"  # by a decision; its owner has been told why
    GANG = "gang"  # for more pods, to start together


@dataclass(frozen=True, slots=True)
class InformerSight:
    """How well one collection of the cluster is followed.

    Attributes:
        in_sight_s: since its last full list. silent_s: since the API server last said anything about it.
    """

    collection: str
    synced: bool
    in_sight_s: float
    silent_s: float


@dataclass(frozen=True, slots=True)
class Sight:
    """The controller at one moment.

    Attributes:
        waits: uid -> what a gated pod was last told; a pod that is not in it has no answer yet.
        passed_s_ago: since the last pass that went through all steps; None before the first.
    """

    state: ClusterState
    waits: Mapping[str, Waits]
    informers: tuple[InformerSight, ...]
    passed_s_ago: float | None


class Listener:
    """Told by the controller what it did; this one does not listen. Called from the controller's thread."""

    def passed(self, duration_s: float, *, well: bool) -> None:
        """A pass ended; `well` where it went through all of its steps."""

    def step_failed(self, step: str) -> None:
        """A step could not act on one of its things, and will try again."""

    def pod_released(self, pod: PodState, way: Way) -> None:
        """A gate was lifted."""
