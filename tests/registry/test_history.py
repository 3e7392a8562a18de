"""Versions: who changed what and when, and what was known on a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import InvalidInput, NotFound
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.tier import Tier
from gatekeeper.facts import new_record
from gatekeeper.ports import Stores, Transaction
from gatekeeper.registry import Registry
from gatekeeper.registry.books import Books
from gatekeeper.registry.due import REGISTRY
from tests.registry.office import NOON, PACK, HandClock, enrol, log, org, record_of

DAY = timedelta(days=1)


def known(registry: Registry, day: date, as_of: date | None = None) -> Tier:
    return registry.explain_known("lab", known_on=day, as_of=as_of)[PACK].tier


def test_every_change_has_a_version_that_names_its_record(registry: Registry, stores: Stores, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += DAY
    registry.apply(record_of(org("lab", "CN", "owner"), org("owner", "CN")), by="cem")
    clock.at += DAY
    registry.suspend("lab", by="dia", reason="inquiry")
    history = registry.history("lab")
    told = [(each.version.kind, each.version.id, each.version.number) for each in history]
    assert told[:2] == [("customer", "lab", 1), ("proposal", "lab", 1)]
    assert ("party", "lab", 2) in told
    acts = {each.version.record.type.value for each in history if each.version.record}
    assert acts == {each["type"] for each in log(stores)}
    moved = next(each for each in history if (each.version.kind, each.version.number) == ("party", 2))
    assert moved.changes["headquarters"] == ("US", "CN")
    assert moved.version.record is not None
    assert (moved.version.record.actor.name, moved.version.record.at) == ("cem", NOON + DAY)
    last = history[-1]
    assert last.changes["standing"] == ("approved", "suspended")
    assert last.changes["reason"][1] == "inquiry"


def test_each_version_of_a_batch_names_the_record_of_its_own_customer(registry: Registry, stores: Stores) -> None:
    labs = [f"lab{number}" for number in range(3)]
    applied = registry.apply_all([record_of(org(each, "US"), customer=each) for each in labs], by="ana")
    seen = registry.review_all(applied.batch_id).fingerprint
    registry.approve_all(applied.batch_id, by="ben", seen=seen)
    kinds = {
        "customer": ["customer.enrolled", "customer.approved"],
        "proposal": ["customer.enrolled", "customer.approved"],
        "party": ["customer.approved"],
    }
    for each in labs:
        told: dict[str, list[str]] = {}
        for change in registry.history(each):
            record = change.version.record
            assert record is not None
            assert record.facts["customer"] == each
            told.setdefault(change.version.kind, []).append(record.type.value)
        assert told == kinds


def test_records_of_a_batch_are_where_their_appends_said(stores: Stores) -> None:
    made = [new_record(RecordType.CUSTOMER_NOTICE, REGISTRY, NOON, {"customer": f"lab{each}"}) for each in range(501)]

    def work(tx: Transaction) -> list[int]:
        books = Books(tx)
        indexes = books.append_all(made)
        books.flush()
        return indexes

    assert stores.transact(work) == list(range(501))


def test_an_act_that_changes_nothing_makes_no_version(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    before = registry.history("lab")
    registry.apply(record_of(org("lab", "US")), by="cem")
    assert registry.history("lab") == before


def test_what_was_known_on_a_day_is_not_what_is_known_now(registry: Registry, clock: HandClock) -> None:
    first = clock.at.date()
    enrol(registry, org("lab", "US"))
    clock.at += 10 * DAY
    registry.apply(record_of(org("lab", "CN")), by="cem")
    today = clock.at.date()
    assert known(registry, today) is Tier.THREE
    assert known(registry, today - DAY) is Tier.ONE
    assert known(registry, first, as_of=today) is Tier.ONE
    assert registry.explain("lab", as_of=first)[PACK].tier is Tier.THREE  # as of that day, by what is known now
    review = registry.review_known("lab", known_on=first)
    assert review.customer.standing is Standing.APPROVED
    assert review.looked_at.parties[0].headquarters == "US"
    assert registry.review_known("lab", known_on=today).looked_at.parties[0].headquarters == "CN"


def test_a_record_that_waited_is_shown_as_it_waited(registry: Registry, clock: HandClock) -> None:
    registry.apply(record_of(org("lab", "PL")), by="ana")
    first = clock.at.date()
    clock.at += DAY
    registry.approve("lab", by="ben")
    review = registry.review_known("lab", known_on=first)
    assert review.standing is Standing.SUBMITTED
    assert review.proposed is not None
    assert review.prepared_by == "ana"


def test_what_nobody_knew_or_can_know_is_refused(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    today = clock.at.date()
    with pytest.raises(NotFound):
        registry.review_known("lab", known_on=today - DAY)
    with pytest.raises(InvalidInput, match="Nobody can say what will be known"):
        registry.explain_known("lab", known_on=today + DAY)
    with pytest.raises(NotFound):
        registry.history("nobody")
