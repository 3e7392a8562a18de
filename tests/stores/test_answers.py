"""Kept answers: one for each caller and key, and none that is too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gatekeeper.ports.answers import KeptAnswer
from gatekeeper.stores import SqlStores

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANSWER = KeptAnswer("local:ana", "k-1", "ab" * 32, 201, '{"ETag": "\\"x\\""}', '{"run": "llm \u00e9"}', NOON)


def test_an_answer_is_kept_under_its_caller_and_key(stores: SqlStores) -> None:
    other = replace(ANSWER, caller="oidc:ana", body="{}")
    for each in (ANSWER, other, replace(ANSWER, status=200)):
        stores.transact(lambda tx, each=each: tx.keep_answer(each))  # type: ignore[misc]
    kept = stores.read(lambda reader: [reader.kept_answer(*of) for of in (("local:ana", "k-1"), ("oidc:ana", "k-1"))])
    assert kept == [replace(ANSWER, status=200), other]
    assert stores.read(lambda reader: reader.kept_answer("local:ana", "k-2")) is None
    assert stores.read(lambda reader: reader.kept_answers("local:ana")) == 1


def test_old_answers_are_forgotten_and_younger_ones_stay(stores: SqlStores) -> None:
    young = replace(ANSWER, key="k-2", at=NOON + timedelta(microseconds=1))
    for each in (ANSWER, young):
        stores.transact(lambda tx, each=each: tx.keep_answer(each))  # type: ignore[misc]
    stores.transact(lambda tx: tx.forget_answers(before=young.at))
    assert stores.read(lambda reader: reader.kept_answer("local:ana", "k-1")) is None
    assert stores.read(lambda reader: reader.kept_answer("local:ana", "k-2")) == young
