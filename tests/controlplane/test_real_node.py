"""The real node: a kubelet that runs pods, keeps deadlines by itself, and leaves nothing on this machine."""

from pathlib import Path
from typing import Any

from kubernetes import client as kube

from tests.controlplane.harness.node import CGROUPS, RealNode
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.harness.processes import run, wait_until


def pod(name: str, script: str, **spec: Any) -> Any:
    """A pod with two accelerators that runs a shell script on the real node."""
    container = {
        "name": "main",
        "image": RealNode.image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", script],
        "resources": {"limits": {"nvidia.com/gpu": "2"}},
    }
    own = {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": own | spec}


def phase(core: Any, tenant: Tenant, name: str) -> str:
    """The pod's phase according to the API."""
    return str(core.read_namespaced_pod(name, tenant.namespace).status.phase)


def test_a_pod_runs_to_its_end_and_its_log_can_be_read(
    plane: ControlPlane, tenant: Tenant, real_node: RealNode
) -> None:
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    core.create_namespaced_pod(tenant.namespace, pod("work", "echo hello; exit 4"))
    wait_until(lambda: phase(core, tenant, "work") == "Failed", "the pod to end", deadline_s=60)
    ended = core.read_namespaced_pod("work", tenant.namespace).status.container_statuses[0].state.terminated
    assert ended.exit_code == 4
    assert "hello" in real_node.log_of(tenant.namespace, "work")
    assert plane.kubectl("logs", "work", "-n", tenant.namespace, identity=tenant.user).stdout == "hello\n"


def test_a_pod_that_asks_for_more_accelerators_than_the_node_offers_waits(
    plane: ControlPlane, tenant: Tenant, real_node: RealNode
) -> None:
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    greedy = pod("greedy", "true")
    greedy["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "9"
    core.create_namespaced_pod(tenant.namespace, greedy)
    conditions = wait_until(
        lambda: core.read_namespaced_pod("greedy", tenant.namespace).status.conditions, "the scheduler's verdict"
    )
    assert "Insufficient nvidia.com/gpu" in conditions[0].message


def test_containers_outlive_a_killed_kubelet_and_the_next_one_ends_them_at_their_deadline(
    plane: ControlPlane, tenant: Tenant, real_node: RealNode
) -> None:
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    core.create_namespaced_pod(tenant.namespace, pod("long", "sleep 600", activeDeadlineSeconds=6))
    wait_until(lambda: phase(core, tenant, "long") == "Running", "the pod to run", deadline_s=60)
    real_node.kill_kubelet()
    assert list(real_node.containers(tenant.namespace, "long")) == ["main"]
    real_node.start_kubelet()
    wait_until(lambda: phase(core, tenant, "long") == "Failed", "the kubelet to keep the deadline", deadline_s=60)
    assert core.read_namespaced_pod("long", tenant.namespace).status.reason == "DeadlineExceeded"
    assert real_node.containers(tenant.namespace, "long") == {}


def test_an_ended_node_leaves_no_process_mount_address_or_cgroup(plane: ControlPlane, tenant: Tenant) -> None:
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    with RealNode(plane, name="passing") as node:
        core.create_namespaced_pod(tenant.namespace, pod("stubborn", "trap '' TERM; while :; do sleep 1; done"))
        wait_until(lambda: phase(core, tenant, "stubborn") == "Running", "the pod to run", deadline_s=60)
        folder, address = node.folder, node.layout.address
        (container,) = node.containers(tenant.namespace, "stubborn").values()
        assert list(CGROUPS.glob(f"**/{container}")), "the check below would see nothing"
        assert commands_naming(folder.name), "the check below would see nothing"
    assert not folder.exists()
    assert commands_naming(folder.name) == []
    assert folder.name not in Path("/proc/self/mountinfo").read_text()
    assert address not in run(["ip", "address"]).stdout
    assert list(CGROUPS.glob(f"**/{container}")) == []


def commands_naming(text: str) -> list[str]:
    """The command lines of all processes that contain the text: containerd, shims and kubelet name their folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in command:
            found.append(command)
    return found
