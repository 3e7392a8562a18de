"""Many at once, in any order, repeated and interrupted: the books come out the same."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.usage import Observation, total
from gatekeeper.stores import SqlStores
from tests.metering import (
    DAY,
    HOUR,
    MHZ,
    Said,
    VirtualClock,
    account_of,
    at,
    busy,
    fresh_stores,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    records,
    reservation_of,
    settle_through,
)


def test_two_meters_at_once_book_each_piece_once(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    meters = [make_meter(stores, busy(), clock, piece_s=600) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda each: settle_through(each, "pod-0", make_facts(), through=at(DAY)), meters))
    booked = [piece for each in done for piece in each.settlements]
    assert len({piece.begins_at for piece in booked}) == len(booked) == DAY // 600
    assert account_of(stores).settled == total(piece.usage for piece in booked)


def test_a_transaction_that_fails_books_nothing_and_can_be_repeated(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    before = account_of(stores), reservation_of(stores)

    class Failing:
        """Stores that break after the work and before the commit."""

        read = stores.read

        def submit(self, work: Any) -> Any:
            def broken(tx: Any) -> None:
                work(tx)
                raise OSError("disk full")

            return stores.submit(broken)

    meter = make_meter(Failing(), busy(), clock)  # type: ignore[arg-type]
    answer = settle_through(meter, "pod-0", make_facts(), through=at(HOUR))
    assert "disk full" in answer.waits_for
    assert (account_of(stores), reservation_of(stores), records(stores)) == (*before, [])
    assert settle_through(make_meter(stores, busy(), clock), "pod-0", make_facts(), through=at(HOUR)).settlements


def test_reservations_settle_to_the_same_account_in_any_order(tmp_path: Path, template: Path) -> None:
    uids = [f"pod-{index}" for index in range(5)]
    steps = [(uid, through) for uid in uids for through in (1_000, 5_000, 9_000)]
    found = set()
    for seed in range(4):
        with fresh_stores(tmp_path, template) as stores:
            for uid in uids:
                hold(stores, make_reservation(uid))
            meter = make_meter(stores, busy(6), VirtualClock(at(DAY)), piece_s=1_000)
            # Late, early and repeated questions: what is missing is booked, what is booked stays.
            for uid, through in random.Random(seed).sample(steps * 2, len(steps) * 2):
                settle_through(meter, uid, make_facts(uid), through=at(through))
            found.add(account_of(stores))
    assert len(found) == 1


observation = st.builds(
    Observation,
    device=st.sampled_from(["GPU-0", "GPU-1", "GPU-2"]),
    rate=st.integers(-MHZ, 2_500 * MHZ),
    covered_s=st.integers(-10, 2 * HOUR),
    exclusive=st.booleans(),
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)  # two databases each
@given(st.lists(observation, max_size=6), st.randoms(use_true_random=False))
def test_no_order_or_repetition_of_observations_changes_what_is_booked(
    tmp_path_factory: pytest.TempPathFactory, template: Path, said: list[Observation], shuffle: random.Random
) -> None:
    repeated = said * 2
    shuffle.shuffle(repeated)
    usages = []
    for each in (said, repeated):
        with fresh_stores(tmp_path_factory.getbasetemp(), template) as stores:
            hold(stores, make_reservation(count=3))
            meter = make_meter(stores, Said(each), VirtualClock(at(DAY)))
            (piece,) = settle_through(meter, "pod-0", make_facts(count=3), through=at(HOUR)).settlements
            assert 0 <= piece.usage.low_tflop <= piece.usage.best_tflop <= piece.usage.high_tflop
            assert piece.overrun_tflop == 0
            usages.append(piece.usage)
    assert usages[0] == usages[1]
