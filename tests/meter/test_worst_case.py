"""What the meter books where counters say nothing, nonsense, or too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.domain.accelerators import Device, Format
from gatekeeper.domain.catalogue import Catalogue
from gatekeeper.domain.counting import metered, unmetered
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.metering import PodDevices
from gatekeeper.domain.usage import Observation, Usage
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

WORST_HOUR = Usage(0, unmetered(Device(H100), interval_s=HOUR).best_tflop * 8, 8 * RATE * HOUR)


def test_devices_that_another_pod_has_too_count_whole_whatever_their_counters_say(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    shared = replace(make_facts(), exclusive=False)
    (piece,) = settle_through(make_meter(stores, busy(8), clock), "pod-0", shared, through=at(HOUR)).settlements
    assert piece.usage == WORST_HOUR


def test_claims_that_gave_less_than_was_reserved_are_booked_at_the_rate_of_what_they_gave(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation(rate=100 * RATE))
    by_claim = make_facts(devices={"gpu.nvidia.com/gpu": 1}, products={"gpu.nvidia.com/gpu": PRODUCT})
    (piece,) = settle_through(make_meter(stores, busy(0), clock), "pod-0", by_claim, through=at(HOUR)).settlements
    assert piece.usage.high_tflop == RATE * HOUR
    assert piece.released_tflop == 100 * RATE * HOUR


@pytest.mark.parametrize("seen", [0, 3, 7])
def test_devices_without_counters_count_at_the_worst_case(stores: SqlStores, clock: VirtualClock, seen: int) -> None:
    hold(stores, make_reservation())
    (piece,) = settle_through(
        make_meter(stores, busy(seen), clock), "pod-0", make_facts(), through=at(HOUR)
    ).settlements
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
    (piece,) = settle_through(make_meter(stores, counters, clock), "pod-0", make_facts(), through=at(HOUR)).settlements
    assert piece.usage == WORST_HOUR
    assert piece.overrun_tflop == 0


def test_more_devices_than_given_is_told_in_the_record(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    settle_through(make_meter(stores, busy(9), clock), "pod-0", make_facts(), through=at(HOUR))
    assert records(stores)[-1].facts["note"] == "counters name 9 devices where the pod was given 8"


def test_silent_telemetry_is_waited_for_and_then_costs_the_worst_case(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    clock = VirtualClock(at(HOUR + 1_799))
    meter = make_meter(stores, Said(error=Unavailable("It is down.")), clock, patience_s=1_800)

    waiting = settle_through(meter, "pod-0", make_facts(), through=at(HOUR))
    assert (waiting.settlements, waiting.waits_for) == ((), "telemetry: It is down.")
    assert records(stores) == []

    clock.forward(1)
    (piece,) = settle_through(meter, "pod-0", make_facts(), through=at(HOUR)).settlements
    assert piece.usage == WORST_HOUR
    assert records(stores)[-1].facts["note"] == "the telemetry did not answer"


def test_what_waits_is_metered_when_the_telemetry_is_back(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    counters = busy()
    meter = make_meter(stores, counters, clock, patience_s=2 * DAY)
    counters.error = Unavailable("It is down.")
    assert settle_through(meter, "pod-0", make_facts(), through=at(HOUR)).waits_for
    counters.error = None
    (piece,) = settle_through(meter, "pod-0", make_facts(), through=at(HOUR)).settlements
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
        (piece,) = settle_through(meter, "pod-0", facts, through=begins_at + timedelta(hours=1)).settlements
        assert (piece.usage.low_tflop, piece.usage.high_tflop, piece.overrun_tflop) == (0, 8 * RATE * HOUR, 0)
        assert account_of(stores).settled.high_tflop == before + 8 * RATE * HOUR


def test_what_asked_without_a_number_counts_at_the_rate_that_was_reserved(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation(rate=16 * RATE))
    meter = make_meter(stores, busy(1), clock)
    (piece,) = settle_through(meter, "pod-0", make_facts(count=1, countable=False), through=at(HOUR)).settlements
    assert piece.usage.high_tflop == 16 * RATE * HOUR
    (piece,) = settle_through(meter, "pod-0", make_facts(devices={}), through=at(2 * HOUR)).settlements
    assert piece.usage.high_tflop == 16 * RATE * HOUR


def test_a_product_that_nobody_knows_counts_as_the_largest_chip_and_is_an_overrun(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    facts = make_facts(products={GPU: "NVIDIA Z999"})
    (piece,) = settle_through(make_meter(stores, busy(0), clock), "pod-0", facts, through=at(HOUR)).settlements
    assert piece.usage.high_tflop == 8 * B200.worst_tflop_per_s * HOUR
    assert piece.overrun_tflop == 8 * (B200.worst_tflop_per_s - RATE) * HOUR


def test_counters_of_a_chip_that_nobody_knows_say_nothing(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    counters = busy(8)
    facts = make_facts(products={GPU: "NVIDIA Z999"})
    (piece,) = settle_through(make_meter(stores, counters, clock), "pod-0", facts, through=at(HOUR)).settlements
    assert counters.asked == []
    assert piece.usage == unmetered(Device(B200), interval_s=HOUR).times(8)


@pytest.mark.parametrize("keys", [(GPU, "cerebras.net/wse"), ("cerebras.net/wse", GPU)])
def test_two_kinds_that_nobody_knows_count_as_the_larger(keys: tuple[str, str]) -> None:
    peaks = {Format.BF16: 125_000_000}
    wafer = replace(
        B200, name="WSE", product_names=("WSE",), vendor="cerebras", handed_out=False, peak_gflop_per_s=peaks
    )
    facts = make_facts(devices=dict.fromkeys(keys, 1), products=dict.fromkeys(keys, "NVIDIA Z999"))
    devices = PodDevices.of(Catalogue.of([H100, B200, wafer]), make_reservation(), facts)
    assert devices.at_worst(1).devices[0].usage.high_tflop == 2 * wafer.worst_tflop_per_s


def test_devices_of_different_chips_count_at_the_worst_case_of_each(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    facts = make_facts(
        devices={GPU: 2, "nvidia.com/old": 3, "example.com/none": 0},
        products={GPU: PRODUCT, "nvidia.com/old": A100.name},
    )
    (piece,) = settle_through(make_meter(stores, busy(5), clock), "pod-0", facts, through=at(HOUR)).settlements
    assert piece.usage.high_tflop == (2 * RATE + 3 * A100.worst_tflop_per_s) * HOUR


def test_the_edges_of_a_pods_life_count_at_the_worst_case(stores: SqlStores, clock: VirtualClock) -> None:
    hold(stores, make_reservation())
    counters = busy(hertz=0)
    meter = make_meter(stores, counters, clock, start_edge_s=60, end_edge_s=30)
    facts = make_facts(ended=HOUR - 1)  # printed in whole seconds: gone before second HOUR
    (piece,) = settle_end(meter, "pod-0", facts).settlements
    assert counters.asked == [(at(60), at(HOUR - 30))]
    idle = metered(Device(H100), Observation("GPU-0", 0, HOUR - 90), interval_s=HOUR - 90)
    assert piece.usage.high_tflop == 8 * (RATE * 90 + idle.high_tflop)


def test_a_pod_shorter_than_its_edges_counts_at_the_worst_case_and_asks_nothing(
    stores: SqlStores, clock: VirtualClock
) -> None:
    hold(stores, make_reservation())
    counters = busy(hertz=0)
    meter = make_meter(stores, counters, clock, start_edge_s=60, end_edge_s=30)
    (piece,) = settle_end(meter, "pod-0", make_facts(ended=59)).settlements
    assert (counters.asked, piece.usage.high_tflop) == ([], 8 * RATE * 60)
