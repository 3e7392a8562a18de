"""Changes of a record: what takes effect at once, and what waits for a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gatekeeper.domain.customer import Standing
from gatekeeper.domain.errors import InvalidInput, NotPermitted
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.tier import Tier, TierRow, TierTable
from gatekeeper.ports import Stores
from gatekeeper.registry import Outcome, Registry
from tests.registry.office import PACK, PACKS, HandClock, enrol, log, log_types, org, record_of, tier


def test_a_record_that_says_what_holds_changes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "group", "fund"), org("group", "US"), org("fund", "GB"))
    before = log_types(stores)
    again = record_of(org("lab", "US", "fund", "group"), org("fund", "GB"), org("group", "US"))
    assert registry.apply(again, by="ben").outcome is Outcome.UNCHANGED
    assert log_types(stores) == before


def test_a_stricter_headquarters_takes_effect_at_once(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    plan = registry.apply(record_of(org("lab", "CN")), by="ana")
    assert plan.outcome is Outcome.AT_ONCE
    assert [(each.customer_id, each.before, each.after) for each in plan.changes] == [("lab", Tier.ONE, Tier.THREE)]
    assert tier(registry) is Tier.THREE
    assert registry.review("lab").standing is Standing.APPROVED
    assert log(stores)[-1]["facts"]["effect"] == "at_once"


def test_a_milder_headquarters_waits_for_a_second_person(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "CN"))
    assert registry.apply(record_of(org("lab", "US")), by="ana").outcome is Outcome.WAITS
    assert tier(registry) is Tier.THREE
    with pytest.raises(NotPermitted):
        registry.approve("lab", by="ana")
    assert [each.after for each in registry.review("lab").changes] == [Tier.ONE]
    registry.approve("lab", by="ben")
    assert tier(registry) is Tier.ONE
    assert log_types(stores)[-2:] == ["customer.submitted", "customer.approved"]
    assert log(stores)[-1]["facts"]["changes"] == [{"after": "1", "before": "3", "customer": "lab", "pack": PACK}]


def test_a_new_owner_counts_at_once_and_the_old_one_goes_with_a_second_person(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "old"), org("old", "US"))
    plan = registry.apply(record_of(org("lab", "US", "new"), org("new", "CN")), by="ana")
    assert plan.outcome is Outcome.PARTLY
    assert registry.explain("lab")[PACK].deciding.path == ("lab", "new")
    waits = registry.review("lab")
    assert waits.in_effect is not None
    assert [each.id for each in waits.in_effect.parties] == ["lab", "new", "old"]
    assert waits.proposed is not None
    assert [each.id for each in waits.proposed.parties] == ["lab", "new"]
    registry.approve("lab", by="ben")
    assert [each.id for each in registry.review("lab").looked_at.parties] == ["lab", "new"]


def test_leaving_a_corporate_group_waits_even_where_the_tier_stays(registry: Registry, stores: Stores) -> None:
    # Undeclared training of a group shares one limit: who leaves it alone would get a fresh one.
    enrol(registry, org("lab", "IN", "group"), org("group", "IN"))
    enrol(registry, org("sister", "IN", "group"), org("group", "IN"), customer="sister")
    assert registry.apply(record_of(org("lab", "IN")), by="ana").outcome is Outcome.WAITS
    parties = stores.read(lambda reader: reader.parties())
    assert list(corporate_groups(parties, ["lab"])) == [{"lab", "group", "sister"}]


def test_removing_an_owner_waits_even_where_that_leaves_its_ownership_unknown(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "group"), org("group", "US"))
    assert registry.apply(record_of(org("lab", "US", reason="")), by="ana").outcome is Outcome.WAITS


def test_a_customer_does_not_become_another_party_by_one_hand(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    assert registry.apply(record_of(org("other", "CN")), by="ana").outcome is Outcome.WAITS
    assert registry.approve("lab", by="ben").party_id == "other"
    assert tier(registry) is Tier.THREE


def test_a_closed_customer_is_not_changed(registry: Registry, stores: Stores) -> None:
    closed = replace(enrol(registry, org("lab", "US")), standing=Standing.CLOSED)
    stores.transact(lambda tx: tx.put_customer(closed))
    for change in (
        lambda: registry.apply(record_of(org("lab", "CN")), by="ana"),
        lambda: registry.bind("train", "lab", by="ana"),
        lambda: registry.declare_run("llm", "lab", by="ana", title="A model"),
        lambda: registry.suspend("lab", by="ana", reason="late"),
        lambda: registry.approve("lab", by="cem"),
    ):
        with pytest.raises(NotPermitted, match="closed"):
            change()


def test_all_customers_are_reviewed_in_one_look(registry: Registry) -> None:
    enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.apply(record_of(org("shop", "US"), customer="shop"), by="ana")
    reviews = registry.reviews()
    bare = [replace(registry.review(each), changes=(), groups=(), fingerprint="") for each in ("lab", "shop")]
    assert bare == reviews
    assert reviews[0].findings_in_effect[PACK].tier is Tier.THREE
    assert reviews[0].findings[PACK].tier is Tier.ONE


def test_naming_an_owner_where_nobody_was_known_waits(registry: Registry) -> None:
    enrol(registry, org("lab", "US", reason=""))
    assert tier(registry) is Tier.UNRESOLVED
    assert registry.apply(record_of(org("lab", "US", "group"), org("group", "US")), by="ana").outcome is Outcome.WAITS
    assert tier(registry) is Tier.UNRESOLVED


def test_a_record_of_an_owner_that_was_missing_waits_unless_it_is_tier_3(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "group"))
    assert tier(registry) is Tier.UNRESOLVED
    # Another customer's file brings the missing party: it must not resolve this one without two people.
    registry.apply(record_of(org("sister", "US", "group"), org("group", "US"), customer="sister"), by="ana")
    assert tier(registry) is Tier.UNRESOLVED
    assert registry.apply(record_of(org("lab", "US", "group"), org("group", "CN")), by="ana").outcome is Outcome.AT_ONCE
    assert tier(registry) is Tier.THREE


@pytest.mark.parametrize(
    ("before", "wanted", "unknown"),
    [
        ((org("lab", "US", reason=""),), (org("lab", "CN"),), "parent.unknown"),
        ((org("lab", "US", reason=""),), (org("lab", "CN", "group"), org("group", "US")), "parent.unknown"),
        ((org("lab", "US", "group"),), (org("lab", "CN", "group"), org("group", "US")), "party.missing"),
        ((org("lab", "US", reason="NON_PUBLIC"),), (org("lab", "CN", reason="natural persons"),), "parent.hidden"),
    ],
)
def test_what_is_unknown_is_not_explained_away_behind_a_stricter_headquarters(
    registry: Registry, before: tuple[Party, ...], wanted: tuple[Party, ...], unknown: str
) -> None:
    enrol(registry, *before)
    assert registry.apply(record_of(*wanted), by="ana").outcome is Outcome.PARTLY
    finding = registry.explain("lab")[PACK]
    assert finding.tier is Tier.THREE
    assert unknown in [reason.code for reason in finding.reasons]


def test_an_owner_outside_a_circle_of_owners_waits(registry: Registry) -> None:
    # It would give the circle the ultimate parent that it lacked.
    enrol(registry, org("lab", "US", "other"), org("other", "US", "lab"))
    assert tier(registry) is Tier.UNRESOLVED
    wanted = record_of(org("lab", "US", "other", "fund"), org("other", "US", "lab"), org("fund", "US"))
    assert registry.apply(wanted, by="ana").outcome is Outcome.WAITS
    assert tier(registry) is Tier.UNRESOLVED


def test_a_record_that_waits_is_applied_again_where_others_made_an_owner_milder(registry: Registry) -> None:
    enrol(registry, org("lab", "CN", "group"), org("group", "CN"))
    enrol(registry, org("sister", "US", "group"), org("group", "CN"), customer="sister")
    waits = record_of(org("lab", "US", "group"), org("group", "CN"))
    registry.apply(waits, by="ana")
    enrol(registry, org("sister", "US", "group"), org("group", "US"), customer="sister")
    assert tier(registry, "sister") is Tier.ONE
    assert registry.apply(waits, by="ana").outcome is Outcome.PARTLY
    assert tier(registry, "sister") is Tier.THREE


def test_a_change_of_a_shared_owner_counts_for_every_customer_it_owns(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "group"), org("group", "US"))
    enrol(registry, org("sister", "US", "group"), org("group", "US"), customer="sister")
    plan = registry.apply(record_of(org("sister", "US", "group"), org("group", "CN"), customer="sister"), by="ana")
    assert {each.customer_id for each in plan.changes} == {"lab", "sister"}
    assert tier(registry, "lab") is Tier.THREE
    written = log(stores)[-1]["facts"]["written"]
    assert [(each["id"], each["headquarters"]) for each in written] == [("group", "CN")]


def test_the_file_of_a_new_customer_cannot_make_a_shared_owner_milder(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "group"), org("group", "CN"))
    registry.apply(record_of(org("shop", "US", "group"), org("group", "US"), customer="shop"), by="ana")
    assert tier(registry, "lab") is Tier.THREE
    assert [each.customer_id for each in registry.review("shop").changes] == ["lab"]


def test_a_country_that_becomes_milder_on_a_later_day_is_milder(stores: Stores, clock: HandClock) -> None:
    later = TierRow("KH", Tier.ONE, date(2027, 1, 1), None, "a rule to come")
    rows = {"US": (TierRow("US", Tier.ONE, date(2025, 1, 13), None, "the rule"),), "KH": (later,)}
    table = TierTable(rows, Tier.TWO, frozenset({"US", "KH", "IN"}))
    packs = (ActivePack(replace(PACKS[0].pack, tiers=table), Mode.ENFORCE),)
    registry = Registry(stores, clock, packs=packs, cluster="east")
    enrol(registry, org("lab", "IN"))
    assert registry.apply(record_of(org("lab", "KH")), by="ana").outcome is Outcome.WAITS


def test_without_any_pack_no_headquarters_is_stricter_than_another(stores: Stores, clock: HandClock) -> None:
    registry = Registry(stores, clock, packs=(), cluster="east")
    enrol(registry, org("lab", "US"))
    assert registry.apply(record_of(org("lab", "CN")), by="ana").outcome is Outcome.WAITS


def test_a_pack_that_is_off_still_says_what_is_stricter(stores: Stores, clock: HandClock) -> None:
    registry = Registry(stores, clock, packs=(ActivePack(PACKS[0].pack, Mode.OFF),), cluster="east")
    enrol(registry, org("lab", "CN"))
    assert registry.apply(record_of(org("lab", "US")), by="ana").outcome is Outcome.WAITS


def test_applying_what_holds_withdraws_what_waited(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    assert registry.apply(record_of(org("lab", "US")), by="cem").outcome is Outcome.UNCHANGED
    assert registry.apply(record_of(org("lab", "CN")), by="ana").outcome is Outcome.WITHDRAWN
    with pytest.raises(NotPermitted, match="Nothing of customer lab waits"):
        registry.approve("lab", by="ben")


def test_a_dry_run_tells_the_outcome_and_writes_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    before = log_types(stores)
    assert registry.plan(record_of(org("lab", "CN"))).outcome is Outcome.AT_ONCE
    assert log_types(stores) == before
    assert tier(registry) is Tier.ONE


def test_nothing_is_half_applied_when_a_record_is_too_large_for_the_log(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "owner-0"), org("owner-0", "US"))
    before = log_types(stores), stores.read(lambda reader: reader.parties())
    chain = [org("lab", "CN", "owner-0")]
    chain += [
        Party(f"owner-{each}", PartyKind.ORG, "ü" * 300, "CN", (f"owner-{each + 1}",) if each < 150 else (), "")
        for each in range(151)
    ]
    with pytest.raises(InvalidInput, match="too large"):
        registry.apply(record_of(*chain), by="ana")
    assert (log_types(stores), stores.read(lambda reader: reader.parties())) == before


@pytest.mark.parametrize(
    ("parties", "says"),
    [
        ((org("lab", "US"), org("lab", "CN")), "stands there twice"),
        ((org("lab", "US"), org("other", "CN")), "is no owner of lab"),
    ],
)
def test_a_record_is_one_customer_and_its_owners(parties: tuple[Party, ...], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        record_of(*parties)


def test_who_replaces_what_somebody_else_proposed_is_told_whose_it_was(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(replace(org("lab", "US"), legal_name="Lab One")), by="ana")
    clock.at += timedelta(days=1)
    other = record_of(replace(org("lab", "US"), legal_name="Lab Two"))
    assert str(registry.plan(other).replaced) == "ana proposed on 2026-11-22"
    assert str(registry.apply(other, by="cem").replaced) == "ana proposed on 2026-11-22"
    again = record_of(replace(org("lab", "US"), legal_name="Lab Three"))
    assert registry.apply(again, by=" CEM").replaced is None  # it is the same person's
