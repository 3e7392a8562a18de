"""What every database must do with many rows at once: the same as with one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gatekeeper.domain.errors import Conflict, NotFound
from gatekeeper.domain.ledger import Account, Reservation, ReservationState
from gatekeeper.domain.record import encode
from gatekeeper.domain.usage import DailyUsage, Usage
from gatekeeper.ports import Stores
from tests.stores.values import ACCOUNT, ENDED, NOW, record, reservation

DAY = date(2026, 11, 22)
MANY = 2_500  # more keys than one statement names


def test_reservations_are_read_by_their_ids_and_those_that_are_not_there_are_left_out(stores: Stores) -> None:
    made = [reservation(number) for number in range(MANY)]
    stores.transact(lambda tx: tx.add_reservations([*made, ENDED]))
    wanted = {*(each.id for each in made[:-1]), ENDED.id, "uid-nobody"}
    found = stores.read(lambda reader: reader.reservations(wanted))
    assert found == {each.id: each for each in [*made[:-1], ENDED]}
    assert stores.read(lambda reader: reader.reservations([])) == {}


def test_a_reservation_that_is_stored_is_not_added_again(stores: Stores) -> None:
    stores.transact(lambda tx: tx.add_reservations([reservation()]))
    with pytest.raises(Conflict):
        stores.transact(lambda tx: tx.add_reservations([reservation(1), reservation()]))
    assert stores.read(lambda reader: reader.reservations(["uid-0", "uid-1"])).keys() == {"uid-0"}
    stores.transact(lambda tx: tx.add_reservations([]))


def test_accounts_are_stored_new_and_changed_and_read_by_run(stores: Stores) -> None:
    stores.transact(lambda tx: tx.put_account(ACCOUNT))
    changed, new = replace(ACCOUNT, pending_tflop=9), Account("run-2", settled=Usage(1, 2, 3))
    for _ in range(2):
        stores.transact(lambda tx: tx.put_accounts([new, changed]))
        assert stores.read(lambda reader: reader.accounts()) == [changed, new]
    stores.transact(lambda tx: tx.put_accounts([]))
    assert stores.read(lambda reader: reader.accounts(["run-2", "nobody"])) == [new]
    assert stores.read(lambda reader: reader.accounts([])) == []


def test_progress_changes_what_changes_and_nothing_else(stores: Stores) -> None:
    before = [reservation(number) for number in range(3)]
    stores.transact(lambda tx: tx.add_reservations(before))
    moved = replace(
        before[1],
        state=ReservationState.SETTLED,
        pending_tflop=0,
        settled=Usage(1, 2, 3),
        started_at=NOW,
        metered_until=NOW + timedelta(seconds=5),
    )
    # What it was opened for is not taken from here.
    stores.transact(lambda tx: tx.put_progress([replace(moved, run_id="other", rate_tflop_per_s=7)]))
    stores.transact(lambda tx: tx.put_progress([]))
    found = stores.read(lambda reader: reader.reservations([each.id for each in before]))
    assert found == {each.id: each for each in (before[0], moved, before[2])}


def test_progress_of_what_is_not_stored_is_refused_and_changes_nothing(stores: Stores) -> None:
    before = reservation()
    stores.transact(lambda tx: tx.add_reservations([before]))
    with pytest.raises(NotFound):
        stores.transact(lambda tx: tx.put_progress([replace(before, pending_tflop=1), reservation(1)]))
    assert stores.read(lambda reader: reader.reservation(before.id)) == before


def test_how_far_usage_is_booked_is_told_of_open_reservations_alone(stores: Stores) -> None:
    metered = replace(
        reservation(1), lease_s=0, held_s=0, pending_tflop=0, state=ReservationState.METERED, metered_until=NOW
    )
    stores.transact(lambda tx: tx.add_reservations([reservation(), metered, ENDED]))
    everything = {"uid-0": (ReservationState.PENDING, None), "uid-1": (ReservationState.METERED, NOW)}
    assert stores.read(lambda reader: reader.booked_until()) == everything
    assert stores.read(lambda reader: reader.booked_until(["uid-1", ENDED.id, "x"])) == {"uid-1": everything["uid-1"]}
    assert [each.id for each in stores.read(lambda reader: reader.metered_reservations())] == ["uid-1"]


def test_daily_usage_adds_up_within_a_call_and_over_calls(stores: Stores) -> None:
    one = DailyUsage("run-1", DAY, "H100-SXM5", 60, Usage(1, 2, 3))
    others = [replace(one, day=DAY + timedelta(days=1)), replace(one, device="unknown"), replace(one, run_id="run-2")]
    stores.transact(lambda tx: tx.add_daily_usage([one, one, *others]))
    stores.transact(lambda tx: tx.add_daily_usage([one]))
    stores.transact(lambda tx: tx.add_daily_usage([]))
    thrice = replace(one, device_s=180, usage=Usage(3, 6, 9))
    assert stores.read(lambda reader: reader.daily_usage()) == [thrice, others[1], others[0], others[2]]
    assert stores.read(lambda reader: reader.daily_usage("run-1", since=DAY, until=DAY + timedelta(days=1))) == [
        thrice,
        others[1],
    ]


def test_records_appended_together_are_those_appended_one_by_one(stores: Stores) -> None:
    stores.transact(lambda tx: tx.append(record(0)))
    numbers = [1, 0, 2, 1, 3]
    assert stores.transact(lambda tx: tx.append_all([record(number) for number in numbers])) == [1, 0, 2, 1, 3]
    assert stores.transact(lambda tx: tx.append_all([])) == []
    together = stores.read(lambda reader: (list(reader.leaves()), reader.log_root()))
    assert together[0] == [encode(record(number)) for number in range(4)]


@pytest.mark.parametrize("known", [True, False], ids=["in the log", "in the same call"])
def test_of_records_with_one_id_and_two_contents_none_is_appended(stores: Stores, known: bool) -> None:
    forged = record(0, facts={"number": "forged"})
    if known:
        stores.transact(lambda tx: tx.append(record(0)))
    batch = [record(1), forged] if known else [record(1), record(0), forged]
    with pytest.raises(Conflict, match="other content"):
        stores.transact(lambda tx: tx.append_all(batch))
    assert stores.read(lambda reader: reader.log_size()) == int(known)


def test_what_runs_in_a_namespace_is_found_by_its_names_alone(stores: Stores) -> None:
    def at(number: int, cluster: str, namespace: str, **changes: Any) -> Reservation:
        one = reservation(number)
        return replace(one, workload=replace(one.workload, cluster=cluster, namespace=namespace), **changes)

    other = [at(1, "west", "lab"), at(2, "east", "lab-2"), at(3, "lab", "east"), at(4, "east", "l%b")]
    stores.transact(lambda tx: tx.add_reservations([at(0, "east", "lab"), *other]))
    found = stores.read(lambda reader: reader.reservations_in("east", "lab"))
    assert [each.id for each in found] == [reservation(0).id]
    assert [each.id for each in stores.read(lambda reader: reader.reservations_in("east", "l%b"))] == ["uid-4"]
    assert stores.read(lambda reader: reader.reservations_in("east", "l_b")) == []
