"""Whatever one person applies, in whatever order: nobody gets milder, and no group smaller."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.customer import Customer, Standing
from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.interest import WHOLE, Interest
from gatekeeper.domain.ownership import Ownership, ShareRule, Span
from gatekeeper.domain.party import Listing, Party, PartyKind
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierRow
from gatekeeper.registry import KycRecord
from gatekeeper.registry.consequences import tier_changes
from gatekeeper.registry.kyc_record import overlaid, owners_of
from gatekeeper.registry.strictness import Yardstick, strict_part
from tests.domain.graphs import DAY, TABLE, person, share, top
from tests.domain.graphs import graphs as ownership_graphs
from tests.registry.office import NOON, PACK, PACKS, org

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


LATER = [DAY, date(2026, 12, 31), date(2027, 1, 1), date(2027, 6, 30), date(2027, 7, 1), date(2030, 1, 1)]
# India falls into Tier 3 and comes back; the house rule pauses; another pack asks for three quarters.
DATED = replace(
    TABLE,
    rows={
        **TABLE.rows,
        "IN": (
            TierRow("IN", Tier.TWO, date(2025, 1, 1), None, "test"),
            TierRow("IN", Tier.THREE, date(2027, 1, 1), date(2027, 7, 1), "test"),
        ),
    },
    ownership=Ownership(house=ShareRule(spans=(Span(None, date(2027, 1, 1)), Span(date(2027, 7, 1), None)))),
)
OTHER = replace(TABLE, ownership=Ownership(frozenset({"sdn"}), ShareRule(WHOLE // 4), ShareRule(WHOLE * 3 // 4)))
DATED_YARDSTICK = Yardstick({"dated": DATED, "other": OTHER}, DAY)
FEW = ["p0", "p1", "p2", "p3"]


@pytest.mark.slow
@settings(max_examples=300)
@given(ownership_graphs(names=FEW), ownership_graphs(names=FEW), st.sampled_from(FEW))
def test_no_shares_listings_branches_or_persons_make_anybody_milder_by_one_hand_on_any_later_day(
    before: dict[str, Party], wanted: dict[str, Party], own: str
) -> None:
    chain = tuple(owners_of(wanted, own).values())
    if not chain:
        return
    record = KycRecord("x", own, chain)
    written = strict_part(before, (), record, DATED_YARDSTICK)
    after = overlaid(before, written.values())
    for each in FEW:
        assert next(corporate_groups(before, [each])) <= next(corporate_groups(after, [each]))
        for table in (DATED, OTHER):
            for day in LATER:
                was, will = (resolve(graph, each, table, day).tier.strictness for graph in (before, after))
                assert was <= will or (each not in before and not named(each, before))
    # Applied again it changes nothing more: what waits stays as it was.
    assert strict_part(after, (), record, DATED_YARDSTICK) == {}


def named(party_id: str, parties: dict[str, Party]) -> bool:
    return any(party_id in party.owners for party in parties.values())


def bought(**changes: Any) -> dict[str, Party]:
    """What applying a changed record of `lab` writes at once; it belonged to `old` in the US by all."""
    before = {
        "lab": Party("lab", PartyKind.ORG, "Lab", "US", interests=(share("old", 100),)),
        "old": top("old", "US"),
    }
    wanted = replace(before["lab"], **changes)
    parties = (wanted, *(each for each in (before["old"], top("new", "CN")) if each.id in wanted.owners))
    return strict_part(before, (), KycRecord("x", "lab", parties), DATED_YARDSTICK)


def test_a_buyer_counts_at_once_while_the_seller_stays_until_two_have_looked() -> None:
    written = bought(interests=(replace(share("old", 100), ends=DAY), replace(share("new", 100), begins=DAY)))
    assert set(written) == {"lab", "new"}
    assert written["lab"].interests == (
        Interest("new", 0, WHOLE, DAY),
        Interest("old", 0, WHOLE),
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"interests": ()}, id="nobody owns it any more"),
        pytest.param({"interests": (share("old", 40),)}, id="a smaller share"),
        pytest.param({"interests": (share("old", 100, ends=date(2027, 1, 1)),)}, id="a share that will end"),
    ],
)
def test_what_takes_away_a_share_waits(changes: dict[str, Any]) -> None:
    written = bought(**changes)
    assert {each.owner: (each.most, each.ends) for each in written["lab"].interests} == {"old": (WHOLE, None)}


@pytest.mark.parametrize(
    ("before", "after", "at_once"),
    [
        pytest.param((), (Listing("sdn"),), (Listing("sdn"),), id="a listing"),
        pytest.param((Listing("sdn"),), (), (Listing("sdn"),), id="no listing any more"),
        pytest.param((Listing("sdn"),), (Listing("sdn", None, DAY),), (Listing("sdn"),), id="a listing that ends"),
        pytest.param((Listing("sdn", None, DAY),), (Listing("sdn"),), (Listing("sdn"),), id="a listing goes on"),
    ],
)
def test_a_listing_comes_at_once_and_goes_by_two(
    before: tuple[Listing, ...], after: tuple[Listing, ...], at_once: tuple[Listing, ...]
) -> None:
    party = replace(top("lab", "US"), listings=before)
    written = strict_part({"lab": party}, (), KycRecord("x", "lab", (replace(party, listings=after),)), DATED_YARDSTICK)
    assert written.get("lab", party).listings == at_once


def test_a_nationality_comes_at_once_and_goes_by_two() -> None:
    party = person("ana", "US", "US")
    for nationalities, at_once in ((("CN",), ("CN", "US")), ((), ("US",)), (("CN", "US"), ("CN", "US"))):
        wanted = replace(party, nationalities=nationalities)
        written = strict_part({"ana": party}, (), KycRecord("x", "ana", (wanted,)), DATED_YARDSTICK)
        assert written.get("ana", party).nationalities == at_once


def test_becoming_a_branch_of_somebody_else_waits() -> None:
    before = {"lab": top("lab", "CN"), "us": top("us", "US")}
    wanted = Party("lab", PartyKind.ORG, "Lab", "CN", branch_of="us")
    assert strict_part(before, (), KycRecord("x", "lab", (wanted, before["us"])), DATED_YARDSTICK) == {}
