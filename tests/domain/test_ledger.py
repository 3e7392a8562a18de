"""The ledger as arithmetic: any order of reserving, settling and voiding keeps the books."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.domain.errors import Conflict, InvalidInput
from gatekeeper.domain.ledger import Account, BudgetExceeded, Pool, Reservation, ReservationState, reserve, settle, void
from gatekeeper.domain.units import LARGEST_TFLOP
from gatekeeper.domain.usage import Usage, total
from gatekeeper.domain.workload import WorkloadRef

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RATE = 7
HELD_S = 100
AMOUNT = RATE * HELD_S

seconds = st.integers(0, 2 * HELD_S)
usages = st.tuples(*[st.integers(0, 10**15)] * 3).map(lambda amounts: Usage(*sorted(amounts)))


def make(number: int = 0, *, rate: int = RATE, held_s: int = HELD_S, run: str = "run") -> Reservation:
    return Reservation.open(
        id=f"pod-{number}",
        run_id=run,
        customer_id="lab",
        workload=WorkloadRef("east", "lab", "Pod", f"pod-{number}", f"pod-{number}"),
        devices={"nvidia.com/gpu": 1},
        rate_tflop_per_s=rate,
        lease_s=held_s,
        held_s=held_s,
        opened_at=NOW,
    )


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def opened(number: int = 0) -> tuple[Account, Reservation]:
    """A reservation and the account that holds it and nothing else."""
    reservation = make(number)
    return reserve(Pool(AMOUNT, (Account("run"),)), reservation), reservation


def settled_at(
    account: Account, reservation: Reservation, moments: list[int], usage: list[Usage]
) -> tuple[Account, Reservation, int]:
    """Settle piece by piece up to each moment, the last piece being final; also what was released in all."""
    released, begins = 0, 0
    for number, (moment, piece) in enumerate(zip(moments, usage, strict=True)):
        account, reservation, settlement = settle(
            account,
            reservation,
            begins_at=at(begins),
            through=at(moment),
            usage=piece,
            final=number == len(moments) - 1,
        )
        assert settlement.released_tflop >= 0
        assert settlement.overrun_tflop == max(0, piece.high_tflop - settlement.released_tflop)
        released, begins = released + settlement.released_tflop, moment
    return account, reservation, released


pieces = st.lists(st.tuples(seconds, usages), min_size=1, max_size=8)


@given(pieces)
def test_settling_in_pieces_gives_the_totals_of_settling_at_once(parts: list[tuple[int, Usage]]) -> None:
    moments, usage = sorted(moment for moment, _ in parts), [piece for _, piece in parts]
    by_pieces = settled_at(*opened(), moments, usage)
    at_once = settled_at(*opened(), moments[-1:], [total(usage)])
    assert by_pieces == at_once
    account, reservation, released = by_pieces
    assert (account.pending_tflop, reservation.pending_tflop, released) == (0, 0, AMOUNT)
    assert account.settled == reservation.settled == total(usage)


@given(pieces)
def test_what_is_released_and_still_held_is_always_the_amount(parts: list[tuple[int, Usage]]) -> None:
    account, reservation = opened()
    released, begins = 0, 0
    for moment, usage in sorted(parts, key=lambda part: part[0]):
        account, reservation, piece = settle(
            account, reservation, begins_at=at(begins), through=at(moment), usage=usage, final=False
        )
        released, begins = released + piece.released_tflop, moment
        assert released + reservation.pending_tflop == AMOUNT
        assert account.pending_tflop == reservation.pending_tflop == RATE * max(0, HELD_S - moment)
        assert reservation.state is ReservationState.PENDING


@given(st.integers(0, 10**7))
def test_a_part_of_a_second_is_held_for_in_full(microseconds: int) -> None:
    account, reservation = opened()
    through = NOW + timedelta(microseconds=microseconds)
    _, left, _ = settle(account, reservation, begins_at=NOW, through=through, usage=Usage(), final=False)
    assert left.pending_tflop * 10**6 >= RATE * (HELD_S * 10**6 - microseconds)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 50), st.integers(1, 50)),
        st.tuples(st.just("void"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("settle"), st.integers(0, 9), st.integers(1, 30)),
        st.tuples(st.just("end"), st.integers(0, 9), st.integers(0, 30)),
    ),
    max_size=40,
)


@given(st.integers(0, 5_000), st.integers(0, 5_000), steps)
def test_no_order_of_steps_uses_more_than_the_limit(
    limit: int, carried_in: int, todo: list[tuple[str, int, int]]
) -> None:
    """As long as no piece uses more than its devices can, which is what the worst case means."""
    assume(carried_in <= limit)
    accounts = {"run": Account("run", carried_in_tflop=carried_in), "other": Account("other")}
    held: list[Reservation] = []
    for number, (step, one, two) in enumerate(todo):
        pool = Pool(limit, tuple(accounts.values()))
        if step == "reserve":
            wanted = make(number, rate=one, held_s=two, run=("run", "other")[number % 2])
            if wanted.amount_tflop > pool.budget_tflop:
                with pytest.raises(BudgetExceeded):
                    reserve(pool, wanted)
                continue
            accounts[wanted.run_id] = reserve(pool, wanted)
            held.append(wanted)
        elif held:
            _step(accounts, held, step, one % len(held), two)
        used = sum(account.carried_in_tflop + account.settled.high_tflop for account in accounts.values())
        pending = sum(account.pending_tflop for account in accounts.values())
        assert pending == sum(reservation.pending_tflop for reservation in held)
        assert used + pending <= limit


def _step(accounts: dict[str, Account], held: list[Reservation], step: str, index: int, span_s: int) -> None:
    reservation = held[index]
    account = accounts[reservation.run_id]
    if step == "void":
        if reservation.started_at is None:
            accounts[reservation.run_id], ended = void(account, held.pop(index))
            assert (ended.state, ended.pending_tflop) == (ReservationState.VOIDED, 0)
        return
    begins = reservation.metered_until or NOW
    ran_s = int((begins - NOW).total_seconds())
    span_s = min(span_s, reservation.held_s - ran_s)
    worst = reservation.rate_tflop_per_s * span_s
    accounts[reservation.run_id], held[index], piece = settle(
        account,
        reservation,
        begins_at=begins,
        through=begins + timedelta(seconds=span_s),
        usage=Usage(0, worst // 2, worst),
        final=step == "end",
    )
    assert piece.overrun_tflop == 0
    if step == "end":
        assert held.pop(index).state is ReservationState.SETTLED


def test_usage_above_what_was_held_is_booked_in_full_and_reported() -> None:
    account, reservation = opened()
    usage = Usage(0, 0, AMOUNT + 5)
    account, reservation, piece = settle(
        account, reservation, begins_at=NOW, through=at(HELD_S), usage=usage, final=True
    )
    assert (piece.released_tflop, piece.overrun_tflop) == (AMOUNT, 5)
    pool = Pool(AMOUNT, (account,))
    assert (account.settled.high_tflop, pool.used_tflop, pool.budget_tflop) == (AMOUNT + 5, AMOUNT + 5, 0)


def test_what_runs_past_all_that_was_held_is_still_booked() -> None:
    account, reservation = opened()
    moments = (HELD_S + 10, HELD_S + 20)
    for begins, through in zip((0, *moments), moments, strict=False):
        account, reservation, piece = settle(
            account, reservation, begins_at=at(begins), through=at(through), usage=Usage(0, 0, 900), final=False
        )
    assert (piece.released_tflop, piece.overrun_tflop) == (0, 900)
    assert (account.settled.high_tflop, account.pending_tflop) == (1_800, 0)


def test_the_last_operation_of_a_budget_can_be_held_and_not_one_more() -> None:
    account = reserve(Pool(AMOUNT, (Account("run"),)), make())
    assert account.pending_tflop == AMOUNT
    with pytest.raises(BudgetExceeded, match="are left"):
        reserve(Pool(AMOUNT - 1, (Account("run"),)), make())
    with pytest.raises(BudgetExceeded):
        reserve(Pool(AMOUNT, (account,)), make(1))


def test_a_pool_counts_what_its_other_accounts_use() -> None:
    others = Account("other", carried_in_tflop=1, settled=Usage(0, 0, 2), pending_tflop=3)
    with pytest.raises(BudgetExceeded):
        reserve(Pool(AMOUNT + 5, (Account("run"), others)), make())
    assert reserve(Pool(AMOUNT + 6, (Account("run"), others)), make()).pending_tflop == AMOUNT


def test_only_a_fresh_reservation_of_a_run_in_the_pool_can_be_held() -> None:
    with pytest.raises(Conflict, match="no account"):
        reserve(Pool(AMOUNT, (Account("other"),)), make())
    for used in (replace(make(), pending_tflop=1), replace(make(), state=ReservationState.VOIDED, pending_tflop=0)):
        with pytest.raises(Conflict, match="not a fresh one"):
            reserve(Pool(AMOUNT, (Account("run"),)), used)


def test_only_what_never_started_can_be_voided() -> None:
    account, reservation = opened()
    given_back, ended = void(account, reservation)
    assert (given_back, ended.state) == (Account("run"), ReservationState.VOIDED)
    account, started, _ = settle(account, reservation, begins_at=NOW, through=NOW, usage=Usage(), final=False)
    with pytest.raises(Conflict, match="has started"):
        void(account, started)


def test_an_ended_reservation_stays_ended() -> None:
    account, reservation = opened()
    booked, settled, _ = settle(account, reservation, begins_at=NOW, through=at(1), usage=Usage(), final=True)
    for ended in (settled, void(account, reservation)[1]):
        with pytest.raises(Conflict, match="already"):
            settle(booked, ended, begins_at=at(1), through=at(2), usage=Usage(), final=False)
        with pytest.raises(Conflict, match="already"):
            void(booked, ended)


@pytest.mark.parametrize(("begins", "through"), [(4, 9), (6, 9), (5, 4)])
def test_pieces_follow_on_each_other_without_gap_or_overlap(begins: int, through: int) -> None:
    account, reservation = opened()
    account, reservation, _ = settle(account, reservation, begins_at=NOW, through=at(5), usage=Usage(), final=False)
    with pytest.raises(Conflict, match="settled up to"):
        settle(account, reservation, begins_at=at(begins), through=at(through), usage=Usage(), final=False)


def test_a_reservation_is_booked_on_its_own_run_only() -> None:
    _, reservation = opened()
    other = Account("other", pending_tflop=AMOUNT)
    with pytest.raises(Conflict, match="belongs to run run"):
        settle(other, reservation, begins_at=NOW, through=at(1), usage=Usage(), final=False)
    with pytest.raises(Conflict, match="belongs to run run"):
        void(other, reservation)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"id": ""},
        {"rate_tflop_per_s": 0},
        {"rate_tflop_per_s": -1},
        {"lease_s": 0},
        {"held_s": HELD_S - 1},
        {"rate_tflop_per_s": LARGEST_TFLOP},
        {"opened_at": datetime(2026, 11, 22)},  # noqa: DTZ001 - a naive time is what is tried
    ],
)
def test_a_reservation_that_makes_no_sense_cannot_be_built(nonsense: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        replace(make(), **nonsense)  # type: ignore[arg-type]
