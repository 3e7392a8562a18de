"""A fault that concerns one pod costs that one the worst case or a wait, and all others nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from gatekeeper.domain.ledger import Account
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.domain.usage import Observation, PodInterval, Usage
from gatekeeper.meter import Due, Meter
from gatekeeper.stores import SqlStores
from tests.metering import (
    CATALOGUE,
    DAY,
    HOUR,
    RATE,
    VirtualClock,
    at,
    busy,
    hold,
    make_facts,
    make_meter,
    make_reservation,
    plain_times,
    records,
    reservation_of,
    settle_through,
)

UIDS = ["pod-0", "pod-1", "pod-2"]


@dataclass
class Odd:
    """Counters that say of pod-1 what cannot be reckoned with, or fall over it; of all others that they are idle."""

    falls: bool = False

    def observe(self, asked: Sequence[PodInterval]) -> Iterator[tuple[PodInterval, list[Observation]]]:
        for each in sorted(asked, key=lambda it: it.pod):
            if self.falls and each.pod == "pod-1":
                b"\xff".decode("ascii")
            rate: int = None if each.pod == "pod-1" else 0  # type: ignore[assignment]
            yield each, [Observation(f"{each.pod}-{index}", rate, DAY) for index in range(8)]


def settle(stores: SqlStores, counters: Odd, patience_s: int) -> list[str]:
    meter = Meter(stores, counters, VirtualClock(at(DAY)), CATALOGUE, plain_times(patience_s=patience_s))
    answers = meter.settle([Due(uid, make_facts(uid), at(HOUR)) for uid in UIDS])
    return [answer.waits_for if not answer.settlements else "booked" for answer in answers]


def test_what_cannot_be_reckoned_with_waits_alone_and_then_counts_as_the_worst_case(stores: SqlStores) -> None:
    for uid in UIDS:
        hold(stores, make_reservation(uid))
    before, waits_for, after = settle(stores, Odd(), 2 * DAY)
    assert (before, after) == ("booked", "booked")
    assert "TypeError" in waits_for
    assert settle(stores, Odd(), 0)[1] == "booked"
    assert reservation_of(stores, "pod-1").settled.high_tflop == 8 * RATE * HOUR
    assert "TypeError" in str(records(stores)[-1].facts["note"])


def test_telemetry_that_falls_over_is_waited_for_and_then_costs_all_of_whom_it_was_silent_the_worst_case(
    stores: SqlStores,
) -> None:
    for uid in UIDS:
        hold(stores, make_reservation(uid))
    booked, *waiting = settle(stores, Odd(falls=True), 2 * DAY)
    assert booked == "booked"
    assert all("UnicodeDecodeError" in each for each in waiting)
    settle(stores, Odd(falls=True), 0)
    assert [reservation_of(stores, uid).settled.high_tflop == 8 * RATE * HOUR for uid in UIDS] == [False, True, True]


def test_times_at_the_end_of_the_calendar_stop_nobody_else(stores: SqlStores) -> None:
    for uid in UIDS:
        hold(stores, make_reservation(uid))
    last = replace(make_facts("pod-0"), started_at=datetime(9999, 12, 31, 23, tzinfo=UTC))
    meter = make_meter(stores, busy(), VirtualClock(at(DAY)))
    first, *others = meter.settle(
        [Due("pod-0", last, at(HOUR)), *(Due(it, make_facts(it), at(HOUR)) for it in UIDS[1:])]
    )
    assert "OverflowError" in first.waits_for
    assert [len(answer.settlements) for answer in others] == [1, 1]


def test_a_piece_that_the_log_refuses_leaves_those_beside_it_booked(stores: SqlStores) -> None:
    """Its record is in the log already, with other content: of a ledger that was put back from before it."""
    fresh = hold(stores, make_reservation("pod-1"))
    settle_through(make_meter(stores, busy(), VirtualClock(at(DAY))), "pod-1", make_facts("pod-1"), through=at(HOUR))
    stores.transact(lambda tx: tx.put_reservation(fresh))
    for uid in ("pod-0", "pod-2"):
        hold(stores, make_reservation(uid))
    meter = make_meter(stores, busy(), VirtualClock(at(DAY + 1)), piece_s=HOUR)
    answers = meter.settle([Due(uid, make_facts(uid), at(2 * HOUR)) for uid in UIDS])
    assert [len(answer.settlements) for answer in answers] == [2, 0, 2]
    assert "other content" in answers[1].waits_for


@pytest.mark.parametrize("groups", [1, 2], ids=["in one group", "over two groups"])
def test_no_piece_is_booked_after_one_that_cannot_be(
    stores: SqlStores, groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second, a second long, would fit; booked alone it would hide the first for good."""
    monkeypatch.setattr("gatekeeper.booking.GROUP_PIECES", 2 // groups)
    hold(stores, make_reservation())
    nearly = Account("r", settled=Usage(0, 0, LARGEST_TFLOP - 8 * RATE * 10))
    full = replace(reservation_of(stores), id="full", run_id="r", pending_tflop=0)
    stores.transact(lambda tx: tx.put_account(nearly))
    stores.transact(lambda tx: tx.put_reservation(full))
    meter = make_meter(stores, busy(0), VirtualClock(at(DAY)), piece_s=HOUR)
    answer = settle_through(meter, "full", make_facts(), through=at(HOUR + 1))
    assert (answer.settlements, reservation_of(stores, "full").metered_until) == ((), None)
    assert "10^18" in answer.waits_for
