"""Pages of lists: a limit, and a cursor that says after which id the next page begins.

A cursor is no right: it is the id where a page ended and what was asked for, so a forged one shows nothing that its
caller could not list from the beginning.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from gatekeeper.api.problems import Refused

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
CURSOR_CHARACTERS_MAX = 512
_T = TypeVar("_T")


def page(
    items: Sequence[_T],
    key: Callable[[_T], str],
    *,
    limit: int,
    cursor: str | None,
    path: str,
    asked: dict[str, str],
) -> tuple[list[_T], str | None]:
    """One page of items that stand in the order of their keys, and the address of the next; None for the last.

    Args:
        path, asked: where the list is and what it was filtered by: a cursor belongs to them.

    Raises:
        Refused: 400, the cursor is none of this list.
    """
    name = hashlib.sha256(json.dumps([path, sorted(asked.items())]).encode()).hexdigest()[:16]
    after = _after(cursor, name) if cursor is not None else None
    rest = [each for each in items if after is None or key(each) > after]
    shown = rest[:limit]
    if len(rest) <= limit:
        return shown, None
    following = base64.urlsafe_b64encode(json.dumps([name, key(shown[-1])]).encode()).decode().rstrip("=")
    return shown, f"{path}?{urlencode({**asked, 'limit': str(limit), 'cursor': following})}"


def _after(cursor: str, name: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _refused() from error
    if not (isinstance(found, list) and len(found) == 2 and found[0] == name and isinstance(found[1], str)):
        raise _refused()
    return found[1]


def _refused() -> Refused:
    return Refused(400, "The cursor does not belong to this list.", hint="Take it from `next` of the page before.")
