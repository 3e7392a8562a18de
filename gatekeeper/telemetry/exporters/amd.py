"""AMD ROCm/device-metrics-exporter (metric list and labels as of 2026).

Labels: serial_number of the card and gpu_partition_id on it (both mandatory there; gpu_uuid is optional), namespace /
pod / container from the kubelet. Names are lower case, and its chart can put `amd_` before them.

    gpu_prof_tensor_active_percent   0..100, share of time in which the matrix units (MFMA) worked; off by default
    gpu_gfx_activity                 0..100, busy time of the whole GPU; only in partition 0

The profiler looks for 1 ms (default) at each question: a reading of a moment, which bounds nothing whatever the
catalogue says of the chip. So it is a share of the peak and not cycles, and needs no clock.
`gpu_mma_activity` is about MULTIMEDIA. `gpu_prof_total_16_ops` knows that window only, and no operations of 8 bit.
"""

from gatekeeper.domain.usage import Measure
from gatekeeper.telemetry.exporters.family import Family, percent

AMD = Family(
    exporter="amd",
    gauges=(
        percent("gpu_prof_tensor_active_percent", Measure.PEAK_SHARE),
        percent("amd_gpu_prof_tensor_active_percent", Measure.PEAK_SHARE),
        percent("gpu_gfx_activity", Measure.BUSY_SHARE),
        percent("amd_gpu_gfx_activity", Measure.BUSY_SHARE),
    ),
    device=("serial_number", "gpu_partition_id"),
)
