"""What a time series is here: raw samples of a device, and the pod that it names. Pure.

There are millions of them in a large fleet, hence structs, which cost a fifth of a dataclass to make.
"""

from __future__ import annotations

import msgspec

from gatekeeper.telemetry.spans import Samples

Pod = tuple[str, str]  # namespace, name
NOBODY: Pod = ("", "")


class Device(msgspec.Struct, frozen=True):
    """A device by its id, and the part of it that was given out where it is partitioned."""

    uuid: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.uuid}/{self.part}" if self.part else self.uuid

    def overlaps(self, other: Device, *, parts: bool) -> bool:
        """Whether both share silicon. `parts`: a device that names no part is the whole."""
        same = self.part == other.part or (parts and not (self.part and other.part))
        return self.uuid == other.uuid and same


class Series(msgspec.Struct, frozen=True):
    """Raw samples of one time series: its metric, its device, and the pod that it names (nobody: both empty)."""

    name: str
    device: Device
    pod: Pod
    samples: Samples
