"""Every ownership graph resolves like the definition, in whatever order it is written down."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.headquarters import by_headquarters_alone
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.interest import WHOLE
from gatekeeper.domain.party import Listing, Party, PartyKind
from gatekeeper.domain.resolving import Resolver, resolve, resolve_all
from tests.domain.graphs import DAY, TABLE, TIERS, defined, graphs, tangles


@settings(max_examples=300)
@given(graphs() | tangles())
def test_every_graph_resolves_like_the_definition(parties: dict[str, Party]) -> None:
    check_like_the_definition(parties)


def check_like_the_definition(parties: dict[str, Party]) -> None:
    """Every party has the tier of the definition, whatever is asked for, and reasons that lead to it."""
    expected = defined(parties)
    assert resolve_all(parties, TABLE, DAY) == {each: expected[each] for each in parties}
    for name, tier in expected.items():
        finding = resolve(parties, name, TABLE, DAY)
        assert finding.tier is tier
        assert finding.reasons == tuple(sorted(finding.reasons, key=lambda each: -each.tier.strictness))
        for reason in finding.reasons:
            assert reason.path[0] == name
            for lower, upper in pairwise(reason.path):
                assert upper in parties[lower].owners
            assert len(set(reason.path)) == len(reason.path)


@given(graphs())
def test_headquarters_alone_say_what_the_whole_graph_says(parties: dict[str, Party]) -> None:
    plain = {
        each: Party(each, PartyKind.ORG, each, party.headquarters, party.parents) for each, party in parties.items()
    }
    for each in plain:
        alone = by_headquarters_alone(plain, each, TABLE, DAY)
        assert alone in (None, Resolver(Settled(Holdings(plain, (each,), TABLE, DAY))).finding(each))
        assert alone is not None or any(party.parents for party in plain.values())


@given(graphs() | tangles(), st.randoms(use_true_random=False))
def test_the_order_of_records_owners_and_shares_does_not_matter(parties: dict[str, Party], random: Random) -> None:
    shuffled = list(parties.values())
    random.shuffle(shuffled)
    turned = {each.id: replace(each, parents=each.parents[::-1], interests=each.interests[::-1]) for each in shuffled}
    for each in parties:
        assert resolve(turned, each, TABLE, DAY) == resolve(parties, each, TABLE, DAY)


@given(graphs() | tangles())
def test_one_party_is_told_alone_as_among_all(parties: dict[str, Party]) -> None:
    resolver = Resolver(Settled(Holdings(parties, parties, TABLE, DAY)))
    for each in parties:
        assert resolver.finding(each) == resolve(parties, each, TABLE, DAY)


@given(graphs(), st.data())
def test_a_stricter_party_never_lowers_a_tier(parties: dict[str, Party], data: st.DataObject) -> None:
    before = resolve_all(parties, TABLE, DAY)
    chosen = parties[data.draw(st.sampled_from(sorted(parties)))]
    listed = replace(chosen, listings=(*chosen.listings, Listing("meu")))
    stricter = [code for code, tier in TIERS.items() if tier.strictness >= TIERS[chosen.headquarters].strictness]
    moved = replace(chosen, headquarters=data.draw(st.sampled_from(stricter)))
    for changed in (listed, moved):
        after = resolve_all({**parties, chosen.id: changed}, TABLE, DAY)
        assert all(after[each].strictness >= before[each].strictness for each in parties)


@given(graphs(), st.data())
def test_a_larger_share_never_lowers_a_tier(parties: dict[str, Party], data: st.DataObject) -> None:
    held = [(party, index) for party in parties.values() for index in range(len(party.interests))]
    if not held:
        return
    party, index = data.draw(st.sampled_from(held))
    interests = list(party.interests)
    interests[index] = replace(interests[index], most=WHOLE)
    before = resolve_all(parties, TABLE, DAY)
    after = resolve_all({**parties, party.id: replace(party, interests=tuple(interests))}, TABLE, DAY)
    assert all(after[each].strictness >= before[each].strictness for each in parties)
