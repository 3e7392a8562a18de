"""What a measurement needs from the machine: programs, ports, pinned processes and their CPU time."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NEEDED = {"nginx": "nginx-light", "wrk": "wrk"}


class Missing(Exception):
    """A program is not there; the message says how to get it."""


def programs() -> Mapping[str, str]:
    """Paths of the programs that are measured against or measure.

    Raises:
        Missing: one is not installed.
    """
    found = {name: shutil.which(name, path=SEARCH_PATH) for name in NEEDED}
    packages = [NEEDED[name] for name, path in found.items() if path is None]
    if packages:
        names = " ".join(packages)
        raise Missing(
            f"bench needs {names}. Install with:\n"
            f"  sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
        )
    return {name: path for name, path in found.items() if path is not None}


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _pinned(cpu: int) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, {cpu})


def start(
    command: Sequence[str], *, server: bool, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a process: servers on the last CPU, the load on the first, so that neither takes time from the other."""
    cpus = sorted(os.sched_getaffinity(0))
    pin = _pinned(cpus[-1] if server else cpus[0]) if len(cpus) > 1 else None
    with (folder / f"{Path(command[0]).name}.log").open("a") as log:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            preexec_fn=pin,  # noqa: PLW1509 - no thread has been started yet
        )


def cpu_s(pid: int) -> float:
    """CPU time that a process has used in all its threads, user and system."""
    # Fields 14 and 15 (proc(5)); the name in parentheses may hold blanks, so count from behind it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def file_system(folder: Path) -> str:
    """Type of the file system that holds a folder, from the mounts; "unknown" where they do not say."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, found, *_ = line.split()
        inside = folder.is_relative_to(point)
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


def say(text: str) -> None:
    """Progress, apart from the result on standard output."""
    print(text, file=sys.stderr, flush=True)
