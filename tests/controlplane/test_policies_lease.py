"""Ways to outlive a lease, and their ends: control-plane section 6, rows 1, 2, 3, 5 and 6, each with its control."""

from typing import Any

import pytest

from tests.controlplane.calls import Caller
from tests.controlplane.chart import Lab
from tests.controlplane.pods import AWAY, ONE_GPU, Pod, affinity, fresh_name, gpu_pod, host_pod, pod, release_patch

NEVER_RETURNS = {"postStart": {"exec": {"command": ["sleep", "infinity"]}}}


def probe(kind: str, grace_s: int) -> dict[str, Any]:
    """A probe with its own grace period."""
    return {kind: {"exec": {"command": ["false"]}, "terminationGracePeriodSeconds": grace_s}}


def sidecar(**fields: Any) -> dict[str, Any]:
    """An init container that stays."""
    return {"name": "side", "image": "app", "restartPolicy": "Always", **fields}


# --- at creation -------------------------------------------------------------------------------------------

CREATION: list[tuple[str, Pod, str]] = [
    ("liveness probe with a long grace", gpu_pod(container=probe("livenessProbe", 240)), "gate-check"),
    ("startup probe with a long grace", gpu_pod(container=probe("startupProbe", 61)), "gate-check"),
    ("probe of a sidecar", gpu_pod(initContainers=[sidecar(**probe("livenessProbe", 240))]), "gate-check"),
    (
        "probe of a container without devices",
        gpu_pod(initContainers=[sidecar(**probe("startupProbe", 3600))]),
        "gate-check",
    ),
    ("probe with a short grace", gpu_pod(container=probe("livenessProbe", 60)), ""),
    ("probe without a grace of its own", gpu_pod(container={"livenessProbe": {"exec": {"command": ["true"]}}}), ""),
    ("long probe grace without devices", pod(container=probe("livenessProbe", 240)), ""),
    ("long probe grace beside a host path", host_pod(container=probe("livenessProbe", 240)), ""),
    ("postStart by exec", gpu_pod(container={"lifecycle": NEVER_RETURNS}), "gate-check"),
    ("postStart by http", gpu_pod(container={"lifecycle": {"postStart": {"httpGet": {"port": 80}}}}), "gate-check"),
    ("postStart by sleep", gpu_pod(container={"lifecycle": {"postStart": {"sleep": {"seconds": 9}}}}), "gate-check"),
    ("postStart of a sidecar", gpu_pod(initContainers=[sidecar(lifecycle=NEVER_RETURNS)]), "gate-check"),
    ("preStop", gpu_pod(container={"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}), ""),
    ("postStart without devices", pod(container={"lifecycle": NEVER_RETURNS}), ""),
    ("postStart beside a host path", host_pod(container={"lifecycle": NEVER_RETURNS}), ""),
    (
        "devices and a host path",
        gpu_pod(volumes=[{"name": "run", "hostPath": {"path": "/run/containerd"}}]),
        "gate-check",
    ),
    ("devices and privileges", gpu_pod(container={"securityContext": {"privileged": True}}), "gate-check"),
    ("devices and the host's processes", gpu_pod(hostPID=True), "gate-check"),
    (
        "devices and the node's clock",
        gpu_pod(container={"securityContext": {"capabilities": {"add": ["cap_sys_time"]}}}),
        "gate-check",
    ),
    (
        "privileges in another container",
        gpu_pod(initContainers=[sidecar(securityContext={"privileged": True})]),
        "gate-check",
    ),
    (
        "devices and harmless capabilities",
        gpu_pod(container={"securityContext": {"capabilities": {"add": ["IPC_LOCK"]}}}),
        "",
    ),
    ("devices and the host's network", gpu_pod(hostNetwork=True), ""),
    ("privileges without devices", pod(container={"securityContext": {"privileged": True}}), ""),
]


@pytest.mark.parametrize(
    ("manifest", "refused_by"), [case[1:] for case in CREATION], ids=[case[0] for case in CREATION]
)
def test_what_could_hold_up_the_end_of_a_lease_is_refused_at_creation(lab: Lab, manifest: Pod, refused_by: str) -> None:
    assert lab.try_pod(manifest, query="dryRun=All").refused_by == refused_by


def test_a_probe_cannot_get_a_long_grace_later(lab: Lab, running: str) -> None:
    patch = {"spec": {"containers": [{"name": "main", **probe("livenessProbe", 240)}]}}
    assert lab.tenant.patch(running, patch, "strategic").status == 422


# --- at the end --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def metal(lab: Lab) -> str:
    """A node that exists and nothing more."""
    name = fresh_name("metal")
    assert lab.admin.create("/api/v1/nodes", {"metadata": {"name": name}}).ok
    return name


def bind(lab: Lab, path: str, node: str) -> str:
    """Place a pod as a scheduler does; before that the API server deletes it at once, whatever grace is asked for."""
    name = path.rsplit("/", 1)[1]
    binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": node}}
    answer = lab.admin.create(f"{path}/binding", binding)
    assert answer.ok, answer
    return path


@pytest.fixture
def running(lab: Lab, metal: str) -> str:
    """The path of a released accelerator pod on a node."""
    made = lab.make_pod(gpu_pod(initContainers=[{"name": "first", "image": "app"}]))
    path = lab.path(made["metadata"]["name"])
    assert lab.controller.patch(path, release_patch(made), "json").ok
    return bind(lab, path, metal)


@pytest.mark.parametrize("who", ["tenant", "admin", "controller"])
@pytest.mark.parametrize(
    ("query", "options", "refused_by"),
    [
        ("", {"gracePeriodSeconds": 240}, "delete"),
        ("gracePeriodSeconds=240&", None, "delete"),
        ("gracePeriodSeconds=61&", None, "delete"),
        ("", {"gracePeriodSeconds": 60}, ""),
        ("gracePeriodSeconds=1&", None, ""),
        ("gracePeriodSeconds=0&", None, ""),
        ("", None, ""),
        ("", {"propagationPolicy": "Background"}, ""),
    ],
)
def test_a_deletion_takes_at_most_the_grace_that_is_reserved(
    lab: Lab, running: str, who: str, query: str, options: dict[str, Any] | None, refused_by: str
) -> None:
    """The query wins over the body, so both are tried."""
    caller: Caller = getattr(lab, who)
    if options is not None:
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"], **options}
    answer = caller.delete(f"{running}?{query}" + ("dryRun=All" if options is None else ""), options)
    assert answer.refused_by == refused_by, answer


def test_a_collection_is_deleted_with_the_same_limit(lab: Lab, running: str) -> None:
    label = fresh_name("team")
    assert lab.tenant.patch(running, {"metadata": {"labels": {"team": label}}}).ok
    selected = f"labelSelector=team%3D{label}"
    assert lab.tenant.delete(lab.path(query=f"{selected}&gracePeriodSeconds=240")).refused_by == "delete"
    assert "deletionTimestamp" not in lab.tenant.get(running).body["metadata"]
    assert lab.tenant.delete(lab.path(query=f"{selected}&gracePeriodSeconds=30")).ok
    assert lab.tenant.get(running).body["metadata"]["deletionGracePeriodSeconds"] == 30


def test_a_deletion_under_way_cannot_be_made_longer(lab: Lab, running: str) -> None:
    assert lab.tenant.delete(f"{running}?gracePeriodSeconds=60").ok
    lab.tenant.delete(running, {"gracePeriodSeconds": 240})
    assert lab.tenant.get(running).body["metadata"]["deletionGracePeriodSeconds"] == 60


def test_other_pods_are_deleted_as_slowly_as_one_likes(lab: Lab, metal: str) -> None:
    path = bind(lab, lab.path(lab.make_pod(pod())["metadata"]["name"]), metal)
    assert lab.tenant.delete(f"{path}?gracePeriodSeconds=240").ok
    assert lab.tenant.get(path).body["metadata"]["deletionGracePeriodSeconds"] == 240


@pytest.mark.parametrize(
    ("options", "refused_by"),
    [({"gracePeriodSeconds": 240}, "eviction"), ({"gracePeriodSeconds": 60}, ""), ({}, ""), (None, "")],
)
@pytest.mark.parametrize("who", ["tenant", "admin"])
def test_an_eviction_takes_at_most_the_same(
    lab: Lab, running: str, who: str, options: dict[str, Any] | None, refused_by: str
) -> None:
    """An eviction deletes without the rule on deletions being asked."""
    name = running.rsplit("/", 1)[1]
    body: dict[str, Any] = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    if options is not None:
        body["deleteOptions"] = {"dryRun": ["All"], **options}
    caller: Caller = getattr(lab, who)
    assert caller.create(f"{running}/eviction?dryRun=All", body).refused_by == refused_by


# --- in between: images ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["tenant", "admin"])
@pytest.mark.parametrize(
    "change",
    [
        {"containers": [{"name": "main", "image": "slow.test/x"}]},
        {"initContainers": [{"name": "first", "image": "slow.test/x"}]},
    ],
)
def test_images_of_a_released_accelerator_pod_do_not_change(
    lab: Lab, running: str, who: str, change: dict[str, Any]
) -> None:
    caller: Caller = getattr(lab, who)
    assert caller.patch(running, {"spec": change}, "strategic").refused_by == "pod-update"


@pytest.mark.parametrize("manifest", [gpu_pod(), pod(), host_pod()], ids=["waiting", "ordinary", "host path"])
def test_images_of_other_pods_do(lab: Lab, manifest: Pod) -> None:
    name = lab.make_pod(manifest)["metadata"]["name"]
    change = {"spec": {"containers": [{"name": "main", "image": "registry.test/app:2"}]}}
    assert lab.tenant.patch(lab.path(name), change, "strategic").ok


def test_labels_of_a_released_accelerator_pod_change_freely(lab: Lab, running: str) -> None:
    assert lab.tenant.patch(running, {"metadata": {"labels": {"a": "b"}, "annotations": {"note": "x"}}}).ok


# --- in between: ephemeral containers ----------------------------------------------------------------------


def debugger(**fields: Any) -> dict[str, Any]:
    """A patch that adds one ephemeral container."""
    return {"spec": {"ephemeralContainers": [{"name": fresh_name("debug"), "image": "slow.test/tools", **fields}]}}


@pytest.mark.parametrize("stage", ["waiting", "released", "could reach"])
def test_an_accelerator_pod_takes_no_ephemeral_containers(lab: Lab, running: str, stage: str) -> None:
    manifests = {"waiting": gpu_pod, "could reach": host_pod}
    path = running if stage == "released" else lab.path(lab.make_pod(manifests[stage]())["metadata"]["name"])
    assert lab.admin.patch(f"{path}/ephemeralcontainers", debugger(), "strategic").refused_by == "ephemeral-containers"


@pytest.mark.parametrize(
    ("fields", "refused_by"),
    [
        ({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]}, "ephemeral-containers"),
        ({"env": [{"name": "CUDA_VERSION", "value": "12"}]}, "ephemeral-containers"),
        ({"securityContext": {"privileged": True}}, "ephemeral-containers"),
        ({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}, "ephemeral-containers"),
        ({"securityContext": {"capabilities": {"add": ["cap_sys_rawio"]}}}, "ephemeral-containers"),
        ({"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]}, ""),
        ({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}, "targetContainerName": "main"}, ""),
        ({}, ""),
    ],
)
def test_an_ordinary_pod_takes_ordinary_ones(lab: Lab, fields: dict[str, Any], refused_by: str) -> None:
    name = lab.make_pod(pod())["metadata"]["name"]
    answer = lab.admin.patch(lab.path(name, "ephemeralcontainers"), debugger(**fields), "strategic")
    assert answer.refused_by == refused_by, answer


# --- in between: size --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["tenant", "admin"])
def test_a_resize_gives_no_more_devices(lab: Lab, running: str, who: str) -> None:
    more = {"limits": {"nvidia.com/gpu": "8"}, "requests": {"nvidia.com/gpu": "8"}}
    caller: Caller = getattr(lab, who)
    caller.patch(f"{running}/resize", {"spec": {"containers": [{"name": "main", "resources": more}]}}, "strategic")
    assert lab.tenant.get(running).body["spec"]["containers"][0]["resources"]["limits"] == ONE_GPU["limits"]


def test_a_host_path_pod_is_not_released_by_pretending_to_ask(lab: Lab) -> None:
    """A lease does not replace the way around accelerator nodes."""
    made = lab.make_pod(host_pod())
    path = lab.path(made["metadata"]["name"])
    assert lab.controller.patch(path, release_patch(made, deadline_s=60), "json").refused_by == "release"
    both = [*release_patch(made, deadline_s=60), {"op": "add", "path": "/spec/affinity", "value": affinity([AWAY])}]
    assert lab.controller.patch(path, both, "json").ok
