"""`gatekeeper evidence`: files that a customer's record rests on, and what people attest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, Printed, caller_of, day_of, opened
from gatekeeper.cli.printing import say, show
from gatekeeper.domain.errors import GatekeeperError
from gatekeeper.domain.evidence import CheckMethod, Sensitivity, Statement

if TYPE_CHECKING:
    from gatekeeper.evidence_files import Tell
    from gatekeeper.wiring import Wiring

app = typer.Typer(help="Keep and check the files that records rest on, and what people attest.", no_args_is_help=True)
Customer = Annotated[str, typer.Argument(help="Id of the customer.", show_default=False)]


@app.command(
    epilog='Example: gatekeeper evidence add bharat-models register.pdf --description "Extract" --source "MCA, India"'
)
def add(
    customer: Customer,
    file: Annotated[Path, typer.Argument(help="The file, or - for stdin.", show_default=False)],
    *,
    description: Annotated[str, typer.Option("--description", help="What it is.", show_default=False)],
    source: Annotated[str, typer.Option("--source", help="Where it came from.", show_default=False)],
    collected_on: Annotated[
        str | None, typer.Option("--collected-on", help="When somebody got it.", metavar="YYYY-MM-DD")
    ] = None,
    sensitivity: Annotated[Sensitivity, typer.Option("--sensitivity", help="Who may be shown it.")] = (
        Sensitivity.CONFIDENTIAL
    ),
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Keep a file beside the database, and put its SHA-256 on record."""
    from gatekeeper.evidence_files import media_type_of

    day = day_of(collected_on, "--collected-on") if collected_on else None
    with opened(config, data) as wiring:
        by = caller_of(wiring, person)
        wiring.registry.check_may_add_evidence(customer, by=by)
        files, piped = wiring.evidence_files, str(file) == "-"
        kept = files.keep_stream(sys.stdin.buffer, "stdin") if piped else files.keep(file)
        try:
            added = wiring.registry.add_evidence(
                customer,
                by=by,
                sha256=kept.sha256,
                size_bytes=kept.size_bytes,
                media_type=media_type_of(file.name),
                description=description,
                source=source,
                sensitivity=sensitivity,
                collected_on=day,
                is_kept=files.holds,
            )
        except GatekeeperError:
            wiring.registry.drop_unrecorded(kept.sha256, files)
            raise
    say(f"evidence {added.sha256} of customer {customer}: {added.size_bytes:,} bytes, {added.media_type}")


@app.command(epilog="Example: gatekeeper evidence get bharat-models SHA256 > extract.pdf")
def get(
    customer: Customer,
    sha256: Annotated[
        str, typer.Argument(help="SHA-256 of the file, whole, as `evidence list` shows it.", show_default=False)
    ],
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the bytes of a file to stdout. That somebody read it is put on record."""
    with opened(config, data) as wiring:
        wiring.registry.read_evidence(customer, sha256, by=caller_of(wiring, person))
        with wiring.evidence_files.open(sha256) as content:
            copyfileobj(content, sys.stdout.buffer)


@app.command("list", epilog="Example: gatekeeper evidence list bharat-models --output json")
def list_(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer; all without it.")] = None,
    output: Printed = Output.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List files on record."""
    with opened(config, data) as wiring:
        found = wiring.registry.evidence(customer)
    rows = [
        {
            "customer": each.customer_id,
            "sha256": each.sha256,
            "bytes": each.size_bytes,
            "media_type": each.media_type,
            "description": each.description,
            "source": each.source,
            "sensitivity": each.sensitivity.value,
            "collected_on": each.collected_on,
            "added_by": each.added_by,
            "added_at": each.added_at,
        }
        for each in found
    ]
    columns = ["customer", "sha256", "bytes", "media_type", "description", "source", "added_by"]
    show(rows, columns, output, nothing="No evidence yet. Add some: gatekeeper evidence add CUSTOMER FILE")


@app.command(epilog="Example: gatekeeper evidence verify")
def verify(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer; all without it.")] = None,
    *,
    remove_unrecorded: Annotated[
        bool, typer.Option("--remove-unrecorded", help="Remove files that nobody has on record.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> int:
    """Hash every kept file again, and compare it with the record. Exit code 1 where one differs.

    Files that nobody has on record are told too: an upload that was killed at its end leaves one.
    """
    with opened(config, data) as wiring:
        names = [] if customer else wiring.evidence_files.names()  # before the record: what comes in now is on it then
        found = wiring.registry.kept_evidence(customer)
        sizes = {each.sha256: each.size_bytes for each in found}
        unrecorded = [each for each in names if each not in sizes]
        if remove_unrecorded:
            unrecorded = [each for each in unrecorded if not _is_removed(wiring, each)]
        wrong = {}
        with _bar(sum(sizes.values())) as tell:
            for sha256 in sizes:
                if complaint := wiring.evidence_files.check(sha256, tell=tell):
                    wrong[sha256] = complaint
    for each in found:
        if each.sha256 in wrong:
            say(f"{each.sha256} of customer {each.customer_id}: {wrong[each.sha256]}")
    for name in unrecorded:
        say(f"{name}: nobody has this file on record. Remove it: gatekeeper evidence verify --remove-unrecorded")
    say(f"{len(sizes) - len(wrong)} of {len(sizes)} files are as they were recorded")
    return 1 if wrong or unrecorded else 0


@app.command(
    epilog="Example: gatekeeper evidence attest bharat-models --says ownership-complete --above 25 --method both"
)
def attest(
    customer: Customer,
    *,
    says: Annotated[Statement, typer.Option("--says", help="What is attested.", show_default=False)],
    method: Annotated[CheckMethod, typer.Option("--method", help="How it was checked.", show_default=False)],
    above: Annotated[
        int | None, typer.Option("--above", help="Share above which every owner is named, in percent.")
    ] = None,
    on: Annotated[str | None, typer.Option("--on", help="When. Default: today.", metavar="YYYY-MM-DD")] = None,
    attested_by: Annotated[str, typer.Option("--attested-by", help="Who, if not you.", metavar="NAME")] = "",
    files: Annotated[
        list[str] | None, typer.Option("--evidence", help="SHA-256 of a file that it rests on.", metavar="SHA256")
    ] = None,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Put on record that somebody checked something about a customer."""
    with opened(config, data) as wiring:
        made = wiring.registry.attest(
            customer,
            by=caller_of(wiring, person),
            statement=says,
            method=method,
            attested_on=day_of(on, "--on") if on else None,
            attested_by=attested_by,
            above_percent=above,
            evidence=tuple(files or ()),
        )
    say(f"attestation {made.id} of customer {customer}: {made.statement.value} by {made.attested_by}")


@app.command(epilog="Example: gatekeeper evidence attestations bharat-models")
def attestations(customer: Customer, output: Printed = Output.TABLE, config: Config = None, data: Data = None) -> None:
    """List what people attested about a customer."""
    with opened(config, data) as wiring:
        found = wiring.registry.attestations(customer)
    rows = [
        {
            "attestation": each.id,
            "says": each.statement.value,
            "above_percent": each.above_percent,
            "method": each.method.value,
            "attested_by": each.attested_by,
            "attested_on": each.attested_on,
            "recorded_by": each.recorded_by,
            "evidence": ", ".join(each.evidence),
        }
        for each in found
    ]
    columns = ["attestation", "says", "above_percent", "method", "attested_by", "attested_on"]
    show(rows, columns, output, nothing=f"Nobody attested anything about customer {customer}.")


def _is_removed(wiring: Wiring, sha256: str) -> bool:
    """Remove a file that nobody has on record; whether that was done."""
    removed = wiring.registry.drop_unrecorded(sha256, wiring.evidence_files)
    if removed:
        say(f"{sha256}: removed, as nobody has it on record")
    return removed


@contextmanager
def _bar(size_bytes: int) -> Iterator[Tell]:
    """A progress bar on stderr where somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("hashing", total=size_bytes)
        yield lambda more: progress.advance(task, more)
