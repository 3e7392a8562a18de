"""The series of a GPU in a large fleet, as Prometheus answers them, labels of a scrape by Prometheus Operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

DEVICES_PER_POD = 8
SAMPLE_S = 30
MHZ = 1_000_000
ACTIVITY, CLOCK_MHZ = 0.4, 1_500
BOOTED = 10**15  # cycles since boot, long before


def labels(name: str, device: str, pod: str) -> dict[str, str]:
    """All labels of one series."""
    return {
        "__name__": name,
        "DCGM_FI_DRIVER_VERSION": "595.45.04",
        "Hostname": f"node-{pod}.east.provider.example",
        "UUID": f"GPU-{device}-0000-4000-8000-000000000000",
        "container": "exporter",
        "device": "nvidia0",
        "endpoint": "metrics",
        "exported_container": "trainer",
        "exported_namespace": "lab",
        "exported_pod": f"trainer-{pod}",
        "gpu": "0",
        "instance": "10.20.30.40:9400",
        "job": "dcgm-exporter",
        "modelName": "NVIDIA H100 80GB HBM3",
        "namespace": "gpu-operator",
        "pci_bus_id": "00000000:18:00.0",
        "pod": "dcgm-exporter-x7k2p",
        "service": "dcgm-exporter",
    }


def values(at: Sequence[int]) -> dict[str, list[str]]:
    """Metric -> its values at these seconds: a steady load."""
    clock, ran = CLOCK_MHZ * MHZ, [BOOTED + (each - at[0]) * CLOCK_MHZ * MHZ for each in at]
    return {
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": [f"{ACTIVITY:.6f}"] * len(at),
        "DCGM_FI_DEV_SM_CLOCK": [str(CLOCK_MHZ)] * len(at),
        "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL": [str(each) for each in ran],
        "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL": [str(int((each - at[0]) * clock * ACTIVITY)) for each in at],
    }


def series_of(device: str, pod: str, at: Sequence[int]) -> Iterator[str]:
    """Each series of one GPU, as it stands in an answer."""
    for name, texts in values(at).items():
        metric = ",".join(f'"{label}":"{value}"' for label, value in labels(name, device, pod).items())
        samples = ",".join(f'[{each},"{text}"]' for each, text in zip(at, texts, strict=True))
        yield f'{{"metric":{{{metric}}},"values":[{samples}]}}'
