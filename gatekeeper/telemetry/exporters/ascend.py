"""Huawei Ascend npu-exporter (collector/npu_collector.go of v5; 2023).

Labels: vdie_id of the chip, id, model_name, and namespace / pod_name / container_name. It prints its own timestamps.

    npu_chip_info_utilization   0..100, AI Core utilization: time in which the cores worked, not how hard
"""

from gatekeeper.domain.usage import Measure
from gatekeeper.telemetry.exporters.family import Family, percent

ASCEND = Family(
    exporter="ascend",
    gauges=(percent("npu_chip_info_utilization", Measure.BUSY_SHARE),),
    device=("vdie_id",),
    pod=("namespace", "pod_name"),
)
