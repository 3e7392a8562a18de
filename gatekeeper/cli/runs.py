"""`gatekeeper run`: declare, classify and approve runs, and see what they have used. Corrections: `corrections`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.declarations import WHAT_COUNTS
from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, say, say_csv, say_json, show
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.run import Purpose

if TYPE_CHECKING:
    from gatekeeper.statements import Statement
    from gatekeeper.wiring import Wiring

app = typer.Typer(help=f"Declare and approve runs, and see what they used. {WHAT_COUNTS}", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="Id of the run.", show_default=False)]


class ReportForm(StrEnum):
    """How a report is written."""

    MARKDOWN = "md"
    JSON = "json"
    CSV = "csv"


@app.command(epilog="Example: gatekeeper run approve indic-llm-2 --as ben@provider.example")
def approve(
    run: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve a declared run. Shows it first; who declared it cannot approve it."""
    from gatekeeper.cli.lineages import lineage_lines
    from gatekeeper.cli.run_picture import declaration
    from gatekeeper.statements.words import starts

    with opened(config, data) as wiring:
        cluster = wiring.settings.cluster
        seen, bindings = wiring.stores.read(lambda reader: (reader.run(run), reader.bindings()))
        by = caller_of(wiring, person, approves=True)
        if seen is not None:
            for line in (*declaration(seen, cluster), *lineage_lines(seen)):
                say(line)
            where = starts(_one(wiring, run))
            if where:
                say(f"run {run} {where}")
            for each in bindings:
                if each.cluster == cluster and each.namespace in seen.namespaces:
                    say(f"{each.namespace} now works for {each.run_id or 'undeclared training'} of {each.customer_id}")
            refuse_first(wiring, by, (seen.declared_by,), f"declared run {run}")
            if not yes:
                confirm(f"Approve this as {by.name}?")
        approved = wiring.registry.approve_run(run, by=by, seen=seen)
    if approved.purpose.counts and not approved.namespaces:
        say(f"run {run} approved; bind a namespace to it: gatekeeper namespace bind NAMESPACE CUSTOMER --run {run}")
    else:
        names = ", ".join(approved.namespaces)
        what = "booked on it" if approved.purpose.counts else approved.purpose.value
        say(f"run {run} approved; what starts in {names} from now on is {what}")


@app.command(epilog="Example: gatekeeper run reclassify chat-serving --to training --reason 'fine-tuning found there'")
def reclassify(
    run: RunId,
    *,
    to: Annotated[Purpose, typer.Option("--to", help="Only training can be said alone.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """End the classification of a run. All that was used under it counts at once, as undeclared training.

    One person does it, as it only makes things stricter. The way back is a new classification.
    """
    from gatekeeper.domain.errors import NotPermitted

    if not to.counts:
        raise NotPermitted(
            f"One person cannot make a run {to.value}.",
            hint=f"Declare a classification for a second person to approve: run declare NEW --purpose {to.value} ...",
        )
    with opened(config, data) as wiring:
        wiring.registry.reclassify_run(run, by=caller_of(wiring, person), reason=reason)
    say(f"run {run} counts as undeclared training from now on, with all that it has used")


@app.command("list", epilog="Example: gatekeeper run list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all declared runs, and the undeclared run of each customer that has used something."""
    from gatekeeper.statements.figures import summary_of

    with opened(config, data) as wiring:
        rows = [summary_of(each) if output is Output.JSON else _row(each) for each in _all(wiring)]
    columns = ["run", "customer", "state", "title", "used", "of_limit", "reaches_it"]
    show(rows, columns, output, nothing="No run was declared yet.")


@app.command("show", epilog="Example: gatekeeper run show indic-llm-2 --svg indic-llm-2.svg")
def show_(
    run: RunId,
    output: Printed = Output.TABLE,
    svg: Annotated[
        Path | None,
        typer.Option("--svg", help="Write the picture to this file as well.", metavar="FILE", show_default=False),
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show a run: its budget, what was counted by day and device, where it leads, plan and corrections.

    The date is when it would reach its limit at the highest of three rates: today, the mean of 7 days, of 28 days.
    """
    from gatekeeper.cli.run_picture import tell
    from gatekeeper.statements.figures import figures_of
    from gatekeeper.statements.svg import draw

    with opened(config, data) as wiring:
        statement = _one(wiring, run)
    if svg is not None:
        _write(svg, draw(statement))
    if output is Output.JSON:
        say_json(figures_of(statement))
        return
    tell(statement)
    if svg is not None:
        say(f"picture: {svg}")


@app.command(epilog="Example: gatekeeper run report indic-llm-2 --output md > indic-llm-2.md")
def report(
    run: RunId,
    output: Annotated[ReportForm, typer.Option("--output", "-o", help="How to write it.")] = ReportForm.MARKDOWN,
    config: Config = None,
    data: Data = None,
) -> None:
    """Report the account of a run as a regulator reads it: totals, by day and device, method, and the EU's figure."""
    import sys

    from gatekeeper.statements.report import COLUMNS, report_figures, report_markdown, report_rows

    with opened(config, data) as wiring:
        statement = _one(wiring, run)
    if output is ReportForm.JSON:
        say_json(report_figures(statement))
    elif output is ReportForm.CSV:
        say_csv(report_rows(statement), COLUMNS)
    else:
        sys.stdout.write(report_markdown(statement))


def _one(wiring: Wiring, run: str) -> Statement:
    from gatekeeper.statements import statement_of

    now = wiring.clock.now()
    return wiring.stores.read(lambda reader: statement_of(reader, run, packs=wiring.packs, site=wiring.site, now=now))


def _all(wiring: Wiring) -> list[Statement]:
    from gatekeeper.statements import statements

    now = wiring.clock.now()
    return wiring.stores.read(lambda reader: statements(reader, packs=wiring.packs, site=wiring.site, now=now))


def _row(statement: Statement) -> dict[str, object]:
    from gatekeeper.statements.figures import percent_of
    from gatekeeper.statements.words import upper

    share, projection = percent_of(statement), statement.projection
    state = statement.state if statement.purpose.counts else f"{statement.state}, {statement.purpose.value}"
    return {
        "run": statement.run_id,
        "customer": statement.customer_id,
        "state": state,
        "title": statement.run.title if statement.run else "",
        "used": f"{upper(statement.account.used_tflop)} FLOP",
        "of_limit": f"{share} %" if share is not None else "no limit",
        "reaches_it": "is past it" if statement.is_past_limit else projection.crossing if projection else None,
    }


def _write(path: Path, text: str) -> None:
    from gatekeeper.domain.errors import Unavailable

    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", hint="Choose another file.") from error
