"""Statements to look at: one of a run in the middle of its training, as full as its kind allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.policy import Action, Mode
from gatekeeper.domain.run import Run, RunState
from gatekeeper.domain.usage import DailyUsage, Usage, total
from gatekeeper.statements import Statement
from gatekeeper.view import Limit

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
LIMIT = Limit(10**14 - 1, 10**14, "us-ai-diffusion", Mode.ENFORCE, Action.BUDGET)
RUN = Run(
    "indic-llm-2",
    "bharat-models",
    "Indic LLM 2",
    "ana@provider.example",
    2_500_000_000_000,
    "model card of the base model, 2026-03-01",
    RunState.APPROVED,
    "ben@provider.example",
    parameters=405_000_000_000,
    tokens=15_600_000_000_000,
)
_H100_TFLOP_PER_DEVICE_DAY = 2_286 * 86_400


def days_of_training(run_id: str, days: int = 45, devices: int = 20_480) -> tuple[DailyUsage, ...]:
    """Weeks of work on H100, with a slow start, a break, and a few A100 beside them; today is half over."""
    found = []
    for number in range(days):
        day = TODAY - timedelta(days=days - 1 - number)
        share = 22 + (number * 7) % 11  # percent of the worst rate
        if 17 <= number < 21:
            share = 0
        if day == TODAY:
            share = share * 2 // 5
        part = devices * min(number + 3, 12) // 12
        found += _day(run_id, day, "H100-SXM", part, part * _H100_TFLOP_PER_DEVICE_DAY * share // 100)
        found += _day(run_id, day, "A100-SXM", part // 16, part * _H100_TFLOP_PER_DEVICE_DAY * share // 9_000)
    return tuple(sorted(found, key=lambda each: (each.day, each.device)))


def _day(run_id: str, day: date, device: str, devices: int, high_tflop: int) -> list[DailyUsage]:
    usage = Usage(high_tflop * 29 // 100, high_tflop * 39 // 100, high_tflop)
    return [DailyUsage(run_id, day, device, devices * 86_400, usage)] if high_tflop else []


def training(**changes: object) -> Statement:
    """A run in the middle of its training, with corrections in effect and waiting."""
    days = days_of_training(RUN.id)
    raised = Correction(
        "c1204",
        RUN.id,
        300_000_000_000,
        400_000_000_000,
        1_200_000_000_000,
        "node 7 was not metered on 2026-11-03",
        "ana@provider.example",
        datetime(2026, 11, 5, 8, tzinfo=UTC),
    )
    waiting = replace(
        raised,
        id="c1877",
        low_tflop=0,
        best_tflop=0,
        high_tflop=-90_000_000_000,
        reason="counted twice on 2026-11-09",
        proposed_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
    )
    settled = total(each.usage for each in days) + Usage(*raised.amounts)
    account = Account(RUN.id, RUN.carried_in_tflop, settled, 3_100_000_000_000)
    statement = Statement(NOW, RUN.id, RUN.customer_id, RUN, account, (account,), LIMIT, days, (raised, waiting))
    return replace(statement, **changes)  # type: ignore[arg-type]
