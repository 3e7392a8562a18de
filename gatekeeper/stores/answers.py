"""Kept answers in SQL: one row for each request that named itself, in the transaction of what it did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Integer, String, Table, Text, bindparam, delete, func, select

from gatekeeper.ports.answers import KeptAnswer
from gatekeeper.stores.asking import Asking, Changing
from gatekeeper.stores.tables import Moment, metadata

kept_answer = Table(
    "kept_answer",
    metadata,
    Column("caller", String(600), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("kept_answer_by_time", "at"),
)

_OLD = delete(kept_answer).where(kept_answer.c.at < bindparam("before", type_=Moment))
_HOW_MANY = select(func.count().label("many")).where(kept_answer.c.caller == bindparam("whose"))


class AnswerReads(Asking):
    """`gatekeeper.ports.answers.AnswerReads`."""

    def kept_answer(self, caller: str, key: str) -> KeptAnswer | None:
        """The answer that is kept under this caller's key, however old."""
        row = self._get(kept_answer, caller=caller, name=key)
        if row is None:
            return None
        return KeptAnswer(caller, key, row["request"], row["status"], row["headers"], row["body"], row["at"])

    def kept_answers(self, caller: str) -> int:
        """How many answers are kept for a caller."""
        return int(self._all(_HOW_MANY, {"whose": caller})[0]["many"])


class AnswerWrites(Changing):
    """`gatekeeper.ports.answers.AnswerWrites`."""

    def keep_answer(self, answer: KeptAnswer) -> None:
        """Keep an answer in place of what was kept under its key."""
        values = {
            "caller": answer.caller,
            "name": answer.key,
            "request": answer.request,
            "status": answer.status,
            "headers": answer.headers,
            "body": answer.body,
            "at": answer.at,
        }
        self._put(kept_answer, values)

    def forget_answers(self, *, before: datetime) -> None:
        """Forget the answers that were given before a moment."""
        self._run(_OLD, {"before": before})
