"""AWS neuron-monitor through its sample Prometheus front end (aws-neuron-sdk, neuron-monitor user guide, 2026).

Labels of the front end: instance_id, instance_type, neuroncore, runtime_tag; no pod. The provider adds `namespace` and
`pod` (docs/install.md), or nothing is attributed.

    neuroncore_utilization_ratio   0..1, share of time in which the core worked
    neuroncore_flops               FLOP/s of the core over the period

neuron-monitor reports `flops` for each core, but the sample front end prints only the utilization: neuroncore_flops is
the name that its way of naming gives, and the provider adds it. Both are the runtime's own words: they bound nothing.
A device here is a NeuronCore, so this fits pods that ask for `aws.amazon.com/neuroncore`; for whole chips
(`aws.amazon.com/neuron`) there are more cores than devices, and the meter books the worst case.
"""

from gatekeeper.domain.units import FLOP_PER_TFLOP, GFLOP_PER_TFLOP
from gatekeeper.domain.usage import Measure
from gatekeeper.telemetry.exporters.family import Family, Gauge, ratio

# No core does 10^18 FLOP/s: the largest chip of 2026 does 1.5 x 10^16.
FLOP_PER_S_MAX = 1e18

NEURON = Family(
    exporter="neuron",
    gauges=(
        Gauge("neuroncore_flops", Measure.FLOP_RATE, GFLOP_PER_TFLOP / FLOP_PER_TFLOP, FLOP_PER_S_MAX),
        ratio("neuroncore_utilization_ratio", Measure.BUSY_SHARE),
    ),
    device=("instance_id", "neuroncore"),
)
