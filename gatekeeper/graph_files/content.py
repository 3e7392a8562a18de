"""The bytes of a graph: a file or standard input of a bounded size, as strict JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gatekeeper.domain.errors import InvalidInput

LARGEST_FILE_BYTES = 128 * 1024**2
STDIN = "-"


class Number(str):
    """A number as it is written, so that 49.995 stays 49.995."""

    __slots__ = ()


def content_of(path: Path) -> tuple[bytes, str]:
    """What a file holds, `-` for standard input, and what errors call it.

    Raises:
        InvalidInput: it cannot be read, or is too large.
    """
    if str(path) == STDIN:
        content = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
        if len(content) > LARGEST_FILE_BYTES:
            raise InvalidInput(f"Standard input is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.")
        return content, "standard input"
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InvalidInput(f"{path} is larger than {LARGEST_FILE_BYTES // 1024**2} MiB.", hint="Split the graph.")
        return path.read_bytes(), str(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error


def decoded(content: bytes, name: str) -> object:
    """JSON as values, numbers as `Number`.

    Raises:
        InvalidInput: no JSON in UTF-8, a key twice in one object, or no numbers such as NaN.
    """
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object_once,
            parse_float=Number,
            parse_int=Number,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}.") from error
    except RecursionError as error:
        raise InvalidInput(f"{name} is nested too deep to be a graph.") from error
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error.message}", hint=error.hint) from error


def _object_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidInput(f"the key {twice!r:.80} stands twice in one object.")
    return found


def _refuse_constant(text: str) -> object:
    raise InvalidInput(f"{text} is no number.")
