"""Who may call the API server: client certificates minted on demand, and the kubeconfig that carries one."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.harness.certificates import Authority

CONTROLLER = "system:serviceaccount:compute-gatekeeper:controller"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the API server and the PEM files by which it is known."""

    user: str
    groups: tuple[str, ...]
    certificate: Path
    key: Path


def well_known(name: str) -> tuple[str, tuple[str, ...]]:
    """The (user, groups) behind a name: `admin`, `controller`, `system:node:X`, a service account, a plain user."""
    if name == "admin":
        return "admin", ("system:masters",)
    user = CONTROLLER if name == "controller" else name
    if user.startswith("system:node:"):
        return user, ("system:nodes",)
    if user.startswith("system:serviceaccount:"):
        namespace = user.split(":")[2]
        return user, ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return user, ()


def mint(authority: Authority, user: str, groups: Sequence[str]) -> Identity:
    """Make a certificate for the user as a member of the groups."""
    readable = re.sub(r"[^a-z0-9-]+", "-", user.lower())
    digest = hashlib.sha256(repr((user, tuple(groups))).encode()).hexdigest()[:8]
    pair = authority.client(f"{readable}-{digest}", user, groups)
    return Identity(user, tuple(groups), pair.certificate, pair.key)


def kubeconfig_text(url: str, ca_file: Path, user: dict[str, str]) -> str:
    """A kubeconfig (JSON is YAML) with one context; `user` is its credential as kubectl spells it."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        },
        indent=1,
    )
