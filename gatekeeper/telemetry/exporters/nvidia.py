"""NVIDIA dcgm-exporter 4.x with DCGM up to 4.6.0 (2026-07-06).

Labels: UUID of the GPU, GPU_I_ID of the instance where it is partitioned (MIG), namespace / pod / container from the
kubelet. The host label has two spellings, `Hostname` and (since May 2026) `hostname`; neither is read. All series of a
GPU carry the labels of the pod that has it (dcgm-exporter render_metrics.go, transformation/const.go).

    DCGM_FI_PROF_PIPE_TENSOR_ACTIVE        0..1; a mean over the collect interval on Hopper and newer, else of a moment
    DCGM_FI_PROF_TENSOR_UTIL_RATIO         the same under the name that DCGM 4.6 gives it
    DCGM_FI_DEV_SM_CLOCK                   MHz, of a moment: it bounds nothing
    DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL   cycles in which a tensor pipe was active, since boot (field 1086, DCGM 4.6)
    DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL   cycles elapsed, since boot (field 1084)

The two counters need no clock and outlive missed scrapes. Whether they sum or average over the SMs of a GPU is said
nowhere: we read them as averages, which is the larger of the two readings (docs/decisions/0009).
DCGM_FI_DEV_GPU_UTIL (0..100) and DCGM_FI_PROF_GR_ENGINE_ACTIVE (0..1) only say that something ran.
"""

from gatekeeper.domain.usage import Measure
from gatekeeper.telemetry.exporters.family import Family, percent, ratio

NVIDIA = Family(
    exporter="nvidia",
    gauges=(
        ratio("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", Measure.TENSOR_CYCLES),
        ratio("DCGM_FI_PROF_TENSOR_UTIL_RATIO", Measure.TENSOR_CYCLES),
    ),
    device=("UUID", "GPU_I_ID"),
    parts=True,
    clock="DCGM_FI_DEV_SM_CLOCK",
    cycles=("DCGM_FI_PROF_MMA_CYCLES_ACTIVE_TOTAL", "DCGM_FI_PROF_SM_CYCLES_ELAPSED_TOTAL"),
)

NVIDIA_BUSY = Family(
    exporter="nvidia",
    gauges=(
        ratio("DCGM_FI_PROF_GR_ENGINE_ACTIVE", Measure.BUSY_SHARE),
        ratio("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", Measure.BUSY_SHARE),
        percent("DCGM_FI_DEV_GPU_UTIL", Measure.BUSY_SHARE),
    ),
    device=("UUID", "GPU_I_ID"),
    parts=True,
)
