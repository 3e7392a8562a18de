"""What a graph costs is counted before it is resolved: nobody keeps the service busy with one request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gatekeeper.api.graphs import ANSWER_CHARACTERS_MAX, CIRCLE_STEPS_MAX, circle_steps, findings
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.holdings import Holdings
from gatekeeper.domain.party import Party, PartyKind
from gatekeeper.domain.resolving import Resolver
from gatekeeper.domain.tier import Tier
from tests.api.office import ApiHouse, problem
from tests.domain.graphs import TABLE, share

DAY = date(2026, 11, 22)


def graph(owners: Iterable[Iterable[int]], width: int = 1) -> dict[str, Party]:
    """Companies in China; the n-th is controlled by those that the n-th entry numbers."""
    names = [tuple(f"{owner:0{width}d}" for owner in each) for each in owners]
    return {
        f"{number:0{width}d}": Party(f"{number:0{width}d}", PartyKind.ORG, "P", "CN", above)
        for number, above in enumerate(names)
    }


def chain(length: int) -> list[list[int]]:
    return [[each + 1] for each in range(length - 1)] + [[]]


def ring(length: int) -> list[list[int]]:
    return [[(each + 1) % length] for each in range(length)]


def shares(owners: Iterable[Iterable[int]]) -> dict[str, Party]:
    """The same by shares of almost all."""
    return {
        each.id: replace(each, parents=(), interests=tuple(share(owner, 99.999999) for owner in each.parents))
        for each in graph(owners).values()
    }


HOSTILE = {
    "more parties than are told at once": (graph(chain(2_001)), "parties at once"),
    "more ties than are followed": (graph([range(n + 1, 210) for n in range(210)]), "ties"),
    "everybody owns everybody": (graph([[j for j in range(140) if j != i] for i in range(140)]), "circles of owners"),
    "many circles whose shares hardly come to rest": (
        shares([[each + 1 - 2 * (each % 2)] for each in range(300)]),
        "circles of owners",
    ),
    "long names in a long chain": (graph(chain(2_000), width=60), "characters"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_graph_that_is_built_to_take_long_is_refused(name: str) -> None:
    parties, why = HOSTILE[name]
    with pytest.raises(InvalidInput, match=why):
        findings(parties, list(parties), TABLE, DAY)


def test_a_ring_of_parents_costs_what_its_members_cost() -> None:
    parties = graph(ring(500))
    found = findings(parties, list(parties), TABLE, DAY)
    assert {each.tier for each in found.values()} == {Tier.THREE}
    assert {(len(each.reasons), each.more) for each in found.values()} == {(20, 500 + 500 - 20)}


@pytest.mark.parametrize("parties", [graph(ring(6_000)), shares(ring(3_000))], ids=["parents", "shares"])
def test_one_party_of_a_ring_of_thousands_is_refused_as_well(parties: dict[str, Party]) -> None:
    with pytest.raises(InvalidInput, match="circles of owners"):
        findings(parties, ["200"], TABLE, DAY)


def test_steps_in_circles_are_counted_and_those_outside_are_none() -> None:
    def steps(owners: list[list[int]]) -> int:
        parties = graph(owners)
        return circle_steps(Holdings(parties, list(parties), TABLE, DAY))

    assert steps(chain(50)) == 0
    assert steps(ring(50)) == 50 * 300
    assert steps(ring(5_000)) <= CIRCLE_STEPS_MAX < steps(ring(5_001))


def test_what_is_let_through_takes_no_more_steps_than_it_has_parties_ties_and_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted in the reasons that are put together: twenty of each party, and no more the longer the chain is."""
    counted: list[Any] = []
    resolved = Resolver._reason

    def counting(self: Any, *told: Any) -> Any:
        counted.append(told)
        return resolved(self, *told)

    monkeypatch.setattr(Resolver, "_reason", counting)
    parties = graph(chain(1_000))
    found = findings(parties, list(parties), TABLE, DAY)
    assert (len(found), len(counted) <= 20 * 1_000) == (1_000, True)
    assert sum(len(each.text) for finding in found.values() for each in finding.reasons) < ANSWER_CHARACTERS_MAX


def test_the_route_refuses_with_what_to_do(house: ApiHouse) -> None:
    body = {
        "parties": [
            {"id": str(each), "kind": "org", "parent_of_record": str((each + 1) % 6_000)} for each in range(6_000)
        ]
    }
    refused = problem(house.client("vera").post("/v1/tiers/resolve?party=1", json=body), 422)
    assert "tier resolve" in str(refused)
