"""CPU of the webhook for one review against the least that a web server needs: nginx with a fixed answer.

Both take the same AdmissionReview over HTTPS (TLS 1.3, ECDSA P-256, kept-alive HTTP/1.1) and send back as many bytes.
They take turns in short rounds, so that a busy neighbour or a slower clock meets both.
"""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.provider import BUDGETED, SPENT
from bench.tools import cpu_s, free_port, say, start
from gatekeeper.demo.certificate import write_certificate

CONNECTIONS = 16
REVIEW = Path(__file__).parent.parent / "gatekeeper" / "demo" / "data" / "reviews" / "job.json"
SCRIPT = Path(__file__).with_name("post.lua")
READY_WITHIN_S = 20.0


class Broken(Exception):
    """A measurement that would not mean anything: wrong answers, or errors under load."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load: what it is sent, where, and whose CPU counts."""

    name: str
    url: str
    pid: int
    review: Path


@dataclass(frozen=True, slots=True)
class Load:
    """One round on one target."""

    requests: int
    duration_s: float
    cpu_us: float
    p50_us: int

    @property
    def per_s(self) -> float:
        return self.requests / self.duration_s


@dataclass(frozen=True, slots=True)
class WebhookResult:
    """Rounds of each target, in the order in which they took turns."""

    rounds: Mapping[str, list[Load]]
    review_bytes: int

    def ratios(self, name: str) -> list[float]:
        """CPU for a review against nginx's, round by round."""
        return [ours.cpu_us / least.cpu_us for ours, least in zip(self.rounds[name], self.rounds["nginx"], strict=True)]

    def median(self, name: str) -> Load:
        """The round whose CPU is the median."""
        ordered = sorted(self.rounds[name], key=lambda each: each.cpu_us)
        return ordered[len(ordered) // 2]


def measure(programs: Mapping[str, str], folder: Path, *, rounds: int, seconds: float, customers: int) -> WebhookResult:
    """Let nginx and the webhook take turns; the first round warms up and is not kept.

    Raises:
        Broken: a server answered something else than it should.
    """
    write_certificate(folder)
    allowed, refused = _write_reviews(folder)
    with ExitStack() as stack:
        ours, pid = stack.enter_context(_webhook(folder, customers))
        answer = _ask(ours, allowed, folder, allowed_is=True)
        _ask(ours, refused, folder, allowed_is=False)
        least, nginx_pid = stack.enter_context(_nginx(programs["nginx"], folder, answer))
        if _post(least, allowed, folder).content != answer:
            raise Broken("nginx does not give the fixed answer.")
        targets = [
            Target("nginx", least, nginx_pid, allowed),
            Target("webhook, allowed", ours, pid, allowed),
            Target("webhook, refused and recorded", ours, pid, refused),
        ]
        kept: dict[str, list[Load]] = {each.name: [] for each in targets}
        for number in range(rounds + 1):
            say(f"webhook: round {number} of {rounds}")
            for target in targets:
                load = _load(programs["wrk"], folder, target, seconds=seconds, number=number)
                if number:
                    kept[target.name].append(load)
    return WebhookResult(kept, allowed.stat().st_size)


def _load(wrk: str, folder: Path, target: Target, *, seconds: float, number: int) -> Load:
    environment = {**os.environ, "REVIEW": str(target.review), "ROUND": f"r{number}"}
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT), target.url]
    before = cpu_s(target.pid)
    process = start(command, server=False, folder=folder, environment=environment)
    said, _ = process.communicate(timeout=seconds + 30)
    used_s = cpu_s(target.pid) - before
    results = [line.split()[1:] for line in said.splitlines() if line.startswith("RESULT ")]
    if process.returncode or not results:
        raise Broken(f"wrk failed on {target.name}: {said}")
    requests, duration_us, faults, wrong, p50_us = map(int, results[0])
    if not requests or faults or wrong:
        raise Broken(f"{target.name}: {faults} failed and {wrong} wrong answers of {requests}.")
    return Load(requests, duration_us / 1e6, used_s * 1e6 / requests, p50_us)


@contextmanager
def _webhook(folder: Path, customers: int) -> Iterator[tuple[str, int]]:
    """The real webhook: (address, process id)."""
    token = secrets.token_hex(32)
    command = [sys.executable, "-m", "bench.webhook_server", str(folder), token, str(customers)]
    process = start(command, server=True, folder=folder)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise Broken("The webhook did not start: " + (folder / f"{Path(sys.executable).name}.log").read_text())
        url = f"https://127.0.0.1:{port}/validate/{token}"
        _wait(f"https://127.0.0.1:{port}/", folder)
        yield url, process.pid
    finally:
        _end(process)


@contextmanager
def _nginx(nginx: str, folder: Path, answer: bytes) -> Iterator[tuple[str, int]]:
    """One nginx process that reads each body and gives a fixed answer: (address, process id)."""
    port = free_port()
    text = answer.decode().replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    (folder / "nginx.conf").write_text(
        f"""
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.error warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300; client_max_body_size 3m;
  client_body_buffer_size 64k; server_tokens off; default_type application/json;
  {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
  server {{
    listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3;
    ssl_certificate {folder}/tls.crt; ssl_certificate_key {folder}/tls.key;
    location / {{ return 200 '{text}'; }}
  }}
}}
"""
    )
    process = start([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)], server=True, folder=folder)
    try:
        url = f"https://127.0.0.1:{port}/validate"
        _wait(url, folder)
        yield url, process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(url: str, folder: Path) -> None:
    """Until the server answers anything at all."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            httpx.get(url, verify=_trust(folder), trust_env=False)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise Broken(f"A server did not start within {READY_WITHIN_S:g} s.") from error
            time.sleep(0.05)
        else:
            return


def _ask(url: str, review: Path, folder: Path, *, allowed_is: bool) -> bytes:
    """The webhook's own answer, checked: a benchmark of wrong answers would be worth nothing."""
    response = _post(url, review, folder)
    if response.status_code != httpx.codes.OK or response.json()["response"]["allowed"] is not allowed_is:
        raise Broken(f"The webhook answered {response.status_code} {response.text[:500]}")
    return response.content


def _post(url: str, review: Path, folder: Path) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return httpx.post(url, content=review.read_bytes(), headers=headers, verify=_trust(folder), trust_env=False)


def _trust(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "tls.crt"))


def _write_reviews(folder: Path) -> tuple[Path, Path]:
    """A Job as a real API server sent it, in a namespace with budget, and in one without under a name of its own."""
    recorded = json.loads(REVIEW.read_text())
    paths = []
    for namespace, name in ((BUDGETED, "train"), (SPENT, "@NAME@")):
        request = recorded["request"]
        request |= {"namespace": namespace, "name": name, "dryRun": False}
        request["object"]["metadata"] |= {"namespace": namespace, "name": name}
        paths.append(folder / f"{namespace}.json")
        paths[-1].write_text(json.dumps(recorded, separators=(",", ":")))
    return paths[0], paths[1]
