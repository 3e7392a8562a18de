"""What a family file offers to the registry: for each kind, how it is read and how many pods it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from admission.manifests.asks import Ask
from admission.manifests.nodes import Node
from admission.manifests.reach import Reach

Read = Callable[[Node, Reach], Ask]
ExpectedPods = Callable[[Node, Reach], int | None]
# (kind, name) -> the object that another one in the same namespace refers to; None where it is not known.
Lookup = Callable[[str, str], Node | None]
ReadJoined = Callable[[Node, Reach, Lookup], Ask]
# The whole objects inside one, each with what is declared about its pods beside it.
Wraps = Callable[[Node, Reach], Iterator[tuple[Ask, Node]]]

TEMPLATE_ONLY = "a template that starts nothing itself"


def pods_not_known(_: Node, __: Reach) -> int | None:
    """For owners whose number of pods the manifest does not say, or which own no pods themselves."""
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind that we know.

    Attributes:
        group, versions, kind: as in apiVersion and kind. Another version may have another shape, so it is not known.
        read: the manifest -> what it asks for, suspended objects as if resumed.
        wraps: the objects of other kinds that a controller takes out of this one and creates. The registry reads each
            as its own kind, and the larger of that and what is declared about it counts.
        expected_pods: the live object -> how many pods of its own that ask for accelerators it runs at once (others
            are not gated, so nobody waits for them); None where nobody can say.
        read_joined: for kinds that say half of what they ask for elsewhere: as read, with a look-up of the other half.
    """

    group: str
    versions: frozenset[str]
    kind: str
    read: Read
    expected_pods: ExpectedPods = pods_not_known
    wraps: Wraps | None = None
    read_joined: ReadJoined | None = None
