"""The exporters whose series are read, in the order in which they are asked about a pod.

The first that names a device of the pod answers for it; the others are not asked. What bounds comes first.
"""

from gatekeeper.telemetry.exporters.amd import AMD
from gatekeeper.telemetry.exporters.ascend import ASCEND
from gatekeeper.telemetry.exporters.family import Family
from gatekeeper.telemetry.exporters.neuron import NEURON
from gatekeeper.telemetry.exporters.nvidia import NVIDIA, NVIDIA_BUSY
from gatekeeper.telemetry.exporters.tpu import TPU

FAMILIES: tuple[Family, ...] = (NVIDIA, NVIDIA_BUSY, AMD, TPU, NEURON, ASCEND)
EXPORTERS: tuple[str, ...] = tuple(dict.fromkeys(each.exporter for each in FAMILIES))

__all__ = ["AMD", "ASCEND", "EXPORTERS", "FAMILIES", "NEURON", "NVIDIA", "NVIDIA_BUSY", "TPU", "Family"]
