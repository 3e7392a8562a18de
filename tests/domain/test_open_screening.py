"""Names whose screening is open leave a tier unresolved; in a large group that costs no more than looking at it."""

from __future__ import annotations

import tracemalloc

from gatekeeper.domain.grounds import REASONS_MAX
from gatekeeper.domain.open_screening import OPEN_CODE, with_open_hits
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import PATH_MAX, resolve
from gatekeeper.domain.tier import Tier
from tests.domain.graphs import DAY, TABLE, top


def child(id_: str, headquarters: str, *parents: str) -> Party:
    return Party(id_, PartyKind.ORG, id_.title(), headquarters, parents)


def test_a_name_in_somebody_elses_chain_changes_nothing() -> None:
    parties = {each.id: each for each in (child("a", "US", "b"), top("b", "US"), top("c", "US"))}
    finding = resolve(parties, "a", TABLE, DAY)
    assert with_open_hits(finding, parties, {"c"}) is finding
    assert with_open_hits(finding, parties, {"nobody"}) is finding


def test_the_shortest_way_to_each_open_name_is_told() -> None:
    parties = {each.id: each for each in (child("a", "US", "b", "c"), child("b", "US", "c"), top("c", "US"))}
    found = with_open_hits(resolve(parties, "a", TABLE, DAY), parties, {"a", "c"})
    assert found.tier is Tier.UNRESOLVED
    assert [each.path for each in found.reasons if each.code == OPEN_CODE] == [("a",), ("a", "c")]


def test_a_long_chain_is_walked_and_not_copied_at_every_step() -> None:
    length = 5_000
    parties = {f"p{each}": child(f"p{each}", "US", f"p{each + 1}") for each in range(length)}
    parties[f"p{length}"] = top(f"p{length}", "US")
    finding = resolve(parties, "p0", TABLE, DAY)
    tracemalloc.start()
    found = with_open_hits(finding, parties, {f"p{length}"})
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000 * length  # a path for each step would be 8 bytes for each two of them: 100 MB
    (reason,) = [each for each in found.reasons if each.code == OPEN_CODE]
    assert (len(reason.path), reason.path[0], reason.path[-1]) == (PATH_MAX, "p0", f"p{length}")


def test_no_more_reasons_are_kept_than_people_read() -> None:
    owners = [f"w{each}" for each in range(100)]
    parties = {each: top(each, "US") for each in owners} | {"a": child("a", "US", *owners)}
    finding = resolve(parties, "a", TABLE, DAY)
    found = with_open_hits(finding, parties, set(parties))
    assert sum(each.code == OPEN_CODE for each in found.reasons) == REASONS_MAX
    assert found.more == finding.more + 1
