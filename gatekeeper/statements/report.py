"""The account of a run as a regulator reads it, in Markdown, and as rows for a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from gatekeeper.domain.plan import CAVEAT
from gatekeeper.domain.units import SECONDS_PER_HOUR, format_change
from gatekeeper.domain.usage import DailyUsage, Usage
from gatekeeper.statements import Statement, by_device
from gatekeeper.statements.figures import Figures, eu_of, figures_of, percent_of
from gatekeeper.statements.method import EU_CAVEATS, METHOD
from gatekeeper.statements.words import below, bounds, leads, made_its_data, nearest, told_of_clock, upper

COLUMNS = ("part", "day", "device", "device_s", "low_tflop", "best_tflop", "high_tflop", "note")
# What Markdown or HTML would take as markup; texts of others stand in reports.
_MARKUP = re.compile(r"([\\`*_\[\]|<>~&])")


def report_figures(statement: Statement) -> Figures:
    """The report for programs."""
    return {**figures_of(statement), "method": list(METHOD), "eu_caveats": list(EU_CAVEATS)}


def report_rows(statement: Statement) -> Iterator[Figures]:
    """The report as rows: those of `total` are what the other parts without `device` and `waits` add up to."""
    account, settled = statement.account, statement.account.settled
    yield _row("total", (settled.low_tflop, settled.best_tflop, settled.high_tflop), note="settled")
    carried = (account.carried_in_tflop,) * 3
    yield _row("carried in", carried, note=statement.run.carried_in_source if statement.run else "")
    yield _row("pending", (0, 0, account.pending_tflop), note="held, not used")
    if statement.extra_tflop:
        yield _row("synthetic data", (statement.extra_tflop,) * 3, note="by the models that made its data")
    for device, (device_s, usage) in by_device(statement.own_days).items():
        yield {**_row("device", _amounts(usage)), "device": device, "device_s": device_s}
    for entry in statement.own_days:
        amounts = _amounts(entry.usage)
        yield {**_row("day", amounts), "day": entry.day.isoformat(), "device": entry.device, "device_s": entry.device_s}
    if any(statement.undated):
        yield _row("not by day", statement.undated, note="settled without a day")
    for each in statement.own_corrections:
        part = "correction" if each.in_effect else "correction waits"
        note = f"{each.id}: {each.reason}"
        yield {**_row(part, each.amounts, note=note), "day": each.proposed_at.date().isoformat()}


def report_markdown(statement: Statement) -> str:
    """The report for people."""
    parts = [
        f"# Operations counted for run {_plain(statement.run_id)}",
        (
            f"{_as_of(statement)}. Amounts are operations (FLOP) in three figures: low rounded down, high and held up, "
            "best to the nearest. Exact whole numbers of 10^12 operations are in the JSON and CSV forms of this report."
        ),
        "\n".join(_who(statement)),
        "## Totals",
        _table(("", "low", "best", "high"), _totals(statement)),
        *_limit(statement),
        *_eu(statement),
        "## By kind of device",
        _devices(statement.own_days),
        "## By day (UTC)",
        _days(statement.own_days),
        *_corrections(statement),
        *_plan(statement),
        "## How it is counted",
        "\n".join(f"- {each}" for each in METHOD),
    ]
    return "\n\n".join(parts) + "\n"


def _as_of(statement: Statement) -> str:
    ahead = told_of_clock(statement)
    return f"{ahead[0].upper()}{ahead[1:]}" if ahead else f"As of {statement.as_of:%Y-%m-%d %H:%M} UTC"


def _who(statement: Statement) -> Iterator[str]:
    run = statement.run
    yield f"- Customer: {_plain(statement.customer_id)}"
    if run is None:
        yield "- Undeclared training: all that was not declared, and shares one limit with the customer's group"
        return
    yield f"- Title: {_plain(run.title)}"
    by = f"declared by {_plain(run.declared_by)}" + (
        f", approved by {_plain(run.approved_by)}" if run.approved_by else ""
    )
    yield f"- State: {run.state.value}, {by}"
    named = f" in namespaces {_plain(', '.join(run.namespaces))}" if run.namespaces else ""
    yield f"- Purpose: {run.purpose.value}{named}{'' if run.purpose.counts else '; it counts against no limit'}"


def _totals(statement: Statement) -> Iterator[tuple[str, ...]]:
    account, run = statement.account, statement.run
    source = f" ({_plain(run.carried_in_source)})" if run and run.carried_in_source else ""
    carried = nearest(account.carried_in_tflop)
    yield (f"carried in{source}", carried, carried, carried)
    yield ("counted here", *bounds(account.settled))
    yield ("held for running work, not used", "", "", upper(account.pending_tflop))
    if statement.extra_tflop:
        made = upper(statement.extra_tflop)
        yield ("by the models that made its data", made, made, made)


def _limit(statement: Statement) -> Iterator[str]:
    limit = statement.limit
    if limit is None:
        return
    yield "## Limit"
    others = [each.run_id for each in statement.others if each.used_tflop]
    why = f" ({statement.beside_text})" if statement.beside else ""
    shared = f", shared with {_plain(', '.join(others))}{why}" if others else ""
    yield (
        f"{below(limit.tflop)} FLOP by policy pack {_plain(limit.pack)} (mode {limit.mode.value}){shared}: "
        f"{percent_of(statement)} % are used or held{made_its_data(statement)}. This run {leads(statement)}."
    )


def _eu(statement: Statement) -> Iterator[str]:
    figures = eu_of(statement)
    yield "## EU: cumulative training compute"
    if figures is None:
        yield "None: it is classified as no training."
        return
    yield f"**{figures['training_compute']}** (between {figures['lower_bound']} and {figures['upper_bound']})"
    if statement.run is None:
        yield "This is all undeclared training of the customer, which may be of several models."
    yield "\n".join(f"- {each}" for each in (str(figures["method"]), *EU_CAVEATS))


def _devices(days: Iterable[DailyUsage]) -> str:
    rows = [
        (_plain(device), f"{device_s // SECONDS_PER_HOUR:,}", *bounds(usage))
        for device, (device_s, usage) in by_device(days).items()
    ]
    return _table(("device", "device hours", "low", "best", "high"), rows)


def _days(days: Iterable[DailyUsage]) -> str:
    found: dict[date, tuple[int, Usage]] = {}
    for each in days:
        device_s, usage = found.get(each.day, (0, Usage()))
        found[each.day] = (device_s + each.device_s, usage + each.usage)
    rows = [
        (day.isoformat(), f"{device_s // SECONDS_PER_HOUR:,}", *bounds(usage))
        for day, (device_s, usage) in sorted(found.items())
    ]
    return _table(("day", "device hours", "low", "best", "high"), rows)


def _corrections(statement: Statement) -> Iterator[str]:
    if any(statement.undated):
        low, best, high = map(format_change, statement.undated)
        yield f"Settled without a day, and so not in the table above: low {low}, best {best}, high {high}."
    if not statement.own_corrections:
        return
    yield "## Corrections"
    rows = [
        (
            _plain(each.id),
            f"{each.proposed_at:%Y-%m-%d}",
            *(format_change(amount).removesuffix(" FLOP") for amount in each.amounts),
            _plain(each.proposed_by) + (f", {_plain(each.approved_by)}" if each.approved_by else ""),
            "in effect" if each.in_effect else "waits",
            _plain(each.reason),
        )
        for each in statement.own_corrections
    ]
    yield _table(("correction", "proposed", "low", "best", "high", "by", "state", "reason"), rows)


def _plan(statement: Statement) -> Iterator[str]:
    check = statement.plan_check
    if check is None:
        return
    yield "## Declared plan"
    alarm = " **This is more than the method can err: it trained more than was declared.**" if check.alarm else ""
    yield (
        f"{check.plan.parameters:,} parameters x {check.plan.tokens:,} tokens x 6 = {nearest(check.plan.tflop)} FLOP. "
        f"Best estimate: {check.percent} % of it.{alarm} {CAVEAT}. It changes no count."
    )


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names, found = tuple(header), tuple(rows)
    if not found:
        return "Nothing yet."
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    lines += [f"| {' | '.join(row)} |" for row in found]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """A text of others without markup, on one line; what could steer a terminal is shown by its code."""
    seen = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in " ".join(text.split()))
    return _MARKUP.sub(r"\\\1", seen)


def _amounts(usage: Usage) -> tuple[int, int, int]:
    return (usage.low_tflop, usage.best_tflop, usage.high_tflop)


def _row(part: str, amounts: tuple[int, int, int], *, note: str = "") -> Figures:
    low, best, high = amounts
    return {"part": part, "low_tflop": low, "best_tflop": best, "high_tflop": high, "note": note}
