"""A run on the terminal: its budget as a bar, its days as columns, and where it leads.

Every part reads without colour and without a terminal: the pieces of the bar differ by their filling, not by colour
alone, and the legend says each amount.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gatekeeper.cli.printing import plain
from gatekeeper.domain.plan import CAVEAT
from gatekeeper.domain.policy import Action, Mode
from gatekeeper.domain.run import Run, RunState
from gatekeeper.domain.units import SECONDS_PER_HOUR, format_change
from gatekeeper.domain.usage import total
from gatekeeper.statements import Statement, by_device, high_by_day
from gatekeeper.statements.figures import eu_of, percent_of
from gatekeeper.statements.words import below, bounds, last_days, leads, nearest, told_of_clock, upper

DAYS_SHOWN = 30
# Where nobody's window sets the width: what mails and logs show without a break.
WIDTH_WITHOUT_TERMINAL = 100
_WIDEST = 110
_LEVELS = "▁▂▃▄▅▆▇█"
_CARRIED, _SETTLED, _PENDING, _LEFT = ("▓", "cyan"), ("█", "blue"), ("▒", "yellow"), ("░", "bright_black")
_MADE = ("▞", "magenta")
_HEADING, _SOFT, _ALARM = "bold", "dim", "bold red"


def tell(statement: Statement) -> None:
    """Print a statement: with colour on a terminal, as plain text elsewhere."""
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else WIDTH_WITHOUT_TERMINAL, file=sys.stdout)
    width = min(console.width, _WIDEST)
    with console.capture() as capture:
        console.print(Group(*_parts(statement, width)), width=width)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def declaration(run: Run, cluster: str) -> Iterator[str]:
    """A declaration in words: what an approver approves."""
    approved = f", approved by {run.approved_by}" if run.approved_by else ""
    yield f"run {run.id} of customer {run.customer_id}: {run.state.value}"
    yield f"title: {run.title}"
    yield f"declared by {run.declared_by}{approved}"
    if run.purpose.counts and run.state is not RunState.WITHDRAWN:
        source = f" ({run.carried_in_source})" if run.carried_in_source else ""
        yield f"carried in: {nearest(run.carried_in_tflop)} FLOP{source}"
        if run.namespaces:
            names = ", ".join(run.namespaces)
            yield f"where: what starts in namespaces {names} of cluster {cluster}, once this is approved"
    elif run.purpose.counts:
        yield "its classification was withdrawn: all that it used counts as undeclared training"
    else:
        names = ", ".join(run.namespaces)
        yield f"purpose: {run.purpose.value}, so that it DOES NOT COUNT against any limit"
        yield f"where: all that starts in namespaces {names} of cluster {cluster}, once this is approved"
    if run.plan is not None:
        size = f"{run.parameters:,} parameters x {run.tokens:,} tokens x 6"
        yield f"plan: {size} = {nearest(run.plan.tflop)} FLOP"


def _parts(statement: Statement, width: int) -> Iterator[RenderableType]:
    yield from _who(statement)
    yield from _budget(statement, width)
    yield from _notices(statement)
    yield Text("\nCounted", style=_HEADING)
    yield _counted(statement)
    yield from _days(statement, width)
    yield from _devices(statement)
    yield from _plan(statement)
    yield from _corrections(statement)
    yield from _eu(statement)


def _who(statement: Statement) -> Iterator[Text]:
    run = statement.run
    if run is None:
        heading = Text.assemble((plain(statement.run_id), _HEADING), "  all training that was not declared")
        yield heading
        yield Text(f"customer {statement.customer_id}", style=_SOFT)
        return
    yield Text.assemble((plain(run.id), _HEADING), f"  {plain(run.title)}")
    by = f"declared by {run.declared_by}" + (f", approved by {run.approved_by}" if run.approved_by else "")
    yield Text(plain(f"customer {run.customer_id}, {run.state.value}, {run.purpose.value}; {by}"), style=_SOFT)
    if run.namespaces:
        yield Text(plain(f"namespaces {', '.join(run.namespaces)}"), style=_SOFT)
    if run.state is RunState.WITHDRAWN:
        yield Text("its classification was withdrawn: all that it used counts as undeclared training", style=_ALARM)
    if run.carried_in_source:
        yield Text(plain(f"carried in: {run.carried_in_source}"), style=_SOFT)


def _budget(statement: Statement, width: int) -> Iterator[RenderableType]:
    limit = statement.limit
    if limit is None:
        why = (
            f"no active policy pack limits customer {statement.customer_id}"
            if statement.purpose.counts
            else f"what is {statement.purpose.value} is counted, and counts against no limit"
        )
        yield Text(f"\nNo limit: {why}")
        return
    force = {Mode.ENFORCE: "", Mode.WARN: ", which only warns", Mode.OBSERVE: ", which only observes"}
    heading = f"\nLimit {below(limit.tflop)} FLOP by {limit.pack}{force.get(limit.mode, '')}"
    yield Text(plain(heading), style=_HEADING)
    if limit.action in (Action.DENY, Action.HOLD):
        verdict = "refuse" if limit.action is Action.DENY else "hold"
        words = "" if limit.mode is Mode.ENFORCE else ", if it were enforced,"
        yield Text(plain(f"{limit.pack} would{words} {verdict} whatever starts here, budget or not"), style=_ALARM)
    others = [each.run_id for each in statement.others if each.used_tflop]
    if others:
        yield Text(plain(f"shared with {', '.join(others)}; the bar shows all of them together"), style=_SOFT)
    if statement.beside:
        yield Text(statement.beside_text, style=_SOFT)
    pieces = [
        (*_CARRIED, "carried in", statement.carried_in_tflop, nearest),
        (*_SETTLED, "settled", statement.settled_tflop, upper),
        (*_PENDING, "pending", statement.pending_tflop, upper),
        *([(*_MADE, "models that made its data", statement.extra_tflop, upper)] if statement.extra_tflop else []),
        (*_LEFT, "left", statement.left_tflop or 0, below),
    ]
    share = f" {percent_of(statement)} %"
    yield Text.assemble(_bar([(each[0], each[1], each[3]) for each in pieces], width - len(share)), share)
    legend = [
        part
        for sign, style, name, amount, shown in pieces
        for part in ((f"{sign} ", style), f"{name} {shown(amount)}   ")
    ]
    yield Text.assemble(*legend)
    alarming = statement.is_past_limit or statement.left_tflop == 0
    yield Text(f"It {leads(statement)}.", style=_ALARM if alarming else "")
    if statement.clock_is_behind:
        yield Text(f"All days are told {told_of_clock(statement)}.", style=_SOFT)


def _notices(statement: Statement) -> Iterator[Text]:
    """What advisory packs want the provider to know; the customer reads nothing of it while they only observe."""
    for each in statement.notices:
        where = "is past" if each.due else "comes near"
        amounts = f"{upper(each.used_tflop)} of {nearest(each.threshold_tflop)} FLOP"
        yield Text(plain(f"Notice by {each.pack}: it {where} the threshold ({amounts}); {each.text}"), style=_ALARM)


def _bar(pieces: Sequence[tuple[str, str, int]], width: int) -> Text:
    """One line of filled pieces; each that is not 0 gets at least one column."""
    total = max(sum(amount for _, _, amount in pieces), 1)
    cells = [max(amount * width // total, 1 if amount else 0) for _, _, amount in pieces]
    largest = cells.index(max(cells))
    cells[largest] += width - sum(cells)
    return Text.assemble(
        *((sign * count, style) for (sign, style, _), count in zip(pieces, cells, strict=True) if count > 0)
    )


def _counted(statement: Statement) -> Table:
    account = statement.account
    table = _table("", "low", "best", "high")
    settled = account.settled
    if any(each.used_tflop for each in statement.others):
        table.add_row("this run", *bounds(settled))
        table.add_row("with the others", *bounds(total(each.settled for each in statement.shared)))
    else:
        table.add_row("settled", *bounds(settled))
    return table


def _days(statement: Statement, width: int) -> Iterator[RenderableType]:
    today = statement.as_of.date()
    begin = today - timedelta(days=DAYS_SHOWN - 1)
    daily = high_by_day(statement.own_days)
    shown = [daily.get(begin + timedelta(days=each), 0) for each in range(DAYS_SHOWN)]
    highest = max(shown)
    if not highest:
        yield Text(f"\nNothing was settled in {last_days(statement, DAYS_SHOWN)}.", style=_SOFT)
        return
    yield Text.assemble(
        (f"\nLast {DAYS_SHOWN} days", _HEADING), (f"  high by day (UTC), {upper(highest)} at most", _SOFT)
    )
    each_day = 3 if width >= 3 * DAYS_SHOWN else 2
    for line in _columns(shown, highest, each_day):
        yield Text(line, style=_SETTLED[1])
    yield Text(_axis(begin, today, each_day * DAYS_SHOWN), style=_SOFT)


def _columns(shown: Sequence[int], highest: int, each_day: int, lines: int = 4) -> Iterator[str]:
    """Columns of `lines` lines of eight levels; a day on which anything was used shows at least the lowest one."""
    steps = len(_LEVELS)
    heights = [max(amount * lines * steps // highest, 1 if amount else 0) for amount in shown]
    for line in reversed(range(lines)):
        filled = (min(max(height - line * steps, 0), steps) for height in heights)
        yield "".join((f"{_LEVELS[each - 1] if each else ' '}" * (each_day - 1)) + " " for each in filled).rstrip()


def _axis(begin: date, end: date, width: int) -> str:
    return f"{begin}{'':{max(1, width - 21)}}{end}"


def _devices(statement: Statement) -> Iterator[RenderableType]:
    found = by_device(statement.own_days)
    if not found:
        return
    yield Text("\nBy kind of device", style=_HEADING)
    table = _table("", "device hours", "low", "best", "high", "of high")
    whole = max(sum(usage.high_tflop for _, usage in found.values()), 1)
    for device, (device_s, usage) in found.items():
        hours = f"{device_s // SECONDS_PER_HOUR:,}"
        table.add_row(Text(plain(device)), hours, *bounds(usage), f"{usage.high_tflop * 100 // whole} %")
    yield table


def _plan(statement: Statement) -> Iterator[Text]:
    check = statement.plan_check
    if check is None:
        return
    size = f"{_count(check.plan.parameters)} parameters x {_count(check.plan.tokens)} tokens x 6"
    words = f"  {size} = {nearest(check.plan.tflop)} FLOP; best estimate {check.percent} % of it"
    yield Text.assemble(("\nPlan", _HEADING), words)
    if check.alarm:
        yield Text("It trained more than was declared, by more than the method can err: ask what.", style=_ALARM)
    yield Text(f"{CAVEAT}; it changes no count", style=_SOFT)


def _corrections(statement: Statement) -> Iterator[RenderableType]:
    if not statement.own_corrections:
        return
    yield Text("\nCorrections", style=_HEADING)
    table = _table("", "low", "best", "high", "state", "by", "reason")
    for each in statement.own_corrections:
        by = each.proposed_by + (f", {each.approved_by}" if each.approved_by else "")
        amounts = (format_change(amount).removesuffix(" FLOP") for amount in each.amounts)
        state = "in effect" if each.in_effect else "waits"
        table.add_row(each.id, *amounts, state, *(Text(plain(words)) for words in (by, each.reason)))
    yield table


def _eu(statement: Statement) -> Iterator[Text]:
    figures = eu_of(statement)
    if figures is not None:
        yield Text.assemble(
            ("\nEU training compute", _HEADING),
            f"  {figures['training_compute']}, between {figures['lower_bound']} and {figures['upper_bound']}",
            ("  (two figures; method: run report)", _SOFT),
        )


def _table(*names: str) -> Table:
    """A table without lines; words stand left and amounts right."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_edge=False, header_style=_SOFT)
    for name in names:
        words = name in ("", "state", "by", "reason")
        table.add_column(name, justify="left" if words else "right", overflow="fold")
    return table


def _count(number: int) -> str:
    """A whole number as 4.05e11, cut; exact below a thousand."""
    text = str(number)
    return text if len(text) < 4 else f"{text[0]}.{text[1:3]}e{len(text) - 1}"
