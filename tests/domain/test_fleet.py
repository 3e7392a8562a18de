"""The worst rate that a request can reach on the accelerators of a cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Accelerator, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.fleet import DEVICES_PER_UNKNOWN_NODE, Fleet, NodeOffer
from gatekeeper.domain.workload import Count, Workload, WorkloadRef

SMALL = Accelerator("T4", ("Tesla-T4",), {Format.BF16: 64_000}, 1_000, 1, 1, "test")
MIDDLE = Accelerator("A100", ("NVIDIA-A100",), {Format.BF16: 311_000}, 1_000, 1, 1, "test")
LARGE = Accelerator("H100", ("NVIDIA-H100",), {Format.BF16: 988_000}, 1_000, 1, 1, "test")
CATALOGUE = Catalogue.of([SMALL, MIDDLE, LARGE])
GPU = "nvidia.com/gpu"
UNKNOWN_NODE = DEVICES_PER_UNKNOWN_NODE * 989


def fleet(*offers: NodeOffer) -> Fleet:
    return Fleet.of(CATALOGUE, offers)


def job(
    devices: dict[str, int] | None = None,
    *,
    claims: bool = False,
    unsaid: bool = False,
    host_access: bool = False,
    unknown: bool = False,
) -> Workload:
    counts = {key: Count(count, count) for key, count in (devices or {}).items()}
    return Workload(WorkloadRef("c", "ns", "Job", "train"), counts, claims, unsaid, host_access, unknown)


def test_a_key_costs_the_fastest_chip_that_offers_it() -> None:
    mixed = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4), NodeOffer("n2", GPU, "NVIDIA-A100", 8))
    assert mixed.rate_tflop_per_s(job({GPU: 10})) == 10 * 312


def test_an_unlabelled_node_counts_as_the_largest_chip() -> None:
    assert fleet(NodeOffer("n1", GPU, "", 8)).rate_tflop_per_s(job({GPU: 1})) == 989


def test_a_key_that_no_node_offers_counts_as_the_largest_chip() -> None:
    assert fleet(NodeOffer("n1", GPU, "Tesla-T4", 4)).rate_tflop_per_s(job({"vendor.example/npu": 2})) == 2 * 989


def test_several_keys_add_up() -> None:
    both = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4), NodeOffer("n1", "nvidia.com/mig-1g.10gb", "NVIDIA-A100", 7))
    assert both.rate_tflop_per_s(job({GPU: 1, "nvidia.com/mig-1g.10gb": 2})) == 65 + 2 * 312


def test_a_claim_costs_the_largest_node_on_the_market_since_no_capacity_shows_what_drivers_offer() -> None:
    nodes = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4), NodeOffer("n2", GPU, "NVIDIA-A100", 8))
    assert nodes.rate_tflop_per_s(job(claims=True)) == UNKNOWN_NODE
    huge = fleet(NodeOffer("n1", GPU, "NVIDIA-H100", 72))
    assert huge.rate_tflop_per_s(job(claims=True)) == 72 * 989


def test_a_pod_that_asks_for_0_devices_costs_one_since_it_starts_where_devices_are() -> None:
    nodes = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4))
    pod = Workload(WorkloadRef("c", "ns", "Pod", "p"), {GPU: Count(0, 0)})
    assert nodes.rate_tflop_per_s(pod) == 65


def test_what_names_no_number_costs_the_largest_node() -> None:
    nodes = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4), NodeOffer("n2", GPU, "NVIDIA-A100", 8))
    assert nodes.rate_tflop_per_s(job(unsaid=True, unknown=True)) == 8 * 312
    assert nodes.rate_tflop_per_s(job({GPU: 1}, unknown=True)) == 9 * 312


def test_what_asks_for_nothing_costs_nothing() -> None:
    nodes = fleet(NodeOffer("n1", GPU, "Tesla-T4", 4))
    for workload in (job(), job(host_access=True), job(unknown=True), job({GPU: 0})):
        assert nodes.rate_tflop_per_s(workload) == 0


@pytest.mark.parametrize("offers", [(), (NodeOffer("n1", GPU, "Tesla-T4", 0),)])
def test_a_claim_is_never_free_however_little_the_nodes_advertise(offers: tuple[NodeOffer, ...]) -> None:
    assert fleet(*offers).rate_tflop_per_s(job(claims=True)) == UNKNOWN_NODE


offers = st.builds(
    NodeOffer,
    st.sampled_from(["n1", "n2"]),
    st.sampled_from([GPU, "vendor.example/npu"]),
    st.sampled_from(["", "Tesla-T4", "NVIDIA-A100", "NVIDIA-H100", "NVIDIA-A100-New"]),
    st.integers(0, 16),
)


@given(st.lists(offers, max_size=5), offers.filter(lambda each: each.count > 0))
def test_one_more_node_never_makes_devices_cheaper_where_the_key_was_known(
    known: list[NodeOffer], more: NodeOffer
) -> None:
    before, after = fleet(*known), fleet(*known, more)
    for key in {each.resource for each in known}:
        assert after.device_rate_tflop_per_s(key) >= before.device_rate_tflop_per_s(key)


def test_an_offer_without_sense_is_refused() -> None:
    for wrong in (("", GPU, "", 1), ("n", "", "", 1), ("n", GPU, "", -1)):
        with pytest.raises(InvalidInput):
            NodeOffer(*wrong)
