"""The programs of Kubernetes: found where KUBEBUILDER_ASSETS says, else built once from locked Go modules into a cache.

`python -m tests.controlplane.harness.binaries` builds what is missing and prints the folder.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.controlplane.harness.processes import HarnessError
from tests.controlplane.harness.toolchain import environment, find_go

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Program:
    """A program that the tests run: its name, its Go package, and the folder of the go.mod that locks it."""

    name: str
    package: str
    module: Path = HERE


PROGRAMS = {
    program.name: program
    for program in (
        Program("etcd", "go.etcd.io/etcd/server/v3"),
        Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        Program("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        Program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        Program("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        Program("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
        Program("helm", "helm.sh/helm/v4/cmd/helm", HERE / "helm"),
    )
}


def cache_folder() -> Path:
    """Where everything of this harness that outlives a run is kept: outside the repository, per user."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "compute-gatekeeper" / "kube"


def bin_folder(module: Path) -> Path:
    """The cache folder of the programs that a module locks, keyed by its go.sum."""
    key = hashlib.sha256((module / "go.sum").read_bytes()).hexdigest()[:16]
    return cache_folder() / key / "bin"


@cache
def binary(name: str) -> str:
    """The path of a program of PROGRAMS, built first where it is missing. Raises HarnessError when that fails."""
    program = PROGRAMS[name]
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    for folder in (*((Path(assets),) if assets else ()), bin_folder(program.module)):
        if os.access(folder / name, os.X_OK):
            return str(folder / name)
    return str(_build(program))


def _version_flags(module: Path) -> str:
    # Without these the API server calls itself v0.0.0-master and takes other feature versions.
    found = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.(\d+)", (module / "go.mod").read_text())
    if found is None:
        return "-s -w"
    major, minor, patch = found.groups()
    package = "k8s.io/component-base/version"
    values = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in values.items())])


def _build(program: Program) -> Path:
    go = find_go(program.module / "go.mod", cache_folder())
    folder = bin_folder(program.module)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"  building {program.name} (once; minutes on a small machine) ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    # Built beside its place and renamed, so that an interrupted or parallel build never leaves half a program.
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / program.name
        command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", _version_flags(program.module)]
        done = subprocess.run(
            [*command, "-o", str(made), program.package],
            cwd=program.module,
            env=environment(),
            check=False,
            text=True,
            stderr=subprocess.PIPE,
        )
        if done.returncode != 0:
            raise HarnessError(
                f"building {program.name} failed; set KUBEBUILDER_ASSETS to a folder that holds it, or repair this:\n"
                f"{done.stderr[-2000:]}"
            )
        made.replace(folder / program.name)
    print(f"  built {program.name} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return folder / program.name


def assemble() -> Path:
    """Make every program available; returns a folder of links to them all, for a PATH."""
    names = list(PROGRAMS)
    # Apart from what was built: a program of KUBEBUILDER_ASSETS must not be taken for ours in a later run.
    folder = bin_folder(HERE).parent / "links"
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name}", file=sys.stderr, flush=True)
        program = binary(name)
        link = folder / f".{name}-{os.getpid()}"
        link.symlink_to(program)
        link.replace(folder / name)
    return folder


if __name__ == "__main__":
    try:
        print(assemble())
    except HarnessError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
