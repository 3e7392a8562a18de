"""Two tiny container images made from the static busybox of this machine, as one OCI archive that `ctr` imports."""

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tests.controlplane.harness.processes import HarnessError

BUSYBOX = Path("/bin/busybox")
WORK_IMAGE = "gatekeeper.test/busybox:1"
PAUSE_IMAGE = "gatekeeper.test/pause:1"
# 68 years: the pause container waits to be killed.
FOREVER_S = "2147483647"

Blobs = dict[str, bytes]


def archive() -> bytes:
    """The OCI archive (a tar) with WORK_IMAGE, whose command is given by the pod, and PAUSE_IMAGE."""
    blobs: Blobs = {}
    layer = _layer()
    manifests = [
        _manifest(blobs, layer, WORK_IMAGE, ["/bin/sh"]),
        _manifest(blobs, layer, PAUSE_IMAGE, ["/bin/busybox", "sleep", FOREVER_S]),
    ]
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
    files = {f"blobs/sha256/{digest}": content for digest, content in blobs.items()}
    files["oci-layout"] = json.dumps({"imageLayoutVersion": "1.0.0"}).encode()
    files["index.json"] = json.dumps(index).encode()
    return _tar(files, {})


def _layer() -> bytes:
    if not BUSYBOX.exists():
        raise HarnessError("no /bin/busybox: run `python scripts/system_packages.py --only node` as root")
    applets = subprocess.run([BUSYBOX, "--list"], check=True, text=True, capture_output=True).stdout.split()
    links = {f"bin/{applet}": "/bin/busybox" for applet in applets if applet != "busybox"}
    return _tar({"bin/busybox": BUSYBOX.read_bytes(), "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n"}, links)


def _tar(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return made.getvalue()


def _manifest(blobs: Blobs, layer: bytes, name: str, command: list[str]) -> dict[str, Any]:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": command, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(blobs, "application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
        "layers": [_blob(blobs, "application/vnd.oci.image.layer.v1.tar", layer)],
    }
    described = _blob(blobs, "application/vnd.oci.image.manifest.v1+json", json.dumps(manifest).encode())
    return described | {"annotations": {"io.containerd.image.name": name}}


def _blob(blobs: Blobs, media_type: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
