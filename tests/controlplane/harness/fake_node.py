"""A node whose kubelet is the test: a Node object with accelerators, and pods that start and end when they are told to.

It writes only what a kubelet writes, as `system:node:<name>`, so node authorization and NodeRestriction apply to it.
With `automatic=True` it acts by itself: starts what is bound to it, keeps activeDeadlineSeconds, ends what is deleted.
"""

import contextlib
import datetime
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes import client as kube

from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import HarnessError, wait_until

GPU = "nvidia.com/gpu"
PRODUCT_LABEL = "nvidia.com/gpu.product"
PRODUCT = "NVIDIA-H100-80GB-HBM3"
# A kubelet renews every 10 s and is given up after 50 s; the automatic node looks at its pods more often than that.
HEARTBEAT_S = 5.0
LOOK_S = 0.2


def stamp(moment: datetime.datetime | None = None) -> str:
    """A time as the API spells it, in whole seconds UTC; now when none is given."""
    return (moment or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def container_statuses(pod: Any, state: Mapping[str, Any], *, ready: bool) -> dict[str, Any]:
    """The two lists of container statuses: every container in the given state, plain init containers completed."""
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": stamp(), "finishedAt": stamp()}}

    def one(container: Any, its_state: Mapping[str, Any], its_ready: bool) -> dict[str, Any]:
        return {
            "name": container.name,
            "image": container.image,
            "imageID": f"sha256:{container.image}",
            "containerID": f"containerd://{pod.metadata.uid}-{container.name}",
            "ready": its_ready,
            "started": its_ready,
            "restartCount": 0,
            "state": dict(its_state),
            "lastState": {},
        }

    statuses = {"containerStatuses": [one(each, state, ready) for each in pod.spec.containers]}
    inits = pod.spec.init_containers or []
    if inits:
        statuses["initContainerStatuses"] = [
            one(each, state, ready) if each.restart_policy == "Always" else one(each, done, its_ready=False)
            for each in inits
        ]
    return statuses


class FakeNode:
    """A Ready node with `gpus` of nvidia.com/gpu. Leaving the context ends its pods and removes it."""

    def __init__(
        self,
        plane: ControlPlane,
        name: str = "node1",
        gpus: int = 8,
        labels: Mapping[str, str] | None = None,
        *,
        automatic: bool = False,
    ) -> None:
        self.name = name
        self.plane = plane
        self._gpus = gpus
        self._labels = dict(labels or {})
        self._automatic = automatic
        self._ended = threading.Event()
        self._problem: Exception | None = None

    def __enter__(self) -> Self:
        self._core = kube.CoreV1Api(self.plane.client(f"system:node:{self.name}"))
        self._leases = kube.CoordinationV1Api(self.plane.client(f"system:node:{self.name}"))
        self._register()
        self._thread = threading.Thread(target=self._live, name=f"kubelet of {self.name}", daemon=True)
        self._thread.start()
        wait_until(self._schedulable, f"{self.name} to lose its not-ready taint")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        with _while_the_api_is_away():
            for pod in self._pods():
                self._forget(pod)
        with _while_the_api_is_away():
            kube.CoreV1Api(self.plane.client("admin")).delete_node(self.name)
        if self._problem is not None:
            raise HarnessError(f"the fake kubelet of {self.name} gave up: {self._problem}") from self._problem

    # --- what a test tells it ---

    def start_pod(self, namespace: str, name: str, *, started: datetime.datetime | None = None) -> None:
        """Wait until the scheduler has bound the pod here, then report its containers as running since `started`."""
        self._start(
            wait_until(lambda: self._bound(namespace, name), f"{namespace}/{name} to be bound to {self.name}"), started
        )

    def finish_pod(self, namespace: str, name: str, *, exit_code: int = 0, reason: str | None = None) -> None:
        """Report every container as terminated now with exit_code; the phase follows from it."""
        self._finish(self._core.read_namespaced_pod(name, namespace), exit_code, reason)

    def remove_pod(self, namespace: str, name: str) -> None:
        """Complete the deletion of a pod as a kubelet does: containers terminated, then the object removed."""
        self._remove(self._core.read_namespaced_pod(name, namespace))

    # --- what a kubelet does ---

    def _register(self) -> None:
        size = {"cpu": "256", "memory": "2Ti", "pods": "500", "ephemeral-storage": "10Ti"}
        if self._gpus:  # a node that never had a device plugin does not know the key at all
            size[GPU] = str(self._gpus)
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        if self._gpus:
            labels[PRODUCT_LABEL] = PRODUCT
        self._core.create_node(kube.V1Node(metadata=kube.V1ObjectMeta(name=self.name, labels=labels)))
        if self._labels:
            # Some labels are not a kubelet's to write (node-restriction.kubernetes.io): the provider sets them.
            kube.CoreV1Api(self.plane.client("admin")).patch_node(self.name, {"metadata": {"labels": self._labels}})
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": stamp(),
            "lastTransitionTime": stamp(),
        }
        status = {"capacity": size, "allocatable": size, "conditions": [ready]}
        self._core.patch_node_status(self.name, {"status": status})

    def _schedulable(self) -> bool:
        node: Any = self._core.read_node(self.name)
        return not any(taint.key.startswith("node.kubernetes.io/") for taint in node.spec.taints or [])

    def _live(self) -> None:
        try:
            self._renew(create=True)
            looks = round(HEARTBEAT_S / LOOK_S)
            while not self._ended.wait(LOOK_S):
                with _while_the_api_is_away():
                    if self._automatic:
                        self._tend()
                    looks -= 1
                    if looks <= 0:
                        self._renew()
                        looks = round(HEARTBEAT_S / LOOK_S)
        except Exception as error:  # noqa: BLE001 - kept, and raised in the test's own thread when the node ends
            self._problem = error

    def _renew(self, *, create: bool = False) -> None:
        now = datetime.datetime.now(datetime.UTC)
        if create:
            spec = kube.V1LeaseSpec(holder_identity=self.name, lease_duration_seconds=40, renew_time=now)
            lease = kube.V1Lease(metadata=kube.V1ObjectMeta(name=self.name), spec=spec)
            self._leases.create_namespaced_lease("kube-node-lease", lease)
        else:
            renewed = {"spec": {"renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}}
            self._leases.patch_namespaced_lease(self.name, "kube-node-lease", renewed)

    def _pods(self) -> list[Any]:
        found = self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={self.name}").items
        return list(found)

    def _tend(self) -> None:
        now = datetime.datetime.now(datetime.UTC)
        for pod in self._pods():
            deadline_s = pod.spec.active_deadline_seconds
            if pod.metadata.deletion_timestamp is not None:
                self._forget(pod)
            elif pod.status.start_time is None:
                self._start(pod, None)
            elif (
                pod.status.phase == "Running"
                and deadline_s is not None
                and now >= pod.status.start_time + (datetime.timedelta(seconds=deadline_s))
            ):
                self._finish(pod, 137, "DeadlineExceeded")

    def _bound(self, namespace: str, name: str) -> Any:
        pod: Any = kube.CoreV1Api(self.plane.client("admin")).read_namespaced_pod(name, namespace)
        return pod if pod.spec.node_name == self.name else None

    def _start(self, pod: Any, started: datetime.datetime | None) -> None:
        state = {"running": {"startedAt": stamp(started)}}
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": stamp(started)}
            for kind in ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
        ]
        self._report(
            pod,
            {
                "phase": "Running",
                "startTime": stamp(started),
                "conditions": conditions,
                **container_statuses(pod, state, ready=True),
            },
        )

    def _finish(self, pod: Any, exit_code: int, reason: str | None) -> None:
        ended = {
            "exitCode": exit_code,
            "reason": "Completed" if exit_code == 0 else "Error",
            "startedAt": stamp(pod.status.start_time),
            "finishedAt": stamp(),
        }
        status = {
            "phase": "Succeeded" if exit_code == 0 else "Failed",
            **container_statuses(pod, {"terminated": ended}, ready=False),
        }
        self._report(pod, status | ({"reason": reason} if reason else {}))

    def _remove(self, pod: Any) -> None:
        if pod.status.phase not in {"Succeeded", "Failed"}:
            self._finish(pod, 137, None)
        self._core.delete_namespaced_pod(
            pod.metadata.name,
            pod.metadata.namespace,
            body=kube.V1DeleteOptions(grace_period_seconds=0, preconditions=kube.V1Preconditions(uid=pod.metadata.uid)),
        )

    def _forget(self, pod: Any) -> None:
        # Somebody else may have removed the object between our look and our write.
        with _unless_gone():
            self._remove(pod)

    def _report(self, pod: Any, status: Mapping[str, Any]) -> None:
        body = {"metadata": {"uid": pod.metadata.uid}, "status": dict(status)}
        self._core.patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, body)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except kube.ApiException as error:
        if error.status not in {404, 409}:
            raise


@contextlib.contextmanager
def _while_the_api_is_away() -> Iterator[None]:
    """A kubelet outlives its API server, and an object that vanishes under its hands: so does this one."""
    with _unless_gone(), contextlib.suppress(urllib3.exceptions.HTTPError):
        yield
