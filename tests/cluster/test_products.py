"""Which product a node's labels name for a resource key, and that no label makes a device cheaper than another says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.products import product_of
from gatekeeper.domain.accelerators import Device

CATALOGUE = load_catalogue()
GPU, AMD, TPU, NEURON, GAUDI, ASCEND = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "google.com/tpu",
    "aws.amazon.com/neuron",
    "habana.ai/gaudi",
    "huawei.com/Ascend910",
)
OURS = "node-restriction.kubernetes.io/compute-gatekeeper-product"


def device(labels: dict[str, str], resource: str) -> Device:
    return CATALOGUE.find_or_largest(product_of(labels, resource, CATALOGUE), resource)


@pytest.mark.parametrize(
    ("labels", "resource", "name"),
    [
        # NVIDIA: its own label, GKE's, Karpenter's
        ({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, GPU, "H100-SXM5"),
        ({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"}, GPU, "H100-SXM5 MIG 1g.10gb"),
        ({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, "nvidia.com/mig-3g.40gb", "H100-SXM5 MIG 3g.40gb"),
        ({"nvidia.com/gpu.product": "NVIDIA-L4-SHARED"}, GPU, "L4"),
        ({"nvidia.com/gpu.product": "NVIDIA-L4"}, "nvidia.com/gpu.shared", "L4"),
        ({"cloud.google.com/gke-accelerator": "nvidia-h200-141gb"}, GPU, "H200"),
        (
            {
                "cloud.google.com/gke-accelerator": "nvidia-tesla-a100",
                "cloud.google.com/gke-gpu-partition-size": "1g.5gb",
            },
            GPU,
            "A100 MIG 1g.5gb",
        ),
        ({"karpenter.k8s.aws/instance-gpu-name": "b300"}, GPU, "B300"),
        # AMD: value in the label, value in the key, device ids
        ({"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}, AMD, "MI300X"),
        ({"amd.com/gpu.device-id": "74a1"}, AMD, "MI300X"),
        ({"amd.com/gpu.device-id": "75A3"}, AMD, "MI355X"),
        ({"beta.amd.com/gpu.device-id.740f": "8"}, AMD, "MI210"),
        ({"beta.amd.com/gpu.product-name.AMD_Instinct_MI300A": "4"}, AMD, "MI300A"),
        (
            {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM", "amd.com/compute-memory-partition": "cpx_nps4"},
            AMD,
            "MI300X CPX",
        ),
        (
            {"amd.com/gpu.device-id": "74a5", "beta.amd.com/compute-memory-partition.dpx_nps2": "16"},
            AMD,
            "MI325X DPX",
        ),
        ({"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}, "amd.com/cpx_nps4", "MI300X CPX"),
        # Google, Amazon, Huawei, Intel
        ({"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice"}, TPU, "TPU-v5e"),
        ({"cloud.google.com/gke-tpu-accelerator": "tpu7x"}, TPU, "TPU-v7"),
        ({"karpenter.k8s.aws/instance-accelerator-name": "trainium2"}, NEURON, "Trainium2"),
        ({"node.kubernetes.io/instance-type": "trn1.32xlarge"}, NEURON, "Trainium1"),
        (
            {"karpenter.k8s.aws/instance-accelerator-name": "trainium2"},
            "aws.amazon.com/neuroncore",
            "Trainium2 NeuronCore",
        ),
        ({OURS: "Trainium2-LNC1"}, "aws.amazon.com/neuroncore", "Trainium2 NeuronCore LNC1"),
        ({OURS: "Trainium2-LNC1"}, "aws.amazon.com/neurondevice", "Trainium2"),
        ({"node.kubernetes.io/npu.chip.name": "910B3"}, ASCEND, "Ascend-910B3"),
        ({}, "huawei.com/Ascend910B4", "Ascend-910B4"),
        ({}, ASCEND, "Ascend-910B1"),
        ({}, GAUDI, "Gaudi3"),
        ({OURS: "Gaudi2"}, GAUDI, "Gaudi2"),
    ],
)
def test_the_labels_of_each_vendor_name_the_device(labels: dict[str, str], resource: str, name: str) -> None:
    assert device(labels, resource).name == name


LARGEST = CATALOGUE.largest.name


@pytest.mark.parametrize(
    ("labels", "resource", "name"),
    [
        ({}, GPU, LARGEST),
        ({"nvidia.com/gpu.product": ""}, GPU, LARGEST),
        ({"nvidia.com/gpu.product": "Tesla-T4"}, AMD, LARGEST),  # a label of one vendor under the key of another
        ({"nvidia.com/gpu.product": "AMD_Instinct_MI210"}, GPU, LARGEST),
        ({"nvidia.com/gpu.product": "Tesla-T4"}, "example.com/gpu", LARGEST),  # a key that is nobody's
        ({}, "foo.example/T4", LARGEST),  # nor is its name a word about what it hands out
        ({}, "T4", LARGEST),
        ({OURS: "Tesla-T4"}, "foo.example/T4", LARGEST),
        ({"cloud.google.com/gke-tpu-accelerator": "tpu-v9"}, TPU, LARGEST),
        ({"node.kubernetes.io/instance-type": "m5.large"}, NEURON, LARGEST),
        ({}, "huawei.com/Ascend910-2c", LARGEST),
        ({}, "cerebras.net/wafer", "WSE-3"),
        # Two labels contradict each other.
        ({"nvidia.com/gpu.product": "Tesla-T4", "cloud.google.com/gke-accelerator": "nvidia-b200"}, GPU, "B200"),
        ({"nvidia.com/gpu.product": "Tesla-T4", "cloud.google.com/gke-accelerator": "nvidia-new"}, GPU, LARGEST),
        ({"nvidia.com/gpu.product": "Tesla-T4", OURS: "H100-SXM5"}, GPU, "H100-SXM5"),
        ({"amd.com/gpu.product-name": "MI300A", "amd.com/gpu.device-id": "75a3"}, AMD, "MI355X"),
        ({"beta.amd.com/gpu.device-id.740f": "4", "beta.amd.com/gpu.device-id.74a1": "4"}, AMD, "MI300X"),
        # A node that says two modes of its chips is believed neither.
        (
            {"amd.com/gpu.device-id": "74a1", "amd.com/compute-memory-partition.cpx_nps4": "8",
             "amd.com/compute-memory-partition.spx_nps1": "1"},
            AMD,
            "MI300X",
        ),
        # The label of the cloud names the chip, that of the driver the part: they do not contradict each other.
        (
            {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-MIG-3g.20gb",
             "karpenter.k8s.aws/instance-gpu-name": "a100"},
            GPU,
            "A100 MIG 3g.20gb",
        ),
        # A name that nobody knows is what the provider says that it is; unless nobody knows that name either.
        ({"nvidia.com/gpu.product": "NVIDIA-New-9000", OURS: "H100-SXM5"}, GPU, "H100-SXM5"),
        ({"nvidia.com/gpu.product": "NVIDIA-New-9000", OURS: "New-9000"}, GPU, LARGEST),
        ({"nvidia.com/gpu.product": "Tesla-T4", OURS: "New-9000"}, GPU, LARGEST),
        # But that its chips are whole is the provider's word.
        ({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB-MIG-3g.20gb", OURS: "A100"}, GPU, "A100"),
        ({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB", OURS: "A100-MIG-3g.20gb"}, GPU, "A100"),
    ],
)  # fmt: skip
def test_what_is_missing_unknown_or_contradicts_counts_as_the_largest_that_it_can_be(
    labels: dict[str, str], resource: str, name: str
) -> None:
    assert device(labels, resource).name == name


KEYS = [
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "amd.com/gpu.product-name",
    OURS,
]
VALUES = ["Tesla-T4", "NVIDIA-B200", "NVIDIA-B200-MIG-1g.23gb", "AMD_Instinct_MI300X_OAM", "nvidia-l4", "?"]


@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)), st.sampled_from([GPU, AMD]))
def test_a_node_cannot_get_below_what_its_provider_names(labels: dict[str, str], resource: str) -> None:
    for named in ("H100-SXM5", "MI300X", "H100-SXM5-MIG-1g.10gb"):
        least = CATALOGUE.find_or_largest(named, resource).worst_tflop_per_s
        assert device(labels | {OURS: named}, resource).worst_tflop_per_s >= least
