"""Shares: what half of somebody in the hands of stricter owners does to it, by whom, and on which day."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import pytest

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.grounds import REASONS_MAX
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.interest import PERCENT_1, Interest
from gatekeeper.domain.ownership import Ownership, ShareRule, Span
from gatekeeper.domain.party import Listing, Party
from gatekeeper.domain.resolving import PATH_MAX, Resolver, resolve
from gatekeeper.domain.tier import Tier, TierFinding, TierTable
from tests.domain.graphs import DAY, TABLE, branch, org, person, share, top

ONE, TWO, THREE, UNRESOLVED = Tier.ONE, Tier.TWO, Tier.THREE, Tier.UNRESOLVED
NEVER = ShareRule(spans=())


def held(party_id: str, *interests: Interest, headquarters: str = "US") -> Party:
    """An entity of which the rest is in many hands."""
    return org(party_id, headquarters, *interests, reason="dispersed ownership")


def find(*parties: Party, day: date = DAY, table: TierTable = TABLE) -> TierFinding:
    """The tier of the first party."""
    return resolve({each.id: each for each in parties}, parties[0].id, table, day)


def told(finding: TierFinding) -> tuple[Tier, str, tuple[str, ...]]:
    return finding.tier, finding.deciding.code, finding.deciding.path


X = top("x", "US", "sdn")


def test_owners_of_all_of_a_party_do_not_make_up_for_a_parent_that_is_not_told() -> None:
    lab = org("lab", "US", share("fund", 100), reason="NON_PUBLIC")
    assert told(find(lab, top("fund", "US"))) == (UNRESOLVED, "parent.hidden", ("lab",))
    assert find(lab, top("fund", "CN")).tier is THREE


@pytest.mark.parametrize(
    ("parties", "blocked"),
    [
        pytest.param([held("b", share("a", 50)), held("a", share("x", 50))], True, id="1: half of half counts in full"),
        pytest.param(
            [held("c", share("a", 25), share("b", 25)), held("a", share("x", 50)), held("b", share("x", 50))],
            True,
            id="2: two quarters in hands that are both half owned",
        ),
        pytest.param(
            [held("b", share("x", 10), share("a", 40)), held("a", share("x", 50))],
            True,
            id="3: 10 direct and 40 through",
        ),
        pytest.param(
            [held("c", share("a", 25), share("b", 25)), held("a", share("x", 50)), held("b", share("x", 25))],
            False,
            id="4: one of two quarters is in hands that are owned by a quarter only",
        ),
        pytest.param(
            [held("c", share("a", 50), share("b", 50)), held("a", share("x", 25)), held("b", share("x", 25))],
            False,
            id="5: quarters do not pass on",
        ),
    ],
)
@pytest.mark.parametrize("rules", [Ownership(house=NEVER), Ownership(listed=NEVER)], ids=["list rule", "house rule"])
def test_the_examples_of_ofac_faq_401(parties: list[Party], blocked: bool, rules: Ownership) -> None:
    finding = find(*parties, X, table=replace(TABLE, ownership=rules))
    code = "listed.ownership" if rules.house == NEVER else "house.ownership"
    assert (finding.tier, finding.deciding.code) == ((THREE, code) if blocked else (ONE, "hq.own"))


def test_two_listed_quarters_come_to_half_and_the_sentence_says_so() -> None:
    finding = find(held("a", share("x", 25), share("y", 25)), X, top("y", "IN", "entity-list"))
    assert told(finding) == (THREE, "listed.ownership", ("a", "x"))
    assert finding.deciding.text == (
        "A (US) is owned 25 % by X (US), which is on the list sdn, and owners on lists together hold 50 % of A"
    )
    assert finding.reasons[1].path == ("a", "y")
    assert find(held("a", share("x", 25), share("y", 24.999999)), X, top("y", "US", "sdn")).tier is ONE


def test_only_lists_that_the_rules_name_count_and_a_listing_counts_while_the_list_rule_is_stayed() -> None:
    named = replace(TABLE, ownership=Ownership(frozenset({"meu"}), listed=NEVER, house=NEVER))
    assert find(X, table=named).tier is ONE
    assert told(find(top("x", "US", "meu"), table=named)) == (THREE, "listed.own", ("x",))
    assert find(held("a", share("x", 60)), top("x", "US", "meu"), table=named).tier is ONE


def test_a_listing_and_the_list_rule_hold_on_their_days() -> None:
    spans = (Span(date(2025, 9, 29), date(2025, 11, 10)), Span(date(2026, 11, 10)))
    table = replace(TABLE, ownership=Ownership(listed=ShareRule(spans=spans), house=NEVER))
    owned = held("a", share("x", 60))
    days = [
        date(2025, 9, 28),
        date(2025, 9, 29),
        date(2025, 11, 9),
        date(2025, 11, 10),
        date(2026, 11, 9),
        date(2026, 11, 10),
    ]
    assert [find(owned, X, table=table, day=day).tier for day in days] == [ONE, THREE, THREE, ONE, ONE, THREE]
    listed = replace(top("x", "US"), listings=(Listing("sdn", DAY, date(2027, 1, 1)),))
    assert [find(listed, day=day).tier for day in (date(2026, 11, 21), DAY, date(2027, 1, 1))] == [ONE, THREE, ONE]


def test_the_path_of_owners_is_told_with_their_shares() -> None:
    parties = (
        held("cust", share("hold", 60)),
        org("hold", "IN", share("parent", 100)),
        top("parent", "CN"),
    )
    finding = find(*parties)
    assert told(finding) == (THREE, "house.ownership", ("cust", "hold", "parent"))
    assert finding.deciding.text == (
        "Cust (US) is owned 60 % by Hold (IN), which is owned 100 % by Parent (CN), headquartered in Tier 3"
    )


def test_both_halves_of_a_joint_venture_count() -> None:
    finding = find(held("jv", share("a", 50), share("b", 50)), top("a", "CN"), top("b", "IN"))
    assert [(each.tier, each.path) for each in finding.reasons] == [
        (THREE, ("jv", "a")),
        (TWO, ("jv", "b")),
        (ONE, ("jv",)),
    ]


def test_a_sold_share_counts_up_to_the_day_of_the_sale() -> None:
    sale = date(2026, 5, 1)
    sold = held("a", share("cn", 60, ends=sale), Interest("us", 60 * PERCENT_1, 60 * PERCENT_1, sale))
    parties = (sold, top("cn", "CN"), top("us", "US"))
    assert [find(*parties, day=day).tier for day in (date(2026, 4, 30), sale)] == [THREE, ONE]


@pytest.mark.parametrize(
    ("interest", "tier"),
    [
        pytest.param(share("b", None), THREE, id="an unknown share"),
        pytest.param(share("b", 10, most=50), THREE, id="a range that reaches half"),
        pytest.param(share("b", 10, most=49.999999), ONE, id="a range below half"),
        pytest.param(share("b", 49.995), ONE, id="49.995 is not half"),
    ],
)
def test_what_is_not_known_of_a_share_is_taken_to_the_strict_side(interest: Interest, tier: Tier) -> None:
    assert find(held("a", interest), top("b", "CN")).tier is tier


@pytest.mark.parametrize(
    ("interests", "tier", "code"),
    [
        pytest.param((), UNRESOLVED, "parent.unknown", id="nobody is named"),
        pytest.param((share("us", 50),), UNRESOLVED, "ownership.undisclosed", id="half is not known"),
        pytest.param((share("us", 50.000001),), ONE, "hq.own", id="more than half is known"),
        pytest.param(
            (share("us", 40, most=60),), UNRESOLVED, "ownership.undisclosed", id="more than half may be known"
        ),
        pytest.param((share("us", 60), share("in", 15)), ONE, "hq.own", id="too little is left to matter"),
        pytest.param((share("us", 55), share("in", 30)), ONE, "hq.own", id="30 and 15 are less than half"),
        pytest.param((share("us", 50.5), share("in", 30)), ONE, "hq.own", id="30 and 19.5 are less than half"),
        pytest.param((share("us", 30), share("in", 35)), TWO, "ownership.undisclosed", id="35 and 35 are more"),
        pytest.param((share("us", 55), share("gone", 25)), ONE, "hq.own", id="an owner without a record, too small"),
        pytest.param(
            (share("us", 45), share("gone", 25)), UNRESOLVED, "ownership.undisclosed", id="with the rest half"
        ),
    ],
)
def test_what_nobody_disclosed_counts_as_an_unresolved_owner(
    interests: tuple[Interest, ...], tier: Tier, code: str
) -> None:
    finding = find(org("a", "US", *interests), top("us", "US"), top("in", "IN"))
    assert finding.tier is tier
    assert code in {each.code for each in finding.reasons if each.tier is tier}


def test_a_circular_holding_is_owned_by_who_owns_it_from_outside() -> None:
    parties = (
        org("a", "US", share("b", 60), share("x", 40)),
        org("b", "US", share("a", 60), share("x", 40)),
        top("x", "CN"),
    )
    finding = find(*parties)
    assert told(finding) == (THREE, "house.look_through", ("a", "x"))
    assert finding.deciding.text == (
        "A (US) is owned 40 % by X (CN), headquartered in Tier 3, "
        "and through the circle of owners that comes to 100 % of A"
    )
    assert find(*parties[:2], top("x", "US")).tier is ONE


def test_a_share_that_nobody_disclosed_counts_through_a_circle_and_is_told_of_whom_it_is() -> None:
    ring = [org("a", "US", share("c", 60)), org("b", "US", share("e", 60)), org("e", "US", share("a", 60))]
    parties = (org("c", "US", share("b", 60), parents=("d",)), *ring, top("d", "US"))
    finding = find(*parties)
    assert told(finding) == (UNRESOLVED, "house.look_through", ("c", "b"))
    assert finding.deciding.text == (
        "C (US) is owned 60 % by B (US), and nobody has said who owns 40 % of B, "
        "and through the circle of owners that comes to 54.044118 % of C"
    )
    own = find(ring[0], *parties)
    assert told(own) == (UNRESOLVED, "house.look_through", ("a",))
    assert own.deciding.text.startswith("nobody has said who owns 40 % of A, and through the circle of owners")
    below = find(held("z", share("c", 50)), *parties)
    assert told(below) == (UNRESOLVED, "house.ownership", ("z", "c", "b"))


def test_a_circle_of_shares_that_nobody_outside_owns_is_unresolved() -> None:
    finding = find(org("a", "US", share("b", 100)), org("b", "US", share("a", 100)))
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "parent.circular")


def test_a_way_through_a_circle_comes_by_nobody_twice() -> None:
    """B has its level by its parent A, and A through the circle by way of B."""
    parties = (
        held("z", share("br", 50)),
        branch("br", "b"),
        org("b", "US", share("gone", 25), share("br", 0), parents=("a",)),
        org("a", "US", share("b", 60)),
    )
    findings = [find(*parties[turn:], *parties[:turn]) for turn in range(4)]
    assert {each.tier for each in findings} == {UNRESOLVED}
    assert all(len(set(why.path)) == len(why.path) for each in findings for why in each.reasons)
    assert findings[0].deciding.path == ("z", "br", "b", "gone")


def test_a_level_that_an_unrecorded_owner_helps_to_is_told_by_what_is_known_of_it() -> None:
    """A quarter of A is in Tier 2 and a quarter is nobody's we know: half in Tier 2 or stricter, through a circle."""
    parties = (
        held("a", share("gone", 25), share("b", 60)),
        held("b", share("a", 60), share("in", 20)),
        top("in", "IN"),
    )
    finding = find(*parties)
    assert told(finding) == (TWO, "house.look_through", ("a", "gone"))
    assert "there is no record of gone" in finding.deciding.text


def test_a_share_that_does_not_come_to_rest_is_unresolved() -> None:
    # One millionth of a percent goes round and round and grows by one each time.
    parties = (
        org("a", "US", share("b", 99.999999), share("x", 0.000001)),
        org("b", "US", share("a", 100)),
        top("x", "CN"),
    )
    finding = find(*parties)
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "ownership.unsettled")


def test_a_branch_has_the_tier_of_its_head_office() -> None:
    finding = find(branch("b", "head"), top("head", "CN"))
    assert told(finding) == (THREE, "branch.head_office", ("b", "head"))
    assert finding.deciding.text == "B is a branch of Head (CN), headquartered in Tier 3"
    assert find(replace(branch("b", "head"), headquarters="CN"), top("head", "US")).tier is ONE
    assert find(branch("b", "gone")).deciding.code == "party.missing"


@pytest.mark.parametrize(
    ("residence", "nationalities", "tier", "code"),
    [
        ("US", ("US",), ONE, "person.nationality"),
        ("US", ("US", "CN"), THREE, "person.nationality"),
        ("CN", ("US",), THREE, "person.residence"),
        ("US", (), UNRESOLVED, "person.unknown"),
        ("", ("US",), UNRESOLVED, "person.unknown"),
        ("CN", (), THREE, "person.residence"),
    ],
)
def test_a_person_is_judged_by_residence_and_every_nationality(
    residence: str, nationalities: tuple[str, ...], tier: Tier, code: str
) -> None:
    finding = find(person("p", residence, *nationalities))
    assert (finding.tier, finding.deciding.code) == (tier, code)
    owned = find(held("a", share("p", 50)), person("p", residence, *nationalities))
    assert owned.tier is tier


def test_before_there_were_ownership_rules_parents_and_residence_alone_counted() -> None:
    table = replace(TABLE, ownership=None)
    assert find(held("a", share("x", 100)), X, table=table).tier is ONE
    assert find(replace(person("p", "US"), no_parent_reason="person"), table=table).tier is ONE


def test_a_rule_that_asks_for_more_is_met_by_what_is_unknown() -> None:
    table = replace(TABLE, ownership=Ownership(house=ShareRule(75 * PERCENT_1)))
    assert find(held("a", share("b", 60)), top("b", "CN"), table=table).tier is ONE
    assert find(held("a", share("b", None)), top("b", "CN"), table=table).tier is THREE


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["chain of parents", "chain of shares", "star", "ring"])
def test_a_group_of_ten_thousand_has_one_bounded_finding(shape: str) -> None:
    count = 10_000
    last = {"p9999": top("p9999", "CN")}
    if shape == "chain of parents":
        parties = {f"p{n}": org(f"p{n}", "US", parents=(f"p{n + 1}",)) for n in range(count - 1)} | last
    elif shape == "chain of shares":
        parties = {f"p{n}": org(f"p{n}", "US", share(f"p{n + 1}", 60)) for n in range(count - 1)} | last
    elif shape == "star":
        owners = tuple(Interest(f"p{n}", 9_999, 9_999) for n in range(1, count))
        parties = {"p0": org("p0", "US", *owners, reason="x")} | {f"p{n}": top(f"p{n}", "CN") for n in range(1, count)}
    else:
        parties = {f"p{n}": org(f"p{n}", "US", share(f"p{(n + 1) % count}", 60), reason="x") for n in range(count)}
        parties |= {"p5": replace(parties["p5"], interests=(share("p6", 60), share("x", 40))), "x": top("x", "CN")}
    begin = time.process_time()
    finding = resolve(parties, "p0", TABLE, DAY)
    assert time.process_time() - begin < 5
    assert finding.tier is (ONE if shape == "ring" else THREE)
    assert len(finding.reasons) <= REASONS_MAX
    assert max(len(each.path) for each in finding.reasons) <= PATH_MAX
    assert max(len(each.text) for each in finding.reasons) < 2_000
    if shape == "star":
        assert finding.more == count - REASONS_MAX


@pytest.mark.slow
@pytest.mark.parametrize("by", ["parents", "shares", "both"])
def test_listing_a_ring_of_thousands_costs_about_what_its_parties_cost(by: str) -> None:
    count = 4_000
    parties = {"x": top("x", "CN")}
    for n in range(count):
        owner = f"p{(n + 1) % count}"
        shares = () if by == "parents" else (share(owner, 60), share("x", 40 if n % 2 else 10))
        above = () if by == "shares" else (owner,)
        parties[f"p{n}"] = org(f"p{n}", "CN" if n == 5 else "US", *shares, parents=above)
    resolver = Resolver(Settled(Holdings(parties, parties, TABLE, DAY)))
    begin = time.process_time()
    findings = [resolver.finding(each) for each in parties]
    assert time.process_time() - begin < 20  # two thousand took more than five minutes, member by member
    assert {each.tier for each in findings} == {THREE}
    assert all(len(set(why.path)) == len(why.path) for each in findings for why in each.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["parents", "shares"])
def test_listing_a_chain_of_thousands_costs_about_what_its_parties_cost(by: str) -> None:
    count = 4_000
    above = [f"p{n + 1}" for n in range(count - 1)]
    parties = {f"p{count - 1}": top(f"p{count - 1}", "CN")}
    for n, owner in enumerate(above):
        parties[f"p{n}"] = org(f"p{n}", "US", parents=(owner,)) if by == "parents" else held(f"p{n}", share(owner, 60))
    resolver = Resolver(Settled(Holdings(parties, parties, TABLE, DAY)))
    begin = time.process_time()
    findings = {each: resolver.finding(each) for each in parties}
    assert time.process_time() - begin < 10  # a walk of the whole chain for each party took 44 s
    assert {each.tier for each in findings.values()} == {THREE}
    first = findings["p0"].deciding
    assert (first.path[:2], first.path[-2:], len(first.path)) == (("p0", "p1"), ("p3998", "p3999"), PATH_MAX)
    assert findings["p3990"].deciding.path == tuple(f"p{n}" for n in range(3_990, count))
    assert findings["p0"].more == (count - REASONS_MAX if by == "parents" else 0)
