"""The meter over the real ledger and a real SQLite file; only the counters and the clock are the test's."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.domain.accelerators import Device
from gatekeeper.domain.errors import InvalidInput, NotFound, Unavailable
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.record import Record, RecordType, decode
from gatekeeper.domain.usage import Observation, Usage, metered, total, unmetered
from gatekeeper.meter import MeterTimes
from gatekeeper.stores import SqlStores
from tests.metering import (
    A100,
    B200,
    DAY,
    GPU,
    H100,
    HOUR,
    MHZ,
    NOW,
    PRODUCT,
    RATE,
    Said,
    VirtualClock,
    account_of,
    at,
    fresh_stores,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    migrated,
    reservation_of,
)

WORST_HOUR = Usage(0, unmetered(Device(H100), interval_s=HOUR).best_tflop * 8, 8 * RATE * HOUR)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("meter"))


@pytest.fixture
def stores(tmp_path: Path, template: Path) -> Iterator[SqlStores]:
    with fresh_stores(tmp_path, template) as opened:
        yield opened


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(at(DAY))


def busy(count: int = 8, *, hertz: int = 600 * MHZ, covered_s: int = DAY, exclusive: bool = True) -> Said:
    return Said([Observation(f"GPU-{index}", hertz, covered_s, exclusive) for index in range(count)])


def records(stores: SqlStores) -> list[Record]:
    return stores.read(lambda reader: [decode(leaf) for leaf in reader.leaves()])


def test_a_metered_hour_is_booked_at_what_the_counters_say_and_its_share_is_given_back(
    stores: SqlStores, clock: VirtualClock
) -> None:
    reservation = hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)

    (piece,) = meter.settle_through("pod-0", make_facts(), through=at(HOUR)).settlements

    one = metered(Device(H100), Observation("GPU-0", 600 * MHZ, HOUR), interval_s=HOUR)
    vector = 133.8 * 1980 / 1830
    assert one.high_tflop == pytest.approx((600 / 1830 * 1978.9 * 1.10 + vector) * HOUR, abs=1)
    assert piece.usage == total([one] * 8)
    assert piece.released_tflop == 8 * RATE * HOUR
    account = account_of(stores)
    assert account.settled == piece.usage
    assert account.pending_tflop == reservation.amount_tflop - 8 * RATE * HOUR


def test_asking_again_books_nothing(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    meter.settle_through("pod-0", make_facts(), through=at(HOUR))
    before = account_of(stores), reservation_of(stores), records(stores)

    for through in (at(HOUR), at(60), at(-HOUR)):
        assert meter.settle_through("pod-0", make_facts(), through=through).settlements == ()
    assert (account_of(stores), reservation_of(stores), records(stores)) == before


def test_nothing_is_booked_before_late_scrapes_had_their_time(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR))
    meter = make_meter(stores, busy(), clock, delay_s=120, patience_s=120)

    (piece,) = meter.settle_through("pod-0", make_facts(), through=at(HOUR)).settlements

    assert piece.through == at(HOUR - 120)


@pytest.mark.parametrize("seen", [0, 3, 7])
def test_devices_without_counters_count_at_the_worst_case(stores: SqlStores, clock: VirtualClock, seen: int) -> None:
    hold(stores, make_reservation())
    (piece,) = make_meter(stores, busy(seen), clock).settle_through("pod-0", make_facts(), through=at(HOUR)).settlements
    known = metered(Device(H100), Observation("GPU-0", 600 * MHZ, HOUR), interval_s=HOUR).high_tflop
    assert piece.usage.high_tflop == seen * known + (8 - seen) * RATE * HOUR
    assert records(stores)[-1].facts["note"] == f"no counters of {8 - seen} of 8 devices"


@pytest.mark.parametrize(
    "counters",
    [
        busy(9),
        busy(exclusive=False),
        busy(hertz=1981 * MHZ),
        busy(hertz=-1),
        busy(covered_s=-5),
        busy(covered_s=0),
        busy(0),
    ],
    ids=["more than given", "shared", "faster than the chip", "negative", "negative cover", "no cover", "none"],
)
def test_counters_that_cannot_be_trusted_leave_the_worst_case(
    stores: SqlStores, clock: VirtualClock, counters: Said
) -> None:
    hold(stores, make_reservation())
    (piece,) = make_meter(stores, counters, clock).settle_through("pod-0", make_facts(), through=at(HOUR)).settlements
    assert piece.usage == WORST_HOUR
    assert piece.overrun_tflop == 0


def test_more_devices_than_given_is_told_in_the_record(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    make_meter(stores, busy(9), clock).settle_through("pod-0", make_facts(), through=at(HOUR))
    assert records(stores)[-1].facts["note"] == "counters name 9 devices where the pod was given 8"


def test_silent_telemetry_is_waited_for_and_then_costs_the_worst_case(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR + 1_799))
    meter = make_meter(stores, Said(error=Unavailable("It is down.")), clock, patience_s=1_800)

    waiting = meter.settle_through("pod-0", make_facts(), through=at(HOUR))
    assert (waiting.settlements, waiting.waits_for) == ((), "telemetry: It is down.")
    assert records(stores) == []

    clock.forward(1)
    (piece,) = meter.settle_through("pod-0", make_facts(), through=at(HOUR)).settlements
    assert piece.usage == WORST_HOUR
    assert records(stores)[-1].facts["note"] == "the telemetry did not answer"


def test_what_waits_is_metered_when_the_telemetry_is_back(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    counters = busy()
    meter = make_meter(stores, counters, clock, patience_s=2 * DAY)
    counters.error = Unavailable("It is down.")
    assert meter.settle_through("pod-0", make_facts(), through=at(HOUR)).waits_for
    counters.error = None
    (piece,) = meter.settle_through("pod-0", make_facts(), through=at(HOUR)).settlements
    assert piece.usage.high_tflop < WORST_HOUR.high_tflop


def test_a_node_that_does_not_say_its_product_counts_at_the_rate_that_was_reserved(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    for products in ({}, {GPU: ""}, {"amd.com/gpu": PRODUCT}):
        facts = make_facts(products=products)
        before = account_of(stores).settled.high_tflop
        begins_at = reservation_of(stores).metered_until or NOW
        (piece,) = meter.settle_through("pod-0", facts, through=begins_at + timedelta(hours=1)).settlements
        assert (piece.usage.low_tflop, piece.usage.high_tflop, piece.overrun_tflop) == (0, 8 * RATE * HOUR, 0)
        assert account_of(stores).settled.high_tflop == before + 8 * RATE * HOUR


def test_what_asked_without_a_number_counts_at_the_rate_that_was_reserved(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation(rate=16 * RATE))
    meter = make_meter(stores, busy(1), clock)
    (piece,) = meter.settle_through("pod-0", make_facts(count=1, countable=False), through=at(HOUR)).settlements
    assert piece.usage.high_tflop == 16 * RATE * HOUR
    (piece,) = meter.settle_through("pod-0", make_facts(devices={}), through=at(2 * HOUR)).settlements
    assert piece.usage.high_tflop == 16 * RATE * HOUR


def test_a_product_that_nobody_knows_counts_as_the_largest_chip_and_is_an_overrun(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    facts = make_facts(products={GPU: "NVIDIA Z999"})
    (piece,) = make_meter(stores, busy(0), clock).settle_through("pod-0", facts, through=at(HOUR)).settlements
    assert piece.usage.high_tflop == 8 * B200.worst_tflop_per_s * HOUR
    assert piece.overrun_tflop == 8 * (B200.worst_tflop_per_s - RATE) * HOUR


def test_devices_of_different_chips_count_at_the_worst_case_of_each(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    facts = make_facts(
        devices={GPU: 2, "example.com/old": 3, "example.com/none": 0},
        products={GPU: PRODUCT, "example.com/old": A100.name},
    )
    (piece,) = make_meter(stores, busy(5), clock).settle_through("pod-0", facts, through=at(HOUR)).settlements
    assert piece.usage.high_tflop == (2 * RATE + 3 * A100.worst_tflop_per_s) * HOUR


def test_the_edges_of_a_pods_life_count_at_the_worst_case(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    counters = busy(hertz=0)
    meter = make_meter(stores, counters, clock, start_edge_s=60, end_edge_s=30)
    facts = make_facts(ended=HOUR - 1)  # printed in whole seconds: gone before second HOUR
    (piece,) = meter.settle_end("pod-0", facts).settlements
    assert counters.asked == [(at(60), at(HOUR - 30))]
    idle = metered(Device(H100), Observation("GPU-0", 0, HOUR - 90), interval_s=HOUR - 90)
    assert piece.usage.high_tflop == 8 * (RATE * 90 + idle.high_tflop)


def test_a_pod_shorter_than_its_edges_counts_at_the_worst_case_and_asks_nothing(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    counters = busy(hertz=0)
    meter = make_meter(stores, counters, clock, start_edge_s=60, end_edge_s=30)
    (piece,) = meter.settle_end("pod-0", make_facts(ended=59)).settlements
    assert (counters.asked, piece.usage.high_tflop) == ([], 8 * RATE * 60)


def test_an_observed_end_settles_the_rest_and_gives_back_all_that_is_held(
    stores: SqlStores, clock: VirtualClock
) -> None:
    reservation = hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    meter.settle_through("pod-0", make_facts(), through=at(HOUR))

    facts = make_facts(ended=2 * HOUR - 1)
    (piece,) = meter.settle_end("pod-0", facts).settlements

    assert (piece.begins_at, piece.through, piece.final) == (at(HOUR), at(2 * HOUR), True)
    assert piece.released_tflop == reservation.amount_tflop - 8 * RATE * HOUR
    assert reservation_of(stores).state is ReservationState.SETTLED
    assert account_of(stores).pending_tflop == 0
    before = account_of(stores), records(stores)
    assert meter.settle_end("pod-0", facts).settlements == ()
    assert meter.settle_through("pod-0", facts, through=at(DAY)).settlements == ()
    assert (account_of(stores), records(stores)) == before


def test_an_end_before_what_is_booked_already_ends_the_reservation_and_adds_nothing(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    meter.settle_through("pod-0", make_facts(), through=at(HOUR))
    (piece,) = meter.settle_end("pod-0", make_facts(ended=600)).settlements
    assert (piece.begins_at, piece.through, piece.usage) == (at(HOUR), at(HOUR), Usage())
    assert reservation_of(stores).state is ReservationState.SETTLED


def test_no_piece_reaches_past_the_observed_end(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    (piece,) = meter.settle_through("pod-0", make_facts(ended=600), through=at(HOUR)).settlements
    assert (piece.through, piece.final) == (at(601), False)


def test_an_end_waits_for_the_samples_of_its_last_seconds(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR + 100))
    meter = make_meter(stores, busy(), clock, delay_s=120, patience_s=120)
    assert "120 s" in meter.settle_end("pod-0", make_facts(ended=HOUR)).waits_for
    clock.forward(21)
    assert meter.settle_end("pod-0", make_facts(ended=HOUR)).settlements[-1].final


def test_a_started_second_counts_whole(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    facts = replace(
        make_facts(), started_at=NOW + timedelta(milliseconds=900), ended_at=NOW + timedelta(seconds=10, milliseconds=1)
    )
    (piece,) = make_meter(stores, busy(0), clock).settle_end("pod-0", facts).settlements
    assert (piece.begins_at, piece.through) == (NOW, at(11))
    assert piece.usage.high_tflop == 8 * RATE * 11


def test_a_long_time_is_booked_in_consecutive_pieces(stores: SqlStores, clock: VirtualClock) -> None:
    reservation = hold(stores, make_reservation())
    counters = busy()
    meter = make_meter(stores, counters, clock, piece_s=7_000)
    pieces = meter.settle_end("pod-0", make_facts(ended=20_000)).settlements
    edges = [0, 7_000, 14_000, 20_001]
    assert [(each.begins_at, each.through) for each in pieces] == [
        (at(begin), at(end)) for begin, end in itertools.pairwise(edges)
    ]
    assert [each.final for each in pieces] == [False, False, True]
    assert sum(each.released_tflop for each in pieces) == reservation.amount_tflop
    assert len(counters.asked) == len(records(stores)) == 3


def test_two_meters_at_once_book_each_piece_once(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    meters = [make_meter(stores, busy(), clock, piece_s=600) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda each: each.settle_through("pod-0", make_facts(), through=at(DAY)), meters))
    booked = [piece for each in done for piece in each.settlements]
    assert len({piece.begins_at for piece in booked}) == len(booked) == DAY // 600
    assert account_of(stores).settled == total(piece.usage for piece in booked)


def test_a_transaction_that_fails_books_nothing_and_can_be_repeated(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    before = account_of(stores), reservation_of(stores)

    class Failing:
        """Stores that break after the work and before the commit."""

        read = stores.read

        def transact(self, work: Any) -> Any:
            def broken(tx: Any) -> None:
                work(tx)
                raise OSError("disk full")

            return stores.transact(broken)

    with pytest.raises(OSError, match="disk full"):
        make_meter(Failing(), busy(), clock).settle_through("pod-0", make_facts(), through=at(HOUR))  # type: ignore[arg-type]
    assert (account_of(stores), reservation_of(stores), records(stores)) == (*before, [])
    assert make_meter(stores, busy(), clock).settle_through("pod-0", make_facts(), through=at(HOUR)).settlements


def test_the_records_alone_add_up_to_the_account(stores: SqlStores, clock: VirtualClock) -> None:
    reservation = hold(stores, make_reservation())
    make_meter(stores, busy(5), clock, piece_s=1_000).settle_end("pod-0", make_facts(ended=9_999))
    facts = [dict(each.facts) for each in records(stores)]
    assert {each.type for each in records(stores)} == {RecordType.RESERVATION_SETTLED}
    account = account_of(stores)
    for bound, amount in (("low", account.settled.low_tflop), ("best", account.settled.best_tflop)):
        assert sum(int(str(each[f"{bound}_tflop"])) for each in facts) == amount
    assert sum(int(str(each["high_tflop"])) for each in facts) == account.settled.high_tflop
    assert sum(int(str(each["released_tflop"])) for each in facts) == reservation.amount_tflop
    assert facts[-1]["after"] == {
        "carried_in_tflop": "0",
        "settled_tflop": str(account.settled.high_tflop),
        "pending_tflop": "0",
    }


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
                meter.settle_through(uid, make_facts(uid), through=at(through))
            found.add(account_of(stores))
    assert len(found) == 1


observation = st.builds(
    Observation,
    device=st.sampled_from(["GPU-0", "GPU-1", "GPU-2"]),
    rate=st.integers(-MHZ, 2_500 * MHZ),
    covered_s=st.integers(-10, 2 * HOUR),
    exclusive=st.booleans(),
)


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
            (piece,) = meter.settle_through("pod-0", make_facts(count=3), through=at(HOUR)).settlements
            assert 0 <= piece.usage.low_tflop <= piece.usage.best_tflop <= piece.usage.high_tflop
            assert piece.overrun_tflop == 0
            usages.append(piece.usage)
    assert usages[0] == usages[1]


def test_what_does_not_exist_or_has_no_end_is_refused(stores: SqlStores, clock: VirtualClock) -> None:
    meter = make_meter(stores, busy(), clock)
    with pytest.raises(NotFound):
        meter.settle_through("nobody", make_facts(), through=at(HOUR))
    hold(stores, make_reservation())
    with pytest.raises(InvalidInput, match="no observed end"):
        meter.settle_end("pod-0", make_facts())
    with pytest.raises(InvalidInput):
        meter.settle_through("pod-0", make_facts(), through=datetime(2026, 11, 22))  # noqa: DTZ001 - the defect


@pytest.mark.parametrize(
    "changes",
    [{"delay_s": -1}, {"piece_s": 0}, {"start_edge_s": -1}, {"end_edge_s": -1}, {"delay_s": 60, "patience_s": 59}],
)
def test_impossible_times_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        MeterTimes(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"namespace": ""}, {"name": ""}, {"devices": {GPU: -1}}, {"started_at": datetime(2026, 11, 22)}],  # noqa: DTZ001
)
def test_impossible_facts_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(make_facts(), **changes)
