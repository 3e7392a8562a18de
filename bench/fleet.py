"""The series of a GPU in a large fleet, as Prometheus answers them, labels of a scrape by Prometheus Operator.

The load changes from scrape to scrape, as a real one does, and gauge and counters agree about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, islice

from gatekeeper.domain.usage import PPM

DEVICES_PER_POD = 8
SAMPLE_S = 30
MHZ = 1_000_000
# Activity in millionths and clock in MHz of one scrape after the other, over and over.
LOAD = ((412_345, 1_500), (387_654, 1_485), (0, 1_980), (950_001, 1_335), (401_007, 1_470))
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
    """Metric -> its values at these seconds, SAMPLE_S apart."""
    loads = [LOAD[index % len(LOAD)] for index in range(len(at))]
    active = accumulate(SAMPLE_S * share * clock_mhz for share, clock_mhz in loads)
    elapsed = accumulate((SAMPLE_S * clock_mhz * MHZ for _, clock_mhz in loads), initial=BOOTED)
    return {
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": [f"{share / PPM:.6f}" for share, _ in loads],
        "DCGM_FI_DEV_SM_CLOCK": [str(clock_mhz) for _, clock_mhz in loads],
        "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL": [str(each) for each in islice(elapsed, 1, None)],
        "DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL": [str(each) for each in active],
    }


def mean_rate(at: Sequence[int], begins: int, through: int) -> int:
    """Cycles a second of a GPU with samples at these seconds, over (begins, through]; rounded up."""
    done = 0
    for index, until in enumerate(at):
        share, clock_mhz = LOAD[index % len(LOAD)]
        done += max(0, min(until, through) - max(until - SAMPLE_S, begins)) * share * clock_mhz
    return -(-done // (through - begins))


def series_of(device: str, pod: str, at: Sequence[int]) -> Iterator[str]:
    """Each series of one GPU, as it stands in an answer."""
    for name, texts in values(at).items():
        metric = ",".join(f'"{label}":"{value}"' for label, value in labels(name, device, pod).items())
        samples = ",".join(f'[{each},"{text}"]' for each, text in zip(at, texts, strict=True))
        yield f'{{"metric":{{{metric}}},"values":[{samples}]}}'
