"""Where the token of a command comes from, and where `gatekeeper login` keeps it.

In this order: --token-file or COMPUTE_GATEKEEPER_TOKEN_FILE, COMPUTE_GATEKEEPER_TOKEN, and the file of `login`. It is
never an option of its own: every user of a machine can read the words of its commands, and an API server's audit log
has those of `kubectl exec`. There `--token-file -` takes the first line of stdin, and leaves the rest to the command.
"""

from __future__ import annotations

import os
import stat
import sys
from contextvars import ContextVar
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput, NotPermitted, Unavailable

TOKEN_BYTES_MAX = 16_384
STDIN = Path("-")
_CHOSEN: ContextVar[Path | str | None] = ContextVar("token file, or its token", default=None)


def choose_file(path: Path | None) -> None:
    """Let the commands of this process take their token from this file; from stdin it is read now, before all else.

    Raises:
        InvalidInput: stdin has none.
    """
    _CHOSEN.set(_checked(_first_line(), "The first line of stdin") if path == STDIN else path)


def token_of_caller() -> str | None:
    """The token that this command was given; None where there is none.

    Raises:
        NotPermitted: others can read its file. Unavailable: it cannot be read. InvalidInput: it is empty.
    """
    from gatekeeper.settings import TOKEN_VARIABLE

    chosen = _CHOSEN.get()
    if chosen is not None:
        return chosen if isinstance(chosen, str) else _read(chosen)
    if TOKEN_VARIABLE in os.environ:
        return _checked(os.environ[TOKEN_VARIABLE], TOKEN_VARIABLE)
    kept = kept_file()
    return _read(kept) if kept.exists() else None


def kept_file() -> Path:
    """Where `login` keeps the token (XDG Base Directory Specification 0.8)."""
    chosen = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(chosen) if chosen.startswith("/") else Path(os.environ.get("HOME") or Path.home()) / ".config"
    return home / "compute-gatekeeper" / "token"


def keep(token: str) -> Path:
    """Keep a token where the next commands find it, for nobody but this user of the machine; returns where.

    Raises:
        Unavailable: it cannot be written.
    """
    path = kept_file()
    beside = path.with_name(f".token-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Unavailable(f"The token cannot be kept at {path}: {error.strerror}.") from error
    return path


def forget() -> Path | None:
    """Take away what `keep` kept; returns where that was, None where nothing was kept.

    Raises:
        Unavailable: it cannot be taken away.
    """
    path = kept_file()
    try:
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"The token at {path} cannot be taken away: {error.strerror}.") from error
    return path


def place_of_token() -> str:
    """Where the token of this command came from, and how to do without, as a sentence."""
    from gatekeeper.settings import TOKEN_VARIABLE

    chosen = _CHOSEN.get()
    if chosen is not None:
        return f"It is from {'the first line of stdin' if isinstance(chosen, str) else chosen}."
    if TOKEN_VARIABLE in os.environ:
        return f"It is from {TOKEN_VARIABLE}."
    return f"It is from {kept_file()}, which `gatekeeper logout` takes away."


def replace_kept(before: str | None, token: str) -> None:
    """Keep a new token where the one before it was kept."""
    path = kept_file()
    if before is not None and path.exists() and _read(path) == before:
        keep(token)


def _first_line() -> str:
    return sys.stdin.buffer.readline(TOKEN_BYTES_MAX + 2).decode("ascii", "replace")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            open_to_others = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            data = file.read(TOKEN_BYTES_MAX + 1)
    except OSError as error:
        raise Unavailable(f"The token file {path} cannot be read: {error.strerror}.") from error
    if open_to_others:
        raise NotPermitted(f"Others can read the token file {path}.", hint=f"chmod 600 {path}")
    return _checked(data.decode("ascii", "replace"), str(path))


def _checked(text: str, place: str) -> str:
    token = text.strip()
    if not token or len(token) > TOKEN_BYTES_MAX or not token.isascii():
        raise InvalidInput(f"{place} holds no token.", hint="Put the token there, or take the file or variable away.")
    return token
