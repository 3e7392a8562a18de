"""Who forms one corporate group: by parents, branches, and holdings of half, alone or together."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.groups import corporate_groups
from gatekeeper.domain.interest import PERCENT_1, Interest
from gatekeeper.domain.ownership import HALF
from gatekeeper.domain.party import Party, PartyKind
from tests.domain.graphs import branch, graphs, org, person, share, top

MAY = date(2026, 5, 1)


def group(name: str, *parties: Party) -> set[str]:
    return set(next(corporate_groups({each.id: each for each in parties}, [name])))


def test_an_owner_of_half_and_a_head_office_are_tied_and_a_smaller_owner_is_not() -> None:
    parties = (org("a", "US", share("b", 50), share("c", 49.999999)), branch("d", "a"), top("b", "US"), top("c", "US"))
    assert group("a", *parties) == {"a", "b", "d"}
    assert group("c", *parties) == {"c"}


def test_an_unknown_share_and_the_upper_bound_of_a_range_tie() -> None:
    assert group("a", org("a", "US", share("b", None))) == {"a", "b"}
    assert group("a", org("a", "US", share("b", 30, most=50))) == {"a", "b"}
    assert group("a", org("a", "US", share("b", 30, most=49))) == {"a"}


def test_a_holding_split_over_subsidiaries_is_still_one() -> None:
    parties = (
        org("a", "US", share("s1", 25), share("s2", 25)),
        org("s1", "US", share("p", 100)),
        org("s2", "US", share("t", 60)),
        org("t", "US", parents=("p",)),
    )
    assert group("a", *parties) == {"a", "s1", "s2", "t", "p"}


def test_what_a_split_holding_ties_can_tie_further() -> None:
    parties = (
        org("z", "US", share("a", 30), share("s1", 30)),
        org("a", "US", share("s1", 25), share("s2", 25)),
        org("s1", "US", parents=("p",)),
        org("s2", "US", parents=("p",)),
    )
    assert group("z", *parties) == {"z", "a", "s1", "s2", "p"}


def test_persons_tie_and_states_do_only_as_parents() -> None:
    state = Party("cn", PartyKind.STATE, "China", "CN")
    held = (org("a", "US", share("x", 60)), org("b", "US", share("x", 60)), person("x", "US", "US"))
    assert group("a", *held) == {"a", "b", "x"}
    assert group("a", org("a", "US", share("cn", 60)), org("b", "US", share("cn", 60)), state) == {"a"}
    assert group("a", org("a", "US", parents=("cn",)), org("b", "US", parents=("cn",)), state) == {"a", "b", "cn"}


def test_what_was_sold_stays_tied_and_holdings_that_follow_each_other_are_not_added_up() -> None:
    sold = org("a", "US", share("b", 60, ends=MAY), Interest("c", 40 * PERCENT_1, 40 * PERCENT_1, MAY))
    assert group("a", sold) == {"a", "b"}
    follow = org("a", "US", share("b", 30, ends=MAY), Interest("b", 30 * PERCENT_1, 30 * PERCENT_1, MAY))
    assert group("a", follow) == {"a"}


@given(graphs())
def test_groups_are_the_smallest_that_control_closes(parties: dict[str, Party]) -> None:
    """The definition, the slow way: merge two groups as long as one of the ties joins them."""
    names = {*parties, *(owner for party in parties.values() for owner in party.owners)}
    found = [{each} for each in sorted(names)]

    def joins(one: set[str], other: set[str]) -> bool:
        for party in (parties[each] for each in one if each in parties):
            if other & {*party.parents, party.branch_of}:
                return True
            owners = {each for each in other if each not in parties or parties[each].kind is not PartyKind.STATE}
            held = [each for each in party.interests if each.owner in owners]
            for day in {each.begins or date.min for each in held}:
                most = [
                    max(HALF, each.least) if each.most is None else each.most for each in held if each.holds_on(day)
                ]
                if sum(most) >= HALF:
                    return True
        return False

    while pair := next(((a, b) for a in found for b in found if a is not b and joins(a, b)), None):
        found = [each for each in found if each not in pair] + [pair[0] | pair[1]]
    for name in names:
        assert group(name, *parties.values()) == next(each for each in found if name in each)


@given(graphs(), st.data())
def test_an_owner_more_never_makes_a_group_smaller(parties: dict[str, Party], data: st.DataObject) -> None:
    owned = [each for each in parties.values() if each.kind is PartyKind.ORG and not each.branch_of]
    if not owned:
        return
    chosen = data.draw(st.sampled_from(owned))
    more = Party(
        chosen.id, chosen.kind, chosen.legal_name, chosen.headquarters, chosen.parents, chosen.no_parent_reason,
        (*chosen.interests, share("new", None)),
    )  # fmt: skip
    before, after = group(chosen.id, *parties.values()), group(chosen.id, *{**parties, chosen.id: more}.values())
    assert before < after
