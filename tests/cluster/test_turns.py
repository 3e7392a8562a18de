"""Whose turn it is in a pass: one tenant's ten thousand pods keep nobody else waiting, and none of them for ever."""

from __future__ import annotations

from gatekeeper.cluster.turns import Turns


def of_team(thing: str) -> str:
    return thing.partition("-")[0]


def test_where_few_wait_all_have_their_turn_in_their_order() -> None:
    things = [f"{team}-{number}" for number in range(10) for team in ("a", "b")]
    assert Turns(of_team, most=10).of(things) == (things, False)


def test_a_crowd_takes_no_more_turns_than_are_its_own() -> None:
    crowd = [f"crowd-{number}" for number in range(10_000)]
    chosen, others_wait = Turns(of_team, most=10).of([*crowd, "small-1"])
    assert chosen[-1] == "small-1"
    assert len(chosen) == 11
    assert others_wait


def test_in_a_crowd_the_first_are_asked_for_always_and_everybody_in_time() -> None:
    crowd = [f"crowd-{number}" for number in range(57)]
    turns, seen = Turns(of_team, most=10), set[str]()
    for _ in range(11):
        chosen, _others = turns.of(crowd)
        assert chosen[:5] == crowd[:5]
        assert chosen == sorted(set(chosen), key=crowd.index)
        seen |= set(chosen)
    assert seen == set(crowd)
