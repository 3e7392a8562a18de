"""What is known of a cluster's training runtimes, and what happens where they cannot be listed."""

from __future__ import annotations

import json
import time
from typing import Any

from gatekeeper.cluster.api import Api
from gatekeeper.cluster.runtimes import NAMESPACE_BYTES_MAX, Runtimes
from tests.cluster.answering import Answering


def runtime(name: str, namespace: str = "", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": metadata, "spec": spec, "status": {"noise": True}}


def listing(*items: dict[str, Any]) -> bytes:
    return json.dumps({"items": items, "metadata": {"resourceVersion": "1"}}).encode()


def listed(answering: Answering, *items: dict[str, Any]) -> Runtimes:
    answering.answer(200, listing(*items))
    runtimes = Runtimes(Api(answering.client()))
    runtimes.refresh()
    return runtimes


def test_a_runtime_is_found_in_its_own_namespace_alone(answering: Answering) -> None:
    runtimes = listed(answering, runtime("torch", "lab", mlPolicy={"numNodes": 2}))
    assert runtimes("TrainingRuntime", "lab", "torch") == {"spec": {"mlPolicy": {"numNodes": 2}}}
    assert runtimes("TrainingRuntime", "other", "torch") is None
    assert runtimes("TrainingRuntime", "lab", "jax") is None


def test_a_cluster_runtime_serves_every_namespace(answering: Answering) -> None:
    runtimes = listed(answering, runtime("torch"))
    assert runtimes("ClusterTrainingRuntime", "lab", "torch") == {"spec": {}}
    assert runtimes("Secret", "lab", "torch") is None


def test_a_cluster_without_the_kind_has_none_and_one_that_does_not_answer_has_what_it_had(
    answering: Answering,
) -> None:
    runtimes = listed(answering, runtime("torch"))
    answering.answer(500, b"{}")
    runtimes.refresh()
    assert runtimes("ClusterTrainingRuntime", "", "torch") is not None
    answering.answer(404, b"{}")
    runtimes.refresh()
    assert runtimes("ClusterTrainingRuntime", "", "torch") is None


def test_a_tenant_with_endless_runtimes_takes_no_room_of_others(answering: Answering) -> None:
    greedy = [runtime(f"r{number}", "greedy", template="x" * (NAMESPACE_BYTES_MAX // 3)) for number in range(4)]
    runtimes = listed(answering, *greedy, runtime("torch", "lab"))
    assert [runtimes("TrainingRuntime", "greedy", f"r{number}") is not None for number in range(4)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert runtimes("TrainingRuntime", "lab", "torch") is not None


def test_it_lists_by_itself_and_ends(answering: Answering) -> None:
    answering.answer(200, listing(runtime("torch")))
    runtimes = Runtimes(Api(answering.client()))
    runtimes.start()
    deadline = time.monotonic() + 10
    while runtimes("ClusterTrainingRuntime", "", "torch") is None and time.monotonic() < deadline:
        runtimes._thread.join(timeout=0.01)
    assert runtimes("ClusterTrainingRuntime", "", "torch") is not None
    runtimes.stop()
    runtimes._thread.join(timeout=10)
    assert not runtimes._thread.is_alive()
