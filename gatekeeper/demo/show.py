"""The demo on the terminal: plain tables, one act after the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gatekeeper.demo.story import Story, tell
from gatekeeper.statements.words import below, bounds

DAYS = 200


def run(out: Path, console: Console) -> bool:
    """Tell the story; True only if all of it went as told."""
    columns = (TextColumn("   training"), BarColumn(40), TextColumn("day {task.completed:.0f} of {task.total:.0f}"))
    begin: list[datetime] = []
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("train", total=DAYS, visible=False)

        def progress(moment: datetime) -> None:
            begin[:] = begin or [moment]
            bar.update(task, completed=(moment - begin[0]) / timedelta(days=1), visible=True)

        def act(number: int, story: Story) -> None:
            bar.update(task, visible=False)
            _ACTS[number](story, console)

        story = tell(out, progress=progress, act=act)
    for broken in story.broken:
        console.print(f"[bold red]Not as told:[/] {escape(broken)}")
    if not story.broken:
        console.print(
            "All of it went as told. Next: [bold].venv/bin/gatekeeper simulate --help[/], docs/architecture.md"
        )
    return not story.broken


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _customers(story: Story, console: Console) -> None:
    table = _table(
        "1. Three customers, each prepared by one person and approved by another", "customer", "tier", "because"
    )
    for customer, finding in story.enrolled:
        table.add_row(customer.id, finding.tier.value, escape(finding.deciding.text))
    console.print(table)


def _answers(story: Story, console: Console) -> None:
    title = "2. The webhook (HTTPS) answers AdmissionReviews recorded from a real API server"
    table = _table(title, "asked", "namespace", "answer", "told")
    for call in story.calls:
        answer = "[green]allowed[/]" if call.allowed else "[red]refused[/]"
        table.add_row(f"{call.kind} {call.name}", call.namespace, answer, escape(call.message))
    console.print(table)


def _training(story: Story, console: Console) -> None:
    table = _table("3. The Tier 2 lab trains on 16,384 H100 at 40 % tensor activity", "day", "verdict", "told")
    begin = story.told[0].at
    for told, before in zip(story.told, [None, *story.told], strict=False):
        if before and before.decision.verdict is told.decision.verdict:
            continue  # It tried once more a day later and read the same.
        table.add_row(str((told.at - begin).days), told.decision.verdict.value, escape(told.decision.sentence))
    console.print(table)
    if story.last is not None:
        settled = story.last.settled
        low, best, high = bounds(settled)
        console.print(
            f"   {story.leases} leases. Used by the last: low {low}, best {best}, high {high} FLOP; "
            f"{below(story.limit_tflop - settled.high_tflop)} FLOP below 1e26 FLOP.\n"
        )


def _picture(story: Story, console: Console) -> None:
    console.print(f"[bold]4. The picture:[/] settled and pending against the limit: {escape(str(story.picture))}\n")


def _log(story: Story, console: Console) -> None:
    table = _table("5. The log leaves the house", "file", "verified", "says")
    for name, report in (("log.jsonl", story.verified), ("log-one-byte-changed.jsonl", story.tampered)):
        if report is None:
            continue
        said = f"{story.records} records, every total recomputed" if report.verified else report.problems[0]
        table.add_row(name, "[green]yes[/]" if report.verified else "[red]no[/]", escape(str(said)))
    console.print(table)
    console.print("   Look for yourself:")
    for command in (
        f"run show {story.run_id} --config {story.config}",
        f"blocked --config {story.config}",
        f"log verify {story.export} --key {story.key}",
    ):
        console.print(f"   .venv/bin/gatekeeper {escape(command)}", soft_wrap=True)
    console.print()


_ACTS = {1: _customers, 2: _answers, 3: _training, 4: _picture, 5: _log}
