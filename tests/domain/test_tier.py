"""Tier of a customer: worst over itself and its owners, on a date."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier, TierFinding, TierRow, TierTable, worst

DAY = date(2026, 11, 22)
ONE, TWO, THREE, UNRESOLVED = Tier.ONE, Tier.TWO, Tier.THREE, Tier.UNRESOLVED


def row(country: str, tier: Tier, begins: date = date(2025, 1, 13), ends: date | None = None) -> TierRow:
    return TierRow(country, tier, begins, ends, "test")


TABLE = TierTable(
    rows={
        "US": (row("US", ONE),),
        "CN": (row("CN", THREE),),
        "KH": (row("KH", THREE, ends=date(2025, 11, 7)),),
    },
    otherwise=TWO,
    countries=frozenset({"US", "CN", "KH", "IN"}),
)


def org(party_id: str, headquarters: str, *parents: str, no_parent_reason: str | None = None) -> Party:
    reason = no_parent_reason if no_parent_reason is not None else ("" if parents else "listed company")
    return Party(party_id, PartyKind.ORG, party_id.title(), headquarters, parents, reason)


def find(*parties: Party, day: date = DAY) -> TierFinding:
    """Tier of the first party."""
    return resolve({each.id: each for each in parties}, parties[0].id, TABLE, day)


@pytest.mark.parametrize(
    ("headquarters", "tier", "code"),
    [
        ("US", ONE, "hq.own"),
        ("IN", TWO, "hq.own"),
        ("CN", THREE, "hq.own"),
        ("", UNRESOLVED, "hq.unknown"),
        ("SU", UNRESOLVED, "hq.unknown_country"),
    ],
)
def test_a_party_without_owners_is_judged_by_its_headquarters(headquarters: str, tier: Tier, code: str) -> None:
    finding = find(org("a", headquarters))
    assert (finding.tier, finding.deciding.code) == (tier, code)


def test_the_worst_owner_decides_and_the_path_explains_it() -> None:
    finding = find(org("a", "US", "b", "c"), org("b", "US"), org("c", "IN", "d"), org("d", "CN"))
    assert finding.tier is THREE
    assert finding.deciding.path == ("a", "c", "d")
    assert finding.deciding.text == ("A (US) is owned by C (IN), which is owned by D (CN), headquartered in Tier 3")


def test_a_milder_owner_does_not_lift_a_party() -> None:
    assert find(org("a", "IN", "b"), org("b", "US")).tier is TWO


def test_an_owner_that_is_not_on_record_leaves_the_tier_unresolved() -> None:
    finding = find(org("a", "US", "gone"))
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "party.missing")
    assert finding.deciding.text == "A (US) is owned by gone, and there is no record of gone"


def test_a_party_that_is_not_on_record_is_unresolved() -> None:
    finding = resolve({}, "a", TABLE, DAY)
    assert (finding.tier, finding.deciding.text) == (UNRESOLVED, "there is no record of a")


def test_a_parent_that_nobody_asked_about_leaves_the_tier_unresolved() -> None:
    finding = find(org("a", "US", "b"), org("b", "US", no_parent_reason=""))
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "parent.unknown")


@pytest.mark.parametrize("reason", ["NO_LEI", "NON_PUBLIC", "non-public", " Consent not obtained ", "LEGAL_OBSTACLES"])
def test_a_parent_that_exists_and_is_not_told_leaves_the_tier_unresolved(reason: str) -> None:
    for parties in ([org("a", "US", no_parent_reason=reason)], [org("b", "US", "a"), org("a", "US")]):
        hiding = {each.id: replace(each, no_parent_reason=reason) if each.id == "a" else each for each in parties}
        finding = resolve(hiding, parties[0].id, TABLE, DAY)
        assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "parent.hidden")
        assert finding.deciding.text.endswith(f"the parent of A is not told ({reason})")


@pytest.mark.parametrize("reason", ["NO_KNOWN_PERSON", "NATURAL_PERSONS", "NON_CONSOLIDATING", "dispersed ownership"])
def test_a_reason_for_having_no_parent_is_believed(reason: str) -> None:
    assert find(org("a", "US", no_parent_reason=reason)).tier is ONE


def test_what_is_unknown_does_not_hide_a_tier_3() -> None:
    assert find(org("a", "", "b"), org("b", "CN", no_parent_reason="")).tier is THREE


def test_owners_in_a_circle_have_no_ultimate_parent() -> None:
    finding = find(org("a", "US", "b"), org("b", "US", "a"))
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "parent.circular")


def test_a_circle_beside_a_clean_parent_is_seen() -> None:
    finding = find(org("a", "US", "b", "c"), org("b", "US"), org("c", "US", "d"), org("d", "US", "c"))
    assert (finding.tier, finding.deciding.code) == (UNRESOLVED, "parent.circular")
    assert finding.deciding.path == ("a", "c")


def test_a_circle_with_a_way_out_is_judged_by_all_its_members() -> None:
    assert find(org("a", "US", "b"), org("b", "US", "a", "c"), org("c", "IN")).tier is TWO


def test_a_row_holds_from_its_first_day_up_to_but_without_its_last() -> None:
    days = [date(2025, 1, 12), date(2025, 1, 13), date(2025, 11, 6), date(2025, 11, 7)]
    assert [TABLE.tier_of("KH", day) for day in days] == [TWO, THREE, THREE, TWO]
    assert find(org("a", "KH"), day=date(2025, 11, 6)).tier is THREE


def test_the_strictest_of_several_rows_wins() -> None:
    table = replace(TABLE, rows={"IN": (row("IN", ONE), row("IN", THREE))})
    assert table.tier_of("IN", DAY) is THREE


def test_the_worst_of_nothing_is_unresolved() -> None:
    assert worst([]) is UNRESOLVED
    assert worst([ONE, UNRESOLVED, TWO]) is UNRESOLVED
    assert worst([ONE, UNRESOLVED, THREE]) is THREE


def test_a_country_on_no_row_can_never_be_tier_1() -> None:
    with pytest.raises(InvalidInput):
        TierTable({}, ONE, frozenset({"US"}))


def test_a_table_names_only_countries() -> None:
    with pytest.raises(InvalidInput, match="UK"):
        TierTable({"UK": (row("UK", ONE),)}, TWO, frozenset({"GB"}))


@pytest.mark.parametrize(("tier", "ends", "source"), [(UNRESOLVED, None, "test"), (ONE, None, ""), (ONE, DAY, "test")])
def test_a_row_needs_a_tier_a_source_and_days_in_order(tier: Tier, ends: date | None, source: str) -> None:
    with pytest.raises(InvalidInput):
        TierRow("US", tier, DAY, ends, source)


# Any graph of up to six parties: circles, missing owners, unknown headquarters and reasons.
NAMES = [f"p{index}" for index in range(6)]
COUNTRIES = {"US": ONE, "IN": TWO, "": UNRESOLVED, "SU": UNRESOLVED, "CN": THREE}


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool = False) -> dict[str, Party]:
    parties: dict[str, Party] = {}
    for index, name in enumerate(NAMES[: draw(st.integers(1, 6))]):
        others = NAMES[index + 1 :] if acyclic else [each for each in NAMES if each != name]
        parents = draw(st.lists(st.sampled_from(others), unique=True, max_size=3)) if others else []
        reason = draw(st.sampled_from(["", "listed company"])) if not parents else ""
        parties[name] = org(name, draw(st.sampled_from(list(COUNTRIES))), *parents, no_parent_reason=reason)
    return parties


def owners_of(parties: Mapping[str, Party], start: str) -> set[str]:
    """All that a party reaches upwards, itself included: the slow way."""
    found = {start}
    while more := {up for each in found if each in parties for up in parties[each].parents} - found:
        found |= more
    return found


def by_brute_force(parties: Mapping[str, Party], start: str) -> Tier:
    above = owners_of(parties, start)
    tiers = [COUNTRIES[parties[each].headquarters] if each in parties else UNRESOLVED for each in above]
    for each in above & set(parties):
        ends = [up for up in owners_of(parties, each) if up not in parties or not parties[up].parents]
        if not ends or any(up in parties and not parties[up].no_parent_reason for up in ends):
            tiers.append(UNRESOLVED)
    return worst(tiers)


@given(graphs())
def test_every_graph_resolves_like_the_definition(parties: dict[str, Party]) -> None:
    finding = resolve(parties, "p0", TABLE, DAY)
    assert finding.tier is by_brute_force(parties, "p0")
    assert finding.deciding.tier is finding.tier
    assert finding.reasons == tuple(sorted(finding.reasons, key=lambda each: -each.tier.strictness))
    for reason in finding.reasons:
        assert reason.path[0] == "p0"
        for lower, upper in zip(reason.path, reason.path[1:], strict=False):
            assert upper in parties[lower].parents


@given(graphs(), st.data())
def test_a_stricter_owner_never_lowers_a_tier(parties: dict[str, Party], data: st.DataObject) -> None:
    before = resolve(parties, "p0", TABLE, DAY).tier
    changed = data.draw(st.sampled_from(sorted(parties)))
    now = COUNTRIES[parties[changed].headquarters]
    stricter = data.draw(
        st.sampled_from([code for code, tier in COUNTRIES.items() if tier.strictness >= now.strictness])
    )
    after = resolve({**parties, changed: replace(parties[changed], headquarters=stricter)}, "p0", TABLE, DAY).tier
    assert after.strictness >= before.strictness


@given(graphs(acyclic=True), st.data())
def test_one_more_owner_never_lowers_a_tier(parties: dict[str, Party], data: st.DataObject) -> None:
    owned = [each for each in parties if parties[each].parents]
    if not owned:
        return
    chosen = data.draw(st.sampled_from(sorted(owned)))
    added = replace(parties[chosen], parents=(*parties[chosen].parents, "new"))
    new = org("new", data.draw(st.sampled_from(list(COUNTRIES))))
    before = resolve(parties, "p0", TABLE, DAY).tier
    assert resolve({**parties, chosen: added, "new": new}, "p0", TABLE, DAY).tier.strictness >= before.strictness


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_records_and_parents_does_not_matter(parties: dict[str, Party], random: Random) -> None:
    shuffled = list(parties.values())
    random.shuffle(shuffled)
    turned = {each.id: replace(each, parents=each.parents[::-1]) for each in shuffled}
    assert resolve(turned, "p0", TABLE, DAY) == resolve(parties, "p0", TABLE, DAY)
