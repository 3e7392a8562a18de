"""Debian packages that the tests and benchmarks run for real: checked, installed where that is possible, else named.

    python scripts/system_packages.py                 # installs what is missing (as root, with apt), else says how
    python scripts/system_packages.py --only node     # just what the test node needs
    python scripts/system_packages.py --check         # changes nothing

No service is started, now or at the next boot: a server that a package brings is only a program here; tests start
their own on loopback ports.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Debian keeps servers here, and a user's PATH often lacks it.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
# In a folder named after its version.
_POSTGRES_IN = Path("/usr/lib/postgresql")
POSTGRES = str(max(_POSTGRES_IN.glob("*/bin/postgres"), default=_POSTGRES_IN / "bin/postgres"))
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package, the file or program that shows that it is there, and what needs it."""

    name: str
    proof: str
    group: str
    purpose: str
    service: str | None = None

    def present(self) -> bool:
        """Whether its program (or, for an absolute path, its file) is there."""
        if self.proof.startswith("/"):
            return Path(self.proof).exists()
        return shutil.which(self.proof, path=SEARCH_PATH) is not None


PACKAGES = (
    Package("containerd", "containerd", "node", "runs the containers of the test node", "containerd"),
    Package("runc", "runc", "node", "starts them"),
    Package("containernetworking-plugins", "/usr/lib/cni/ptp", "node", "gives pods their network"),
    Package("busybox-static", "/bin/busybox", "node", "is the one program inside the test image"),
    Package("iproute2", "ip", "node", "gives the test kubelet an address of its own"),
    Package("mount", "umount", "node", "cleans up after the test node"),
    Package("prometheus", "prometheus", "prometheus", "scrapes the test exporter; the meter reads it", "prometheus"),
    Package("postgresql", POSTGRES, "postgresql", "is the database of larger installations", "postgresql"),
    Package("curl", "curl", "api", "sends the examples of docs/api.md"),
    Package("jq", "jq", "api", "reads their answers"),
    Package("nginx-light", "nginx", "bench", "is what the webhook's CPU is measured against", "nginx"),
    Package("wrk", "wrk", "bench", "sends the load"),
)
GROUPS = tuple(dict.fromkeys(package.group for package in PACKAGES))


def missing(groups: Sequence[str] = GROUPS) -> list[Package]:
    """The packages of the groups that are not there."""
    return [package for package in PACKAGES if package.group in groups and not package.present()]


def install_command(packages: Sequence[Package]) -> str:
    """What a person types to install them."""
    names = " ".join(package.name for package in packages)
    return f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"


def explain(packages: Sequence[Package]) -> str:
    """One line per missing package, then the command that brings them."""
    lines = [f"  {package.name}: {package.purpose}" for package in packages]
    return "\n".join(["missing:", *lines, "install them with:", f"  {install_command(packages)}"])


@contextlib.contextmanager
def no_services() -> Iterator[None]:
    """Keep package scripts from starting servers, the way Debian provides for: policy-rc.d answering 101."""
    if POLICY.exists():
        # Somebody's own policy; it is asked about each service, and is not ours to change.
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def install(packages: Sequence[Package]) -> None:
    """Install them with apt-get; raises CalledProcessError when apt-get fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with no_services():
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        names = [package.name for package in packages]
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    services = [package.service for package in packages if package.service is not None]
    if services and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", *services], check=True, env=environment)


def ensure(groups: Sequence[str] = GROUPS, *, may_install: bool = True) -> list[Package]:
    """Make the packages of the groups available where that is possible here; returns those still missing."""
    absent = missing(groups)
    if absent and may_install and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing " + " ".join(package.name for package in absent), file=sys.stderr, flush=True)
        try:
            install(absent)
        except subprocess.CalledProcessError as error:
            print(f"apt-get failed ({error.returncode})", file=sys.stderr)
        absent = missing(groups)
    return absent


def main() -> int:
    """The command line: 0 when everything is there, 2 when something is missing."""
    parser = argparse.ArgumentParser(description="Debian packages that tests and benchmarks need.")
    parser.add_argument("--only", choices=GROUPS, action="append", help="just this group; may be repeated")
    parser.add_argument("--check", action="store_true", help="install nothing")
    chosen = parser.parse_args()
    absent = ensure(tuple(chosen.only or GROUPS), may_install=not chosen.check)
    if absent:
        print(explain(absent), file=sys.stderr)
        return 2
    print("all there", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
