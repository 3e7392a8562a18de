"""A report in words and as JSON, for every command that verifies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from gatekeeper.verify.report import DayTotals, Report, RunTotals

PROBLEMS_SHOWN = 20


def as_json(report: Report) -> dict[str, object]:
    """The report for programs; amounts as decimal strings of TFLOP, as in the records."""
    return {
        "verified": report.verified,
        "origin": report.origin,
        "size": report.size,
        "root": report.root,
        "problems_found": report.problems_found,
        "problems": [{"line": each.line, "byte": each.byte, "message": each.message} for each in report.problems],
        "runs": [_run_json(each) for each in report.runs.values()],
        "days": [_day_json(*each) for each in sorted(report.days.items(), key=lambda each: each[0])],
        "overruns": [
            {"run": each.run, "reservation": each.reservation, "overrun_tflop": str(each.overrun_tflop)}
            for each in report.overruns
        ],
        "unresolved_packs": list(report.unresolved_packs),
        "unchecked": list(report.unchecked),
    }


def _run_json(run: RunTotals) -> dict[str, object]:
    return {
        "run": run.run,
        "carried_in_tflop": str(run.carried_in_tflop),
        "low_tflop": str(run.low_tflop),
        "best_tflop": str(run.best_tflop),
        "settled_tflop": str(run.settled_tflop),
        "pending_tflop": str(run.pending_tflop),
        "limit_tflop": str(run.limit_tflop),
        "open_reservations": run.open_reservations,
        "purpose": run.purpose,
    }


def _day_json(key: tuple[str, date, str], totals: DayTotals) -> dict[str, object]:
    run, day, device = key
    return {
        "run": run,
        "day": day.isoformat(),
        "device": device,
        "device_s": totals.device_s,
        "low_tflop": str(totals.low_tflop),
        "best_tflop": str(totals.best_tflop),
        "high_tflop": str(totals.high_tflop),
    }


def _limit(run: RunTotals) -> str:
    """A limit stands in the log from the first reservation on."""
    if run.purpose != "training":
        return f"which do not count: {run.purpose}"
    return f"limit {run.limit_tflop}" if run.limit_tflop else "nothing reserved yet"


def tell(report: Report) -> Iterator[str]:
    """The report for people, line by line."""
    if not report.verified:
        yield f"NOT VERIFIED: {report.source}, {report.problems_found} problem(s)"
        for problem in report.problems[:PROBLEMS_SHOWN]:
            yield f"  {problem}"
        if report.problems_found > PROBLEMS_SHOWN:
            yield f"  and {report.problems_found - PROBLEMS_SHOWN} more"
        return
    yield f"Verified: {report.source} holds the first {report.size} records of {report.origin}, root {report.root}"
    for run in report.runs.values():
        yield (
            f"  run {run.run}: carried in {run.carried_in_tflop} + settled {run.settled_tflop} + pending "
            f"{run.pending_tflop} = {run.used_tflop} TFLOP, {_limit(run)}"
        )
        if run.limit_tflop and run.used_tflop > run.limit_tflop:
            yield f"    past its limit by {run.used_tflop - run.limit_tflop} TFLOP"
    for overrun in report.overruns:
        yield (
            f"  overrun: reservation {overrun.reservation} of run {overrun.run} used {overrun.overrun_tflop} TFLOP "
            "more than was held for it"
        )
    for pack in report.unresolved_packs:
        yield f"  tiers by pack {pack}: not resolved again, as the log holds no table of it; ask for the pack"
    for unchecked in report.unchecked:
        yield f"  not checked, as the log is older than the rule: {unchecked}"
