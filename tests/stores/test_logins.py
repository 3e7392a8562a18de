"""What the database itself refuses: both hands of a row with two logins of one person, and a past that changes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gatekeeper.domain.errors import Conflict, NotPermitted
from gatekeeper.domain.people import LoginAct, LoginChange, People
from gatekeeper.ports import Stores, Transaction
from tests.stores.test_contract import put
from tests.stores.test_second_hand import CASES, count, insert
from tests.stores.values import CUSTOMER

OTHER = "Ana@provider.example#00U1"
ACT = LoginAct(7, LoginChange.LINKED, OTHER, "ana", "cem")
INQUIRY = {
    "id": "p.llm", "customer_id": "lab", "run_id": "llm", "pack_id": "p", "kind": "licence", "question": "?",
    "opened_at": 0, "state": "approved", "answer": "yes", "licence": "", "until": "", "answered_by": "ana",
    "approved_by": "ben",
}  # fmt: skip
HIT = {
    "id": "h1", "party_id": "lab", "party_sha256": "0", "list": "csl", "entry_sha256": "0", "entry_key": "1",
    "party_name": "L", "entry_name": "L", "score": 99, "state": "false_positive", "proposed": False,
    "judged_by": "ana", "reason": "x", "confirmed_by": "ben",
}  # fmt: skip
OVERRIDE = {
    "id": "o1", "customer_id": "lab", "tier": "1", "hours": 1, "reason": "x", "requested_by": "ana",
    "requested_key": "ana", "requested_unique": "", "approved_by": "ben", "approved_key": "ben",
    "approved_unique": "", "ended_by": "", "requested_at": 0, "approved_at": 1,
}  # fmt: skip
HOLD = {
    "id": "h1", "customer_id": "lab", "reason": "x", "placed_by": "eve", "placed_at": 0, "lift_reason": "x",
    "lift_asked_by": "ana", "lift_asked_at": 1, "lifted_by": "ben", "lifted_at": 2,
}  # fmt: skip
ERASURE = {
    "customer_id": "lab", "reason": "x", "asked_by": "ana", "asked_at": 0, "approved_by": "ben", "approved_at": 1,
}  # fmt: skip
ROWS = [
    *((table, row, first, "approved_by") for table, row, first in CASES),
    ("inquiry", INQUIRY, "answered_by", "approved_by"),
    ("screening_hit", HIT, "judged_by", "confirmed_by"),
    ("tier_override", OVERRIDE, "requested_by", "approved_by"),
    ("legal_hold", HOLD, "lift_asked_by", "lifted_by"),
    ("erasure", ERASURE, "asked_by", "approved_by"),
]
IDS = [each[0] for each in ROWS]


def link(stores: Stores) -> None:
    stores.transact(lambda tx: tx.add_login_act(ACT, People().with_act(ACT)))


def of(second: str, row: dict[str, Any], name: str) -> dict[str, Any]:
    """The row, with its second hand and what is stored beside that name."""
    address, _, unique = name.casefold().partition("#")
    keys = {f"{second.removesuffix('_by')}_{part}": value for part, value in (("key", address), ("unique", unique))}
    return row | {second: name} | {key: value for key, value in keys.items() if key in row}


@pytest.mark.parametrize(("table", "row", "first", "second"), ROWS, ids=IDS)
def test_no_row_has_two_logins_of_one_person_as_its_hands(
    stores: Stores, table: str, row: dict[str, Any], first: str, second: str
) -> None:
    del first
    put(stores, CUSTOMER)
    link(stores)
    for name in (OTHER, OTHER.lower(), OTHER.partition("#")[0], "new@provider.example#00u1"):
        with pytest.raises(Exception, match="four_eyes"):
            insert(stores, table, of(second, row, name))
    insert(stores, table, row)
    assert count(stores, table) == 1


@pytest.mark.parametrize(("table", "row", "first", "second"), ROWS, ids=IDS)
def test_a_row_of_before_the_link_stands_and_can_change_otherwise(
    stores: Stores, table: str, row: dict[str, Any], first: str, second: str
) -> None:
    put(stores, CUSTOMER)
    insert(stores, table, of(second, row, OTHER))
    link(stores)
    if table != "legal_hold":  # one that was lifted never changes
        change(stores, f"UPDATE {table} SET {first} = {first}")
    assert count(stores, table) == 1


def test_a_customer_is_not_approved_by_a_second_login_of_who_prepared_it(stores: Stores) -> None:
    put(stores, CUSTOMER)
    act = LoginAct(7, LoginChange.LINKED, OTHER, CUSTOMER.prepared_by, "cem")
    stores.transact(lambda tx: tx.add_login_act(act, People().with_act(act)))
    keys = "approved_key = 'ana@provider.example', approved_unique = '00u1'"
    with pytest.raises(NotPermitted, match="one person's logins"):
        change(stores, f"UPDATE customer SET approved_by = '{OTHER}', {keys}")


def change(stores: Stores, statement: str) -> None:
    def work(tx: Transaction) -> None:
        tx._run(text(statement), {})  # type: ignore[attr-defined]

    stores.transact(work)


def test_the_refusal_says_what_to_do(stores: Stores) -> None:
    put(stores, CUSTOMER)
    link(stores)
    row = CASES[0][1]
    insert(stores, "run", row | {"approved_by": ""})
    with pytest.raises(NotPermitted, match="one person's logins"):
        change(stores, f"UPDATE run SET approved_by = '{OTHER}'")


@pytest.mark.parametrize("statement", ["UPDATE login_act SET login = 'x'", "DELETE FROM login_act"])
def test_what_was_linked_once_stays_on_record(stores: Stores, statement: str) -> None:
    link(stores)
    with pytest.raises(Conflict, match="never done to rows of login_act"):
        change(stores, statement)
    with pytest.raises(Conflict):
        link(stores)
    assert stores.read(lambda reader: reader.people()) == People().with_act(ACT)


def test_what_is_unlinked_is_two_people_to_the_database_as_well(stores: Stores) -> None:
    put(stores, CUSTOMER)
    link(stores)
    people = People().with_act(ACT)
    for seq, kind, by in ((8, LoginChange.UNLINK_ASKED, "cem"), (9, LoginChange.UNLINKED, "dia")):
        act = LoginAct(seq, kind, OTHER, "", by)
        people = people.with_act(act)
        stores.transact(lambda tx, act=act, people=people: tx.add_login_act(act, people))  # type: ignore[misc]
    assert stores.read(lambda reader: reader.people()) == people
    insert(stores, "run", CASES[0][1] | {"approved_by": OTHER})
