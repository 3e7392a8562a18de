"""What one person may change alone, what needs two, and that all of it stands in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.ledger import Reservation
from gatekeeper.domain.party import Customer, Party, PartyKind, Standing, corporate_groups
from gatekeeper.domain.policy import ActivePack, Mode
from gatekeeper.domain.tier import Tier, TierRow, TierTable
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.policy_files import bundled_dir, load_packs
from gatekeeper.ports import Stores
from gatekeeper.registry import KycRecord, Outcome, Registry
from gatekeeper.registry.kyc_record import overlaid
from gatekeeper.registry.strictness import Yardstick, strict_part, tier_changes
from gatekeeper.stores import open_stores

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PACKS = tuple(ActivePack(pack, Mode.ENFORCE) for pack in load_packs(bundled_dir()))
PACK = "us-ai-diffusion"


class HandClock:
    """A clock that a test sets by hand."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    with open_stores(f"sqlite:///{tmp_path / 'gatekeeper.db'}") as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def registry(stores: Stores, clock: HandClock) -> Registry:
    return Registry(stores, clock, packs=PACKS, cluster="east")


def org(id_: str, hq: str, *parents: str, reason: str = "listed company") -> Party:
    return Party(id_, PartyKind.ORG, id_.title(), hq, parents, "" if parents else reason)


def record_of(*parties: Party, customer: str = "lab") -> KycRecord:
    """A customer whose own party is the first of the parties."""
    return KycRecord(customer, parties[0].id, parties)


def enrol(registry: Registry, *parties: Party, customer: str = "lab") -> Customer:
    registry.apply(record_of(*parties, customer=customer), by="ana")
    return registry.approve(customer, by="ben")


def tier(registry: Registry, customer: str = "lab") -> Tier:
    return registry.explain(customer)[PACK].tier


def log(stores: Stores) -> list[dict[str, Any]]:
    return [json.loads(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


def log_types(stores: Stores) -> list[str]:
    return [each["type"] for each in log(stores)]


# Enrolment


def test_a_new_customer_waits_until_a_second_person_approves(registry: Registry, stores: Stores) -> None:
    assert registry.apply(record_of(org("lab", "US")), by="ana").outcome is Outcome.ENROLLED
    assert registry.review("lab").standing is Standing.SUBMITTED
    assert stores.read(lambda reader: reader.parties()) == {}
    approved = registry.approve("lab", by="ben")
    assert (approved.standing, approved.prepared_by, approved.approved_by) == (Standing.APPROVED, "ana", "ben")
    assert stores.read(lambda reader: reader.parties()) == {"lab": org("lab", "US")}
    assert log_types(stores) == ["customer.enrolled", "customer.approved"]


@pytest.mark.parametrize("spelling", ["ana", "Ana", "ANA ", "a na", "ａｎａ"])
def test_the_preparer_cannot_approve_under_any_spelling(registry: Registry, stores: Stores, spelling: str) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by=spelling)
    assert registry.review("lab").standing is Standing.SUBMITTED
    assert log_types(stores) == ["customer.enrolled"]


@pytest.mark.parametrize("name", ["аna", "ana\u200b", "ana\u202e", "", " ", "ana\n", "x" * 201, "an,a"])
def test_a_name_that_only_looks_like_another_one_cannot_act(registry: Registry, name: str) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(InvalidInput, match="name of a person"):
        registry.approve("lab", by=name + "\u200b" if name == "ana\n" else name)


def test_who_submits_again_becomes_the_preparer(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    registry.apply(record_of(org("lab", "CA")), by="ben")
    with pytest.raises(NotPermitted):
        registry.approve("lab", by="ben")
    assert registry.approve("lab", by="ana").prepared_by == "ben"
    assert "Lab (CA)" in registry.explain("lab")[PACK].deciding.text


def test_an_approval_lasts_a_year_in_tier_1_and_half_a_year_elsewhere(registry: Registry) -> None:
    assert enrol(registry, org("one", "US"), customer="one").expires_at == NOON + timedelta(days=365)
    assert enrol(registry, org("two", "IN"), customer="two").expires_at == NOON + timedelta(days=182)


@pytest.mark.parametrize("end", [NOON, NOON - timedelta(days=1), NOON + timedelta(days=366)])
def test_an_approval_ends_neither_in_the_past_nor_later_than_the_terms(registry: Registry, end: datetime) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    with pytest.raises(InvalidInput, match="can end between"):
        registry.approve("lab", by="ben", expires_at=end)


def test_an_approver_approves_what_it_saw_or_nothing(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "US")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.apply(record_of(org("lab", "GB")), by="ana")
    with pytest.raises(Conflict, match="not the one that ben looked at"):
        registry.approve("lab", by="ben", seen=seen)
    assert registry.approve("lab", by="ben", seen=registry.review("lab").fingerprint).standing is Standing.APPROVED


def test_what_an_approver_saw_includes_owners_that_stand_in_another_file(registry: Registry) -> None:
    enrol(registry, org("sister", "US", "group"), org("group", "US"), customer="sister")
    registry.apply(record_of(org("lab", "US", "group")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.apply(record_of(org("sister", "US", "group"), org("group", "CN"), customer="sister"), by="cem")
    with pytest.raises(Conflict):
        registry.approve("lab", by="ben", seen=seen)


def test_an_approval_does_not_lift_a_suspension_that_its_approver_did_not_see(registry: Registry) -> None:
    enrol(registry, org("lab", "CN"))
    registry.apply(record_of(org("lab", "US")), by="ana")
    seen = registry.review("lab").fingerprint
    registry.suspend("lab", by="cem", reason="court order")
    with pytest.raises(Conflict):
        registry.approve("lab", by="ben", seen=seen)


# Changes


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
    assert [registry.review(each) for each in ("lab", "shop")] == reviews
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
        (tuple(org(f"p{each}", "US", f"p{each + 1}") for each in range(201)), "200 is the most"),
    ],
)
def test_a_record_is_one_customer_and_its_owners(parties: tuple[Party, ...], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        record_of(*parties)


# Suspension, expiry


def test_one_person_suspends_and_another_reinstates(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    suspended = registry.suspend("lab", by="ben", reason="sanctions hit")
    assert (suspended.standing, suspended.reason) == (Standing.SUSPENDED, "sanctions hit")
    with pytest.raises(NotPermitted):
        registry.approve("lab", by="Ben")
    assert registry.approve("lab", by="ana").standing is Standing.APPROVED
    assert log_types(stores)[-2:] == ["customer.suspended", "customer.approved"]


def test_who_changes_a_suspended_record_cannot_reinstate_it(registry: Registry) -> None:
    enrol(registry, org("lab", "US"))
    registry.suspend("lab", by="cem", reason="inquiry")
    assert registry.apply(record_of(org("lab", "GB")), by="ben").outcome is Outcome.AT_ONCE
    with pytest.raises(NotPermitted, match="prepared the record"):
        registry.approve("lab", by="ben")
    assert registry.review("lab").customer.reason == "inquiry"


def test_a_suspension_needs_a_reason(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(InvalidInput, match="needs a reason"):
        registry.suspend("lab", by="ben", reason="  ")


def test_an_approval_that_has_ended_is_renewed_by_approving_again(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    with pytest.raises(NotPermitted, match="Nothing of customer lab waits"):
        registry.approve("lab", by="cem")
    clock.at += timedelta(days=365)
    assert registry.review("lab").standing is Standing.EXPIRED
    assert registry.approve("lab", by="ben").expires_at == clock.at + timedelta(days=365)


def test_an_approval_is_renewed_before_it_ends_so_that_nobody_is_stopped(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    clock.at += timedelta(days=365 - 61)
    with pytest.raises(NotPermitted, match=r"renewed as it stands it can be from \d{4}-\d\d-\d\d on"):
        registry.approve("lab", by="ben")
    clock.at += timedelta(days=1)
    assert registry.approve("lab", by="ben").expires_at == clock.at + timedelta(days=365)


def test_who_changed_a_record_alone_cannot_renew_it_alone(registry: Registry, clock: HandClock) -> None:
    enrol(registry, org("lab", "US"))
    registry.apply(record_of(org("lab", "GB")), by="ben")
    registry.apply(record_of(org("lab", "FR")), by="cem")
    clock.at += timedelta(days=365)
    for changer in ("ben", "Cem"):
        with pytest.raises(NotPermitted, match="since its approval"):
            registry.approve("lab", by=changer)
    assert registry.approve("lab", by="dia").standing is Standing.APPROVED


# Explanation


def test_an_explanation_names_the_path_to_the_owner_that_decides(registry: Registry) -> None:
    enrol(registry, org("lab", "US", "holding"), org("holding", "GB", "parent"), org("parent", "CN"))
    deciding = registry.explain("lab")[PACK].deciding
    assert (deciding.tier, deciding.path) == (Tier.THREE, ("lab", "holding", "parent"))
    assert all(name in deciding.text for name in ("Lab (US)", "Holding (GB)", "Parent (CN)"))


def test_an_explanation_can_be_asked_for_another_day(registry: Registry) -> None:
    enrol(registry, org("lab", "KH"))
    assert registry.explain("lab", as_of=date(2025, 6, 1))[PACK].tier is Tier.THREE
    assert registry.explain("lab", as_of=date(2026, 11, 22))[PACK].tier is Tier.TWO


def test_a_customer_that_waits_is_explained_by_what_waits(registry: Registry) -> None:
    registry.apply(record_of(org("lab", "IN")), by="ana")
    assert tier(registry) is Tier.TWO


def test_an_unknown_customer_is_named(registry: Registry) -> None:
    for ask in (registry.explain, registry.review):
        with pytest.raises(NotFound, match="no customer 'nobody'"):
            ask("nobody")


def test_the_log_alone_resolves_the_tier_again(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "US", "parent"), org("parent", "CN"))
    state = log(stores)[-1]["facts"]["in_effect"]
    parties = {
        each["id"]: Party(**{**each, "kind": PartyKind(each["kind"]), "parents": tuple(each["parents"])})
        for each in state["parties"]
    }
    found = Yardstick.of(PACKS, date.fromisoformat(state["as_of"])).findings(parties, state["party"])[PACK]
    stated = state["tiers"][PACK]
    assert stated["sha256"] == PACKS[0].pack.sha256
    assert stated["tier"] == found.tier.value == "3"
    assert stated["reasons"][0] == {"code": "hq.owner", "path": ["lab", "parent"], "tier": "3"}
    assert [tuple(each["path"]) for each in stated["reasons"]] == [each.path for each in found.reasons]


# Runs and namespaces


def declare(registry: Registry, run_id: str = "llm", customer: str = "lab", **changes: Any) -> None:
    registry.declare_run(run_id, customer, **{"by": "ana", "title": "A model", **changes})


def test_a_run_carries_in_what_two_people_agreed_on(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry, carried_in_tflop=10**13, carried_in_source="model card of the base model")
    assert stores.read(lambda reader: reader.account("llm")).carried_in_tflop == 0
    with pytest.raises(NotPermitted, match="declared run llm"):
        registry.approve_run("llm", by="ANA")
    registry.approve_run("llm", by="ben")
    assert stores.read(lambda reader: reader.account("llm")).carried_in_tflop == 10**13
    assert log(stores)[-1]["facts"]["carried_in_tflop"] == "10000000000000"


def test_an_approver_of_a_run_approves_the_declaration_that_it_saw(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry, carried_in_tflop=10**13, carried_in_source="model card")
    seen = stores.read(lambda reader: reader.run("llm"))
    declare(registry)
    with pytest.raises(Conflict, match="not the declaration"):
        registry.approve_run("llm", by="ben", seen=seen)


def test_an_approved_run_is_never_declared_anew(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    declare(registry)
    registry.approve_run("llm", by="ben")
    before = log_types(stores)
    declare(registry)
    assert log_types(stores) == before
    with pytest.raises(Conflict, match="with other content"):
        declare(registry, title="Another model")


def test_a_namespace_is_bound_to_approved_runs_of_its_customer_only(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "IN"), customer="rival")
    declare(registry)
    with pytest.raises(NotPermitted, match="only declared"):
        registry.bind("train", "lab", by="ana", run_id="llm")
    registry.approve_run("llm", by="ben")
    with pytest.raises(NotPermitted, match="of customer lab, not of rival"):
        registry.bind("train", "rival", by="ana", run_id="llm")
    with pytest.raises(NotFound, match="no run"):
        registry.bind("train", "lab", by="ana", run_id="other")
    registry.bind("train", "lab", by="ana", run_id="llm")
    bound = log(stores)[-1]
    assert bound["type"] == "namespace.bound"
    assert bound["facts"] == {"before": None, "cluster": "east", "customer": "lab", "namespace": "train", "run": "llm"}


def test_binding_again_records_nothing(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    registry.bind("train", "lab", by="ana")
    before = log_types(stores)
    registry.bind("train", "lab", by="ben")
    assert log_types(stores) == before


def test_a_namespace_does_not_change_hands_under_running_work(registry: Registry, stores: Stores) -> None:
    enrol(registry, org("lab", "IN"))
    enrol(registry, org("rival", "US"), customer="rival")
    registry.bind("train", "lab", by="ana")
    held = Reservation.open(
        id="uid-1",
        run_id="undeclared.lab",
        customer_id="lab",
        workload=WorkloadRef("east", "train", "Pod", "p", "uid-1"),
        devices={"nvidia.com/gpu": 8},
        rate_tflop_per_s=1,
        lease_s=1,
        held_s=1,
        opened_at=NOON,
    )
    stores.transact(lambda tx: tx.put_reservation(held))
    with pytest.raises(Conflict, match="still holds 1 reservations"):
        registry.bind("train", "rival", by="ana")
    registry.bind("idle", "rival", by="ana")


@pytest.mark.parametrize("namespace", ["", "Train", "a/b", "-a", "x" * 64, "a.b"])
def test_a_namespace_has_a_name_that_kubernetes_takes(registry: Registry, namespace: str) -> None:
    enrol(registry, org("lab", "IN"))
    with pytest.raises(InvalidInput, match="name of a namespace"):
        registry.bind(namespace, "lab", by="ana")


# Properties: whatever one person applies, in whatever order

COUNTRIES = ["US", "IN", "CN", ""]
IDS = ["a", "b", "c", "d"]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Party]:
    found = {}
    for id_ in draw(st.sets(st.sampled_from(IDS), min_size=1)):
        parents = draw(st.sets(st.sampled_from([each for each in IDS if each != id_]), max_size=2))
        reason = draw(st.sampled_from(["", "listed"])) if not parents else ""
        found[id_] = org(id_, draw(st.sampled_from(COUNTRIES)), *sorted(parents), reason=reason)
    return found


@given(graphs(), graphs(), st.sampled_from(IDS))
def test_no_change_by_one_person_makes_any_customer_milder_or_its_group_smaller(
    before: dict[str, Party], wanted: dict[str, Party], own: str
) -> None:
    chain = [wanted[each] for each in _chain(wanted, own)]
    if not chain:
        return
    customers = [
        Customer(each, each, Standing.APPROVED, "ana", approved_by="ben", expires_at=NOON + timedelta(days=1))
        for each in IDS
    ]
    yardstick = Yardstick.of(PACKS, NOON.date())
    written = strict_part(before, customers, KycRecord("x", own, tuple(chain)), yardstick)
    after = overlaid(before, written.values())
    for change in tier_changes(customers, before, written.values(), yardstick):
        assert change.after.strictness > change.before.strictness
    for each in IDS:
        assert next(corporate_groups(before, [each])) <= next(corporate_groups(after, [each]))
        findings = (yardstick.findings(graph, each)[PACK] for graph in (before, after))
        was, will = (finding.tier.strictness for finding in findings)
        assert was <= will


def _chain(parties: dict[str, Party], own: str) -> set[str]:
    found: set[str] = set()
    waiting = [own]
    while waiting:
        each = waiting.pop()
        if each in parties and each not in found:
            found.add(each)
            waiting += parties[each].parents
    return found
