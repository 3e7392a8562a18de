"""A statement for programs: everything that people are shown, amounts as decimal strings of TFLOP."""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.domain.correction import Correction
from gatekeeper.domain.ledger import Account
from gatekeeper.domain.plan import CAVEAT
from gatekeeper.domain.units import Rounding, format_flop, format_two_figures
from gatekeeper.domain.usage import DailyUsage, Usage
from gatekeeper.statements import Statement, by_device
from gatekeeper.statements.method import EU_METHOD

Figures = dict[str, object]


def figures_of(statement: Statement) -> Figures:
    """All of it."""
    return {
        **summary_of(statement),
        "as_of": statement.as_of,
        "clock_is_behind": statement.clock_is_behind,
        "shared_with": [
            {"run": each.run_id, **amounts_of(each), "beside": each.run_id in statement.beside}
            for each in statement.others
        ],
        "by_day": [_day(each) for each in statement.own_days],
        "by_device": devices_of(statement.own_days),
        "not_by_day": dict(zip(_NAMES, map(str, statement.undated), strict=True)),
        "corrections": [_correction(each) for each in statement.own_corrections],
        "notices": [
            {
                "pack": each.pack,
                "due": each.due,
                "used_tflop": str(each.used_tflop),
                "threshold_tflop": str(each.threshold_tflop),
                "text": each.text,
            }
            for each in statement.notices
        ],
        "plan": _plan(statement),
        "eu": eu_of(statement),
    }


def summary_of(statement: Statement) -> Figures:
    """What a list shows of it: declaration, totals, limit and where it leads."""
    run, limit, projection = statement.run, statement.limit, statement.projection
    declared: Figures = {}
    if run is not None:
        declared = {
            "title": run.title,
            "declared_by": run.declared_by,
            "approved_by": run.approved_by,
            "carried_in_source": run.carried_in_source,
            "parameters": str(run.parameters),
            "tokens": str(run.tokens),
            "namespaces": list(run.namespaces),
        }
    amounts = amounts_of(statement.account)
    if run is not None:
        amounts["carried_in_tflop"] = str(run.carried_in_tflop)  # counts as used once it is approved
    return {
        "run": statement.run_id,
        "customer": statement.customer_id,
        "state": statement.state,
        "purpose": statement.purpose.value,
        **declared,
        **amounts,
        "limit_tflop": str(limit.tflop) if limit else None,
        "limit_pack": limit.pack if limit else None,
        "limit_mode": limit.mode.value if limit else None,
        "limit_action": limit.action.value if limit else None,
        "synthetic_data_tflop": str(statement.extra_tflop) if limit else None,
        "used_of_limit_tflop": str(statement.used_tflop) if limit else None,
        "left_tflop": str(statement.left_tflop) if limit else None,
        "used_percent": percent_of(statement),
        "rate_tflop_per_day": str(projection.rate_tflop_per_day) if projection else None,
        "crossing": projection.crossing if projection else None,
        "past_limit": statement.is_past_limit if limit else None,
    }


def amounts_of(account: Account) -> Figures:
    """Totals of an account."""
    return {
        "carried_in_tflop": str(account.carried_in_tflop),
        "settled_low_tflop": str(account.settled.low_tflop),
        "settled_best_tflop": str(account.settled.best_tflop),
        "settled_high_tflop": str(account.settled.high_tflop),
        "pending_tflop": str(account.pending_tflop),
        "used_tflop": str(account.used_tflop),
    }


def percent_of(statement: Statement) -> str | None:
    """Share of the limit in percent with one decimal, cut: it never reads 100 where something is left."""
    share = statement.used_per_mille
    return None if share is None else f"{share // 10}.{share % 10}"


def eu_of(statement: Statement) -> Figures | None:
    """Cumulative training compute as the EU wants it; None for what is no training."""
    if not statement.purpose.counts:
        return None
    account = statement.account
    low, best, high = (
        account.carried_in_tflop + each
        for each in (account.settled.low_tflop, account.settled.best_tflop, account.settled.high_tflop)
    )
    return {
        "training_compute": format_two_figures(best),
        "lower_bound": format_flop(low, digits=2),
        "upper_bound": format_flop(high, digits=2, rounding=Rounding.UP),
        "method": EU_METHOD,
    }


def devices_of(days: Iterable[DailyUsage]) -> list[Figures]:
    """Seconds and usage of each kind of device."""
    return [
        {"device": device, "device_s": device_s, **_usage(usage)}
        for device, (device_s, usage) in by_device(days).items()
    ]


_NAMES = ("low_tflop", "best_tflop", "high_tflop")


def _usage(usage: Usage) -> Figures:
    return dict(zip(_NAMES, map(str, (usage.low_tflop, usage.best_tflop, usage.high_tflop)), strict=True))


def _day(entry: DailyUsage) -> Figures:
    return {"day": entry.day, "device": entry.device, "device_s": entry.device_s, **_usage(entry.usage)}


def _correction(correction: Correction) -> Figures:
    return {
        "correction": correction.id,
        "state": "in effect" if correction.in_effect else "waits",
        **dict(zip(_NAMES, map(str, correction.amounts), strict=True)),
        "reason": correction.reason,
        "proposed_by": correction.proposed_by,
        "proposed_at": correction.proposed_at,
        "approved_by": correction.approved_by,
    }


def _plan(statement: Statement) -> Figures | None:
    check = statement.plan_check
    if check is None:
        return None
    return {
        "parameters": str(check.plan.parameters),
        "tokens": str(check.plan.tokens),
        "plan_tflop": str(check.plan.tflop),
        "best_percent_of_plan": check.percent,
        "alarm": check.alarm,
        "note": CAVEAT,
    }
