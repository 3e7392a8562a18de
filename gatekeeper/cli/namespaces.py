"""`gatekeeper namespace`: which namespace belongs to which customer, and what of it waits for a second person."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, opened
from gatekeeper.cli.printing import confirm, say, show
from gatekeeper.cli.two_hands import refuse_first
from gatekeeper.domain.binding import ProposedBinding
from gatekeeper.domain.customer import Binding

app = typer.Typer(help="Bind namespaces to customers: one person proposes, another approves.", no_args_is_help=True)
Namespace = Annotated[str, typer.Argument(help="Namespace of this cluster.", show_default=False)]
Namespaces = Annotated[list[str], typer.Argument(help="Namespaces of this cluster.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command(epilog="Example: gatekeeper namespace bind team-a bharat-models --run indic-llm-2")
def bind(
    namespace: Namespace,
    customer: Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)],
    *,
    run: Annotated[
        str | None, typer.Option("--run", help="An approved run of the customer. Default: the undeclared run.")
    ] = None,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Propose to bind a namespace to a customer, and its work to a run. A second person has to approve it.

    Only taking a namespace back to the undeclared run of its own customer takes effect at once: it brings nothing.
    """
    with opened(config, data) as wiring:
        _tell(wiring.registry.bind(namespace, customer, by=caller_of(wiring, person), run_id=run))


@app.command(epilog="Example: gatekeeper namespace renew team-a team-b --as ana@provider.example")
def renew(namespaces: Namespaces, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Propose to bind namespaces that were made anew as they were bound before. A second person has to approve it."""
    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        for each in namespaces:
            _tell(wiring.registry.renew_binding(each, by=by))


@app.command(epilog="Example: gatekeeper namespace approve team-a --as ben@provider.example")
def approve(
    namespaces: Namespaces, yes: Yes = False, person: Person = None, config: Config = None, data: Data = None
) -> None:
    """Approve the bindings that wait for namespaces. Shows them first; who proposed one cannot approve it."""
    with opened(config, data) as wiring:
        cluster, by = wiring.settings.cluster, caller_of(wiring, person, approves=True)
        waiting = {each.wanted.namespace: each for each in wiring.stores.read(lambda it: it.proposed_bindings())}
        seen = {each: waiting.get(each) for each in namespaces}
        for proposed in seen.values():
            if proposed is not None and proposed.wanted.cluster == cluster:
                say(_told_of(proposed))
                refuse_first(
                    wiring, by, (proposed.proposed_by,), f"proposed to bind namespace {proposed.wanted.namespace}"
                )
        if any(seen.values()) and not yes:
            confirm(f"Approve this as {by.name}?")
        for each, proposed in seen.items():
            _tell(wiring.registry.approve_binding(each, by=by, seen=proposed))


@app.command(epilog="Example: gatekeeper namespace reject team-a")
def reject(namespace: Namespace, person: Person = None, config: Config = None, data: Data = None) -> None:
    """Drop the binding that waits for a namespace; what holds stays."""
    with opened(config, data) as wiring:
        wiring.registry.reject_binding(namespace, by=caller_of(wiring, person))
    say(f"nothing waits for namespace {namespace} any more")


@app.command(epilog="Example: gatekeeper namespace unbind team-a --reason 'contract ended'")
def unbind(
    namespace: Namespace,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.", show_default=False)],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take a namespace from its customer, at once: nothing may start there, and what runs there is stopped."""
    with opened(config, data) as wiring:
        wiring.registry.unbind(namespace, by=caller_of(wiring, person), reason=reason)
    say(f"namespace {namespace} belongs to nobody; nothing may start there")


@app.command("list", epilog="Example: gatekeeper namespace list --output json")
def list_(output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List all namespaces that belong to a customer, and what waits for a second person."""
    with opened(config, data) as wiring:
        bindings, waiting = wiring.stores.read(lambda reader: (reader.bindings(), reader.proposed_bindings()))
    by_place = {(each.wanted.cluster, each.wanted.namespace): each for each in waiting}
    rows = [_row(each, "bound" if each.holds else "made anew", by_place) for each in bindings]
    bound = {(each.cluster, each.namespace) for each in bindings}
    rows += [_row(each.wanted, "waits", by_place) for place, each in by_place.items() if place not in bound]
    columns = ["cluster", "namespace", "customer", "run", "state", "waits"]
    show(rows, columns, output, nothing="No namespace is bound yet.")


def _row(binding: Binding, state: str, waiting: dict[tuple[str, str], ProposedBinding]) -> dict[str, str | None]:
    proposed = waiting.get((binding.cluster, binding.namespace))
    return {
        "cluster": binding.cluster,
        "namespace": binding.namespace,
        "customer": binding.customer_id if state != "waits" else None,
        "run": binding.run_id if state != "waits" else None,
        "state": state,
        "waits": _wanted(proposed) if proposed else None,
    }


def _wanted(proposed: ProposedBinding) -> str:
    run = f" for run {proposed.wanted.run_id}" if proposed.wanted.run_id else ""
    return f"{proposed.wanted.customer_id}{run}, by {proposed.proposed_by}"


def _tell(bound: Binding | ProposedBinding) -> None:
    if isinstance(bound, ProposedBinding):
        name = bound.wanted.namespace
        say(f"{_told_of(bound)}; a second person decides: gatekeeper namespace approve {name}")
        return
    work = f"run {bound.run_id}" if bound.run_id else "its undeclared run"
    say(
        f"namespace {bound.namespace} of cluster {bound.cluster} belongs to customer {bound.customer_id}; "
        f"its work to {work}"
    )


def _told_of(proposed: ProposedBinding) -> str:
    wanted, before = proposed.wanted, proposed.before
    work = f"run {wanted.run_id}" if wanted.run_id else "its undeclared run"
    now = f"{before.customer_id}, {before.run_id or 'undeclared'}" if before else "nobody"
    anew = "; it was deleted and made anew since" if before and not before.holds else ""
    return (
        f"namespace {wanted.namespace} of cluster {wanted.cluster} is to belong to customer {wanted.customer_id}, its "
        f"work to {work} (now: {now}{anew}), proposed by {proposed.proposed_by}"
    )
