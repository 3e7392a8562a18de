"""The control plane: etcd, kube-apiserver, controller manager and scheduler on loopback ports, and ways to talk to it.

    with ControlPlane() as plane:
        plane.kubectl("get", "namespaces")
        tenant = plane.create_tenant("lab-a", "alice@lab-a")

Everything lives in one temporary folder; the logs are kept (`log_folder`) for whoever has to find out what went wrong.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes import client as kube

from tests.controlplane.harness.binaries import binary
from tests.controlplane.harness.certificates import Authority
from tests.controlplane.harness.components import COMPONENTS, Layout, commands
from tests.controlplane.harness.identities import Identity, kubeconfig_text, mint, well_known
from tests.controlplane.harness.logs import new_log_folder
from tests.controlplane.harness.processes import Daemon, HarnessError, free_ports, run, wait_until


@dataclass(frozen=True, slots=True)
class Tenant:
    """A user who is `admin` of one namespace and nothing else."""

    namespace: str
    user: str
    kubeconfig: Path


class ControlPlane:
    """One control plane. Flags in `apiserver_flags` come last and win over ours."""

    def __init__(self, apiserver_flags: Sequence[str] = ()) -> None:
        self._apiserver_flags = tuple(apiserver_flags)
        self._daemons: dict[str, Daemon] = {}
        self._identities: dict[tuple[str, tuple[str, ...]], Identity] = {}
        self._clients: dict[Identity, Any] = {}

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="compute-gatekeeper-plane-"))
        self.log_folder = new_log_folder("plane")
        try:
            self._prepare()
            for name in COMPONENTS:
                self._daemons[name].start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        ports = free_ports(5)
        self.url = f"https://127.0.0.1:{ports[2]}"
        self._authority = Authority(self.folder / "pki")
        self.ca_file = self._authority.certificate
        layout = Layout(self.folder, self._authority, ports, self.kubeconfig)
        for name, command in commands(layout, self._apiserver_flags).items():
            self._daemons[name] = Daemon(name, command, self.log_folder / f"{name}.log")

    def stop(self) -> None:
        """End every server by its pid and remove the folder; a second call does nothing."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        for name in reversed(COMPONENTS):
            if name in self._daemons:
                self._daemons[name].kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the servers ---

    def kill(self, component: str) -> None:
        """SIGKILL one of etcd, apiserver, controller-manager, scheduler."""
        self._daemons[component].kill()

    def start(self, component: str) -> None:
        """Start a killed component again, on the same ports and data."""
        self._daemons[component].start()

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again; returns when it is ready."""
        self.kill("apiserver")
        self.start("apiserver")
        self.wait_ready()

    def restart(self) -> None:
        """Kill and start all but etcd. Scheduler and controller manager would find a new API server again only when
        their patience ends, after up to a minute."""
        others = ("controller-manager", "scheduler")
        for component in ("apiserver", *others):
            self.kill(component)
        for component in ("apiserver", *others):
            self.start(component)
        self.wait_ready()

    def pids(self) -> dict[str, int]:
        """The pid of each component that runs."""
        return {name: daemon.pid for name, daemon in self._daemons.items() if daemon.pid is not None}

    def wait_ready(self, deadline_s: float = 120) -> None:
        """Return when /readyz says so and the ClusterRole `admin` has been filled by aggregation."""
        identity = self.identity("admin")
        with urllib3.PoolManager(
            ca_certs=str(self.ca_file),
            cert_file=str(identity.certificate),
            key_file=str(identity.key),
            retries=False,
            timeout=5,
        ) as pool:
            wait_until(
                lambda: self._answers(pool, "/readyz"),
                "the API server to be ready",
                deadline_s=deadline_s,
                alive=self._check_alive,
            )
        wait_until(self._admin_role_filled, "ClusterRole admin to have rules", deadline_s=60, alive=self._check_alive)

    def _answers(self, pool: urllib3.PoolManager, path: str) -> bool:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return pool.request("GET", self.url + path).status == 200
        return False

    def _admin_role_filled(self) -> bool:
        role = kube.RbacAuthorizationV1Api(self.client("admin")).read_cluster_role("admin")
        # `edit` is folded into `admin` in a second step: pods/eviction comes with it.
        return any("pods/eviction" in (rule.resources or ()) for rule in role.rules or ())

    def _check_alive(self) -> None:
        for daemon in self._daemons.values():
            daemon.check_alive()

    # --- who calls it ---

    def identity(self, name: str, *groups: str) -> Identity:
        """The certificate of a short name (identities.well_known) or of any user, in the groups named in addition."""
        user, own_groups = well_known(name)
        key = (user, (*own_groups, *groups))
        if key not in self._identities:
            self._identities[key] = mint(self._authority, *key)
        return self._identities[key]

    def kubeconfig(self, name: str, *groups: str) -> Path:
        """A kubeconfig file for the identity."""
        identity = self.identity(name, *groups)
        credential = {"client-certificate": str(identity.certificate), "client-key": str(identity.key)}
        return self._write_kubeconfig(identity.certificate.stem, credential)

    def client(self, name: str, *groups: str) -> kube.ApiClient:
        """The client of the official library that calls as the identity; one for each, so that polling is cheap."""
        identity = self.identity(name, *groups)
        if identity not in self._clients:
            self._clients[identity] = self._new_client(identity)
        return self._clients[identity]

    def _new_client(self, identity: Identity) -> kube.ApiClient:
        settings = kube.Configuration()
        settings.host = self.url
        settings.ssl_ca_cert = str(self.ca_file)
        settings.cert_file = str(identity.certificate)
        settings.key_file = str(identity.key)
        return kube.ApiClient(settings)

    def service_account_token(self, namespace: str, name: str, lifetime_s: int = 3600) -> str:
        """A real token of an existing service account, from the TokenRequest API."""
        request = kube.AuthenticationV1TokenRequest(
            spec=kube.V1TokenRequestSpec(audiences=[], expiration_seconds=lifetime_s)
        )
        core = kube.CoreV1Api(self.client("admin"))
        answer: Any = core.create_namespaced_service_account_token(name, namespace, request)
        return str(answer.status.token)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig with such a token: what a process has that runs as the chart's service account."""
        token = self.service_account_token(namespace, name)
        return self._write_kubeconfig(f"token-{namespace}-{name}", {"token": token})

    def _write_kubeconfig(self, stem: str, credential: dict[str, str]) -> Path:
        path = self.folder / "pki" / f"{stem}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(kubeconfig_text(self.url, self.ca_file, credential))
        return path

    # --- calling it ---

    def kubectl(
        self,
        *arguments: str,
        identity: str = "admin",
        input: str | None = None,  # noqa: A002
        check: bool = True,
    ) -> CompletedProcess[str]:
        """Run kubectl as the identity. Raises CommandError when it fails and check is set."""
        command = [binary("kubectl"), f"--kubeconfig={self.kubeconfig(identity)}", *arguments]
        return run(command, env=self._environment(), input=input, check=check)

    def helm(self, *arguments: str, check: bool = True) -> CompletedProcess[str]:
        """Run helm as cluster administrator, with no settings of the user's own."""
        environment = {**self._environment(), "KUBECONFIG": str(self.kubeconfig("admin"))}
        return run([binary("helm"), *arguments], env=environment, check=check, timeout_s=300)

    def _environment(self) -> Mapping[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(home)}

    def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Create a namespace and wait till pods can be created in it (its default service account exists)."""
        core = kube.CoreV1Api(self.client("admin"))
        core.create_namespace(kube.V1Namespace(metadata=kube.V1ObjectMeta(name=name, labels=dict(labels or {}))))
        wait_until(_found(core.read_namespaced_service_account, "default", name), f"service account of {name}")

    def create_tenant(self, namespace: str, user: str, labels: Mapping[str, str] | None = None) -> Tenant:
        """A new namespace whose ClusterRole `admin` is bound to the user; returns when the binding has taken effect."""
        self.create_namespace(namespace, labels)
        binding = kube.V1RoleBinding(
            metadata=kube.V1ObjectMeta(name="tenant-admin"),
            role_ref=kube.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="admin"),
            subjects=[kube.RbacV1Subject(api_group="rbac.authorization.k8s.io", kind="User", name=user)],
        )
        kube.RbacAuthorizationV1Api(self.client("admin")).create_namespaced_role_binding(namespace, binding)
        wait_until(lambda: self._may_create_pods(namespace, user), f"{user} to become admin of {namespace}")
        return Tenant(namespace, user, self.kubeconfig(user))

    def _may_create_pods(self, namespace: str, user: str) -> bool:
        question = kube.V1SubjectAccessReview(
            spec=kube.V1SubjectAccessReviewSpec(
                user=user,
                resource_attributes=kube.V1ResourceAttributes(namespace=namespace, verb="create", resource="pods"),
            )
        )
        answer = kube.AuthorizationV1Api(self.client("admin")).create_subject_access_review(question)
        return answer.status is not None and bool(answer.status.allowed)


def _found(read: Callable[..., Any], *arguments: str) -> Callable[[], Any]:
    """A condition for wait_until: what `read` returns, or None while the API server answers 404."""

    def look() -> Any:
        try:
            return read(*arguments)
        except kube.ApiException as error:
            if error.status != 404:
                raise HarnessError(f"reading {arguments} failed: {error.reason}") from error
            return None

    return look
