"""TPU metrics of GKE's device plugin (port 2112), as its own tests and the documentation of llm-d show them (2026).

Labels: accelerator_id ("<instance>-<chip>"), make, model, tpu_topology, and namespace / pod / container. The series of
a container name its pod; the `..._node` series beside them name none and are not read.

    tensorcore_utilization   0..100, operations performed of those that the TensorCores support
    duty_cycle               0..100, time in which the chip worked at all

Both come from the runtime inside the tenant's own container, so they bound nothing.
"""

from gatekeeper.domain.usage import Measure
from gatekeeper.telemetry.exporters.family import Family, percent

TPU = Family(
    exporter="tpu",
    gauges=(
        percent("tensorcore_utilization", Measure.PEAK_SHARE),
        percent("duty_cycle", Measure.BUSY_SHARE),
    ),
    device=("accelerator_id",),
)
