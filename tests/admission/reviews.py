"""AdmissionReviews for tests, a gate that answers as told, and TLS pairs."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatekeeper.domain.decision import Decision, Verdict
from gatekeeper.domain.workload import Workload
from gatekeeper.gate import Considered

LOOPBACK = IPv4Address("127.0.0.1")
ASSETS = Path(__file__).parent / "assets"
GPU_POD = {"spec": {"containers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]}}


def manifest(api_version: str = "batch/v1", kind: str = "Job", **parts: Any) -> dict[str, Any]:
    """An object; a Job of one pod with eight GPUs unless told otherwise."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "train", "namespace": "lab"}} | (
        parts or {"spec": {"template": GPU_POD}}
    )


def review(new: Any = None, *, old: Any = None, operation: str = "CREATE", **request: Any) -> bytes:
    """An AdmissionReview of an object as the API server would send it."""
    group, _, version = (new or old or {}).get("apiVersion", "v1").rpartition("/")
    kind = {"group": group, "version": version, "kind": (new or old or {}).get("kind", "Pod")}
    fields = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind,
        "namespace": "lab",
        "operation": operation,
        "object": new,
        "oldObject": old,
        "dryRun": False,
    }
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": fields | request}
    return json.dumps(envelope).encode()


@dataclass
class ToldGate:
    """Answers what it was told to, and keeps what it was asked."""

    verdict: Verdict = Verdict.DENY
    sentence: str = "No: the budget of run r-1 is used up."
    fault: BaseException | None = None
    durable: Future[int] | None = None
    asked: list[tuple[Workload, bool]] = field(default_factory=list)

    def consider(self, workload: Workload, *, dry_run: bool) -> Considered:
        """As told."""
        self.asked.append((workload, dry_run))
        if self.fault is not None:
            raise self.fault
        return Considered(Decision(self.verdict, (), self.sentence), self.durable)


def write_pair(folder: Path, name: str) -> None:
    """A self-signed certificate for localhost and 127.0.0.1 under tls.crt and tls.key; `name` tells it from others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(LOOPBACK)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.key").write_bytes(pem)
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
