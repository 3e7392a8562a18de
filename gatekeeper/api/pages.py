"""Pages of lists: a limit, and a cursor that says after which id the next page begins.

A cursor is no right: it is the id where a page ended and what was asked for, so a forged one shows nothing that its
caller could not list from the beginning.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import Query

from gatekeeper.api.problems import Refused

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
CURSOR_CHARACTERS_MAX = 512
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="From `next` of the page before.")]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asking:
    """Which page of a list is asked for.

    Attributes:
        path, asked: where the list is and what it was filtered by: a cursor belongs to them.
    """

    path: str
    asked: Mapping[str, str]
    limit: int
    cursor: str | None

    @property
    def _name(self) -> str:
        return hashlib.sha256(json.dumps([self.path, sorted(self.asked.items())]).encode()).hexdigest()[:16]

    @property
    def after(self) -> str:
        """The id behind which the page begins; "" for the first.

        Raises:
            Refused: 400, the cursor is none of this list.
        """
        return "" if self.cursor is None else _after(self.cursor, self._name)

    def following(self, last: str) -> str:
        """The address of the page behind an id."""
        cursor = base64.urlsafe_b64encode(json.dumps([self._name, last]).encode()).decode().rstrip("=")
        return f"{self.path}?{urlencode({**self.asked, 'limit': str(self.limit), 'cursor': cursor})}"

    def split(self, found: Sequence[_T], key: Callable[[_T], str]) -> tuple[list[_T], str | None]:
        """What is shown of items behind `after`, and the address of the next page; None where these were all."""
        if len(found) <= self.limit:
            return list(found), None
        shown = list(found[: self.limit])
        return shown, self.following(key(shown[-1]))


def page(
    items: Sequence[_T],
    key: Callable[[_T], str],
    *,
    limit: int,
    cursor: str | None,
    path: str,
    asked: Mapping[str, str],
) -> tuple[list[_T], str | None]:
    """One page of items that stand in the order of their keys, and the address of the next; None for the last.

    Raises:
        Refused: 400, the cursor is none of this list.
    """
    asking = Asking(path, asked, limit, cursor)
    after = asking.after
    return asking.split([each for each in items if key(each) > after], key)


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
