"""A real node on this machine: containerd and the kubelet, with accelerators that exist only in the node's status.

It lives in process and mount namespaces of its own: ending process 1 of them ends every container and every mount.
Needs root, Linux, and the packages of `scripts/system_packages.py --only node`.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubernetes import client as kube

from scripts import system_packages
from tests.controlplane.harness import image, node_files
from tests.controlplane.harness.binaries import binary
from tests.controlplane.harness.fake_node import GPU, PRODUCT, PRODUCT_LABEL
from tests.controlplane.harness.logs import new_log_folder
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import Daemon, HarnessError, free_ports, run, wait_until

CGROUPS = Path("/sys/fs/cgroup")


def require_root_and_packages() -> None:
    """Raise HarnessError with the way to repair it where this machine cannot run a node."""
    if os.geteuid() != 0:
        raise HarnessError(
            "a real node needs root: run the same command as root (`sudo -E make ...`), or in a container as root"
        )
    absent = system_packages.ensure(("node",))
    if absent:
        raise HarnessError("a real node needs more programs\n" + system_packages.explain(absent))


class RealNode:
    """containerd and kubelet for one plane. `image` runs on it with imagePullPolicy Never."""

    image = image.WORK_IMAGE

    def __init__(
        self, plane: ControlPlane, name: str = "real1", gpus: int = 8, labels: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.plane = plane
        self._gpus = gpus
        self._labels = dict(labels or {})
        self._address: str | None = None
        self._containerd: Daemon | None = None
        self._kubelet: Daemon | None = None

    def __enter__(self) -> Self:
        require_root_and_packages()
        self.folder = Path(tempfile.mkdtemp(prefix="compute-gatekeeper-node-"))
        self.log_folder = new_log_folder("node")
        try:
            self._start_containerd()
            self.start_kubelet()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        kube.CoreV1Api(self.plane.client("admin")).delete_node(self.name)

    # --- start and end ---

    def _start_containerd(self) -> None:
        self._address, pod_subnet = _free_addresses()
        run(["ip", "address", "add", f"{self._address}/32", "dev", "lo"])
        self.layout = node_files.NodeLayout(self.folder, self._address, pod_subnet, free_ports(1)[0])
        node_files.write(self.layout, self.plane.ca_file)
        for place in node_files.FIXED_PLACES:
            # Only to be mounted over. They stay, empty: removing one would unmount it in another node that runs now.
            place.mkdir(exist_ok=True)
        apart = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = [*apart, "sh", str(self.folder / "init.sh")]
        self._containerd = Daemon("containerd", command, self.log_folder / "containerd.log")
        self._containerd.start()
        wait_until(self._containerd_answers, "containerd to answer", alive=self._containerd.check_alive)
        archive = self.folder / "image.tar"
        archive.write_bytes(image.archive())
        self.ctr("images", "import", "--snapshotter", "native", str(archive))

    def start_kubelet(self, *, wait: bool = True) -> None:
        """Start the kubelet (again). With wait, returns when the node is Ready and offers its accelerators."""
        assert self._containerd is not None
        assert self._containerd.pid is not None
        inside = _children(self._containerd.pid)[0]
        labels = ",".join(f"{key}={value}" for key, value in ({PRODUCT_LABEL: PRODUCT} if self._gpus else {}).items())
        command = [
            "nsenter",
            f"--target={inside}",
            "--mount",
            "--pid",
            "--",
            binary("kubelet"),
            f"--config={self.folder / 'kubelet.json'}",
            f"--kubeconfig={self.plane.kubeconfig(f'system:node:{self.name}')}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet' / 'pki'}",
            f"--hostname-override={self.name}",
            f"--node-ip={self._address}",
            f"--node-labels={labels}",
        ]
        self._kubelet = Daemon("kubelet", command, self.log_folder / "kubelet.log")
        started = time.time()
        self._kubelet.start()
        if wait:
            wait_until(
                lambda: self._ready_since(started),
                f"node {self.name} to be Ready",
                deadline_s=90,
                alive=self._kubelet.check_alive,
            )
            self._offer()

    def kill_kubelet(self) -> None:
        """SIGKILL the kubelet; its containers go on."""
        assert self._kubelet is not None
        if self._kubelet.pid is not None:
            for pid in _children(self._kubelet.pid):
                os.kill(pid, 9)
        self._kubelet.kill()

    def stop(self) -> None:
        """End the kubelet, containerd and every container, and remove what they made; a second call does nothing."""
        if self._kubelet is not None:
            self.kill_kubelet()
        if self._containerd is not None:
            inside = _children(self._containerd.pid) if self._containerd.pid is not None else []
            self._containerd.kill()
            # Process 1 of the namespace is gone only after the kernel has ended everything in it.
            wait_until(lambda: not [pid for pid in inside if _alive(pid)], "the node's processes to end")
            self._containerd = None
        if self._address is not None:
            run(["ip", "address", "del", f"{self._address}/32", "dev", "lo"])
            _remove_cgroups(self.folder / "containerd-state")
            self._address = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- looking at it ---

    def ctr(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """containerd's own command line, in the namespace that holds the pods."""
        return run(["ctr", "--address", str(self.layout.cri_socket), "--namespace", "k8s.io", *arguments], check=check)

    def containers(self, namespace: str, pod: str) -> dict[str, str]:
        """The pod's containers that run according to containerd (not the API): name -> containerd's id."""
        rows = [line.split() for line in self.ctr("tasks", "ls").stdout.splitlines()[1:]]
        found = {}
        for identifier in (row[0] for row in rows if row[2] == "RUNNING"):
            shown = self.ctr("containers", "info", identifier, check=False)
            labels = json.loads(shown.stdout).get("Labels", {}) if shown.returncode == 0 else {}
            owner = (labels.get("io.kubernetes.pod.namespace"), labels.get("io.kubernetes.pod.name"))
            if owner == (namespace, pod) and "io.kubernetes.container.name" in labels:
                found[labels["io.kubernetes.container.name"]] = identifier
        return found

    def log_of(self, namespace: str, pod: str) -> str:
        """What the pod's containers have written, as the kubelet keeps it (time, stream, flag, line)."""
        files = sorted((self.folder / "pod-logs").glob(f"{namespace}_{pod}_*/*/*.log"))
        return "".join(file.read_text() for file in files)

    def _containerd_answers(self) -> bool:
        try:
            return self.layout.cri_socket.exists() and self.ctr("version", check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _ready_since(self, started: float) -> bool:
        try:
            node: Any = kube.CoreV1Api(self.plane.client("admin")).read_node(self.name)
        except kube.ApiException as error:
            if error.status == 404:
                return False
            raise HarnessError(f"cannot read node {self.name}: {error.reason}") from error
        ready = [each for each in node.status.conditions or [] if each.type == "Ready" and each.status == "True"]
        return bool(ready) and ready[0].last_heartbeat_time.timestamp() >= int(started)

    def _offer(self) -> None:
        core = kube.CoreV1Api(self.plane.client("admin"))
        if self._labels:
            core.patch_node(self.name, {"metadata": {"labels": self._labels}})
        size = {GPU: str(self._gpus)}
        core.patch_node_status(self.name, {"status": {"capacity": size, "allocatable": size}})
        wait_until(self._schedulable, f"{self.name} to offer its accelerators without a taint")

    def _schedulable(self) -> bool:
        node: Any = kube.CoreV1Api(self.plane.client("admin")).read_node(self.name)
        tainted = any(taint.key.startswith("node.kubernetes.io/") for taint in node.spec.taints or [])
        return not tainted and node.status.allocatable.get(GPU) == str(self._gpus)


def _free_addresses() -> tuple[str, str]:
    """An address for the node and a /24 for its pods, from ranges that are nobody's (RFC 5737, RFC 2544)."""
    known = run(["ip", "-4", "-oneline", "address"]).stdout + run(["ip", "-4", "route"]).stdout
    # A whole range is left alone when an interface or route of this machine uses it: its gateway may be in there.
    others = "\n".join(line for line in known.splitlines() if " lo " not in line)
    for prefix in ("198.51.100", "203.0.113"):
        if f"{prefix}." not in others:
            free = [n for n in range(1, 255) if f"{prefix}.{n}/" not in known and f"198.18.{n}." not in known]
            number = secrets.choice(free)
            return f"{prefix}.{number}", f"198.18.{number}.0/24"
    raise HarnessError("this machine uses both 198.51.100.0/24 and 203.0.113.0/24: the test node has no address left")


def _children(pid: int) -> list[int]:
    """The direct children of a process; empty when it has gone."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _remove_cgroups(state: Path) -> None:
    """Remove the cgroups of the containers that were still there; runc, which does it, was ended with them."""
    names = {task.name for task in state.glob("io.containerd.runtime.v2.task/k8s.io/*")}
    # One tree (cgroup v2), or one for each controller (v1).
    trees = [tree for tree in (CGROUPS, *CGROUPS.iterdir()) if (tree / "k8s.io").is_dir()]
    found = [tree / "k8s.io" / name for tree in trees for name in names]

    def gone() -> bool:
        # A hybrid tree may show a cgroup twice, and the kernel needs a moment to let the last process go.
        for folder in found:
            with contextlib.suppress(OSError):
                folder.rmdir()
        return not any(folder.exists() for folder in found)

    wait_until(gone, "the containers' cgroups to be removed")
