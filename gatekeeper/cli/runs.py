"""`gatekeeper run`: declare and approve training runs, and see what they have used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, acting, opened
from gatekeeper.cli.printing import confirm, say, say_json, show

if TYPE_CHECKING:
    from gatekeeper.domain.ledger import Account
    from gatekeeper.domain.run import Run

app = typer.Typer(help="Declare and approve training runs.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="Id of the run.", show_default=False)]


@app.command(
    epilog="Example: gatekeeper run declare indic-llm-2 --customer bharat-models --title 'Indic LLM 2' "
    "--carried-in 2.5e24 --source 'model card of the base model, 2026-03-01'"
)
def declare(
    run: RunId,
    *,
    customer: Annotated[str, typer.Option("--customer", help="Whose run it is.", show_default=False)],
    title: Annotated[str, typer.Option("--title", help="What is trained.", show_default=False)],
    carried_in: Annotated[
        str, typer.Option("--carried-in", help="FLOP that are in the model already, such as 2.5e24.")
    ] = "0",
    source: Annotated[str, typer.Option("--source", help="Where that number comes from.")] = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Declare a run of a customer. It can be used once a second person has approved it."""
    from gatekeeper.domain.units import parse_flop

    with opened(config, data) as wiring:
        declared = wiring.registry.declare_run(
            run,
            customer,
            by=acting(person),
            title=title,
            carried_in_tflop=parse_flop(carried_in),
            carried_in_source=source,
        )
    waits = "" if declared.approved_by else f"; a second person decides: gatekeeper run approve {run}"
    say(f"run {run} is {declared.state.value}{waits}")


@app.command(epilog="Example: gatekeeper run approve indic-llm-2 --as ben@provider.example")
def approve(
    run: RunId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Approve a declared run. Shows it first; who declared it cannot approve it."""
    with opened(config, data) as wiring:
        seen, account = wiring.stores.read(lambda reader: (reader.run(run), reader.account(run)))
        by = acting(person)
        if seen is not None:
            _tell(seen, account)
            if not yes:
                confirm(f"Approve this as {by}?")
        wiring.registry.approve_run(run, by=by, seen=seen)
    say(f"run {run} approved; bind a namespace to it: gatekeeper namespace bind NAMESPACE CUSTOMER --run {run}")


@app.command("list", epilog="Example: gatekeeper run list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all declared runs, and the undeclared run of each customer that has used something."""
    from gatekeeper.domain.run import undeclared_run_id
    from gatekeeper.domain.units import format_flop

    with opened(config, data) as wiring:
        declared, customers = wiring.stores.read(lambda reader: (reader.runs(), reader.customers()))
        ids = [each.id for each in declared] + [undeclared_run_id(each.id) for each in customers]
        accounts = wiring.stores.read(lambda reader: {each: reader.account(each) for each in ids})
    rows = [_row(run, accounts[run.id]) for run in declared]
    for customer in customers:
        account = accounts[undeclared_run_id(customer.id)]
        if account.used_tflop:
            rows.append({"run": account.run_id, "customer": customer.id, "state": "undeclared", **_amounts(account)})
    if output is Output.TABLE:
        rows = [{**row, "used": format_flop(int(str(row["used_tflop"])))} for row in rows]
    show(rows, ["run", "customer", "state", "title", "used"], output, nothing="No run was declared yet.")


@app.command("show", epilog="Example: gatekeeper run show undeclared.bharat-models")
def show_(run: RunId, output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """Show a run: its declaration, and what it carried in, has used and still holds."""
    from gatekeeper.domain.errors import NotFound
    from gatekeeper.domain.run import undeclared_run_id

    with opened(config, data) as wiring:
        found, account, theirs = wiring.stores.read(
            lambda reader: (reader.run(run), reader.account(run), [undeclared_run_id(c.id) for c in reader.customers()])
        )
    if found is None and run not in theirs:
        raise NotFound(f"There is no run {run!r:.80}.", hint="See `gatekeeper run list`.")
    if output is Output.JSON:
        say_json(_row(found, account) if found else {"run": run, "state": "undeclared", **_amounts(account)})
        return
    _tell(found, account)


def _tell(run: Run | None, account: Account) -> None:
    from gatekeeper.domain.units import format_flop

    if run is not None:
        approved = f", approved by {run.approved_by}" if run.approved_by else ""
        say(f"run {run.id} of customer {run.customer_id}: {run.state.value}")
        say(f"title: {run.title}")
        say(f"declared by {run.declared_by}{approved}")
        source = f" ({run.carried_in_source})" if run.carried_in_source else ""
        say(f"carried in: {format_flop(run.carried_in_tflop)}{source}")
    else:
        say(f"run {account.run_id}: undeclared training")
    settled = account.settled
    say(f"settled: {format_flop(settled.high_tflop)} (best estimate {format_flop(settled.best_tflop)})")
    say(f"pending: {format_flop(account.pending_tflop)}")


def _row(run: Run, account: Account) -> dict[str, object]:
    return {
        "run": run.id,
        "customer": run.customer_id,
        "state": run.state.value,
        "title": run.title,
        "declared_by": run.declared_by,
        "approved_by": run.approved_by,
        "carried_in_source": run.carried_in_source,
        **_amounts(account),
        "carried_in_tflop": str(run.carried_in_tflop),  # counts as used once it is approved
    }


def _amounts(account: Account) -> dict[str, object]:
    """Totals as decimal strings: no reader may round them."""
    return {
        "carried_in_tflop": str(account.carried_in_tflop),
        "settled_low_tflop": str(account.settled.low_tflop),
        "settled_best_tflop": str(account.settled.best_tflop),
        "settled_high_tflop": str(account.settled.high_tflop),
        "pending_tflop": str(account.pending_tflop),
        "used_tflop": str(account.used_tflop),
    }
