"""Limits and inquiries of a log, recomputed from its records alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.policy_facts import terms_json, terms_of
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType, decode
from gatekeeper.policies import record_packs
from gatekeeper.policy_files import bundled_dir, load_pack, load_packs
from gatekeeper.verify.decisions import DecisionCheck
from gatekeeper.verify.fields import Wrong
from gatekeeper.verify.inquiries import InquiryCheck
from gatekeeper.verify.limits import LimitCheck
from gatekeeper.verify.overrides import OverrideCheck
from gatekeeper.verify.packs import PackCheck
from gatekeeper.verify.screening import ScreeningCheck
from gatekeeper.verify.tiers import TierCheck
from gatekeeper.verify.unchecked import Unchecked
from tests.databases import new_stores
from tests.registry.serving import use
from tests.test_gate import CLUSTER, PACK, House, make_gang

SERVICE = Actor(ActorKind.SERVICE, "gatekeeper")
INQUIRY = f"{PACK.id}.big.export-of-the-model"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Record]]:
    """A run that is held, answered by two people, and goes on under the lifted limit."""
    with new_stores(tmp_path_factory.mktemp("books") / "gatekeeper.db") as stores:
        house = House(stores)
        packs = house.gate._provider.packs
        record_packs(stores, house.clock, packs, cluster=CLUSTER, by=SERVICE, site=house.gate._provider.site)
        house.enrol("vistula", "PL")
        house.registry.declare_run("big", "vistula", title="Big", by="ana", namespaces=("vistula",))
        house.registry.approve_run("big", by="ben")
        use(house, "big", 10**14 - 1)
        house.gate.release(make_gang("vistula", "a"))
        until = (house.clock.now() + timedelta(days=9)).date()
        seen = house.registry.answer_inquiry(
            INQUIRY, answer="Exported.", licence="D1", until=until, limit_tflop=15 * 10**13, by="ana"
        )
        house.registry.approve_inquiry(INQUIRY, by="ben", seen=seen)
        assert house.gate.release(make_gang("vistula", "a")).reservations
        yield [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def check(records: list[Record]) -> None:
    unchecked = Unchecked()
    tiers, screening, packs, inquiries = TierCheck(), ScreeningCheck(unchecked), PackCheck(), InquiryCheck()
    overrides = OverrideCheck(tiers, screening)
    limits = LimitCheck(packs, inquiries, tiers, overrides)
    decided = (packs, inquiries, limits, DecisionCheck(packs, limits, unchecked))
    for record in records:
        for each in (tiers, screening, overrides, *decided):
            each.see(record)


def altered(records: list[Record], kind: RecordType, **facts: object) -> list[Record]:
    """The records with facts of one type changed."""
    return [
        replace(each, facts={**each.facts, **facts}) if each.type is kind else each  # type: ignore[dict-item]
        for each in records
    ]


def without(records: list[Record], kind: RecordType) -> list[Record]:
    return [each for each in records if each.type is not kind]


def test_a_limit_that_two_people_lifted_follows_from_the_log(records: list[Record]) -> None:
    assert RecordType.RESERVATION_PENDING in {each.type for each in records}
    check(records)


def test_a_limit_that_no_pack_sets_is_found(records: list[Record]) -> None:
    with pytest.raises(Wrong, match="none of its packs sets"):
        check(altered(records, RecordType.RESERVATION_PENDING, limit_tflop=str(2 * 10**14)))


def test_a_limit_that_was_lifted_without_an_approval_is_found(records: list[Record]) -> None:
    with pytest.raises(Wrong, match="none of its packs sets"):
        check(without(records, RecordType.INQUIRY_APPROVED))


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        (RecordType.INQUIRY_APPROVED, {"limit_tflop": "999999999999999"}, "another answer"),
        (RecordType.INQUIRY_APPROVED, {"until": "2099-01-01"}, "another answer"),
        (RecordType.INQUIRY_ANSWERED, {"answered_by": "ben"}, "somebody else wrote"),
        (RecordType.INQUIRY_OPENED, {"run": "other"}, "not named for its pack, run and question"),
        (RecordType.INQUIRY_ANSWERED, {"state": "approved"}, "not what its record is about"),
    ],
)
def test_an_answer_that_does_not_follow_is_found(
    records: list[Record], kind: RecordType, facts: dict[str, object], words: str
) -> None:
    with pytest.raises(Wrong, match=words):
        check(altered(records, kind, **facts))


def test_an_approval_by_who_answered_is_found(records: list[Record]) -> None:
    ana = next(each.actor for each in records if each.type is RecordType.INQUIRY_ANSWERED)
    swapped = [replace(each, actor=ana) if each.type is RecordType.INQUIRY_APPROVED else each for each in records]
    with pytest.raises(Wrong, match="by one person"):
        check(swapped)


def test_an_approval_of_nothing_is_found(records: list[Record]) -> None:
    with pytest.raises(Wrong, match="does not follow"):
        check(without(records, RecordType.INQUIRY_ANSWERED))


@pytest.mark.parametrize(("later", "accused"), [(timedelta(minutes=5), False), (timedelta(hours=2), True)])
def test_who_still_decides_without_a_pack_that_was_just_added_is_accused_of_nothing_for_an_hour(
    tmp_path: Path, later: timedelta, accused: bool
) -> None:
    """While one process takes over from another, the old one goes on by the packs that it has read."""
    with new_stores(tmp_path / "gatekeeper.db") as stores:
        house = House(stores)
        house.record_packs()
        house.enrol("vistula", "PL")
        house.clock.move_to(house.clock.now() + timedelta(days=2))
        provider = house.gate._provider
        more = (*provider.packs, ActivePack(load_pack(bundled_dir() / "house"), Mode.ENFORCE))
        record_packs(stores, house.clock, more, cluster=CLUSTER, by=SERVICE, site=provider.site)
        house.clock.move_to(house.clock.now() + later)
        assert house.gate.release(make_gang("vistula", "a")).reservations
        records = [decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]
    with pytest.raises(Wrong, match="house is in force") if accused else nullcontext():
        check(records)


def test_two_terms_under_one_sha256_are_found(records: list[Record]) -> None:
    loaded = next(each for each in records if each.type is RecordType.POLICY_LOADED)
    terms = {**loaded.facts["terms"], "effective_from": "2020-01-01"}  # type: ignore[dict-item]
    other = replace(loaded, facts={**loaded.facts, "terms": terms})
    with pytest.raises(Wrong, match="known by its SHA-256"):
        check([*records, other])


def test_the_terms_of_every_shipped_pack_come_back_from_a_record_as_they_were() -> None:
    for pack in load_packs(bundled_dir()):
        terms = terms_of(terms_json(pack))
        assert terms_json(replace(pack, threshold=terms.threshold, allowances=terms.allowances)) == terms_json(pack)
        assert [(each.tiers, each.action, each.beyond, each.site_tiers) for each in terms.rules] == [
            (each.tiers, each.action, each.beyond, each.site_tiers) for each in pack.rules
        ]
