"""Every ownership graph resolves like the definition, in whatever order it is written down."""

from __future__ import annotations

from hypothesis import given, settings

from gatekeeper.domain.party import Party
from gatekeeper.domain.resolving import resolve, resolve_all
from tests.domain.graphs import DAY, TABLE, defined, graphs


@settings(max_examples=300)
@given(graphs())
def test_every_graph_resolves_like_the_definition(parties: dict[str, Party]) -> None:
    expected = defined(parties)
    assert resolve_all(parties, TABLE, DAY) == {each: expected[each] for each in parties}
    for name, tier in expected.items():
        finding = resolve(parties, name, TABLE, DAY)
        assert finding.tier is tier
        assert finding.reasons == tuple(sorted(finding.reasons, key=lambda each: -each.tier.strictness))
        for reason in finding.reasons:
            assert reason.path[0] == name
            for lower, upper in zip(reason.path, reason.path[1:], strict=False):
                assert upper in parties[lower].owners
            assert len(set(reason.path)) == len(reason.path)
