"""`gatekeeper log` and `gatekeeper blocked`: the audit log, signed, exported and verified."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Output, Person, caller_of, opened, start_of
from gatekeeper.cli.printing import note, say, say_csv, say_json, show
from gatekeeper.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from gatekeeper.wiring import Wiring

app = typer.Typer(help="Sign, export and verify the audit log.", no_args_is_help=True)
BLOCKED_EXAMPLE = "Example: gatekeeper blocked --since 2026-11-01 --output csv > blocked.csv"
NOT_VERIFIED = 1
_COLUMNS = ("seq", "at", "verdict", "customer", "cluster", "namespace", "workload", "tier", "used_tflop", "limit_tflop")


class ListOutput(StrEnum):
    """How what was blocked is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def blocked(
    *,
    customer: Annotated[str | None, typer.Option("--customer", help="Only of this customer.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Only in this namespace.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="From this day on, UTC.", metavar="YYYY-MM-DD")] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Up to, without, this day.", metavar="YYYY-MM-DD")
    ] = None,
    warned: Annotated[
        bool, typer.Option("--warned", help="Also what a policy that only warns or observes would have said.")
    ] = False,
    output: Annotated[ListOutput, typer.Option("--output", "-o", help="How to print it.")] = ListOutput.TABLE,
    config: Config = None,
    data: Data = None,
) -> None:
    """List what was refused, held or stopped, and why."""
    import dataclasses

    from gatekeeper import log

    begin, end = start_of(since, "--since"), start_of(until, "--until")
    with opened(config, data) as wiring:
        found = wiring.stores.read(
            lambda reader: list(
                log.blocked(reader, customer=customer, namespace=namespace, since=begin, until=end, warned=warned)
            )
        )
        nothing = _nothing_blocked(wiring)
    rows = [_amounts_as_text(dataclasses.asdict(each)) for each in found]
    if output is ListOutput.CSV:
        say_csv(rows, [*_COLUMNS, "sentence"])
    else:
        columns = ["at", "verdict", "customer", "workload", "sentence"]
        show(rows, columns, Output(output.value), nothing=nothing)


def _nothing_blocked(wiring: Wiring) -> str:
    """Nobody shall take comfort from an empty log, such as the one of a misspelt data folder."""
    if wiring.stores.read(lambda reader: reader.log_size()):
        return "Nothing was blocked."
    return "Nothing was blocked, and the log holds no record at all. Is this the data folder? See --data and --config."


@app.command(epilog="Example: gatekeeper log checkpoint > checkpoint.txt")
def checkpoint(config: Config = None, data: Data = None) -> None:
    """Sign the log as it stands, and print the checkpoint."""
    from gatekeeper import log

    with opened(config, data, makes_key=True, tell=note) as wiring:
        say(log.checkpoint(wiring.stores, wiring.signer).rstrip("\n"))


@app.command(epilog="Example: gatekeeper log key")
def key(config: Config = None, data: Data = None) -> None:
    """Print the log's public key. Publish it where readers of the log trust it.

    The first start of `serve` makes it, or the first checkpoint; this only reads.
    """
    with opened(config, data) as wiring:
        say(wiring.signer.vkey)


@app.command(epilog="Example: gatekeeper log export --out 2026-11.export --purpose 'monthly report'")
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write; it must not exist.", show_default=False)],
    purpose: Annotated[str, typer.Option("--purpose", help="For whom or why; it is recorded.")] = "",
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the whole log with a signed checkpoint, for anybody to verify."""
    from gatekeeper import log
    from gatekeeper.domain.person import Right
    from gatekeeper.registry.people import acting

    with opened(config, data, makes_key=True, tell=note) as wiring:
        actor, at, signer = acting(caller_of(wiring, person), Right.EXPORT), wiring.clock.now(), wiring.signer
        try:
            with out.open("xb") as file:
                records = log.export(wiring.stores, signer, file, actor=actor, at=at, purpose=purpose)
        except FileExistsError as error:
            raise Conflict(f"{out} exists already and is never overwritten.", hint="Choose another name.") from error
        except OSError as error:
            raise Unavailable(f"{out} cannot be written: {error.strerror}.") from error
    say(f"{records} records written to {out}")
    say(f"verify them: gatekeeper log verify {out} --key {signer.vkey}")


@app.command(epilog="Example: gatekeeper log verify 2026-11.export --key gate.example/log+1b2c3d4e+AbC...")
def verify(
    export: Annotated[Path, typer.Argument(help="The export.", show_default=False)],
    key: Annotated[
        str, typer.Option("--key", help="The log's public key, as its operator published it.", show_default=False)
    ],
    since: Annotated[
        Path | None, typer.Option("--since", help="An older export, which this one must continue.", show_default=False)
    ] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TABLE,
) -> None:
    """Verify an export: nothing was removed or changed, and every total follows from the records. Needs no database."""
    from gatekeeper.verify import verify_totals_and_tiers
    from gatekeeper.verify.telling import as_json, tell

    report = verify_totals_and_tiers(export, key, since=since)
    if output is Output.JSON:
        say_json(as_json(report))
    else:
        for line in tell(report):
            say(line)
    if not report.verified:
        raise typer.Exit(NOT_VERIFIED)


def _amounts_as_text(row: dict[str, object]) -> dict[str, object]:
    """Amounts as decimal strings: no reader may round them."""
    return {key: str(value) if key.endswith("_tflop") and value is not None else value for key, value in row.items()}
