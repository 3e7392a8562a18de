"""`gatekeeper namespace`: which namespace belongs to which customer."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import say, show

app = typer.Typer(help="Bind namespaces to customers.", no_args_is_help=True)


@app.command(epilog="Example: gatekeeper namespace bind team-a bharat-models --run indic-llm-2")
def bind(
    namespace: Annotated[str, typer.Argument(help="Namespace of this cluster.", show_default=False)],
    customer: Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)],
    *,
    run: Annotated[
        str | None, typer.Option("--run", help="An approved run of the customer. Default: the undeclared run.")
    ] = None,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Bind a namespace to a customer, and its work to a run."""
    with opened(config, data) as wiring:
        bound = wiring.registry.bind(namespace, customer, by=caller_of(wiring, person), run_id=run)
    work = f"run {bound.run_id}" if bound.run_id else "its undeclared run"
    say(f"namespace {bound.namespace} of cluster {bound.cluster} belongs to customer {customer}; its work to {work}")


@app.command("list", epilog="Example: gatekeeper namespace list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all namespaces that belong to a customer."""
    with opened(config, data) as wiring:
        bindings = wiring.stores.read(lambda reader: reader.bindings())
    rows = [
        {"cluster": each.cluster, "namespace": each.namespace, "customer": each.customer_id, "run": each.run_id}
        for each in bindings
    ]
    show(rows, ["cluster", "namespace", "customer", "run"], output, nothing="No namespace is bound yet.")
