"""`gatekeeper import` and `customer export`: records from and to the files of others."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.customer_apply import apply_records
from gatekeeper.cli.options import Config, Data, Person, caller_of, opened
from gatekeeper.cli.printing import say, warn
from gatekeeper.cli.reading import reading
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Right
from gatekeeper.registry.people import acting

if TYPE_CHECKING:
    from gatekeeper.imports.graph import Graph
    from gatekeeper.registry import KycRecord

app = typer.Typer(help="Import customers, owners and evidence from files of others.", no_args_is_help=True)
EXPORT_EXAMPLE = "Example: gatekeeper customer export --format bods > customers.json"
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


class Format(StrEnum):
    """What customers are exported as."""

    YAML = "yaml"
    CSV = "csv"
    BODS = "bods"
    FTM = "ftm"


@app.command("csv", epilog="Example: gatekeeper import csv customers.csv parties.csv interests.csv --out customers/")
def csv_(
    files: Files,
    *,
    out: Out = None,
    apply: Apply = False,
    dry_run: Dry = False,
    key: Key = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import CSV with the columns of docs/records.md."""
    from gatekeeper.imports.graph import Graph
    from gatekeeper.imports.tables import read_csv

    read_csv(graph := Graph(), files)
    _use(graph, out, apply=apply, dry_run=dry_run, key=key, person=person, config=config, data=data)


@app.command("jsonl", epilog="Example: gatekeeper import jsonl customers.jsonl --apply --dry-run")
def jsonl(
    files: Files,
    *,
    out: Out = None,
    apply: Apply = False,
    dry_run: Dry = False,
    key: Key = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import JSON Lines with the same names as the columns of CSV."""
    from gatekeeper.imports.graph import Graph
    from gatekeeper.imports.tables import read_jsonl

    read_jsonl(graph := Graph(), files)
    _use(graph, out, apply=apply, dry_run=dry_run, key=key, person=person, config=config, data=data)


@app.command("bods", epilog="Example: gatekeeper import bods statements.json --customer nile-robotics --out customers/")
def bods(
    files: Files,
    *,
    customer: Accounts = None,
    out: Out = None,
    apply: Apply = False,
    dry_run: Dry = False,
    key: Key = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import Beneficial Ownership Data Standard 0.4 statements."""
    from gatekeeper.imports.bods import read_bods
    from gatekeeper.imports.graph import Graph

    read_bods(graph := Graph(), files)
    _name_customers(graph, customer)
    _use(graph, out, apply=apply, dry_run=dry_run, key=key, person=person, config=config, data=data)


@app.command("ftm", epilog="Example: gatekeeper import ftm entities.ftm.json --customer nile-robotics --out customers/")
def ftm(
    files: Files,
    *,
    customer: Accounts = None,
    out: Out = None,
    apply: Apply = False,
    dry_run: Dry = False,
    key: Key = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Import FollowTheMoney entities."""
    from gatekeeper.imports.ftm import read_ftm
    from gatekeeper.imports.graph import Graph

    read_ftm(graph := Graph(), files)
    _name_customers(graph, customer)
    _use(graph, out, apply=apply, dry_run=dry_run, key=key, person=person, config=config, data=data)


def export(
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.YAML,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder; CSV needs one, as it is three files.", metavar="DIR", show_default=False),
    ] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Closed accounts too; `customer apply` refuses files that have any.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Export the records of all customers as they are in effect. Profiles are personal and are not exported."""
    from gatekeeper.domain.customer import Standing
    from gatekeeper.imports.exports import to_bods, to_csv, to_ftm
    from gatekeeper.imports.folder import write_customers, write_text

    if format_ is Format.CSV and out is None:
        raise InvalidInput("CSV is three files.", hint="Name a folder for them with --out DIR.")
    with opened(config, data) as wiring:
        reviews = wiring.registry.reviews()
        kept = [each for each in reviews if closed or each.customer.standing is not Standing.CLOSED]
        records = [each.in_effect for each in kept if each.in_effect is not None]
        today = wiring.clock.now().date()
    if format_ is Format.YAML and out is not None:
        say(f"files written to {out}: {write_customers(records, out):,}")
        return
    if format_ is Format.CSV and out is not None:
        say(f"files written to {out}: {write_text(to_csv(records), out):,}")
        return
    text = {
        Format.YAML: lambda: "---\n".join(_dumped(records)),
        Format.BODS: lambda: to_bods(records, today),
        Format.FTM: lambda: to_ftm(records),
    }[format_]()
    if out is None:
        sys.stdout.write(text)
        return
    name = "customers.json" if format_ is Format.BODS else "customers.ftm.json"
    say(f"files written to {out}: {write_text({name: text}, out):,}")


def _dumped(records: list[KycRecord]) -> list[str]:
    from gatekeeper.customer_files import dump

    return [dump(each) for each in records]


def _name_customers(graph: Graph, named: list[str] | None) -> None:
    for each in named or []:
        customer, _, party = each.partition("=")
        graph.customer(f"--customer {each}", customer, graph.id_of("--customer", party) if party else customer)


def _use(
    graph: Graph,
    out: Path | None,
    *,
    apply: bool,
    dry_run: bool,
    key: str,
    person: str | None,
    config: Path | None,
    data: Path | None,
) -> None:
    """Write what was read as files, or apply it."""
    from gatekeeper.imports.folder import write_customers, write_parties

    if (out is not None) == (apply or dry_run):
        raise InvalidInput("Say what becomes of it: --out DIR for files, or --apply (with --dry-run to look first).")
    records = graph.records()
    for each in graph.faults.warnings:
        warn(each)
    if out is None and not records:
        raise InvalidInput("The files name no customer.", hint="Say which parties are customers with --customer PARTY.")
    if out is None:
        apply_records(records, dry_run=dry_run, key=key, person=person, config=config, data=data)
        return
    in_chains = {party.id for record in records for party in record.parties}
    others = [party for id_, party in sorted(graph.parties().items()) if id_ not in in_chains]
    if records:
        say(f"customers written to {out}: {write_customers(records, out):,}")
    if others:
        say(f"parties of no customer written to {out / 'parties.yaml'}: {write_parties(others, out):,}")
    say(f"look at them, and then: gatekeeper customer diff -f {out}")


@app.command("gleif", epilog="Example: gatekeeper import gleif --lei2 lei2.csv --rr rr.csv --repex repex.csv --dry-run")
def gleif(
    lei2: Annotated[Path, typer.Option("--lei2", help="Entities (LEI2 golden copy, CSV).", show_default=False)],
    *,
    rr: Annotated[Path | None, typer.Option("--rr", help="Relationships (RR, CSV).", show_default=False)] = None,
    repex: Annotated[
        Path | None, typer.Option("--repex", help="Reporting exceptions (REPEX, CSV).", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare, and store nothing.")] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> int:
    """Hold GLEIF's files against the parties that have an LEI. Exit code 1 where they disagree.

    They are evidence: a stricter country of headquarters takes effect at once, everything else is told.
    """
    from gatekeeper.imports.gleif import read_gleif

    paths = [path for path in (lei2, rr, repex) if path is not None]
    with opened(config, data) as wiring:
        wanted = wiring.registry.known_leis()
        with reading(paths) as tell:
            observed = read_gleif(wanted, lei2=lei2, rr=rr, repex=repex, at=wiring.clock.now(), tell=tell)
        if dry_run:
            found = wiring.registry.compare(observed)
        else:
            by = caller_of(wiring, person)
            wiring.record_packs(acting(by, Right.EDIT))
            found = wiring.registry.observe(observed, by=by)
    for each in found:
        effect = "; the stricter one took effect" if each.taken else ""
        told = f"{each.code.replace('_', ' ')}: recorded {each.recorded}, GLEIF has {each.observed}{effect}"
        say(f"party {each.party_id} ({each.lei}): {told} [kyc.conflict.{each.code}]")
    disagree = len({each.lei for each in found})
    say(f"{len(wanted):,} LEIs: {len(wanted) - disagree:,} agree, {disagree:,} do not")
    return 1 if found else 0
