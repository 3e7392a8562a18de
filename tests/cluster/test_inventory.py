"""What a node offers, by its status."""

from __future__ import annotations

from typing import Any

import pytest

from admission.manifests.reach import default_reach
from gatekeeper.catalogue_files import load_catalogue
from gatekeeper.cluster.inventory import NodeState, fleet_of, node_keeper
from gatekeeper.domain.workload import Count, Workload, WorkloadRef

CATALOGUE = load_catalogue()
H100 = "NVIDIA-H100-80GB-HBM3"


def node(capacity: dict[str, str], labels: dict[str, str] | None = None) -> NodeState:
    manifest: dict[str, Any] = {
        "metadata": {"name": "n", "uid": "u", "labels": labels},
        "status": {"capacity": {"cpu": "8", "ephemeral-storage": "1Ti", "hugepages-2Mi": "0"} | capacity},
    }
    state = node_keeper(default_reach().is_device, CATALOGUE)(manifest)
    assert state is not None
    return state


@pytest.mark.parametrize(("quantity", "count"), [("8", 8), ("1k", 1000), ("0", 0), ("-1", 0), ("what", 1)])
def test_devices_are_counted_in_any_spelling_and_never_overlooked(quantity: str, count: int) -> None:
    (offer,) = node({"nvidia.com/gpu": quantity}).offers
    assert (offer.resource, offer.count) == ("nvidia.com/gpu", count)


def test_a_node_without_accelerators_offers_nothing() -> None:
    assert node({"vpc.amazonaws.com/efa": "4"}).offers == ()


def test_each_key_has_the_product_of_its_own_vendor_and_a_key_of_nobody_has_none() -> None:
    found = node(
        {"nvidia.com/gpu": "8", "amd.com/gpu": "4", "example.com/npu": "2"},
        {"nvidia.com/gpu.product": H100, "amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"},
    )
    assert {offer.resource: offer.product for offer in found.offers} == {
        "amd.com/gpu": "AMD_Instinct_MI300X_OAM",
        "example.com/npu": "",
        "nvidia.com/gpu": H100,
    }
    assert found.product("nvidia.com/gpu") == H100
    assert found.product("nvidia.com/mig-1g.10gb") == ""


def test_parts_of_chips_are_priced_as_parts() -> None:
    cut = node({"nvidia.com/mig-1g.10gb": "7", "nvidia.com/gpu": "4"}, {"nvidia.com/gpu.product": H100})
    fleet = fleet_of(CATALOGUE, [cut])
    assert fleet.device_rate_tflop_per_s("nvidia.com/gpu") == 2286
    assert fleet.device_rate_tflop_per_s("nvidia.com/mig-1g.10gb") == 278  # 16 of 132 SMs, rounded up
    pod = Workload(WorkloadRef("c", "ns", "Pod", "p"), {"nvidia.com/mig-1g.10gb": Count(2, 2)})
    assert fleet.rate_tflop_per_s(pod) == 2 * 278


def test_only_our_own_mark_counts() -> None:
    label = "node-restriction.kubernetes.io/compute-gatekeeper-accelerator"
    assert node({}, {label: "true"}).marked
    assert not node({}, {label: "false"}).marked
    assert not node({}).marked
