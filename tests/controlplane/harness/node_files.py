"""What containerd, its network plugin and the kubelet of the test node are told, and how they are set apart."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.harness.image import PAUSE_IMAGE

# The kubelet sets these kernel parameters to these values. It finds them already set, so the machine's stay untouched.
KERNEL_PARAMETERS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# Folders whose names are built into containerd, the network library and the kubelet; each node gets its own there.
FIXED_PLACES = (Path("/run/containerd"), Path("/var/lib/cni"), Path("/var/lib/kubelet"))


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """Where a node keeps everything, and the addresses it was given: its own, and a /24 for its pods."""

    folder: Path
    address: str
    pod_subnet: str
    kubelet_port: int

    @property
    def cri_socket(self) -> Path:
        """containerd's socket, on which it also speaks CRI."""
        return self.folder / "containerd.sock"


def write(layout: NodeLayout, client_ca: Path) -> None:
    """Write every configuration file of the node into its folder."""
    folder = layout.folder
    for name in ("cni", "static-pods", "pod-logs", "kubelet", "sysctl", "volume-plugins"):
        (folder / name).mkdir()
    for place in FIXED_PLACES:
        (folder / "in-place-of" / place.name).mkdir(parents=True)
    (folder / "containerd.toml").write_text(_containerd(layout))
    (folder / "cni" / "10-ptp.conflist").write_text(json.dumps(_network(layout)))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(layout, client_ca)))
    (folder / "init.sh").write_text(_init(folder))
    for name, value in KERNEL_PARAMETERS.items():
        (folder / "sysctl" / name.replace("/", ".")).write_text(f"{value}\n")


def _containerd(layout: NodeLayout) -> str:
    folder = layout.folder
    unused = ", ".join(f'"io.containerd.snapshotter.v1.{name}"' for name in ("aufs", "btrfs", "devmapper", "zfs"))
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""
version = 2
root = "{folder}/containerd-root"
state = "{folder}/containerd-state"
disabled_plugins = [{unused}]
[grpc]
  address = "{layout.cri_socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd-opt"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
[{cri}.containerd]
  snapshotter = "native"
  default_runtime_name = "runc"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  Root = "{folder}/runc"
  SystemdCgroup = false
[{cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{folder}/cni"
"""


def _network(layout: NodeLayout) -> dict[str, object]:
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": layout.pod_subnet}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(layout.folder / "cni-leases"),
    }
    # No masquerading: pods talk to nobody, and this machine's packet filter is left alone.
    return {"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}]}


def _kubelet(layout: NodeLayout, client_ca: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.address,
        "port": layout.kubelet_port,
        "healthzPort": 0,
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(client_ca)},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{layout.cri_socket}",
        "staticPodPath": str(layout.folder / "static-pods"),
        "podLogsDir": str(layout.folder / "pod-logs"),
        "volumePluginDir": str(layout.folder / "volume-plugins"),
        "cgroupDriver": "cgroupfs",
        # Works on cgroup v1 and v2, and inside containers whose cgroups are not ours to divide.
        "failCgroupV1": False,
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        # Tests wait for these: the defaults are for clusters of thousands of nodes.
        "fileCheckFrequency": "1s",
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "2s",
    }


def _init(folder: Path) -> str:
    """Process 1 of the node's own process and mount namespaces: when it dies, the kernel ends the whole node."""
    mounts = [f"mount --bind {folder}/in-place-of/{place.name} {place}" for place in FIXED_PLACES]
    mounts += [
        f"test ! -e /proc/sys/{name} || mount --bind {folder}/sysctl/{name.replace('/', '.')} /proc/sys/{name}"
        for name in KERNEL_PARAMETERS
    ]
    # Not exec: process 1 has to reap what containerd leaves to it, and the shell does.
    return "\n".join(["set -e", *mounts, f"containerd --config {folder}/containerd.toml &", "wait $!", ""])
