"""The text that dcgm-exporter prints for one GPU.

Names, order of labels, HELP lines and number formats: NVIDIA dcgm-exporter 4.x (etc/default-counters.csv,
internal/pkg/rendermetrics, 2026-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

HELP = {
    "DCGM_FI_DEV_SM_CLOCK": "SM clock frequency (in MHz).",
    "DCGM_FI_DEV_POWER_USAGE": "Power draw (in W).",
    "DCGM_FI_DEV_GPU_UTIL": "GPU utilization (in %).",
    "DCGM_FI_DEV_FB_USED": "Framebuffer memory used (in MiB).",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": "Ratio of cycles the tensor (HMMA) pipe is active.",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as the exporter sees it now. Values of None are not printed, as for counters that are paused.

    Attributes:
        activity: tensor activity, 0..1 in truth; a test may set any text that an exposition allows.
        instance: GPU_I_ID where it is partitioned.
        host_label: `Hostname`, or `hostname` as on newer exporters.
    """

    uuid: str
    index: int = 0
    activity: float | None = 0.0
    clock_mhz: float | None = 1980
    namespace: str = ""
    pod: str = ""
    container: str = "trainer"
    model: str = "NVIDIA H100 80GB HBM3"
    node: str = "node-1"
    instance: str = ""
    host_label: str = "Hostname"
    extra: Mapping[str, float] = field(default_factory=dict)

    def given_to(self, namespace: str, pod: str) -> Gpu:
        """The same GPU in the hands of a pod."""
        return replace(self, namespace=namespace, pod=pod)

    def labels(self) -> dict[str, str]:
        """Labels in the exporter's own order; pod labels only where a pod has the device."""
        found = {
            "gpu": str(self.index),
            "UUID": self.uuid,
            "pci_bus_id": f"00000000:{self.index + 0x18:02X}:00.0",
            "device": f"nvidia{self.index}",
            "modelName": self.model,
        }
        if self.instance:
            found |= {"GPU_I_PROFILE": "1g.10gb", "GPU_I_ID": self.instance}
        found |= {self.host_label: self.node, "DCGM_FI_DRIVER_VERSION": "570.86.15"}
        if self.pod:
            found |= {"container": self.container, "namespace": self.namespace, "pod": self.pod}
        return found

    def values(self) -> dict[str, float]:
        """Counter -> value, for all that are printed."""
        busy = self.activity if self.activity is not None and 0 <= self.activity <= 1 else 0.0
        found: dict[str, float | None] = {
            "DCGM_FI_DEV_SM_CLOCK": self.clock_mhz,
            "DCGM_FI_DEV_POWER_USAGE": 70 + 630 * busy,
            "DCGM_FI_DEV_GPU_UTIL": 100 if busy else 0,
            "DCGM_FI_DEV_FB_USED": 70_000 if self.pod else 0,
            "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": self.activity,
            **self.extra,
        }
        return {name: value for name, value in found.items() if value is not None}


def exposition(gpus: Iterable[Gpu]) -> str:
    """The whole page, counter by counter."""
    by_name: dict[str, list[str]] = {}
    for gpu in gpus:
        for name, value in gpu.values().items():
            by_name.setdefault(name, []).append(f"{name}{{{braces(gpu.labels())}}} {number(value)}")
    return "".join(
        f"# HELP {name} {HELP.get(name, name)}\n# TYPE {name} gauge\n" + "\n".join(lines) + "\n"
        for name, lines in by_name.items()
    )


def braces(labels: Mapping[str, str]) -> str:
    """Labels as they stand between braces, escaped as the exposition format wants it."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def number(value: float) -> str:
    """Ratios with six digits, the rest as it is."""
    return f"{value:.6f}" if 0 < value < 1 else f"{value:g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
