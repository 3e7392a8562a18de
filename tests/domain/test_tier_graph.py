"""A kept graph answers after each change as one that is built anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.domain.interest import Interest
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import resolve
from gatekeeper.domain.tier import Tier
from gatekeeper.domain.tier_graph import TierGraph
from tests.domain.graphs import DAY, NAMES, TABLE, graphs, org, share, top


@given(graphs(), st.lists(graphs(), max_size=3), st.data())
def test_after_any_changes_every_tier_is_as_if_resolved_anew(
    parties: dict[str, Party], changes: list[dict[str, Party]], data: st.DataObject
) -> None:
    graph, now = TierGraph(parties, TABLE, DAY), dict(parties)
    for change in changes:
        removed = data.draw(st.sets(st.sampled_from(NAMES), max_size=1)) - change.keys()
        before = {each: graph.tier(each) for each in NAMES}
        moved = graph.change(change.values(), removed)
        now = {each: party for each, party in {**now, **change}.items() if each not in removed}
        after = {each: graph.tier(each) for each in NAMES}
        assert after == {each: resolve(now, each, TABLE, DAY).tier for each in NAMES}
        known = [each for each in NAMES if each in moved or before[each] is not after[each]]
        # Who was not known at all before is told of by nobody, and is unresolved until then.
        assert all(moved.get(each, (before[each], after[each])) == (before[each], after[each]) for each in known)
        assert all(after[each] is tier for each, (_, tier) in moved.items())


def test_a_sale_moves_what_is_owned_and_nothing_else() -> None:
    parties = {
        each.id: each
        for each in (org("a", "US", share("b", 60)), org("b", "US", share("c", 60)), top("c", "US"), top("d", "US"))
    }
    graph = TierGraph(parties, TABLE, DAY)
    assert graph.change([top("c", "CN")]) == dict.fromkeys("abc", (Tier.ONE, Tier.THREE))
    assert graph.change([], ["c"]) == dict.fromkeys("abc", (Tier.THREE, Tier.UNRESOLVED))
    assert graph.tier("d") is Tier.ONE
    assert graph.tier("nobody") is Tier.UNRESOLVED


def test_in_circles_within_circles_a_finding_is_never_milder_than_the_level_that_was_worked_out() -> None:
    """A branch that owns its own head office: no path of its own explains the parent's daughter."""
    branch = Party("p2", PartyKind.ORG, "p2", branch_of="p0")
    head = Party("p0", PartyKind.ORG, "p0", "US", interests=(Interest("p2"), Interest("p4", 60_000_000)))
    daughter = Party("p4", PartyKind.ORG, "p4", "US", ("p0",), interests=(Interest("p1", 0, 30_000_000),))
    parties = {each.id: each for each in (head, branch, daughter, Party("p1", PartyKind.ORG, "p1", "US"))}
    graph = TierGraph(parties, TABLE, DAY)
    findings = {each: resolve(parties, each, TABLE, DAY) for each in parties}
    assert {each: found.tier for each, found in findings.items()} == dict.fromkeys(parties, Tier.UNRESOLVED)
    assert {each: graph.tier(each) for each in parties} == dict.fromkeys(parties, Tier.UNRESOLVED)
    reason = findings["p4"].deciding
    assert (reason.code, reason.path) == ("ownership.entangled", ("p4", "p1"))
    assert reason.text.endswith("the circles of owners around p4 come to tier unresolved")
