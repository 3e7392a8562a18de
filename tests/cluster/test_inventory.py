"""What a node offers, by its status and the labels of its provider."""

from __future__ import annotations

from typing import Any

import pytest

from admission.manifests.reach import default_reach
from gatekeeper.cluster.inventory import NodeState, node_keeper


def node(capacity: dict[str, str], labels: dict[str, str] | None = None) -> NodeState:
    manifest: dict[str, Any] = {
        "metadata": {"name": "n", "uid": "u", "labels": labels},
        "status": {"capacity": {"cpu": "8", "ephemeral-storage": "1Ti", "hugepages-2Mi": "0"} | capacity},
    }
    state = node_keeper(default_reach().is_device)(manifest)
    assert state is not None
    return state


@pytest.mark.parametrize(("quantity", "count"), [("8", 8), ("1k", 1000), ("0", 0), ("-1", 0), ("what", 1)])
def test_devices_are_counted_in_any_spelling_and_never_overlooked(quantity: str, count: int) -> None:
    (offer,) = node({"nvidia.com/gpu": quantity}).offers
    assert (offer.resource, offer.count) == ("nvidia.com/gpu", count)


def test_a_node_without_accelerators_offers_nothing() -> None:
    assert node({"vpc.amazonaws.com/efa": "4"}).offers == ()


def test_every_accelerator_key_counts_and_the_product_is_what_the_provider_says() -> None:
    found = node({"nvidia.com/gpu": "8", "example.com/npu": "2"}, {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"})
    assert [(offer.resource, offer.product) for offer in found.offers] == [
        ("example.com/npu", "NVIDIA-H100-80GB-HBM3"),
        ("nvidia.com/gpu", "NVIDIA-H100-80GB-HBM3"),
    ]


def test_only_our_own_mark_counts() -> None:
    label = "node-restriction.kubernetes.io/compute-gatekeeper-accelerator"
    assert node({}, {label: "true"}).marked
    assert not node({}, {label: "false"}).marked
    assert not node({}).marked
