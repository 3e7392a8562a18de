"""The verifier finds out where one person gave what only two may give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.domain.person import Method, Role
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType, decode
from gatekeeper.registry import Registry
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.users import Users
from tests.databases import new_stores
from tests.registry.office import PACKS, HandClock
from tests.registry.test_users import sha

ADMIN, APPROVER, VIEWER = Role.POLICY_ADMIN, Role.KYC_APPROVER, Role.VIEWER
Change = Callable[[Record], Record]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[list[Record]]:
    """A year of honest users, as the registry writes it."""
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        ana = registry.begin_users("ana", frozenset({ADMIN}), sha("a")).caller
        ben = registry.add_user("ben", frozenset({ADMIN}), sha("b"), by=ana).caller
        cleo = registry.add_user("cleo", frozenset({APPROVER, VIEWER}), sha("c"), by=ana)
        registry.rotate_own(sha("c2"), by=cleo.caller)
        registry.approve_roles("cleo", by=ben, seen=frozenset({APPROVER}))
        registry.hand_token("cleo", sha("c3"), by=ben)
        registry.approve_roles("cleo", by=ana, seen=frozenset({APPROVER}))
        registry.disable_user("cleo", by=ana)
        registry.disable_user("ben", by=ana)
        registry.begin_users("dora", frozenset({ADMIN}), sha("d"))
        yield [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def problems(records: list[Record]) -> list[str]:
    users, found = Users(), []
    for record in records:
        try:
            users.see(record)
        except Wrong as error:
            found.append(str(error))
    return found


def test_an_honest_log_is_right(records: list[Record]) -> None:
    assert len(records) == 10
    assert problems(records) == []


def with_facts(**changes: Any) -> Change:
    return lambda record: replace(record, facts={**record.facts, **changes})


def by(name: str, method: Method | None = Method.LOCAL) -> Change:
    return lambda record: replace(record, actor=Actor(ActorKind.PERSON, name, method))


@pytest.mark.parametrize(
    ("index", "change", "says"),
    [
        (0, with_facts(bootstrap=False), "which takes two"),
        (1, by("ana", Method.OIDC), "which takes two"),
        (2, with_facts(roles=["kyc-approver"], asked=[]), "which takes two"),
        (2, with_facts(user="ANA"), "a second time"),
        (3, with_facts(before={"roles": [], "asked": []}), "other roles before"),
        (3, with_facts(asked_by="ben"), "did not ask"),
        (4, by("ana"), "which takes two"),
        (4, by("Ana#s-1", Method.OIDC), "which takes two"),
        (4, with_facts(user="eve"), "never added"),
        (4, with_facts(asked_by="zoe"), "the record says another one did"),
        (6, by("ben"), "which takes two"),
        (7, with_facts(roles=["kyc-approver", "policy-admin"]), "which takes two"),
        (9, with_facts(bootstrap=False), "which takes two"),
    ],
)
def test_one_person_who_gives_what_takes_two_is_named(
    records: list[Record], index: int, change: Change, says: str
) -> None:
    records[index] = change(records[index])
    assert says in problems(records)[0]


def test_a_record_that_was_left_out_is_missed(records: list[Record]) -> None:
    for index in (0, 1, 2, 4, 5, 6):
        assert problems(records[:index] + records[index + 1 :])


def test_nobody_acts_with_a_token_of_ours_before_it_was_given(records: list[Record]) -> None:
    stranger = replace(
        records[0], type=RecordType.CUSTOMER_SUSPENDED, actor=Actor(ActorKind.PERSON, "eve", Method.LOCAL)
    )
    assert problems([*records, stranger]) == ["eve acts as a user, and was never added."]
    assert problems([*records, by("dora")(stranger), by("eve", Method.OIDC)(stranger)]) == []
    assert "cleo may not" in problems([*records, by("cleo")(stranger)])[0]  # who is disabled


def test_records_of_other_kinds_are_no_business_of_users(records: list[Record]) -> None:
    other = replace(records[0], type=RecordType.RUN_DECLARED)
    assert problems([other]) == []
