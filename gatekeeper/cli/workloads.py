"""`gatekeeper inspect` and `gatekeeper check`: what manifests ask for, and what the gate would answer now."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.options import Config, Data, Output, Printed, opened
from gatekeeper.cli.printing import complain, say_json, say_line, show
from gatekeeper.cli.reading import reading
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from admission.inspect import Found, Problem
    from admission.manifests.reach import Reach
    from gatekeeper.domain.fleet import Fleet
    from gatekeeper.gate import Gate
    from gatekeeper.wiring import Wiring

INSPECT_EXAMPLE = "Example: gatekeeper inspect examples/workloads"
CHECK_EXAMPLE = "Example: gatekeeper check job.yaml --namespace team-a --product nvidia.com/gpu=NVIDIA-H100-80GB-HBM3"
REFUSED, COULD_NOT = 1, 2


class Inspected(StrEnum):
    """How `inspect` prints: jsonl is one line for each workload, for programs."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


Files = Annotated[list[Path], typer.Argument(help="Files, folders of files, or - for stdin.", show_default=False)]


def inspect(
    files: Files,
    output: Annotated[Inspected, typer.Option("--output", "-o", help="How to print it.")] = Inspected.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show what the workloads in files ask for.

    They are read as the webhook reads them. A List may be of any length, so a whole cluster can be piped in:
    kubectl get pods -A -o json | gatekeeper inspect -
    """
    from admission.inspect import Problem, inspect_paths

    with opened(config, data) as wiring, reading(files) as progress:
        stream = inspect_paths(files, reach=_reach(wiring), progress=progress)
        found = list(_said(stream) if output is Inspected.JSONL else stream)
    rows = [each for each in found if not isinstance(each, Problem)]
    if output is Inspected.JSON:
        say_json(rows)
    elif output is Inspected.TABLE:
        shown = [{**row, "devices": _devices(row), "asks": _asks(row), "why": row["reason"]} for row in rows]
        columns = ["file", "kind", "namespace", "name", "asks", "devices", "why"]
        show(shown, columns, Output.TABLE, nothing=_nothing(found))
    _tell_problems([each for each in found if isinstance(each, Problem)])


def _said(stream: Iterator[dict[str, Any] | Problem]) -> Iterator[Problem]:
    """Print each workload as soon as it is read, so that the size of the tree does not matter; what is left over."""
    for each in stream:
        if isinstance(each, dict):
            say_line(each)
        else:
            yield each


def check(
    files: Files,
    *,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of manifests that name none.")
    ] = "default",
    products: Annotated[
        list[str] | None,
        typer.Option("--product", help="Product behind a resource key. Default: the largest.", metavar="KEY=NAME"),
    ] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """Ask what the gate would answer to these manifests now. Nothing is reserved or recorded.

    Exit code 1 if any of them would not start.
    """
    from admission.inspect import Problem, find_workloads
    from gatekeeper.gate import Gate

    with opened(config, data) as wiring, reading(files) as progress:
        fleet, reach = _fleet(wiring, products or []), _reach(wiring)
        gate = Gate(wiring.stores, wiring.provider(lambda: fleet), wiring.clock)
        cluster = wiring.settings.cluster
        found = list(find_workloads(files, cluster=cluster, namespace=namespace, reach=reach, progress=progress))
        rows = [_answer(gate, each, reach) for each in found if not isinstance(each, Problem)]
    show(rows, ["verdict", "workload", "sentence"], output, nothing=_nothing(found))
    _tell_problems([each for each in found if isinstance(each, Problem)])
    if not all(row["starts"] for row in rows):
        raise typer.Exit(REFUSED)


def _answer(gate: Gate, found: Found, reach: Reach) -> dict[str, Any]:
    workload = found.workload
    row: dict[str, Any] = {"file": found.file, "index": found.index, "item": found.item, "workload": str(workload.ref)}
    if workload.ref.namespace in reach.exempt_namespaces:
        sentence = "Left alone: its namespace is of the cluster's own software."
        return {**row, "verdict": "allow", "starts": True, "sentence": sentence}
    if not workload.gated:
        return {**row, "verdict": "allow", "starts": True, "sentence": "Asks for no accelerator and can reach none."}
    if not workload.asks:
        sentence = f"Starts away from accelerator nodes, as it could reach a device ({workload.reason})."
        return {**row, "verdict": "allow", "starts": True, "sentence": sentence}
    decision = gate.consider(workload, dry_run=True).decision
    return {
        **row,
        "verdict": decision.verdict.value,
        "starts": decision.verdict.lets_start,
        "sentence": decision.sentence,
        "tier": decision.tier.value if decision.tier else None,
        "lease_s": decision.grant.lease_s if decision.grant else None,
        "reasons": [{"pack": each.pack, "code": each.code, "text": each.text} for each in decision.reasons],
    }


def _fleet(wiring: Wiring, products: list[str]) -> Fleet:
    """A fleet of one node for each product that was named; keys that were not count as the largest chip."""
    from gatekeeper.domain.fleet import Fleet, NodeOffer

    offers = []
    for each in products:
        key, _, product = each.partition("=")
        if not key or wiring.catalogue.find(product, key) is None:
            raise InvalidInput(
                f"--product {each!r:.80} is not a resource key and a product that we know.",
                hint="Write it like nvidia.com/gpu=NVIDIA-H100-80GB-HBM3; see `gatekeeper accelerators -o json`.",
            )
        offers.append(NodeOffer("check", key, product, 8))
    return Fleet.of(wiring.catalogue, offers)


def _reach(wiring: Wiring) -> Reach:
    from admission.manifests.reach import default_reach

    return default_reach().adding(wiring.settings.reach)


def _asks(row: dict[str, Any]) -> str:
    asks = ["devices"] if row["gated"] else []
    asks += ["host access"] if row["host_access"] else []
    return ", ".join(asks) or "no"


def _devices(row: dict[str, Any]) -> str:
    shown = []
    for key, count in row["devices"].items():
        most = count["max"]
        most_text = "" if most == count["min"] else " or more" if most is None else f" to {most}"
        shown.append(f"{count['min']}{most_text} {key}")
    return ", ".join([*shown, *(["claims"] if row["claims"] else []), *(["unknown"] if row["unknown"] else [])])


def _nothing(found: list[Any]) -> str:
    """What a table without rows says; what could not be read may well hold a workload."""
    return "Nothing could be read." if found else "No workload in these files."


def _tell_problems(problems: list[Any]) -> None:
    """What could not be read is not an answer: it ends the command with its own exit code."""
    for problem in problems:
        complain(problem.message, problem.hint)
    if problems:
        raise typer.Exit(COULD_NOT)
