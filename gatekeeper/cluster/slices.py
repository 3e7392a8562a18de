"""What ResourceSlices say of the devices of one node.

Their writers are the drivers on the nodes; no role of a tenant has a right to them. A kubelet can write those of its
own node alone (node authorizer and NodeRestriction), and drivers bring a policy that says the same. So a slice is what
a node says of itself, as its labels are (products.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.cluster.api import Json
from gatekeeper.cluster.claims import NVIDIA, Handle

_PROFILE = re.compile(r"[0-9a-z.+-]{1,32}")


@dataclass(frozen=True, slots=True)
class Published:
    """A device as its driver publishes it.

    Attributes:
        key: what a device plugin would call it: a whole GPU, or a part of one (MIG).
        product: the chip; "" where the driver does not say.
        partitioned: it is cut out of something that other devices are cut out of as well, when it is handed out.
        shared: several claims may have it at once.
    """

    key: str
    product: str
    partitioned: bool
    shared: bool


def published(slices: Iterable[Json], node: str) -> dict[Handle, Published]:
    """The devices of a node by the newest generation of each pool, without any that is named twice."""
    specs = [each["spec"] for each in slices if each["spec"].get("nodeName") == node]
    newest: dict[tuple[str, str], int] = {}
    for spec in specs:
        pool = (spec["driver"], spec["pool"]["name"])
        newest[pool] = max(newest.get(pool, 0), spec["pool"].get("generation") or 0)
    found: dict[Handle, Published] = {}
    twice: set[Handle] = set()
    for spec in specs:
        if (spec["pool"].get("generation") or 0) == newest[spec["driver"], spec["pool"]["name"]]:
            for handle, device in _devices(spec):
                twice |= {handle} & found.keys()
                found[handle] = device
    return {handle: device for handle, device in found.items() if handle not in twice}


def _devices(spec: Json) -> Iterator[tuple[Handle, Published]]:
    """The GPUs and parts of GPUs of one slice."""
    for device in spec.get("devices") or ():
        kind = _text(device, "type")
        if spec["driver"] != NVIDIA or kind not in ("gpu", "mig"):
            continue
        profile = _text(device, "profile").lower()
        # A part whose size cannot be read counts as the whole chip.
        part = f"mig-{profile}" if _PROFILE.fullmatch(profile) else "mig"
        yield (
            Handle(spec["driver"], spec["pool"]["name"], device["name"]),
            Published(
                key=f"{NVIDIA}/{part if kind == 'mig' else 'gpu'}",
                product=_text(device, "productName"),
                partitioned=bool(device.get("consumesCounters")),
                shared=bool(device.get("allowMultipleAllocations")),
            ),
        )


def _text(device: Json, attribute: str) -> str:
    return str(((device.get("attributes") or {}).get(attribute) or {}).get("string") or "")
