"""The ledger on a database, in any order of steps, with works that fail half way and a reopening now and then."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from gatekeeper.domain.ledger import BudgetExceeded, Pool, Reservation, ReservationState, reserve, settle, void
from gatekeeper.domain.record import RecordType
from gatekeeper.domain.usage import Usage
from gatekeeper.ports import Reader, Transaction
from gatekeeper.stores import open_stores
from tests.stores.values import RUN, record, reservation

CARRIED_IN_TFLOP = 300
LIMIT_TFLOP = 1_000


class Books(RuleBasedStateMachine):
    """One run of 1,000 TFLOP, 300 of them carried in; pods of one TFLOP a second."""

    empty: Path
    held: Bundle[str] = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "books.db"
        shutil.copy(self.empty, self.path)
        self.numbers = itertools.count()
        self.records = 0
        self.stores = open_stores(f"sqlite:///{self.path}")
        self.stores.transact(lambda tx: tx.put_account(replace(tx.account(RUN.id), carried_in_tflop=CARRIED_IN_TFLOP)))

    def teardown(self) -> None:
        """Let the file go."""
        self.stores.close()
        shutil.rmtree(self.folder)

    def change(self, work: Any, kind: RecordType) -> Any:
        """A work and its record in one transaction."""
        number = next(self.numbers)

        def both(tx: Transaction) -> Any:
            result = work(tx)
            assert tx.append(record(number, kind)) == self.records
            return result

        result = self.stores.transact(both)
        self.records += 1
        return result

    @rule(target=held, held_s=st.integers(1, 400))
    def reserve_one(self, held_s: int) -> str:
        """Hold an amount if it fits; a refusal is recorded too."""
        wanted = reservation(next(self.numbers), held_s=held_s)

        def work(tx: Transaction) -> bool:
            pool = Pool(LIMIT_TFLOP, (tx.account(RUN.id),))
            if wanted.amount_tflop > pool.budget_tflop:
                with pytest.raises(BudgetExceeded):
                    reserve(pool, wanted)
                return False
            tx.put_account(reserve(pool, wanted))
            tx.put_reservation(wanted)
            return True

        self.change(work, RecordType.RESERVATION_PENDING)
        return wanted.id

    @rule(name=consumes(held), span_s=st.integers(0, 400), percent=st.integers(0, 100))
    def end(self, name: str, span_s: int, percent: int) -> None:
        """The pod ended after some time, having used a share of what it could."""
        self.settle_piece(name, span_s, percent, final=True)

    @rule(name=held, span_s=st.integers(0, 100), percent=st.integers(0, 100))
    def meter(self, name: str, span_s: int, percent: int) -> None:
        """The pod goes on."""
        self.settle_piece(name, span_s, percent, final=False)

    @rule(name=held)
    def void_one(self, name: str) -> None:
        """The pod never started, if that is so."""

        def work(tx: Transaction) -> None:
            found = tx.reservation(name)
            if found is None or found.state is not ReservationState.PENDING or found.started_at is not None:
                return
            account, ended = void(tx.account(found.run_id), found)
            tx.put_account(account)
            tx.put_reservation(ended)

        self.change(work, RecordType.RESERVATION_VOIDED)

    @rule(held_s=st.integers(1, 400))
    def fail_half_way(self, held_s: int) -> None:
        """A work that breaks after it has changed everything."""
        lost = reservation(next(self.numbers), held_s=held_s)
        number = next(self.numbers)

        def work(tx: Transaction) -> None:
            tx.put_reservation(lost)
            tx.put_account(replace(tx.account(RUN.id), pending_tflop=LIMIT_TFLOP))
            tx.append(record(number))
            raise LookupError

        with pytest.raises(LookupError):
            self.stores.transact(work)

    @rule()
    def reopen(self) -> None:
        """The process ends and starts again."""
        self.stores.close()
        self.stores = open_stores(f"sqlite:///{self.path}")

    @invariant()
    def books_are_right(self) -> None:
        """carried in + settled + pending <= limit; totals are the sums of their parts; a record for each step."""

        def look(reader: Reader) -> None:
            account, pending = reader.account(RUN.id), reader.open_reservations()
            assert account.used_tflop <= LIMIT_TFLOP
            assert account.carried_in_tflop == CARRIED_IN_TFLOP
            assert account.pending_tflop == sum(each.pending_tflop for each in pending)
            assert reader.log_size() == self.records == len(list(reader.records()))

        self.stores.read(look)

    def settle_piece(self, name: str, span_s: int, percent: int, *, final: bool) -> None:
        """Book a piece on a reservation that is open, at most to the end of what is held for it."""

        def work(tx: Transaction) -> None:
            found = tx.reservation(name)
            if found is None or found.state is not ReservationState.PENDING:
                return
            begins_at, usage = self.piece(found, span_s, percent)
            through = begins_at + timedelta(seconds=usage[0])
            account, left, settlement = settle(
                tx.account(found.run_id), found, begins_at=begins_at, through=through, usage=usage[1], final=final
            )
            assert settlement.overrun_tflop == 0
            tx.put_account(account)
            tx.put_reservation(left)

        self.change(work, RecordType.RESERVATION_SETTLED)

    @staticmethod
    def piece(found: Reservation, span_s: int, percent: int) -> tuple[Any, tuple[int, Usage]]:
        """Where the next piece begins, its seconds and its usage: never more than the devices can."""
        begins_at = found.metered_until or found.opened_at
        ran_s = (begins_at - (found.started_at or begins_at)) // timedelta(seconds=1)
        seconds = min(span_s, found.held_s - ran_s)
        high = seconds * found.rate_tflop_per_s * percent // 100
        return begins_at, (seconds, Usage(0, high // 2, high))


def test_no_order_of_steps_breaks_the_books(sqlite_path: Path) -> None:
    Books.empty = sqlite_path
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=4, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


@pytest.mark.slow
def test_no_long_order_of_steps_breaks_the_books(sqlite_path: Path) -> None:
    Books.empty = sqlite_path
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
