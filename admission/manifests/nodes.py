"""Walking a manifest that somebody else wrote: any value may be missing, null, a placeholder or of the wrong type.

Manifests are what a JSON or YAML decoder makes: dicts and lists, nothing else that holds values.

Nothing here raises for a wrong shape. It notes a doubt and goes on: a doubt makes the workload unknown, which is
the worst case. Only a number that cannot be meant (negative) is refused. And nothing in this folder recurses into what
a tenant wrote, so that no nesting exhausts the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gatekeeper.domain.errors import InvalidInput

Node = Mapping[str, Any]
Doubts = list[str]

_NOTHING: Node = {}
_LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """A tenant's text or number, safe to print in one line: no control characters, at most 80 characters."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN:
        return "a huge number"
    if not isinstance(value, (str, int, Decimal)):
        return "null" if value is None else f"a {type(value).__name__}"
    clean = "".join(char if char.isprintable() else "?" for char in str(value)[: _LONGEST_SHOWN + 1])
    return clean if len(clean) <= _LONGEST_SHOWN else f"{clean[: _LONGEST_SHOWN - 1]}…"


def mapping(parent: Node, key: str, doubts: Doubts) -> Node:
    """The object under a key; empty where it is absent or null, and a doubt where it is something else."""
    value = parent.get(key)
    if isinstance(value, dict):
        return value
    if value is not None:
        doubts.append(f"{key} is not an object")
    return _NOTHING


def items(parent: Node, key: str, doubts: Doubts) -> Iterator[Node]:
    """The objects in the list under a key; whatever is not an object is a doubt."""
    value = parent.get(key)
    if value is None:
        return
    if not isinstance(value, list):
        doubts.append(f"{key} is not a list")
        return
    for each in value:
        if isinstance(each, dict):
            yield each
        else:
            doubts.append(f"{key} holds something that is not an object")


def text(parent: Node, key: str) -> str:
    """The string under a key; empty where it is absent or not a string."""
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def is_set(parent: Node, key: str) -> bool:
    """Whether a switch is on. A placeholder may become true, so it counts as on."""
    value = parent.get(key)
    return value if isinstance(value, bool) else value is not None


def whole(parent: Node, key: str, default: int, doubts: Doubts) -> int | None:
    """The whole number under a key; the default where absent; None and a doubt for null or a placeholder.

    Raises:
        InvalidInput: a negative number.
    """
    if key not in parent:
        return default
    value = parent[key]
    if isinstance(value, bool) or not isinstance(value, int):
        doubts.append(f"{key} is not a number" if value is not None else f"{key} is null")
        return None
    if value < 0:
        raise InvalidInput(f"{key}: {shown(value)} cannot be negative.")
    return value
