"""Two readers of one table: whatever the pod, our reader and the API server's CEL say the same of it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from admission.manifests import read
from tests.controlplane.chart import Lab
from tests.controlplane.pods import GATE, fresh_name, gates_of

LONG_GRACE_S = 300
RUNTIME_CLASS = "readers-agree"

# Pieces from both sides of every edge of the table.
KEYS = st.sampled_from([
    *("cpu", "memory", "hugepages-2Mi", "nvidia.com/gpu", "amd.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/gpumem"),
    *("kubernetes.io/batteries", "kubernetes.io.example.org/gpu", "deviceclass.resource.kubernetes.io/gpu"),
    *("vpc.amazonaws.com/efa", "vpc.amazonaws.com/efa2", "vpc.amazonaws.com/EFA", "rdma/hca", "rdma2/hca"),
    *("networking.gke.io.networks/x", "networking.gke.io/x", "devices.kubevirt.io/kvm", "example.org/widget"),
])  # fmt: skip
ENVIRONMENT = st.builds(
    lambda name, value: {"name": name} if value is None else {"name": name, "value": value},
    st.sampled_from([
        *("NVIDIA_VISIBLE_DEVICES", "_VISIBLE_DEVICES", "X_VISIBLE_DEVICES", "VISIBLE_DEVICES"),
        *("nvidia_visible_devices", "NVIDIA_VISIBLE_DEVICES_", "CUDA_VERSION", "CUDA_VERSION_", "cuda_version", "PATH"),
    ]),
    st.sampled_from([None, "", "all", "none", "void", "None", "none ", "0"]),
)  # fmt: skip
ANNOTATIONS = st.sampled_from([
    *("gpu-fraction", "gpu-", "gpu", "GPU-x", "my-gpu-x", "cdi.k8s.io/a", "cdi.k8s.io.x/a", "x.nri.io", "x.nri.io/a"),
    *("nri.io/a", "io.kubernetes.cri-o.Devices", "io.kubernetes.cri-o.devices", "devices.crio.io", "devices.crio.io.x"),
    *("scheduling.koordinator.sh/device-allocated", "scheduling.koordinator.sh/gang", "team/notes"),
])  # fmt: skip
CAPABILITIES = st.sampled_from([
    *("ALL", "all", "SYS_ADMIN", "CAP_SYS_ADMIN", "cap_sys_admin", "Sys_Admin", "SYS_ADMI", "XSYS_ADMIN", "NET_ADMIN"),
    *("CAP_CAP_BPF", "BPF", "CHOWN", "SYS_TIME", "DAC_OVERRIDE", "DAC_READ_SEARCH", "CAP_", ""),
])  # fmt: skip
TOLERATIONS = st.sampled_from(
    [
        {"operator": "Exists"},
        {"key": "", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "nvidia.com/gpux", "operator": "Exists"},
        {"key": "example.org/team", "operator": "Equal", "value": "a"},
        {"key": "google.com/tpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"},
    ]
)
VOLUMES = st.sampled_from([
    {"emptyDir": {}}, {"hostPath": {"path": "/dev"}}, {"hostPath": {"path": "/tmp"}}, {"configMap": {"name": "a"}},
])  # fmt: skip


def _resources(amounts: dict[str, int]) -> dict[str, Any]:
    """Limits and requests as the API server accepts them: some keys may stand in requests alone."""
    return {"resources": {"limits": amounts, "requests": amounts}} if amounts else {}


SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "privileged": st.booleans(),
        "capabilities": st.builds(lambda add: {"add": add}, st.lists(CAPABILITIES, max_size=2)),
        "runAsUser": st.just(0),
    },
)
CONTAINERS = st.builds(
    lambda amounts, env, security: {"image": "app", "env": env, "securityContext": security} | _resources(amounts),
    st.dictionaries(KEYS, st.integers(0, 3), max_size=2),
    st.lists(ENVIRONMENT, max_size=2, unique_by=lambda each: each["name"]),
    SECURITY,
)
SIDECARS = st.builds(
    lambda one, always: one | ({"restartPolicy": "Always"} if always else {}), CONTAINERS, st.booleans()
)
SPECS = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINERS, min_size=1, max_size=2)},
    optional={
        "initContainers": st.lists(SIDECARS, max_size=2),
        "tolerations": st.lists(TOLERATIONS, max_size=2),
        "volumes": st.lists(VOLUMES, max_size=2),
        "hostPID": st.booleans(),
        "hostIPC": st.booleans(),
        "runtimeClassName": st.just(RUNTIME_CLASS),
        "resourceClaims": st.lists(st.just({"resourceClaimName": "c"}), max_size=1),
    },
)


def named(spec: dict[str, Any]) -> dict[str, Any]:
    """The same spec with names for everything that needs one."""
    lists = {
        key: [{**each, "name": f"{key.lower()}-{number}"} for number, each in enumerate(value)]
        for key, value in spec.items()
        if key in {"containers", "initContainers", "volumes", "resourceClaims"}
    }
    return {**spec, **lists, "terminationGracePeriodSeconds": LONG_GRACE_S}


@pytest.fixture(scope="module", autouse=True)
def runtime_class(lab: Lab) -> None:
    """A class that nobody declared harmless."""
    body = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": RUNTIME_CLASS},
        "handler": "runc",
    }
    assert lab.admin.create("/apis/node.k8s.io/v1/runtimeclasses", body).ok


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(spec=SPECS, annotations=st.lists(ANNOTATIONS, max_size=1))
def test_our_reader_and_the_api_server_agree_on_any_pod(lab: Lab, spec: dict[str, Any], annotations: list[str]) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": fresh_name(), "annotations": dict.fromkeys(annotations, "1")},
        "spec": named(spec),
    }
    answer = lab.try_pod(manifest, query="dryRun=All")
    assume(answer.ok or answer.refused_by != "api")  # what Kubernetes itself refuses is no pod
    assert answer.ok or answer.refused_by == "gate-check", answer
    workload = read(manifest)
    assert workload is not None
    if answer.ok:
        is_gated = gates_of(answer.body) == [GATE]
        asks = answer.body["spec"]["terminationGracePeriodSeconds"] != LONG_GRACE_S
        assert (is_gated, asks) == (workload.gated, workload.asks)
    inside = read({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": manifest}})
    assert inside is not None
    assert (inside.asks, inside.host_access) == (workload.asks, workload.host_access)
