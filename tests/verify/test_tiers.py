"""A stated tier is compared with the parties beside it, and resolved again where the table is at hand."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.record import Actor, ActorKind, Record, RecordType
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierRow, TierTable
from gatekeeper.policies import tier_facts
from gatekeeper.registry.facts import state_facts
from gatekeeper.registry.kyc_record import KycRecord
from gatekeeper.verify import TierCheck, Wrong

SHA256 = "ab" * 32
DAY = date(2026, 11, 22)
TABLE = TierTable(
    rows={
        country: (TierRow(country, tier, date(2025, 1, 1), None, "a table for this test"),)
        for country, tier in [("US", Tier.ONE), ("CN", Tier.THREE)]
    },
    otherwise=Tier.TWO,
    countries=frozenset({"US", "CN", "AE"}),
)
PARTIES = {
    "lab": Party("lab", PartyKind.ORG, "Lab Inc", "US", ("holding",)),
    "holding": Party("holding", PartyKind.ORG, "Holding Ltd", "CN", (), "listed company"),
}
STATE = state_facts(
    KycRecord("acme", "lab", tuple(PARTIES.values())),
    {"us": resolve(PARTIES, "lab", TABLE, DAY)},
    {"us": SHA256},
)


def record(state: object, kind: RecordType = RecordType.CUSTOMER_APPROVED) -> Record:
    place = "in_effect" if kind is RecordType.CUSTOMER_APPROVED else "applied"
    facts: dict[str, Any] = {"customer": "acme", place: state}
    actor = Actor(ActorKind.PERSON, "ana")
    return Record("0195a3f0-1c2d-7e3f-8a4b-5c6d7e8f9012", datetime(2026, 11, 22, tzinfo=UTC), kind, actor, facts)


def altered(*path: str | int, to: object) -> dict[str, Any]:
    state: Any = copy.deepcopy(STATE)
    place = state
    for each in path[:-1]:
        place = place[each]
    place[path[-1]] = to
    return dict(state)


@pytest.mark.parametrize(
    "kind", [RecordType.CUSTOMER_ENROLLED, RecordType.CUSTOMER_SUBMITTED, RecordType.CUSTOMER_APPROVED]
)
def test_the_records_of_the_registry_are_resolved_again_to_the_same_tier(kind: RecordType) -> None:
    check = TierCheck({SHA256: TABLE})
    check.see(record(STATE, kind))
    assert check.unresolved_packs == set()


def test_without_the_table_the_pack_is_named_as_unresolved() -> None:
    check = TierCheck()
    check.see(record(STATE))
    assert check.unresolved_packs == {"us"}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(altered("tiers", "us", "tier", to="1"), "not the strictest of its reasons", id="milder tier"),
        pytest.param(altered("tiers", "us", "reasons", to=[]), "not the strictest of its reasons", id="no reasons"),
        pytest.param(altered("tiers", "us", "tier", to="4"), "1, 2, 3 or unresolved", id="tier 4"),
        pytest.param(altered("tiers", "us", "reasons", 0, "path", to=["holding"]), "does not begin", id="wrong begin"),
        pytest.param(
            altered("tiers", "us", "reasons", 0, "path", to=["lab", "x"]), "says that x owns", id="wrong owner"
        ),
        pytest.param(altered("parties", to=[]), "says that holding owns lab", id="no parties"),
        pytest.param(altered("parties", to=None), "must be a list", id="parties are missing"),
        pytest.param(altered("parties", 0, "kind", to="ghost"), "is none", id="odd party"),
        pytest.param(altered("tiers", to=[]), "must be an object", id="tiers are a list"),
    ],
)
def test_a_tier_that_its_own_record_contradicts_is_wrong(state: dict[str, Any], said: str) -> None:
    with pytest.raises(Wrong, match=said):
        TierCheck().see(record(state))


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(altered("parties", 0, "headquarters", to="US"), id="another headquarters"),
        pytest.param(altered("tiers", "us", "reasons", 1, "code", to="hq.owner"), id="another reason"),
    ],
)
def test_a_tier_that_the_table_contradicts_is_wrong(state: dict[str, Any]) -> None:
    with pytest.raises(Wrong, match="its parties make it"):
        TierCheck({SHA256: TABLE}).see(record(state))


def test_a_day_that_is_none_is_wrong() -> None:
    with pytest.raises(Wrong, match="as_of must be a day"):
        TierCheck({SHA256: TABLE}).see(record(altered("as_of", to="yesterday")))


def loaded(table: TierTable, sha256: str = SHA256) -> Record:
    facts: dict[str, Any] = {"pack": "us", "sha256": sha256, "tiers": tier_facts(table)}
    actor = Actor(ActorKind.SERVICE, "gatekeeper")
    at, uid = datetime(2026, 11, 22, tzinfo=UTC), "0195a3f0-1c2d-7e3f-8a4b-5c6d7e8f9012"
    return Record(uid, at, RecordType.POLICY_LOADED, actor, facts)


def test_the_first_day_of_a_table_is_read_from_the_log_and_logs_without_one_still_verify() -> None:
    begun = replace(TABLE, begins=date(2025, 1, 1))
    check = TierCheck()
    check.see(loaded(begun))
    learned = check.table(SHA256)
    assert learned is not None
    assert learned.begins == date(2025, 1, 1)
    old = TierCheck({SHA256: begun})
    old.see(loaded(TABLE))
    old.see(record(STATE))
    with pytest.raises(Wrong, match="is not the one known"):
        TierCheck({SHA256: begun}).see(loaded(replace(TABLE, begins=date(2024, 1, 1))))
