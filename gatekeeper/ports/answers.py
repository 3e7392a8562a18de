"""Answers that were given to requests which name themselves, kept so that a repeated request gets the first answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

# How long a key names one request; later it names a new one.
KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to one request.

    Attributes:
        caller: whose request it was; another caller's same key is another request.
        key: the name that the caller gave the request.
        request: SHA-256 in hex of all that the request said.
        status: HTTP status; headers and body: JSON texts.
    """

    caller: str
    key: str
    request: str
    status: int
    headers: str
    body: str
    at: datetime


class AnswerReads(Protocol):
    """What can be asked of kept answers."""

    def kept_answer(self, caller: str, key: str) -> KeptAnswer | None:
        """The answer that is kept under this caller's key, however old."""
        ...

    def kept_answers(self, caller: str) -> int:
        """How many answers are kept for a caller."""
        ...


class AnswerWrites(Protocol):
    """What can be done with kept answers."""

    def keep_answer(self, answer: KeptAnswer) -> None:
        """Keep an answer in place of what was kept under its key."""
        ...

    def forget_answers(self, *, before: datetime) -> None:
        """Forget the answers that were given before a moment."""
        ...
