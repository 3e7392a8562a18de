"""The CEL of the chart and the shared table of pods: who waits, who gets a lease, who is left alone."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.chart import Lab
from tests.controlplane.pods import GATE, fresh_name, gates_of, pod

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[1] / "reach_cases.yaml").read_text())
LONG_GRACE_S = 300


@pytest.fixture(scope="module", autouse=True)
def runtime_classes(lab: Lab) -> None:
    """The runtime classes of the table; the API server refuses pods that name one it does not know."""
    for name in ("gvisor", "nvidia"):
        body = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "runc"}
        assert lab.admin.create("/apis/node.k8s.io/v1/runtimeclasses", body).ok


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_api_server_reads_the_pod_as_the_table_says(lab: Lab, case: dict[str, Any]) -> None:
    """Gated shows that it asks or could reach; a shortened grace period shows that it asks."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": fresh_name(), **case["pod"].get("metadata", {})},
        "spec": {**case["pod"]["spec"], "terminationGracePeriodSeconds": LONG_GRACE_S},
    }
    answer = lab.try_pod(manifest, query="dryRun=All")
    assert answer.ok, answer
    is_gated = gates_of(answer.body) == [GATE]
    asks = answer.body["spec"]["terminationGracePeriodSeconds"] != LONG_GRACE_S
    assert (is_gated, asks) == (case["asks"] or case["host_access"], case["asks"])


def test_a_pod_placed_by_hand_on_a_node_is_gated_and_therefore_refused(lab: Lab) -> None:
    answer = lab.try_pod(pod(nodeName="node1"))
    assert answer.status == 422
    assert "until all schedulingGates have been cleared" in answer.message


def test_a_device_at_pod_level_is_refused_by_kubernetes_itself(lab: Lab) -> None:
    """Pod-level resources know CPU and memory only. Should that change, the table needs a new column of keys."""
    answer = lab.try_pod(pod(resources={"limits": {"nvidia.com/gpu": "1"}}))
    assert (answer.status, answer.refused_by) == (422, "api")
