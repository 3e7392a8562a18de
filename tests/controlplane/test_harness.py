"""The harness itself: a real control plane whose tenants are no more than tenants, and that leaves nothing behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as kube

from tests.controlplane.harness.fake_node import FakeNode
from tests.controlplane.harness.plane import ControlPlane, Tenant
from tests.controlplane.harness.processes import CommandError, wait_until

POD = """
apiVersion: v1
kind: Pod
metadata: {name: work}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: anything, resources: {limits: {nvidia.com/gpu: "2"}}}
"""


def test_the_plane_runs_the_release_that_go_mod_names(plane: ControlPlane) -> None:
    go_mod = (Path(__file__).parent / "go.mod").read_text()
    said = json.loads(plane.kubectl("version", "-o", "json").stdout)
    assert f"k8s.io/kubernetes {said['serverVersion']['gitVersion']}\n" in go_mod


def test_a_tenant_may_do_everything_in_its_namespace_and_nothing_outside(plane: ControlPlane, tenant: Tenant) -> None:
    plane.kubectl("create", "configmap", "mine", "-n", tenant.namespace, identity=tenant.user)
    label = ["label", "namespace", tenant.namespace, "a=b"]
    for elsewhere in (["get", "pods", "-n", "default"], ["get", "nodes"], label):
        with pytest.raises(CommandError, match="forbidden"):
            plane.kubectl(*elsewhere, identity=tenant.user)


def test_a_service_account_token_names_its_service_account(plane: ControlPlane, tenant: Tenant) -> None:
    config = plane.service_account_kubeconfig(tenant.namespace, "default")
    said = plane.kubectl(f"--kubeconfig={config}", "auth", "whoami", "-o", "json").stdout
    assert json.loads(said)["status"]["userInfo"]["username"] == f"system:serviceaccount:{tenant.namespace}:default"


def test_a_fake_node_gets_pods_from_the_scheduler_and_plays_their_life(
    plane: ControlPlane, tenant: Tenant, fake_node: FakeNode
) -> None:
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    plane.kubectl("apply", "-n", tenant.namespace, "-f", "-", identity=tenant.user, input=POD)
    fake_node.start_pod(tenant.namespace, "work")
    assert core.read_namespaced_pod("work", tenant.namespace).status.phase == "Running"
    fake_node.finish_pod(tenant.namespace, "work", exit_code=3)
    status = core.read_namespaced_pod("work", tenant.namespace).status
    assert (status.phase, status.container_statuses[0].state.terminated.exit_code) == ("Failed", 3)


def test_a_fake_node_may_not_speak_for_pods_of_another_node(
    plane: ControlPlane, tenant: Tenant, fake_node: FakeNode
) -> None:
    plane.kubectl("apply", "-n", tenant.namespace, "-f", "-", identity=tenant.user, input=POD)
    fake_node.start_pod(tenant.namespace, "work")
    with FakeNode(plane, name="stranger") as stranger, pytest.raises(kube.ApiException, match="Forbidden"):
        stranger.finish_pod(tenant.namespace, "work")


def test_an_automatic_node_carries_a_job_and_ends_what_passes_its_deadline(plane: ControlPlane, tenant: Tenant) -> None:
    batch: Any = kube.BatchV1Api(plane.client(tenant.user))
    core: Any = kube.CoreV1Api(plane.client(tenant.user))
    pod = json.loads(plane.kubectl("create", "-f", "-", "--dry-run=client", "-o", "json", input=POD).stdout)["spec"]
    pod["activeDeadlineSeconds"] = 1
    job = {"metadata": {"name": "train"}, "spec": {"parallelism": 2, "backoffLimit": 0, "template": {"spec": pod}}}
    with FakeNode(plane, name="busy", automatic=True):
        batch.create_namespaced_job(tenant.namespace, job)
        wait_until(
            lambda: [
                pod
                for pod in core.list_namespaced_pod(tenant.namespace).items
                if pod.status.reason == "DeadlineExceeded"
            ],
            "the fake kubelet to keep the deadline",
        )
        batch.delete_namespaced_job("train", tenant.namespace, propagation_policy="Background")
        wait_until(lambda: not core.list_namespaced_pod(tenant.namespace).items, "the pods of the Job to be gone")


def test_helm_talks_to_the_plane(plane: ControlPlane) -> None:
    assert json.loads(plane.helm("list", "--all-namespaces", "-o", "json").stdout) == []


def test_a_second_plane_keeps_its_data_through_crashes_and_leaves_nothing_behind(binaries: Path) -> None:
    with ControlPlane() as own:
        own.create_namespace("kept")
        own.kill("etcd")
        own.start("etcd")
        own.restart_apiserver()
        kept: Any = kube.CoreV1Api(own.client("admin")).read_namespace("kept")
        assert kept.status.phase == "Active"
        pids = own.pids()
        assert set(pids) == {"etcd", "apiserver", "controller-manager", "scheduler"}
    assert not own.folder.exists()
    assert not [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()]
