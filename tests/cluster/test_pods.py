"""How far a pod has come, by the statuses that a real kubelet (1.36.3) wrote, and by what others could make of them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from admission.manifests.registry import read
from gatekeeper.cluster.names import GATE, RESERVATION, STATIC_POD
from gatekeeper.cluster.pods import NAME_CHARACTERS_MAX, PodState, controller_of, pod_keeper

RECORDED = Path(__file__).parent / "recorded"
ENDED_NORMALLY = [
    "completed",
    "failed",
    "past-its-deadline",
    "past-its-deadline-in-an-init-container",
    "deleted",
    "container-killed-behind-the-kubelet",
]
NEVER_STARTED = ["rejected-by-its-node", "past-its-deadline-without-an-image"]


def recorded(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return loaded


def kept(pod: dict[str, Any]) -> PodState:
    state = pod_keeper(lambda each: read(each, cluster="c", namespace=each["metadata"]["namespace"]), "c")(pod)
    assert state is not None
    return state


def finished(pod: dict[str, Any]) -> datetime:
    """The latest finishedAt that stands anywhere in the pod."""
    text = json.dumps(pod)
    stamps = [part[1:21] for part in text.split('"finishedAt": ')[1:] if part.startswith('"')]
    return max(datetime.fromisoformat(each.replace("Z", "+00:00")) for each in stamps)


@pytest.mark.parametrize("name", ENDED_NORMALLY)
def test_an_end_is_the_moment_when_the_node_saw_the_last_container_end(name: str) -> None:
    pod = recorded(name)
    state = kept(pod)
    assert state.ended_at == finished(pod)
    assert state.started_at == datetime.fromisoformat(pod["status"]["startTime"].replace("Z", "+00:00"))
    assert not state.never_started


@pytest.mark.parametrize("name", NEVER_STARTED)
def test_what_its_node_never_started_has_neither_start_nor_end(name: str) -> None:
    state = kept(recorded(name))
    assert state.never_started
    assert state.started_at is None
    assert state.ended_at is None


def test_a_running_pod_has_started_and_not_ended() -> None:
    state = kept(recorded("running"))
    assert state.started_at is not None
    assert not state.ended


def test_a_pod_whose_image_does_not_come_has_not_started_although_its_node_took_it_on() -> None:
    state = kept(recorded("image-never-comes"))
    assert state.started_at is None
    assert not state.ended


def test_a_pod_past_its_deadline_between_two_restarts_ended_with_its_last_container() -> None:
    pod = recorded("past-its-deadline-between-restarts")
    assert kept(pod).ended_at == finished(pod)


def test_a_container_whose_traces_its_node_lost_may_have_run_until_now() -> None:
    # As kubelet's status_manager.go (TerminatePod) writes a container that it cannot locate after a reboot.
    pod = recorded("past-its-deadline")
    unknown = {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None, "finishedAt": None}
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": unknown}
    ended_at = kept(pod).ended_at
    assert ended_at is not None
    assert datetime.now(UTC) - ended_at < timedelta(seconds=10)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_phase_without_the_containers_ends_nothing(phase: str) -> None:
    pod = recorded("running")
    pod["status"]["phase"] = phase
    assert not kept(pod).ended


def test_terminated_containers_without_a_terminal_phase_end_nothing() -> None:
    pod = recorded("completed")
    pod["status"]["phase"] = "Running"  # it may be about to be started again
    assert not kept(pod).ended


def test_a_container_that_its_node_leaves_out_ends_nothing() -> None:
    for name in ["completed", "past-its-deadline-without-an-image"]:
        pod = recorded(name)
        pod["spec"]["containers"].append({"name": "other"})
        assert not kept(pod).ended, name


@pytest.mark.parametrize(
    "trace",
    [
        {"containerID": "containerd://1"},
        {"restartCount": 1},
        {"lastState": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}},
        {"state": {"running": {"startedAt": "2026-11-22T04:14:57Z"}}},
        {"state": {"terminated": {"exitCode": 1, "startedAt": "2026-11-22T04:14:57Z"}}},
    ],
)
def test_any_trace_of_a_container_means_that_the_pod_has_started(trace: dict[str, Any]) -> None:
    pod = recorded("past-its-deadline-without-an-image")
    pod["status"]["containerStatuses"][0] |= trace
    state = kept(pod)
    assert not state.never_started
    assert state.started_at is not None


def test_an_end_before_the_start_is_no_end_that_anybody_saw() -> None:
    pod = recorded("completed")
    real = kept(pod).ended_at
    terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    terminated["finishedAt"] = "1970-01-01T00:00:00Z"
    state = kept(pod)
    assert real is not None
    assert state.ended_at is not None
    assert state.ended_at > real


def test_an_ephemeral_container_that_runs_keeps_its_pod_from_ending() -> None:
    pod = recorded("completed")
    pod["status"]["ephemeralContainerStatuses"] = copy.deepcopy(recorded("running")["status"]["containerStatuses"])
    assert not kept(pod).ended


def test_a_failed_pod_without_statuses_never_started_only_if_its_node_rejected_it_or_it_had_none() -> None:
    pod = recorded("rejected-by-its-node")
    assert kept(pod).never_started
    pod["status"]["message"] = "Node is shutting down"
    assert not kept(pod).never_started
    pod["spec"]["nodeName"] = None
    assert kept(pod).never_started


def test_a_departed_pod_never_started_only_if_it_was_bound_to_no_node() -> None:
    pod = recorded("image-never-comes")
    assert not kept(pod).departed().never_started
    pod["spec"]["nodeName"] = None
    assert kept(pod).departed().never_started


# What is kept


def test_pods_that_do_not_concern_us_are_not_kept() -> None:
    pod = recorded("running")
    pod["spec"]["containers"][0].pop("resources")
    keep = pod_keeper(lambda each: read(each, cluster="c"), "c")
    assert keep(pod) is None
    assert keep(pod | {"metadata": pod["metadata"] | {"annotations": {RESERVATION: "uid"}}}) is not None
    assert keep(pod | {"spec": pod["spec"] | {"schedulingGates": [{"name": GATE}]}}) is not None


def test_a_pod_that_could_reach_the_accelerators_of_its_node_is_kept_and_any_node_alone_is_no_reach() -> None:
    pod = recorded("running")
    pod["spec"]["containers"][0].pop("resources")
    keep = pod_keeper(lambda each: read(each, cluster="c"), "c")
    pod["spec"]["nodeName"] = "n"
    assert keep(pod) is None
    pod["spec"]["volumes"] = [{"name": "dev", "hostPath": {"path": "/dev"}}]
    state = keep(pod)
    assert state is not None
    assert state.workload.host_access
    assert not state.workload.asks
    del pod["spec"]["nodeName"]
    assert keep(pod) is None


def test_of_a_pod_of_the_largest_size_little_is_held_and_it_waits() -> None:
    pod = recorded("running")
    container = pod["spec"]["containers"][0]
    container.pop("resources")
    term = {"matchExpressions": [{"key": f"k{number}", "operator": "Exists"} for number in range(10_000)]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pod["spec"]["affinity"] = {"nodeAffinity": required}
    pod["spec"]["schedulingGates"] = [*({"name": f"a.b/{number}"} for number in range(10_000)), {"name": GATE}]
    state = kept(pod)
    assert state.gated
    assert not state.only_ours
    assert len(state.gates) == 2
    assert state.affinity is None
    assert "affinity" in state.unreadable
    container["resources"] = {"limits": {f"example.com/kind-{number}": "0" for number in range(10_000)}}
    state = kept(pod)
    assert "kinds of devices" in state.unreadable
    assert not state.workload.devices


def test_only_our_gate_is_ours() -> None:
    pod = recorded("running")
    gates: list[list[str]] = [[GATE], ["example.com/queue", GATE], ["example.com/queue"], []]
    found = []
    for names in gates:
        pod["spec"]["schedulingGates"] = [{"name": name} for name in names]
        state = kept(pod)
        found.append((state.gated, state.only_ours))
    assert found == [(True, True), (True, False), (False, False), (False, False)]


def test_a_pod_that_cannot_be_read_is_kept_as_one_of_which_nothing_is_known() -> None:
    pod = recorded("running")
    pod["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "-1"}}
    state = kept(pod)
    assert "negative" in state.unreadable
    assert state.workload.asks
    assert state.workload.unknown
    assert state.workload.ref.cluster == "c"
    assert state.uid == pod["metadata"]["uid"]


def test_a_fault_of_the_reader_costs_one_pod_its_start_and_blinds_us_to_no_other() -> None:
    def broken(_: dict[str, Any]) -> None:
        raise KeyError("secret")

    state = pod_keeper(broken, "c")(recorded("running"))
    assert state is not None
    assert state.unreadable
    assert "secret" not in state.unreadable


def test_of_an_owner_no_more_is_held_than_a_name_can_be_long() -> None:
    endless = "x" * 1_000_000
    reference = {"controller": True, "apiVersion": endless, "kind": endless, "name": endless, "uid": endless}
    owner = controller_of({"ownerReferences": [reference]})
    assert owner is not None
    assert {len(each) for each in (owner.api_version, owner.kind, owner.name, owner.uid)} == {NAME_CHARACTERS_MAX}


def test_a_static_pod_is_named_by_the_hash_of_its_file() -> None:
    pod = recorded("running")
    assert kept(pod).static_hash == ""
    pod["metadata"]["annotations"] = {STATIC_POD: "0123"}
    assert kept(pod).static_hash == "0123"
