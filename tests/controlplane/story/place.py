"""The stage of the story: a control plane with the chart, a node, and `gatekeeper serve` outside of the cluster."""

import os
import re
import shlex
import shutil
import signal
import ssl
import sys
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from gatekeeper.demo.certificate import HOST, write_certificate
from gatekeeper.policy_files import COUNTRIES_FILE, PACK_FILE, bundled_dir
from tests.controlplane.calls import Answer, Caller
from tests.controlplane.chart import CHART, NAMESPACE, wait_until_obeyed
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import Daemon, HarnessError, free_ports, run, wait_until
from tests.controlplane.story.jobs import owned_by
from tests.controlplane.story.show import Show

ROOT = Path(__file__).parents[3]
CUSTOMERS = ROOT / "examples" / "customers"
PACK = "us-ai-diffusion"
LEASE_S = 20
PROGRAM = Path(sys.executable).with_name("gatekeeper")
READY_WITHIN_S = 60.0

Done = CompletedProcess[str]


class Place:
    """Everything that the acts play on; leaving it ends our process."""

    def __init__(self, plane: ControlPlane, show: Show) -> None:
        self.plane, self.show = plane, show
        self.admin = Caller(plane, "admin")
        self.folder = plane.folder / "gatekeeper"
        self._port = free_ports(1)[0]
        self._log = plane.log_folder / "gatekeeper.log"
        self._process: Daemon | None = None

    def __enter__(self) -> Self:
        self._trusted = write_certificate(self.folder / "tls")
        write_short_leases(self.folder / "policies")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()

    # --- the chart and the process ---

    def install(self) -> None:
        """helm install; returns when the API server obeys the policies."""
        values = self.folder / "values.yaml"
        values.write_text(yaml.safe_dump(self._values(), sort_keys=False))
        command = ["install", NAMESPACE, str(CHART.relative_to(ROOT)), "--namespace", NAMESPACE, "--create-namespace"]
        command += ["--values", "values.yaml", "--set-file", "webhook.caBundle=tls/tls.crt"]
        real = {"values.yaml": str(values), "webhook.caBundle=tls/tls.crt": f"webhook.caBundle={self._trusted}"}
        real[command[2]] = str(CHART)
        done = self.plane.helm(*(real.get(each, each) for each in command))
        self.show.command(["helm", *command], done.stdout.partition("NOTES:")[0])
        wait_until_obeyed(self.plane)
        wait_until(lambda: not self.admin.get("/api/v1/namespaces/probe-of-policies").ok, "the probe to be gone")
        self._copy_settings()

    def _values(self) -> dict[str, Any]:
        """replicas 0: no image runs here, so the same process runs outside, as the chart's own service account."""
        return {
            "replicas": 0,
            "webhook": {"url": f"https://{HOST}:{self._port}"},
            "config": {
                "cluster": "demo",
                "data": str(self.folder / "data"),
                "policies_dir": str(self.folder / "policies"),
                "site": {"country": "US", "chip_authorization": "us_domestic"},
                "policies": {PACK: {"mode": "enforce"}},
                "webhook": {"host": HOST, "port": self._port},
                "controller": {"resync_s": 5, "settle_every_s": 5},
                "log": {"checkpoint_every_s": 10},
            },
        }

    def _copy_settings(self) -> None:
        """Settings and the end of the webhook's path, from where the chart put them."""
        base = f"/api/v1/namespaces/{NAMESPACE}"
        settings = self.admin.get(f"{base}/configmaps/compute-gatekeeper").body["data"]["config.yaml"]
        (self.folder / "config.yaml").write_text(settings)
        token = self.folder / "webhook-token"
        token.touch(mode=0o600)
        token.write_bytes(b64decode(self.admin.get(f"{base}/secrets/compute-gatekeeper-path").body["data"]["token"]))

    def start(self) -> None:
        """Start `gatekeeper serve`; returns when it has seen the whole cluster."""
        command = [str(PROGRAM), "serve"]
        self._process = Daemon("gatekeeper", command, self._log, env=self._environment())
        self._process.start()
        trust = ssl.create_default_context(cafile=self._trusted)
        with httpx.Client(verify=trust, timeout=5) as client:
            wait_until(
                lambda: self._answers(client),
                "gatekeeper to be ready",
                deadline_s=READY_WITHIN_S,
                alive=self._process.check_alive,
            )

    def _answers(self, client: httpx.Client) -> bool:
        try:
            return client.get(f"https://{HOST}:{self._port}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """SIGKILL our process, as a crash would."""
        assert self._process is not None
        self._process.kill()

    def end(self) -> None:
        """SIGTERM our process; returns when it has ended."""
        process = self._process
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        wait_until(lambda: process.pid is None, "gatekeeper to end", deadline_s=READY_WITHIN_S)

    def _environment(self) -> Mapping[str, str]:
        kubeconfig = self.plane.service_account_kubeconfig(NAMESPACE, "controller")
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "COMPUTE_GATEKEEPER_CONFIG": str(self.folder / "config.yaml"),
            "COMPUTE_GATEKEEPER_KUBERNETES__KUBECONFIG": str(kubeconfig),
        }

    # --- people ---

    def gatekeeper(self, *arguments: str, expect: int = 0, shown: bool = True) -> Done:
        """What a person types; its answer. Fails where it ends with another code."""
        done = run([str(PROGRAM), *arguments], env=self._environment(), cwd=self.folder, check=False)
        if shown:
            self.show.command(["gatekeeper", *arguments], done.stdout + done.stderr)
        if done.returncode != expect:
            said = done.stderr.strip() or done.stdout.strip()
            raise HarnessError(f"`gatekeeper {shlex.join(arguments)}` ended with {done.returncode}: {said}")
        return done

    def create(self, namespace: str, manifest: Mapping[str, Any], *, by: str) -> Done:
        """kubectl create as the tenant."""
        command = ["create", f"--namespace={namespace}", "-f", "-"]
        done = self.plane.kubectl(*command, identity=by, input=yaml.safe_dump(manifest), check=False)
        name = f"{manifest['metadata']['name']}.yaml"
        self.show.command(["kubectl", *command], done.stdout + done.stderr, reads=name)
        return done

    def would_be(self, namespace: str, pod: Mapping[str, Any]) -> Answer:
        """The pod as the API server would store it (a server-side dry run)."""
        return self.admin.create(f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)

    # --- looking at the cluster ---

    def pods(self, namespace: str, job: str | None = None) -> list[dict[str, Any]]:
        """Pods of a namespace, or of one Job in it."""
        items: list[dict[str, Any]] = self.admin.get(f"/api/v1/namespaces/{namespace}/pods").body["items"]
        return [each for each in items if job is None or owned_by(each, job)]

    def events(self, namespace: str, reason: str) -> list[str]:
        """What the owners of pods were told."""
        items = self.admin.get(f"/api/v1/namespaces/{namespace}/events").body["items"]
        return [each["message"] for each in items if each["reason"] == reason]

    def namespace(self, name: str) -> dict[str, Any]:
        return self.admin.get(f"/api/v1/namespaces/{name}").body


def write_short_leases(folder: Path) -> None:
    """The pack that comes with the program, with leases so short that nobody has to wait for their end."""
    shutil.copytree(bundled_dir() / PACK, folder / PACK)
    shutil.copy(bundled_dir() / COUNTRIES_FILE, folder)
    pack = folder / PACK / PACK_FILE
    text = pack.read_text()
    for word in ("shortest", "longest"):
        text, found = re.subn(rf"^  {word}: .*$", f"  {word}: {LEASE_S}s", text, flags=re.MULTILINE)
        assert found == 1, word
    pack.write_text(text)
