"""Every figure in the log is added up again, and what does not follow is named."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from gatekeeper.domain.record import JsonValue, RecordType, canonical_json
from gatekeeper.verify import Overrun, Report, RunTotals, verify_export
from tests.verify.books import KEY, LIMIT_TFLOP, Books, a_days_work, export_of

Change = Callable[[dict[str, Any]], None]


def verify(leaves: list[bytes]) -> Report:
    return verify_export(BytesIO(export_of(leaves)), KEY)


def changed(leaves: list[bytes], kind: RecordType, change: Change) -> list[bytes]:
    """The leaves with the facts of the first record of a kind changed, and signed so: the log itself lies."""
    index = next(at for at, leaf in enumerate(leaves) if json.loads(leaf)["type"] == kind)
    body = json.loads(leaves[index])
    change(body["facts"])
    return [*leaves[:index], canonical_json(body), *leaves[index + 1 :]]


def messages(leaves: list[bytes]) -> str:
    report = verify(leaves)
    assert not report.verified
    return "\n".join(each.message for each in report.problems)


def test_a_days_work_adds_up() -> None:
    report = verify(a_days_work().leaves)
    assert report.problems == ()
    assert report.runs["llm-1"] == RunTotals(
        run="llm-1",
        carried_in_tflop=4_000,
        low_tflop=655,
        best_tflop=982,
        settled_tflop=1_310,
        pending_tflop=100,
        limit_tflop=LIMIT_TFLOP,
        open_reservations=1,
    )
    assert report.runs["undeclared.acme"].used_tflop == 0


def test_the_totals_are_those_of_the_ledger() -> None:
    books = a_days_work()
    report = verify(books.leaves)
    for run, account in books.accounts.items():
        if run in report.runs:
            assert report.runs[run].used_tflop == account.used_tflop


def test_overruns_are_reported_apart_and_do_not_speak_against_the_log() -> None:
    report = verify(a_days_work().leaves)
    assert report.verified
    assert report.overruns == (Overrun("llm-1", "pod-c", 60),)


def test_usage_may_pass_the_limit_but_a_reservation_may_not() -> None:
    books = Books()
    books.approve("llm-1")
    books.hold("pod-a", "llm-1", seconds=LIMIT_TFLOP)
    books.settle("pod-a", seconds=LIMIT_TFLOP, high=LIMIT_TFLOP + 500, final=True)
    report = verify(books.leaves)
    assert report.verified
    assert report.runs["llm-1"].used_tflop == LIMIT_TFLOP + 500


def pending(**facts: JsonValue) -> dict[str, JsonValue]:
    """Facts of a reservation of 100 TFLOP for run r with a limit of 1,000."""
    return {
        "reservation": "p-1",
        "run": "r",
        "amount_tflop": "100",
        "rate_tflop_per_s": "1",
        "lease_s": 90,
        "held_s": 100,
        "limit_tflop": "1000",
        "after": {"carried_in_tflop": "0", "settled_tflop": "0", "pending_tflop": "100"},
        **facts,
    }


def settled(**facts: JsonValue) -> dict[str, JsonValue]:
    """Facts of the final settlement of that reservation, of 40 TFLOP."""
    return {
        "reservation": "p-1",
        "run": "r",
        "from": "2026-11-22T03:00:00+00:00",
        "through": "2026-11-22T03:01:00+00:00",
        "low_tflop": "20",
        "best_tflop": "30",
        "high_tflop": "40",
        "released_tflop": "100",
        "overrun_tflop": "0",
        "final": True,
        "after": {"carried_in_tflop": "0", "settled_tflop": "40", "pending_tflop": "0"},
        **facts,
    }


def after(settled_tflop: int, pending_tflop: int) -> dict[str, JsonValue]:
    return {"carried_in_tflop": "0", "settled_tflop": str(settled_tflop), "pending_tflop": str(pending_tflop)}


def told(*records: tuple[RecordType, dict[str, JsonValue]]) -> list[bytes]:
    books = Books()
    for kind, facts in records:
        books.add(kind, facts)
    return books.leaves


PENDING, SETTLED, VOIDED = (
    RecordType.RESERVATION_PENDING,
    RecordType.RESERVATION_SETTLED,
    RecordType.RESERVATION_VOIDED,
)
VOID: dict[str, JsonValue] = {"reservation": "p-1", "run": "r", "released_tflop": "100", "after": after(0, 0)}
PIECE = settled(final=False, released_tflop="60", after=after(40, 40))
NEXT: dict[str, JsonValue] = {
    "from": "2026-11-22T03:01:00+00:00",
    "through": "2026-11-22T03:02:00Z",
    "released_tflop": "40",
    "after": after(80, 0),
}


def test_the_plain_stories_of_these_tests_add_up() -> None:
    for story in (
        [(PENDING, pending()), (SETTLED, settled())],
        [(PENDING, pending()), (VOIDED, VOID)],
        [(PENDING, pending()), (SETTLED, PIECE), (SETTLED, settled(**NEXT))],
    ):
        assert verify(told(*story)).problems == ()


@pytest.mark.parametrize(
    ("story", "said"),
    [
        pytest.param([(SETTLED, settled())], "was never pending", id="settled from nothing"),
        pytest.param([(VOIDED, VOID)], "was never pending", id="voided from nothing"),
        pytest.param([(PENDING, pending()), (PENDING, pending())], "pending a second time", id="held twice"),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled()), (SETTLED, settled())], "has ended already", id="ended twice"
        ),
        pytest.param([(PENDING, pending()), (VOIDED, VOID), (VOIDED, VOID)], "has ended already", id="voided twice"),
        pytest.param(
            [(PENDING, pending()), (VOIDED, VOID), (PENDING, pending())], "pending a second time", id="held again"
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, PIECE), (VOIDED, {**VOID, "released_tflop": "40", "after": after(40, 0)})],
            "it did start",
            id="voided after it ran",
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, PIECE), (SETTLED, settled(**{**NEXT, "from": "2026-11-22T03:00:59Z"}))],
            "after up to",
            id="intervals overlap",
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, PIECE), (SETTLED, settled(**{**NEXT, "from": "2026-11-22T03:01:01Z"}))],
            "after up to",
            id="a second without settlement",
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(through="2026-11-22T02:00:00Z"))], "after up to", id="backwards"
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(through="2026-11-22T05:00:00+02:00"))], "in UTC", id="other zone"
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(released_tflop="101"))], "it holds 100", id="gives back too much"
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(released_tflop="99"))], "it holds 100", id="ends with a rest"
        ),
        pytest.param(
            [(PENDING, pending()), (VOIDED, {**VOID, "released_tflop": "99"})], "it holds 100", id="voided with a rest"
        ),
        pytest.param([(PENDING, pending()), (SETTLED, settled(run="s"))], "belongs to run r", id="another run"),
        pytest.param([(PENDING, pending()), (SETTLED, settled(best_tflop="41"))], "out of order", id="best above high"),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(high_tflop="150", after=after(150, 0)))],
            "overrun of 50 TFLOP",
            id="hidden overrun",
        ),
        pytest.param(
            [(PENDING, pending()), (SETTLED, settled(overrun_tflop="1"))], "overrun of 0 TFLOP", id="invented overrun"
        ),
        pytest.param([(PENDING, pending()), (SETTLED, settled(final=1))], "true or false", id="final is a number"),
        pytest.param([(PENDING, pending(limit_tflop="99"))], "past its limit of 99", id="past the limit"),
        pytest.param([(PENDING, pending(held_s=101))], "is 101", id="holds less than its worst case"),
        pytest.param([(PENDING, pending(lease_s=101))], "does not fit", id="lease longer than what is held"),
        pytest.param([(PENDING, pending(after=after(0, 99)))], "added up it is 100", id="wrong total"),
        pytest.param([(PENDING, pending(after=None))], "no totals", id="no total"),
        pytest.param([(PENDING, pending(amount_tflop="0100"))], "whole amount", id="leading zero"),
        pytest.param([(PENDING, pending(amount_tflop="-100"))], "whole amount", id="negative"),
        pytest.param([(PENDING, pending(amount_tflop="9" * 19))], "whole amount", id="beyond all amounts"),
        pytest.param([(PENDING, pending(run=""))], "must be a text", id="no run"),
        pytest.param(
            [(PENDING, pending(pool={"runs": ["s"], "used_tflop": "100"}))], "this one among", id="not in pool"
        ),
        pytest.param([(PENDING, pending(pool=["r"]))], "this one among", id="pool is a list"),
        pytest.param([(PENDING, pending(pool={"runs": ["r", "r"], "used_tflop": "100"}))], "once", id="twice in pool"),
        pytest.param([(PENDING, pending(pool={"runs": ["r"], "used_tflop": "99"}))], "it is 100", id="pool total"),
    ],
)
def test_what_does_not_follow_is_named(story: list[tuple[RecordType, dict[str, JsonValue]]], said: str) -> None:
    assert said in messages(told(*story))


def test_runs_that_share_a_limit_are_added_up_together() -> None:
    other = pending(reservation="p-2", run="s", limit_tflop="150", pool={"runs": ["r", "s"], "used_tflop": "200"})
    assert "past its limit of 150" in messages(told((PENDING, pending()), (PENDING, other)))


def test_what_a_run_carries_in_comes_from_its_approval_alone() -> None:
    assert "carried_in_tflop is 4000 after it; added up it is 0" in messages(
        told((RecordType.RUN_DECLARED, {"run": "r", "carried_in_tflop": "4000"}), (PENDING, carrying(4_000)))
    )
    approved: dict[str, JsonValue] = {"run": "r", "carried_in_tflop": "4000"}
    assert verify(told((RecordType.RUN_APPROVED, approved), (PENDING, carrying(4_000)))).verified
    declared = (RecordType.RUN_DECLARED, approved)
    assert verify(told(declared, (RecordType.RUN_APPROVED, {"run": "r"}), (PENDING, carrying(4_000)))).verified
    assert "added up it is 4000" in messages(told((RecordType.RUN_APPROVED, approved), (PENDING, carrying(0))))


def carrying(carried_in_tflop: int) -> dict[str, JsonValue]:
    total = {**after(0, 100), "carried_in_tflop": str(carried_in_tflop)}
    return pending(limit_tflop="10000", after=total)


@pytest.mark.parametrize("name", ["carried_in_tflop", "settled_tflop", "pending_tflop"])
@pytest.mark.parametrize("kind", [PENDING, SETTLED, VOIDED])
def test_a_signed_log_whose_totals_lie_is_not_verified(kind: RecordType, name: str) -> None:
    def lie(facts: dict[str, Any]) -> None:
        facts["after"][name] = str(int(facts["after"][name]) + 1)

    assert f"the record says {name} is" in messages(changed(a_days_work().leaves, kind, lie))


def test_a_removed_settlement_does_not_add_up_even_when_the_log_is_signed_again() -> None:
    leaves = a_days_work().leaves
    index = next(at for at, leaf in enumerate(leaves) if json.loads(leaf)["type"] == SETTLED)
    assert "added up" in messages(leaves[:index] + leaves[index + 1 :])
