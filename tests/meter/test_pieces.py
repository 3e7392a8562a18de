"""How usage is booked: piece by piece, in order, each once, up to the observed end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatekeeper.domain.accelerators import Device
from gatekeeper.domain.counting import metered
from gatekeeper.domain.errors import InvalidInput, NotFound
from gatekeeper.domain.ledger import ReservationState
from gatekeeper.domain.metering import MeterTimes
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import Observation, Usage, total
from gatekeeper.stores import SqlStores
from tests.metering import (
    DAY,
    GPU,
    H100,
    HOUR,
    MHZ,
    NOW,
    RATE,
    VirtualClock,
    account_of,
    at,
    busy,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    records,
    reservation_of,
    settle_end,
    settle_through,
)


def test_a_metered_hour_is_booked_at_what_the_counters_say_and_its_share_is_given_back(
    stores: SqlStores, clock: VirtualClock
) -> None:
    reservation = hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)

    (piece,) = settle_through(meter, "pod-0", make_facts(), through=at(HOUR)).settlements

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
    settle_through(meter, "pod-0", make_facts(), through=at(HOUR))
    before = account_of(stores), reservation_of(stores), records(stores)

    for through in (at(HOUR), at(60), at(-HOUR)):
        assert settle_through(meter, "pod-0", make_facts(), through=through).settlements == ()
    assert (account_of(stores), reservation_of(stores), records(stores)) == before


def test_nothing_is_booked_before_late_scrapes_had_their_time(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR))
    meter = make_meter(stores, busy(), clock, delay_s=120, patience_s=120)

    (piece,) = settle_through(meter, "pod-0", make_facts(), through=at(HOUR)).settlements

    assert piece.through == at(HOUR - 120)


def test_an_observed_end_settles_the_rest_and_gives_back_all_that_is_held(
    stores: SqlStores, clock: VirtualClock
) -> None:
    reservation = hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    settle_through(meter, "pod-0", make_facts(), through=at(HOUR))

    facts = make_facts(ended=2 * HOUR - 1)
    (piece,) = settle_end(meter, "pod-0", facts).settlements

    assert (piece.begins_at, piece.through, piece.final) == (at(HOUR), at(2 * HOUR), True)
    assert piece.released_tflop == reservation.amount_tflop - 8 * RATE * HOUR
    assert reservation_of(stores).state is ReservationState.SETTLED
    assert account_of(stores).pending_tflop == 0
    before = account_of(stores), records(stores)
    assert settle_end(meter, "pod-0", facts).settlements == ()
    assert settle_through(meter, "pod-0", facts, through=at(DAY)).settlements == ()
    assert (account_of(stores), records(stores)) == before


def test_an_end_before_what_is_booked_already_ends_the_reservation_and_adds_nothing(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    settle_through(meter, "pod-0", make_facts(), through=at(HOUR))
    (piece,) = settle_end(meter, "pod-0", make_facts(ended=600)).settlements
    assert (piece.begins_at, piece.through, piece.usage) == (at(HOUR), at(HOUR), Usage())
    assert reservation_of(stores).state is ReservationState.SETTLED


def test_no_piece_reaches_past_the_observed_end(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    meter = make_meter(stores, busy(), clock)
    (piece,) = settle_through(meter, "pod-0", make_facts(ended=600), through=at(HOUR)).settlements
    assert (piece.through, piece.final) == (at(601), False)


def test_an_end_waits_for_the_samples_of_its_last_seconds(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR + 100))
    meter = make_meter(stores, busy(), clock, delay_s=120, patience_s=120)
    assert "120 s" in settle_end(meter, "pod-0", make_facts(ended=HOUR)).waits_for
    clock.forward(21)
    assert settle_end(meter, "pod-0", make_facts(ended=HOUR)).settlements[-1].final


def test_a_started_second_counts_whole(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    facts = replace(
        make_facts(), started_at=NOW + timedelta(milliseconds=900), ended_at=NOW + timedelta(seconds=10, milliseconds=1)
    )
    (piece,) = settle_end(make_meter(stores, busy(0), clock), "pod-0", facts).settlements
    assert (piece.begins_at, piece.through) == (NOW, at(11))
    assert piece.usage.high_tflop == 8 * RATE * 11


def test_a_long_time_is_booked_in_consecutive_pieces(stores: SqlStores, clock: VirtualClock) -> None:
    reservation = hold(stores, make_reservation())
    counters = busy()
    meter = make_meter(stores, counters, clock, piece_s=7_000)
    pieces = settle_end(meter, "pod-0", make_facts(ended=20_000)).settlements
    edges = [0, 7_000, 14_000, 20_001]
    assert [(each.begins_at, each.through) for each in pieces] == [
        (at(begin), at(end)) for begin, end in itertools.pairwise(edges)
    ]
    assert [each.final for each in pieces] == [False, False, True]
    assert sum(each.released_tflop for each in pieces) == reservation.amount_tflop
    assert len(counters.asked) == len(records(stores)) == 3


def test_the_records_alone_add_up_to_the_account(stores: SqlStores, clock: VirtualClock) -> None:
    reservation = hold(stores, make_reservation())
    settle_end(make_meter(stores, busy(5), clock, piece_s=1_000), "pod-0", make_facts(ended=9_999))
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


def test_what_does_not_exist_or_has_no_end_is_refused(stores: SqlStores, clock: VirtualClock) -> None:
    meter = make_meter(stores, busy(), clock)
    with pytest.raises(NotFound):
        settle_through(meter, "nobody", make_facts(), through=at(HOUR))
    hold(stores, make_reservation())
    with pytest.raises(InvalidInput, match="no observed end"):
        settle_end(meter, "pod-0", make_facts())
    with pytest.raises(InvalidInput):
        settle_through(meter, "pod-0", make_facts(), through=datetime(2026, 11, 22))  # noqa: DTZ001 - the defect


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
