"""What waits can be dropped, and what stays held after its pod vanished can be ended: at its worst case, by two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.domain.errors import InvalidInput, NotFound, NotPermitted
from gatekeeper.domain.ledger import Reservation, ReservationState
from gatekeeper.domain.record import RecordType
from tests.databases import new_stores
from tests.registry.serving import use
from tests.registry.test_one_budget import verified
from tests.test_gate import House, make_gang


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with new_stores(tmp_path / "house.db") as stores:
        found = House(stores)
        found.record_packs()
        found.enrol("lab", "PL")
        yield found


def vanished(house: House) -> Reservation:
    """A reservation whose time is over."""
    held = house.gate.release(make_gang("lab", "gone")).reservations[0]
    house.clock.move_to(house.clock.now() + timedelta(seconds=held.held_s))
    return held


def test_two_people_end_it_at_its_worst_case(house: House) -> None:
    held = vanished(house)
    used = house.stores.read(lambda reader: reader.account(held.run_id)).used_tflop
    house.registry.propose_end("gone", by="ana", reason="the node was removed")
    with pytest.raises(NotPermitted, match="proposed to end"):
        house.registry.approve_end("gone", by="Ana")
    ended = house.registry.approve_end("gone", by="ben")
    account = house.stores.read(lambda reader: reader.account(held.run_id))
    assert (ended.state, ended.pending_tflop) == (ReservationState.SETTLED, 0)
    assert (account.used_tflop, account.pending_tflop) == (used, 0)
    assert account.settled.high_tflop == held.amount_tflop
    settled = house.records(RecordType.RESERVATION_SETTLED)[-1]
    assert (settled["proposed_by"], settled["approved_by"]) == ("ana", "ben")
    assert "its end was not seen" in str(settled["note"])
    assert verified(house).problems == ()
    with pytest.raises(NotFound, match="waits"):
        house.registry.approve_end("gone", by="ben")
    with pytest.raises(NotPermitted, match="is settled"):
        house.registry.propose_end("gone", by="ana", reason="x")


def test_what_still_covers_its_pod_is_not_ended(house: House) -> None:
    house.gate.release(make_gang("lab", "runs"))
    with pytest.raises(NotPermitted, match="covers its pod until"):
        house.registry.propose_end("runs", by="ana", reason="x")
    with pytest.raises(NotFound):
        house.registry.propose_end("nobody-s", by="ana", reason="x")
    vanished(house)
    with pytest.raises(InvalidInput, match="reason"):
        house.registry.propose_end("gone", by="ana", reason=" ")


def test_a_correction_that_waits_is_dropped_by_one(house: House) -> None:
    use(house, "undeclared.lab", 10)
    waiting = house.registry.correct("undeclared.lab", by="ana", reason="twice", high_tflop=-5)
    house.registry.reject_correction(waiting.id, by="eve")
    with pytest.raises(NotFound):
        house.registry.approve_correction(waiting.id, by="ben")
    booked = house.registry.correct("undeclared.lab", by="ana", reason="late", high_tflop=5)
    with pytest.raises(NotPermitted, match="is in effect"):
        house.registry.reject_correction(booked.id, by="eve")
    assert house.records(RecordType.CORRECTION_REJECTED)[0]["correction"] == waiting.id
