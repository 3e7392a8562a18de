"""The real PostgreSQL of the tests: a cluster in a temporary folder, on a socket that nobody else reaches."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

# Debian keeps the server's programs outside of everybody's PATH.
SEARCH_PATH = os.pathsep.join(
    [
        *(str(each) for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
        os.environ.get("PATH", ""),
    ]
)
START_S = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; databases are copied from templates in it."""

    folder: Path
    numbers: Iterator[int]

    def url(self, database: str) -> str:
        """As SQLAlchemy writes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, *, template: str = "template0", name: str = "") -> str:
        """Name of a new database that is a copy of another."""
        name = name or f"test_{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def sql(self, statement: str, *, database: str = "postgres") -> str:
        """What psql prints for a statement; raises what it refuses."""
        command = [program("psql"), "-h", str(self.folder), "-U", "postgres", "-d", database, "-XAtqc", statement]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=START_S)
        assert done.returncode == 0, done.stderr
        return done.stdout


def program(name: str) -> str:
    """Path of a program, or a failure that says how to get it."""
    found = shutil.which(name, path=SEARCH_PATH)
    assert found, f"{name} is missing; install it with: python scripts/system_packages.py"
    return found


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty cluster; it is stopped, and its folder removed, at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: the name of a socket ends at 107 bytes
    owner = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if owner:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run(
            [program(command[0]), *command[1:]], user=owner, cwd=folder, capture_output=True, text=True, check=False,
            timeout=START_S, env={**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        # Its safety at a power cut is PostgreSQL's own affair; without fsync a database is made ten times faster.
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"
        run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "-t", str(START_S), "start")
        try:
            yield Server(folder, count(1))
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
