"""Child processes and waiting: start a server with its own log, end it by its pid, poll until a condition holds."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


class HarnessError(Exception):
    """The test control plane could not do what was asked; the text says what to do next."""


class CommandError(HarnessError):
    """A command that was expected to work ended with another exit code than 0."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.done = done
        command = " ".join(str(part) for part in done.args)
        super().__init__(f"`{command}` ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,  # noqa: A002 - the name that subprocess.run gives it
    check: bool = True,
    timeout_s: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return it with stdout and stderr as text. Raises CommandError if check and not 0."""
    done = subprocess.run(
        list(command), env=env, cwd=cwd, input=input, check=False, timeout=timeout_s, text=True, capture_output=True
    )
    if check and done.returncode != 0:
        raise CommandError(done)
    return done


def free_ports(count: int) -> list[int]:
    """Distinct TCP ports that are free on 127.0.0.1 right now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(
    condition: Callable[[], Value | None],
    what: str,
    *,
    deadline_s: float = 30,
    interval_s: float = 0.05,
    alive: Callable[[], None] | None = None,
) -> Value:
    """Poll until the condition returns something true, and return that.

    `alive` is called between polls and may raise, so that a server that died is reported at once.
    Raises HarnessError naming `what` after deadline_s.
    """
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if alive is not None:
            alive()
        if time.monotonic() >= end:
            raise HarnessError(f"waited {deadline_s:g} s in vain for: {what}")
        time.sleep(interval_s)


class Daemon:
    """One server process with its log file. It dies with this process even if Python is killed (Linux)."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._env = dict(env) if env is not None else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The pid while it runs, else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the server; its output is appended to the log."""
        if self.pid is not None:
            raise HarnessError(f"{self.name} runs already (pid {self.pid})")
        setpriv = shutil.which("setpriv")
        # The kernel ends the server when the thread that started it ends: start from the main thread.
        dies_with_us = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*dies_with_us, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )

    def check_alive(self) -> None:
        """Raise HarnessError with the end of its log if the server is not running."""
        if self.pid is None:
            code = self._process.returncode if self._process is not None else None
            raise HarnessError(f"{self.name} ended by itself ({code}); the end of {self.log}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a crash would: kube-apiserver takes up to a minute to stop when asked politely."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self, timeout_s: float = 60) -> int:
        """SIGTERM, as a kubelet would: the exit code."""
        if self._process is None:
            raise HarnessError(f"{self.name} was never started")
        self._process.terminate()
        return self._process.wait(timeout=timeout_s)
