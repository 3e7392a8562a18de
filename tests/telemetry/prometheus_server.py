"""The real Prometheus server of the tests: history by promtool, or live scrapes; on a loopback port."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.exporter.exposition import Gpu, braces

READY_WITHIN_S = 30.0
Moment = tuple[int, Sequence[Gpu]]  # seconds since 1970, what was scraped then


def program(name: str) -> str:
    """Path of a program, or a failure that says how to get it."""
    found = shutil.which(name)
    assert found, f"{name} is missing; install it with: python scripts/system_packages.py"
    return found


def scraped(gpu: Gpu, *, job: str, address: str, honor_labels: bool = False) -> dict[str, str]:
    """Labels as Prometheus stores them: the target's own, and the exporter's moved aside where they clash."""
    target = {"job": job, "instance": address, "namespace": "gpu-operator", "pod": f"{job}-x7k2p"}
    own = gpu.labels()
    if honor_labels:
        return {**target, **own}
    return {**{f"exported_{name}" if name in target else name: value for name, value in own.items()}, **target}


def history(
    moments: Iterable[Moment],
    *,
    job: str = "dcgm-exporter",
    address: str = "10.0.0.1:9400",
    honor_labels: bool = False,
) -> list[tuple[str, int, str, float]]:
    """Samples of one exporter over time: (name, second, labels, value)."""
    return [
        (name, at, braces(scraped(gpu, job=job, address=address, honor_labels=honor_labels)), value)
        for at, gpus in moments
        for gpu in gpus
        for name, value in gpu.values().items()
    ]


def write_blocks(samples: Iterable[tuple[str, int, str, float]], folder: Path) -> None:
    """Make TSDB blocks of the samples, as if they had been scraped."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    by_name: dict[str, list[str]] = {}
    for name, at, labels, value in sorted(samples, key=lambda each: (each[0], each[2], each[1])):
        by_name.setdefault(name, []).append(f"{name}{{{labels}}} {value:.17g} {at}")
    text = "".join(f"# TYPE {name} gauge\n" + "\n".join(lines) + "\n" for name, lines in by_name.items())
    page = folder / "history.txt"
    page.write_text(text + "# EOF\n")
    command = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(page), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def config(targets: Mapping[str, Sequence[str]]) -> str:
    """Settings that scrape each job's targets every second; the target labels are those of history()."""
    lines = ["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:"]
    for job, addresses in targets.items():
        listed = ", ".join(f'"{each}"' for each in addresses)
        lines += [
            f"- job_name: {job}",
            f"  static_configs: [{{targets: [{listed}], labels: {{namespace: gpu-operator, pod: {job}-x7k2p}}}}]",
        ]
    return "\n".join(lines) + "\n"


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(folder: Path, *, targets: Mapping[str, Sequence[str]] | None = None) -> Iterator[str]:
    """A running server over the data of a folder; yields its address. Ends cleanly, so that it can start again."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config(targets or {}))
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_ready(process, address, folder / "prometheus.log")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://{address}/-/ready", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet; the deadline decides.
        time.sleep(0.05)
    raise AssertionError(f"Prometheus was not ready within {READY_WITHIN_S} s: {log.read_text()}")
