"""What the database itself refuses, whoever writes to it: an approval by the preparer, and a past that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import Conflict, GatekeeperError
from gatekeeper.domain.evidence import Attestation, CheckMethod, Evidence, Sensitivity, Statement
from gatekeeper.domain.override import Override
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Reader, Stores, Transaction
from tests.stores.test_contract import put
from tests.stores.values import CUSTOMER, NOW, PARTY, record

SHA256 = "0f" * 32
OVERRIDE = Override("o1", "lab", Tier.TWO, 72, "Prüfung", "ana", NOW)
APPROVED = OVERRIDE.approve(by="ben", now=NOW + timedelta(hours=1))
ENDED = APPROVED.end(by="cem", now=NOW + timedelta(hours=2))
EVIDENCE = Evidence(
    "lab", SHA256, 7, "application/pdf", "Auszug 株", "register", Sensitivity.PERSONAL, "ana", NOW, NOW.date()
)
ATTESTATION = Attestation(
    "a1",
    "lab",
    Statement.OWNERSHIP_COMPLETE,
    CheckMethod.BOTH,
    "ana",
    date(2026, 11, 1),
    "ben",
    NOW,
    above_percent=25,
    evidence=(SHA256,),
)


def fill(stores: Stores) -> None:
    def work(tx: Transaction) -> None:
        tx.put_party(PARTY)
        tx.put_customer(CUSTOMER)
        tx.put_proposal("lab", '{"parties":[]}')
        tx.put_override(APPROVED)
        tx.add_evidence(EVIDENCE)
        tx.add_attestation(ATTESTATION)
        tx.append(record(0))

    stores.transact(work)


def run(stores: Stores, statement: str) -> None:
    def work(tx: Any) -> None:
        tx._run(text(statement), {})

    stores.transact(work)


@pytest.mark.parametrize("override", [OVERRIDE, APPROVED, ENDED])
def test_an_override_comes_back_equal(stores: Stores, override: Override) -> None:
    put(stores, CUSTOMER, override)
    assert stores.read(lambda reader: reader.override("o1")) == override
    assert stores.read(lambda reader: reader.overrides("lab")) == [override]
    assert stores.read(lambda reader: reader.overrides("other")) == []


@pytest.mark.parametrize(
    ("value", "get"),
    [
        (EVIDENCE, lambda reader: reader.evidence("lab")),
        (EVIDENCE, lambda reader: reader.evidence()),
        (ATTESTATION, lambda reader: reader.attestations("lab")),
    ],
)
def test_evidence_and_attestations_come_back_equal(
    stores: Stores, value: object, get: Callable[[Reader], list[object]]
) -> None:
    fill(stores)
    assert stores.read(get) == [value]


def test_a_put_adds_a_version_and_the_same_again_does_not(stores: Stores) -> None:
    fill(stores)
    changed = replace(CUSTOMER, version=8, reason="x")

    def work(tx: Transaction) -> None:
        tx.put_customer(CUSTOMER)
        tx.put_party(PARTY)
        tx.put_proposal("lab", None)
        tx.put_customer(changed)
        tx.append(record(1))

    stores.transact(work)
    versions = stores.read(lambda reader: reader.versions("customer", "lab"))
    assert [(each.number, each.seq) for each in versions] == [(1, 0), (2, 1)]
    assert versions[1].body is not None
    assert versions[1].body["reason"] == "x"
    assert len(stores.read(lambda reader: reader.versions("party", PARTY.id))) == 1
    assert [each.body for each in stores.read(lambda reader: reader.versions("proposal", "lab"))] == [
        {"parties": []},
        None,
    ]
    for size, customer in ((0, None), (1, CUSTOMER), (2, changed)):
        assert stores.read(partial(_known, size=size)) == customer
    assert stores.read(lambda reader: reader.parties_known(1)) == {PARTY.id: PARTY}
    assert stores.read(lambda reader: reader.proposal_known("lab", 1)) == '{"parties":[]}'
    assert stores.read(lambda reader: reader.proposal_known("lab", 2)) is None


def _known(reader: Reader, *, size: int) -> object:
    return reader.customers_known(size).get("lab")


def test_what_is_undone_leaves_no_version(stores: Stores) -> None:
    def work(tx: Transaction) -> None:
        tx.put_party(PARTY)
        raise Conflict("no")

    with pytest.raises(Conflict):
        stores.transact(work)
    assert stores.read(lambda reader: reader.versions("party", PARTY.id)) == []


_SAME = "approved_by = 'Ana', approved_key = 'ana'"
_VERSION = (
    "INSERT INTO customer_version (customer_id, number, seq, body, standing, prepared_by, prepared_key, "
    "prepared_unique, approved_by, approved_key, approved_unique, expires_at) VALUES ('lab', 2, 1, '', 'approved', "
)
_OVERRIDE = (
    "INSERT INTO tier_override (id, customer_id, tier, hours, reason, requested_by, requested_key, requested_unique, "
    "requested_at, approved_by, approved_key, approved_unique, approved_at, ended_by) VALUES ('o2', 'lab', '1', "
)


@pytest.mark.parametrize(
    "statement",
    [
        # Four eyes, in the customer itself, in its versions and in overrides.
        f"UPDATE customer SET {_SAME} WHERE id = 'lab'",
        "UPDATE customer SET approved_by = 'A n A', approved_key = 'a n a' WHERE id = 'lab'",
        "UPDATE customer SET approved_by = 'ANA', approved_key = 'somebody' WHERE id = 'lab'",
        "UPDATE customer SET approved_by = 'x#7', approved_key = 'x', approved_unique = '' WHERE id = 'lab'",
        "UPDATE customer SET prepared_by = 'ben', prepared_key = 'ben' WHERE id = 'lab'",
        "UPDATE customer SET approved_by = '', approved_key = '' WHERE id = 'lab'",
        "UPDATE customer SET expires_at = NULL WHERE id = 'lab'",
        _VERSION + "'ana', 'ana', '', 'Ana', 'ana', '', 1)",
        _VERSION + "'ana#7', 'ana', '7', 'new-name#7', 'new-name', '7', 1)",
        _VERSION + "'ana', 'ana', '', 'ben', 'ben', '', NULL)",
        "UPDATE tier_override SET approved_by = 'ANA', approved_key = 'ana' WHERE id = 'o1'",
        _OVERRIDE + "1, 'x', 'eve', 'eve', '', 1, 'Eve', 'eve', '', 2, '')",
        _OVERRIDE + "73, 'x', 'eve', 'eve', '', 1, '', '', '', NULL, '')",
        # What was asked for, approved or ended stays so.
        "UPDATE tier_override SET hours = 71 WHERE id = 'o1'",
        "UPDATE tier_override SET tier = '1' WHERE id = 'o1'",
        "UPDATE tier_override SET approved_at = approved_at + 1 WHERE id = 'o1'",
        "UPDATE tier_override SET approved_by = '', approved_key = '', approved_at = NULL WHERE id = 'o1'",
        "DELETE FROM tier_override",
        "DELETE FROM customer",
        # The past stays.
        *(
            statement.format(table)
            for table in ("party_version", "customer_version", "proposal_version", "evidence", "attestation")
            for statement in ("DELETE FROM {0}", "DELETE FROM {0} WHERE 1 = 1")
        ),
        "UPDATE party_version SET body = 'forged'",
        "UPDATE customer_version SET seq = 7",
        "UPDATE proposal_version SET number = 9",
        "UPDATE evidence SET description = 'forged'",
        "UPDATE attestation SET attested_by = 'forged'",
    ],
)
def test_plain_sql_gets_around_neither_four_eyes_nor_the_past(stores: Stores, statement: str) -> None:
    fill(stores)
    with pytest.raises(GatekeeperError):
        run(stores, statement)
    assert stores.read(lambda reader: reader.customer("lab")) == CUSTOMER
    assert stores.read(lambda reader: reader.override("o1")) == APPROVED
    assert stores.read(lambda reader: reader.evidence()) == [EVIDENCE]


def test_a_closed_account_is_not_opened_by_plain_sql(stores: Stores) -> None:
    closed = CUSTOMER.close(by="cem", reason="fraud")
    stores.transact(lambda tx: tx.put_customer(closed))
    with pytest.raises(GatekeeperError):
        run(stores, "UPDATE customer SET standing = 'submitted'")
    with pytest.raises(GatekeeperError):
        stores.transact(lambda tx: tx.put_customer(CUSTOMER))
    assert stores.read(lambda reader: reader.customers()) == [closed]


def test_replacing_a_version_is_refused_where_sql_knows_replacing(sqlite_path: Any) -> None:
    from gatekeeper.stores import open_stores

    with open_stores(f"sqlite:///{sqlite_path}") as stores:
        fill(stores)
        for table in ("party_version", "customer_version", "evidence"):
            with pytest.raises(Conflict, match="never changed"):
                run(stores, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@pytest.mark.parametrize("add", [lambda tx: tx.add_evidence(EVIDENCE), lambda tx: tx.add_attestation(ATTESTATION)])
def test_nothing_is_added_twice(stores: Stores, add: Callable[[Transaction], None]) -> None:
    fill(stores)
    with pytest.raises(Conflict):
        stores.transact(add)


def test_a_suspended_customer_is_stored_without_an_approver(stores: Stores) -> None:
    suspended = CUSTOMER.suspend(by="Ben", reason="x")
    put(stores, CUSTOMER, suspended)
    found = stores.read(lambda reader: reader.customer("lab"))
    assert found == suspended
    assert found.standing is Standing.SUSPENDED
