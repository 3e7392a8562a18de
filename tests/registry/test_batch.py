"""Many customers at once: all or none, the same as one by one, and approved by a second person as one batch."""

from __future__ import annotations

import re
import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.tier import Tier
from gatekeeper.ports import Stores
from gatekeeper.ports.answers import KEPT
from gatekeeper.registry import KycRecord, Registry
from gatekeeper.registry.kyc_record import owners_of
from gatekeeper.registry.plan import plan_of
from gatekeeper.registry.strictness import Yardstick
from gatekeeper.stores import SqlStores
from tests.counting_statements import counted
from tests.databases import new_stores
from tests.registry.office import NOON, PACKS, HandClock, enrol, log, log_types, org, record_of, tier

LAB = record_of(org("lab", "IN"), customer="lab")
SHOP = record_of(org("shop", "US"), customer="shop")


def test_one_refused_record_keeps_all_others_out(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("shut", "US"), customer="shut")
    registry.close("shut", by="ana", reason="moved away")
    before = log_types(stores)
    with pytest.raises(NotPermitted, match="Customer shut is closed"):
        registry.apply_all([LAB, record_of(org("shut", "US"), customer="shut"), SHOP], by="ana")
    assert log_types(stores) == before
    with pytest.raises(NotFound):
        registry.review("lab")


def test_a_plan_of_many_changes_nothing_and_says_what_becomes_of_each(registry: Registry, stores: Stores) -> None:
    registry.apply_all([LAB], by="ana")
    before = log(stores)
    assert [each.outcome.value for each in registry.plan_all([LAB, SHOP])] == ["unchanged", "enrolled"]
    assert log(stores) == before


def test_a_batch_is_approved_by_a_second_person_as_a_whole(registry: Registry) -> None:
    applied = registry.apply_all([LAB, SHOP], by="ana")
    assert applied.counts == {"enrolled": 2}
    seen = registry.review_all(applied.batch_id)
    assert [each.customer.id for each in seen.reviews] == ["lab", "shop"]
    with pytest.raises(NotPermitted, match="cannot approve"):
        registry.approve_all(applied.batch_id, by=" ANA", seen=seen.fingerprint)
    assert registry.review("lab").standing is Standing.SUBMITTED
    assert registry.approve_all(applied.batch_id, by="ben", seen=seen.fingerprint) == 2
    assert registry.review("shop").standing is Standing.APPROVED
    assert registry.review_all(None).reviews == ()


def test_what_changed_since_it_was_looked_at_is_not_approved(registry: Registry) -> None:
    applied = registry.apply_all([LAB, SHOP], by="ana")
    seen = registry.review_all(applied.batch_id).fingerprint
    registry.apply(record_of(org("shop", "DE"), customer="shop"), by="ana")
    with pytest.raises(Conflict, match="not what was looked at"):
        registry.approve_all(applied.batch_id, by="ben", seen=seen)
    assert registry.review("lab").standing is Standing.SUBMITTED


def test_whoever_prepared_any_of_it_approves_none_of_it(registry: Registry) -> None:
    registry.apply(LAB, by="ben")
    registry.apply(SHOP, by="ana")
    seen = registry.review_all().fingerprint
    with pytest.raises(NotPermitted, match="ben prepared"):
        registry.approve_all(None, by="ben", seen=seen)
    assert registry.approve_all(None, by="eve", seen=seen) == 2


def test_a_key_answers_the_same_and_refuses_other_records(registry: Registry, stores: Stores) -> None:
    first = registry.apply_all([LAB], by="ana", idempotency_key="monday")
    size = len(log(stores))
    again = registry.apply_all([LAB], by="ana", idempotency_key="monday")
    assert (again.repeated, again.batch_id, again.counts) == (True, first.batch_id, first.counts)
    assert len(log(stores)) == size
    with pytest.raises(Conflict, match="was used for other records"):
        registry.apply_all([SHOP], by="ana", idempotency_key="monday")
    # Somebody else's key of the same name is another key.
    assert not registry.apply_all([SHOP], by="ben", idempotency_key="monday").repeated


def test_a_draft_and_a_rejected_record_wait_for_nobody(registry: Registry) -> None:
    registry.draft(SHOP, by="ana")
    registry.apply_all([LAB, record_of(org("mill", "DE"), customer="mill")], by="ana")
    registry.reject("mill", by="eve", reason="papers are missing")
    seen = registry.review_all()
    assert [each.customer.id for each in seen.reviews] == ["lab"]
    assert registry.approve_all(None, by="ben", seen=seen.fingerprint) == 1


def test_an_unknown_batch_is_named(registry: Registry) -> None:
    with pytest.raises(NotFound, match="There is no batch 'x'"):
        registry.review_all("x")


def test_a_key_names_its_request_for_a_day_and_a_new_one_after_it(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    strict = [record_of(org("lab", "CN"))]
    registry.apply_all(strict, by="ana", idempotency_key="nightly")
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.approve("lab", by="ben")
    clock.at += timedelta(days=1)
    assert registry.apply_all(strict, by="ana", idempotency_key="nightly").repeated
    clock.at += timedelta(seconds=1)
    again = registry.apply_all(strict, by="ana", idempotency_key="nightly")
    assert (again.repeated, again.counts, tier(registry)) == (False, {"at_once": 1}, Tier.THREE)


def test_a_record_too_large_for_the_log_stops_all(registry: Registry, stores: Stores) -> None:
    names = tuple(f"{each:03d}" + "n" * 290 for each in range(50))
    owners = [Party(f"p{each}", PartyKind.ORG, f"P{each}", "DE", (), "listed", other_names=names) for each in range(10)]
    own = Party("big", PartyKind.ORG, "Big", "DE", tuple(each.id for each in owners))
    with pytest.raises(InvalidInput, match="Customer big"):
        registry.apply_all([LAB, KycRecord("big", "big", (own, *owners))], by="ana")
    assert log_types(stores) == []


IDS = ["a", "b", "c", "d", "e"]


@st.composite
def folders(draw: st.DrawFn) -> list[KycRecord]:
    parties = {}
    for id_ in IDS:
        others = [each for each in IDS if each != id_]
        parents = draw(st.sets(st.sampled_from(others), max_size=2))
        owner = draw(st.sampled_from([None, *others]))
        interests = (Interest(owner, 60_000_000, 60_000_000),) if owner else ()
        reason = "" if parents else draw(st.sampled_from(["", "listed"]))
        hq = draw(st.sampled_from(["US", "IN", "CN", ""]))
        parties[id_] = Party(id_, PartyKind.ORG, id_, hq, tuple(parents), reason, interests)
    wanted = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=4, unique=True))
    return [KycRecord(each, each, tuple(owners_of(parties, each).values())) for each in wanted]


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(folders(), folders(), st.booleans())
def test_a_batch_does_what_its_records_do_one_by_one(
    first: list[KycRecord], second: list[KycRecord], approved: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for whole in (False, True):
            with new_stores(Path(folder) / f"{whole}.db") as stores:
                registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
                _apply(registry, first, whole=whole)
                if approved:
                    _approve(registry, whole=whole)
                _apply(registry, second, whole=whole)
                told = [{**each, "id": ""} for each in log(stores)]
                found.append((told, stores.read(lambda reader: (reader.parties(), reader.customers()))))
    assert found[0] == found[1]


@pytest.mark.slow
@given(folders(), folders(), st.booleans())
def test_a_record_does_what_it_would_do_with_everybody_in_sight(
    first: list[KycRecord], second: list[KycRecord], approved: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, new_stores(Path(folder) / "one.db") as stores:
        registry = Registry(stores, HandClock(), packs=PACKS, cluster="east")
        _apply(registry, first, whole=False)
        if approved:
            _approve(registry, whole=False)
        yardstick = Yardstick.of(PACKS, NOON.date())
        for each in second:
            seen = registry.plan(each)
            assert seen == stores.read(partial(plan_of, record=each, yardstick=yardstick))


def test_a_record_costs_the_same_statements_however_many_customers_there_are(
    registry: Registry, stores: SqlStores
) -> None:
    asked = []
    for number in (1, 40):
        registry.apply_all([_of(f"lab{number}-{each}", "US") for each in range(number)], by="ana")
        registry.approve_all(None, by="ben", seen=registry.review_all().fingerprint)
        with counted(stores) as statements:
            registry.apply(_of(f"lab{number}-0", "CN"), by="ana")
            registry.review(f"lab{number}-0")
        asked.append(statements)
        whole = [each for each in statements if re.search(r"FROM (party|customer|proposal)\b", each)]
        assert all("WHERE" in each for each in whole)
    assert len(asked[0]) == len(asked[1])


def _of(name: str, headquarters: str) -> KycRecord:
    holding = f"{name}-holding"
    return record_of(org(name, headquarters, holding), org(holding, "US"), customer=name)


def _apply(registry: Registry, records: list[KycRecord], *, whole: bool) -> None:
    if whole:
        registry.apply_all(records, by="ana")
        return
    for each in records:
        registry.apply(each, by="ana")


def _approve(registry: Registry, *, whole: bool) -> None:
    if whole:
        registry.approve_all(None, by="ben", seen=registry.review_all().fingerprint)
        return
    for each in registry.review_all().reviews:
        registry.approve(each.customer.id, by="ben")


def test_a_key_is_forgotten_after_a_day(registry: Registry, stores: Stores, clock: HandClock) -> None:
    for number in range(3):
        registry.apply_all([LAB], by="ana", idempotency_key=f"key-{number}")
        clock.at += KEPT * 2
    assert stores.read(lambda reader: reader.kept_answers("batch:ana")) == 1
