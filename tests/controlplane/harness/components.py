"""The command lines of the four servers of the control plane, and why each flag stands there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.harness.binaries import binary
from tests.controlplane.harness.certificates import Authority

# In the order of starting.
COMPONENTS = ("etcd", "apiserver", "controller-manager", "scheduler")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the servers keep their files, and their ports: etcd client, etcd peer, API server, manager, scheduler."""

    folder: Path
    authority: Authority
    ports: Sequence[int]
    kubeconfig: Callable[[str], Path]


def commands(layout: Layout, apiserver_flags: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command of each component; apiserver_flags come last, so that they win."""
    tokens = layout.authority.key_pair("service-account")
    return {
        "etcd": _etcd(layout),
        "apiserver": [*_apiserver(layout, tokens.certificate, tokens.key), *apiserver_flags],
        "controller-manager": _controller_manager(layout, tokens.key),
        "scheduler": _scheduler(layout),
    }


def _etcd(layout: Layout) -> list[str]:
    client, peer = (f"http://127.0.0.1:{port}" for port in layout.ports[:2])
    return [
        binary("etcd"),
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        # Tests kill processes, not machines: what the kernel holds is safe enough, and much faster.
        "--unsafe-no-fsync",
    ]


def _apiserver(layout: Layout, token_public_key: Path, token_key: Path) -> list[str]:
    serving = layout.authority.serving("apiserver", ["127.0.0.1", "localhost", "10.0.0.1", "kubernetes.default.svc"])
    to_kubelet = layout.authority.client("apiserver-to-kubelet", "apiserver", ["system:masters"])
    return [
        binary("kube-apiserver"),
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={layout.ports[2]}",
        # The endpoint of the service `kubernetes` may not be a loopback address, and nothing here needs it.
        "--endpoint-reconciler-type=none",
        f"--cert-dir={layout.folder / 'apiserver'}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={layout.authority.certificate}",
        f"--etcd-servers=http://127.0.0.1:{layout.ports[0]}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={token_public_key}",
        f"--service-account-signing-key-file={token_key}",
        f"--kubelet-client-certificate={to_kubelet.certificate}",
        f"--kubelet-client-key={to_kubelet.key}",
        # Test nodes have names that no name server knows.
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=Node,RBAC",
        # Without these three, ways around us look closed that are open on providers' clusters.
        "--allow-privileged=true",
        "--enable-admission-plugins=NodeRestriction,ExtendedResourceToleration",
    ]


def _controller_manager(layout: Layout, token_key: Path) -> list[str]:
    return [
        binary("kube-controller-manager"),
        f"--kubeconfig={layout.kubeconfig('system:kube-controller-manager')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.ports[3]}",
        f"--cert-dir={layout.folder / 'controller-manager'}",
        # Each controller calls with its own service account, as on every real cluster: policies see their names.
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={token_key}",
        f"--root-ca-file={layout.authority.certificate}",
    ]


def _scheduler(layout: Layout) -> list[str]:
    return [
        binary("kube-scheduler"),
        f"--kubeconfig={layout.kubeconfig('system:kube-scheduler')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.ports[4]}",
        f"--cert-dir={layout.folder / 'scheduler'}",
    ]
