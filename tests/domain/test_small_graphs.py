"""Every graph of up to three parties over a few shares, seats and listings resolves like the definition."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement, islice, permutations, product

import pytest

from gatekeeper.domain.cascade import Settled
from gatekeeper.domain.holdings import LEVELS, Holdings
from gatekeeper.domain.party import Listing, Party, PartyKind
from gatekeeper.domain.resolving import Resolver
from tests.domain.graphs import DAY, TABLE, defined, share

# A listing makes Tier 3 wherever the party sits.
SEATS = ("US", "IN", "CN", "", "listed")
# In order of what they may come to; None is an unknown share.
SHARES: tuple[float | None, ...] = (0, 25, 50, 60, None)
REASONS = ("dispersed ownership", "")
# Parties that are worked out together: graphs that do not touch each other.
TOGETHER = 200
# Of one in so many the reasons are looked at too.
SAMPLE = 4
Row = tuple[float | None, ...]
Graph = tuple[tuple[tuple[str, str], ...], tuple[Row, ...]]


@cache
def party(copy: int, index: int, seat: tuple[str, str], row: Row) -> Party:
    """A party of a copy of a graph: where it sits and why it has no parent; what each party owns of it."""
    place, reason = seat
    interests = tuple(share(f"{owner}.{copy}", each) for owner, each in enumerate(row) if each != 0)
    listings = (Listing("sdn"),) if place == "listed" else ()
    name = f"{index}.{copy}"
    return Party(name, PartyKind.ORG, name, "US" if listings else place, (), reason, interests, listings)


def parties_of(graph: Graph, copy: int) -> dict[str, Party]:
    """The parties of a copy of a graph."""
    made = [party(copy, index, seat, row) for index, (seat, row) in enumerate(zip(*graph, strict=True))]
    return {each.id: each for each in made}


def small_graphs(count: int, reasons: tuple[str, ...]) -> Iterator[Graph]:
    """All graphs of so many parties, one of each set that differ in the parties' names alone."""
    rows = [_rows(index, count) for index in range(count)]
    for seats in combinations_with_replacement(tuple(product(SEATS, reasons)), count):
        turns = [turn for turn in permutations(range(count)) if all(seats[turn[at]] == seats[at] for at in turn)]
        for held in product(*rows):
            told = _told(held)
            if all(told <= _told(tuple(tuple(held[a][b] for b in turn) for a in turn)) for turn in turns[1:]):
                yield seats, held


def _rows(index: int, count: int) -> list[Row]:
    """What others may own of a party: together no more than all of it."""
    columns = [SHARES if owner != index else (0,) for owner in range(count)]
    return [row for row in product(*columns) if sum(each or 0 for each in row) <= 100]


def _told(held: tuple[Row, ...]) -> tuple[int, ...]:
    return tuple(SHARES.index(each) for row in held for each in row)


def check(graphs: Iterator[Graph]) -> int:
    """Compare some graphs with the definition, and their reasons with their tiers; returns how many there were."""
    count = 0
    while batch := list(islice(graphs, TOGETHER)):
        parties = {name: each for copy, graph in enumerate(batch) for name, each in parties_of(graph, copy).items()}
        settled = Settled(Holdings(parties, parties, TABLE, DAY))
        resolver = Resolver(settled)
        for copy, graph in enumerate(batch):
            expected = defined(parties_of(graph, copy))
            for name, tier in expected.items():
                assert LEVELS[settled.level[settled.held.numbers[name]]] is tier, (name, parties_of(graph, copy))
                assert copy % SAMPLE or resolver.finding(name).tier is tier
        count += len(batch)
    return count


def test_every_graph_of_up_to_two_parties_resolves_like_the_definition() -> None:
    assert [check(small_graphs(count, REASONS)) for count in (1, 2)] == [10, 1275]


@pytest.mark.slow
def test_every_graph_of_three_parties_resolves_like_the_definition() -> None:
    assert check(small_graphs(3, REASONS[:1])) == 222_970
