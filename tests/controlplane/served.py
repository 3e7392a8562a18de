"""`gatekeeper serve` as a process of its own, outside of the cluster, with the chart's own service account token."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import urllib3
import yaml

from gatekeeper.stores import open_stores
from tests.admission.reviews import write_pair
from tests.controlplane.chart import NAMESPACE
from tests.controlplane.harness.plane import ControlPlane
from tests.controlplane.harness.processes import Daemon, free_ports, wait_until
from tests.controlplane.keeper import CLUSTER, PACK, Books, ShiftedClock
from tests.metrics.stage import Labels, samples

TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef"
GATEKEEPER = str(Path(sys.executable).parent / "gatekeeper")
START_S = 60


class Served:
    """One installation of the process: its files, its port, and the process itself while it runs."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        """Nothing runs yet; `settings` stand beside or above our own."""
        self.folder, self._settings = folder, settings
        self.port, self.metrics_port = free_ports(2)
        (folder / "tls").mkdir()
        write_pair(folder / "tls", "webhook")
        self._daemon: Daemon | None = None

    def chart_settings(self) -> list[str]:
        """Arguments for helm, so that the API server asks this process."""
        return [
            "--set", f"webhook.url=https://127.0.0.1:{self.port}", "--set", f"webhook.token={TOKEN}",
            "--set-file", f"webhook.caBundle={self.folder / 'tls' / 'tls.crt'}",
        ]  # fmt: skip

    def prepare(self, plane: ControlPlane) -> None:
        """Write the settings, once the chart has made the service account."""
        (self.folder / "webhook-token").write_text(TOKEN)
        settings = {
            "cluster": CLUSTER,
            "data": "data",
            "policies": {PACK: {"mode": "enforce"}},
            "webhook": {"host": "127.0.0.1", "port": self.port},
            "metrics": {"host": "127.0.0.1", "port": self.metrics_port},
            "log": {"checkpoint_every_s": 1},
            "controller": {"resync_s": 5, "settle_every_s": 5, "clearance_s": 3600},
            "kubernetes": {"kubeconfig": str(plane.service_account_kubeconfig(NAMESPACE, "controller"))},
        }
        (self.folder / "config.yaml").write_text(yaml.safe_dump(settings | self._settings))
        (self.folder / "data").mkdir(mode=0o700)
        self.reopen()
        command = [GATEKEEPER, "serve", "--config", str(self.folder / "config.yaml")]
        self._daemon = Daemon("gatekeeper", command, self.folder / "serve.log")

    def reopen(self) -> None:
        """Open the books; again, where somebody has moved the database's files."""
        self.books = Books(open_stores(f"sqlite:///{self.folder / 'data' / 'gatekeeper.db'}"), ShiftedClock())

    @property
    def daemon(self) -> Daemon:
        assert self._daemon is not None
        return self._daemon

    def start(self, *, wait: bool = True) -> None:
        """Start the process; with wait, return when it is ready."""
        self.daemon.start()
        if wait:
            wait_until(self.ready, "the service to be ready", deadline_s=START_S, alive=self.daemon.check_alive)

    def ready(self) -> bool:
        with urllib3.PoolManager(ca_certs=str(self.folder / "tls" / "tls.crt"), retries=False, timeout=5) as pool:
            try:
                return pool.request("GET", f"https://127.0.0.1:{self.port}/readyz").status == 200
            except urllib3.exceptions.HTTPError:
                return False

    def metrics(self) -> dict[str, dict[Labels, float]]:
        """What Prometheus would read now."""
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            return samples(pool.request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics").data)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self.daemon.end()

    def run(self, *arguments: str, person: str = "ana") -> subprocess.CompletedProcess[str]:
        """Another command of the command line on the same data."""
        environment = {**os.environ, "COMPUTE_GATEKEEPER_PERSON": person}
        command = [GATEKEEPER, *arguments, "--config", str(self.folder / "config.yaml")]
        return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=False)

    def log_lines(self) -> list[dict[str, Any]]:
        """What the process logged, as JSON; one that gave up ends with a sentence for people."""
        lines = self.daemon.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def close(self) -> None:
        if self._daemon is not None:
            self._daemon.kill()
            self.books.stores.close()
