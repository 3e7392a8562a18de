"""`gatekeeper import`: records from the files of others, each format as the same command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.customer_apply import apply_records
from gatekeeper.cli.gleif import GLEIF_EXAMPLE, gleif
from gatekeeper.cli.options import Config, Data, Overwrite, Person
from gatekeeper.cli.printing import say, warn
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gatekeeper.imports.graph import Graph
    from gatekeeper.registry import KycRecord

app = typer.Typer(help="Import customers, owners and evidence from files of others.", no_args_is_help=True)
_FORMATS = {
    "csv": (
        "Import CSV with the columns of docs/records.md.",
        "gatekeeper import csv customers.csv parties.csv interests.csv --out customers/",
    ),
    "jsonl": (
        "Import JSON Lines with the same names as the columns of CSV.",
        "gatekeeper import jsonl customers.jsonl --apply --dry-run",
    ),
    "bods": (
        "Import Beneficial Ownership Data Standard 0.4 statements.",
        "gatekeeper import bods statements.json --customer nile-robotics --out customers/",
    ),
    "ftm": (
        "Import FollowTheMoney entities.",
        "gatekeeper import ftm entities.ftm.json --customer nile-robotics --out customers/",
    ),
}
Files = Annotated[list[Path], typer.Argument(help="Files.", show_default=False)]
Out = Annotated[
    Path | None, typer.Option("--out", help="Folder for YAML files, one a customer.", metavar="DIR", show_default=False)
]
Apply = Annotated[bool, typer.Option("--apply", help="Apply the records, as `customer apply` would.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what applying them would change, and change nothing.")]
Key = Annotated[str, typer.Option("--idempotency-key", help="As for `customer apply`.", metavar="KEY")]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--customer",
        help="Which party is a customer: its id, or CUSTOMER=PARTY. Again for each.",
        metavar="PARTY",
        show_default=False,
    ),
]


def _importer(format_: str) -> Callable[..., None]:
    """The command that imports a format."""

    def command(
        files: Files,
        *,
        customer: Accounts = None,
        out: Out = None,
        apply: Apply = False,
        dry_run: Dry = False,
        overwrite: Overwrite = False,
        key: Key = "",
        person: Person = None,
        config: Config = None,
        data: Data = None,
    ) -> None:
        from gatekeeper.imports.graph import Graph
        from gatekeeper.imports.readers import READERS

        if (out is not None) == (apply or dry_run):
            raise InvalidInput(
                "Say what becomes of it: --out DIR for files, or --apply (with --dry-run to look first)."
            )
        READERS[format_](graph := Graph(), files)
        _name_customers(graph, customer)
        if out is not None:
            _write(graph, out, overwrite=overwrite)
            return
        if not (records := _records(graph)):
            raise InvalidInput(
                "The files name no customer.", hint="Say which parties are customers with --customer PARTY."
            )
        apply_records(records, dry_run=dry_run, key=key, person=person, config=config, data=data)

    return command


def _name_customers(graph: Graph, named: list[str] | None) -> None:
    for each in named or []:
        customer, _, party = each.partition("=")
        graph.customer(f"--customer {each}", customer, graph.id_of("--customer", party) if party else customer)


def _records(graph: Graph) -> list[KycRecord]:
    records = graph.records()
    for each in graph.faults.warned():
        warn(each)
    return records


def _write(graph: Graph, out: Path, *, overwrite: bool) -> None:
    """Write what was read as files: all of them, or none."""
    from gatekeeper.imports.folder import PARTIES_FILE, customer_texts, parties_text, write_texts

    records = _records(graph)
    in_chains = {party.id for record in records for party in record.parties}
    others = [party for id_, party in sorted(graph.parties().items()) if id_ not in in_chains]
    texts = customer_texts(records)
    if others and PARTIES_FILE in texts:
        raise InvalidInput(
            f"{PARTIES_FILE} would be of a customer and of parties of none.", hint="Give that customer another id."
        )
    write_texts(texts | ({PARTIES_FILE: parties_text(others)} if others else {}), out, overwrite=overwrite)
    if records:
        say(f"customers written to {out}: {len(records):,}")
    if others:
        say(f"parties of no customer written to {out / PARTIES_FILE}: {len(others):,}")
    say(f"look at them, and then: gatekeeper customer diff -f {out}")


for _name, (_help, _example) in _FORMATS.items():
    app.command(_name, help=_help, epilog=f"Example: {_example}")(_importer(_name))
app.command("gleif", epilog=GLEIF_EXAMPLE)(gleif)
