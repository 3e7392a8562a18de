"""Many pods at once: one question to the telemetry, few transactions, and no pod waits for another."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.booking import GROUP_PIECES
from gatekeeper.domain.accelerators import Device
from gatekeeper.domain.counting import unmetered
from gatekeeper.domain.errors import Unavailable
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.record import RecordType, decode
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.domain.usage import Observation, PodInterval, Usage
from gatekeeper.domain.workload import WorkloadRef
from gatekeeper.meter import Due, Meter
from gatekeeper.stores import SqlStores
from tests.metering import (
    A100,
    CATALOGUE,
    DAY,
    GPU,
    H100,
    HOUR,
    NOW,
    PRODUCT,
    RATE,
    RUN,
    VirtualClock,
    account_of,
    at,
    busy,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    plain_times,
    records,
    reservation_of,
)

UIDS = [f"pod-{number}" for number in range(3)]


@dataclass
class ByPod:
    """Counters that answer for some pods, refuse others, and are silent about the rest; in reverse order."""

    refuse: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    breaks: bool = False
    questions: list[int] = field(default_factory=list)

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation] | Unavailable]]:
        self.questions.append(len(asked))
        for each in reversed(asked):
            if each.pod in self.refuse:
                yield each, Unavailable("No answer for this one.")
            elif each.pod not in self.silent:
                yield each, [Observation(f"{each.pod}-{index}", 0, DAY) for index in range(8)]
        if self.breaks:
            raise Unavailable("The connection broke.")


def meter_over(stores: SqlStores, counters: ByPod, **times: int) -> Meter:
    return Meter(stores, counters, VirtualClock(at(DAY)), CATALOGUE, plain_times(**times))


def due(uid: str, through: int = HOUR) -> Due:
    return Due(uid, make_facts(uid), at(through))


def test_all_that_is_due_is_one_question_and_as_many_records(stores: SqlStores) -> None:
    for uid in UIDS:
        hold(stores, make_reservation(uid))
    counters = ByPod()
    answers = meter_over(stores, counters, piece_s=1_800).settle([due(uid) for uid in UIDS])
    assert counters.questions == [6]
    assert [len(answer.settlements) for answer in answers] == [2, 2, 2]
    assert len(records(stores)) == 6


@pytest.mark.parametrize(
    "counters",
    [ByPod(refuse={"pod-1"}), ByPod(silent={"pod-1"}), ByPod(silent={"pod-1"}, breaks=True)],
    ids=["refused", "never answered", "broke off"],
)
def test_a_pod_whose_counters_do_not_answer_waits_alone(stores: SqlStores, counters: ByPod) -> None:
    for uid in UIDS:
        hold(stores, make_reservation(uid))
    answers = meter_over(stores, counters, patience_s=2 * DAY).settle([due(uid) for uid in UIDS])
    assert [len(answer.settlements) for answer in answers] == [1, 0, 1]
    assert answers[1].waits_for.startswith("telemetry: ")
    assert reservation_of(stores, "pod-1").metered_until is None


def test_a_later_piece_waits_for_the_one_before_it(stores: SqlStores) -> None:
    """What is 20 h old has waited long enough; what is an hour old has not, and neither has what follows it."""
    hold(stores, make_reservation())
    meter = meter_over(stores, ByPod(refuse={"pod-0"}), patience_s=4 * HOUR, piece_s=HOUR)
    (answer,) = meter.settle([Due("pod-0", make_facts(), at(DAY))])
    assert len(answer.settlements) == 20
    assert {piece.usage.low_tflop for piece in answer.settlements} == {0}
    assert answer.waits_for


def test_usage_that_no_account_can_hold_waits_alone(stores: SqlStores) -> None:
    for uid in UIDS[:2]:
        hold(stores, make_reservation(uid))
    full = Account("full", settled=Usage(0, 0, LARGEST_TFLOP))
    other = replace(make_reservation("pod-2"), run_id="full", pending_tflop=0)
    stores.transact(lambda tx: tx.put_account(full))
    stores.transact(lambda tx: tx.put_reservation(other))
    answers = meter_over(stores, ByPod()).settle([due(uid) for uid in ["pod-2", *UIDS[:2]]])
    assert [len(answer.settlements) for answer in answers] == [0, 1, 1]
    assert "10^18" in answers[0].waits_for


def test_a_group_is_bounded_and_a_reservation_may_go_over_its_edge(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    writes = []

    class Counting:
        """Stores that note each transaction."""

        read = stores.read

        def submit(self, work: Any) -> Any:
            writes.append(work)
            return stores.submit(work)

    pieces = GROUP_PIECES + 44
    meter = Meter(Counting(), busy(), VirtualClock(at(DAY)), CATALOGUE, plain_times(piece_s=60))  # type: ignore[arg-type]
    (answer,) = meter.settle([due("pod-0", 60 * pieces)])
    assert (len(writes), len(answer.settlements)) == (2, pieces)
    assert reservation_of(stores).metered_until == at(60 * pieces)


def test_ids_of_later_pieces_come_later_and_each_piece_has_its_own(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    hold(stores, make_reservation("pod-1"))
    meter_over(stores, ByPod(), piece_s=60).settle([due("pod-0"), due("pod-1")])
    settled = (decode(leaf) for leaf in stores.read(lambda reader: list(reader.leaves())))
    ids = sorted((each.id, each.facts["through"]) for each in settled if each.type is RecordType.RESERVATION_SETTLED)
    assert [through for _, through in ids] == sorted(str(through) for _, through in ids)
    assert len({uid for uid, _ in ids}) == len(ids) == 120
    assert {(uuid.UUID(uid).version, uuid.UUID(uid).variant) for uid, _ in ids} == {(8, uuid.RFC_4122)}


def test_the_same_pod_twice_in_one_call_is_booked_once(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    answers = meter_over(stores, ByPod()).settle([due("pod-0"), due("pod-0")])
    assert [len(answer.settlements) for answer in answers] == [1, 0]


def test_no_piece_goes_over_midnight(stores: SqlStores) -> None:
    hold(stores, make_reservation(lease_s=3 * DAY))
    meter = make_meter(stores, busy(), VirtualClock(at(3 * DAY)), piece_s=2 * DAY)
    (answer,) = meter.settle([Due("pod-0", make_facts(), at(2 * DAY))])
    midnight = NOW.replace(hour=0) + timedelta(days=1)
    edges = [NOW, midnight, midnight + timedelta(days=1), at(2 * DAY)]
    assert [(each.begins_at, each.through) for each in answer.settlements] == list(itertools.pairwise(edges))
    daily = stores.read(lambda reader: reader.daily_usage(RUN))
    assert [each.day for each in daily] == [edge.date() for edge in edges[:3]]
    assert [each.device_s for each in daily] == [8 * 21 * HOUR, 8 * DAY, 8 * 3 * HOUR]
    assert {each.device for each in daily} == {"H100-SXM5"}


def test_an_end_at_midnight_belongs_to_the_day_before(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    to_midnight = 21 * HOUR
    (answer,) = make_meter(stores, busy(), VirtualClock(at(DAY))).settle(
        [Due("pod-0", make_facts(ended=to_midnight - 1))]
    )
    assert [each.final for each in answer.settlements] == [True]


def test_devices_of_several_kinds_are_told_apart_in_one_record(stores: SqlStores) -> None:
    hold(stores, make_reservation())
    facts = make_facts(devices={GPU: 2, "nvidia.com/old": 3}, products={GPU: PRODUCT, "nvidia.com/old": A100.name})
    make_meter(stores, busy(5), VirtualClock(at(DAY))).settle([Due("pod-0", facts, at(HOUR))])
    told = records(stores)[-1].facts
    old = unmetered(Device(A100), interval_s=HOUR).times(3)
    assert told["by_device"] == {
        "A100-SXM4": {
            "device_s": 3 * HOUR,
            "low_tflop": "0",
            "best_tflop": str(old.best_tflop),
            "high_tflop": str(old.high_tflop),
        },
        "H100-SXM5": {
            "device_s": 2 * HOUR,
            "low_tflop": "0",
            "best_tflop": str(unmetered(Device(H100), interval_s=HOUR).times(2).best_tflop),
            "high_tflop": str(2 * RATE * HOUR),
        },
    }
    assert (told["device_s"], told["customer"]) == (5 * HOUR, "lab")
    assert "device" not in told
    daily = stores.read(lambda reader: reader.daily_usage(RUN))
    assert sum(each.usage.high_tflop for each in daily) == account_of(stores).settled.high_tflop


@pytest.mark.parametrize("products", [{}, {GPU: "NVIDIA Z999"}], ids=["no label", "no such chip"])
def test_devices_that_nobody_can_tell_are_unknown(stores: SqlStores, products: dict[str, str]) -> None:
    hold(stores, make_reservation())
    make_meter(stores, busy(), VirtualClock(at(DAY))).settle([Due("pod-0", make_facts(products=products), at(HOUR))])
    (daily,) = stores.read(lambda reader: reader.daily_usage(RUN))
    assert (daily.device, daily.device_s) == ("unknown", 8 * HOUR)


def test_what_holds_nothing_is_metered_to_its_end_and_overruns_nothing(stores: SqlStores) -> None:
    reservation = Reservation.of_cleared(
        id="pod-0",
        run_id=RUN,
        customer_id="lab",
        workload=WorkloadRef("east", "lab", "Pod", "pod-0", "pod-0"),
        devices={GPU: 8},
        rate_tflop_per_s=8 * RATE,
        opened_at=NOW,
    )
    begun = replace(reservation, started_at=NOW, metered_until=at(600))
    stores.transact(lambda tx: tx.add_reservations([begun]))
    meter = make_meter(stores, busy(0), VirtualClock(at(DAY)))
    meter.settle([Due("pod-0", make_facts(), at(HOUR))])
    meter.settle([Due("pod-0", make_facts(ended=2 * HOUR - 1), note="its end was not seen")])
    assert reservation_of(stores).state is ReservationState.SETTLED
    account = account_of(stores)
    assert (account.settled.high_tflop, account.pending_tflop) == (8 * RATE * (2 * HOUR - 600), 0)
    assert {each.type for each in records(stores)} == {RecordType.METERING_SETTLED}
    assert "overrun_tflop" not in records(stores)[-1].facts
    assert records(stores)[-1].facts["note"] == "its end was not seen; no counters of 8 of 8 devices"
