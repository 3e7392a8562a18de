"""`gatekeeper customer export`: the records of all customers, for the programs of others."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import Config, Data, Overwrite, opened
from gatekeeper.cli.printing import say
from gatekeeper.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gatekeeper.registry import KycRecord

EXPORT_EXAMPLE = "Example: gatekeeper customer export --format bods > customers.json"


class Format(StrEnum):
    """What customers are exported as."""

    YAML = "yaml"
    CSV = "csv"
    BODS = "bods"
    FTM = "ftm"


def export(
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.YAML,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder; CSV needs one, as it is three files.", metavar="DIR", show_default=False),
    ] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Closed accounts too; `customer apply` refuses files that have any.")
    ] = False,
    overwrite: Overwrite = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Export the records of all customers as they are in effect. Profiles are personal and are not exported."""
    from gatekeeper.domain.customer import Standing
    from gatekeeper.imports.exports import to_bods, to_csv, to_ftm
    from gatekeeper.imports.folder import customer_texts, write_texts

    if format_ is Format.CSV and out is None:
        raise InvalidInput("CSV is three files.", hint="Name a folder for them with --out DIR.")
    with opened(config, data) as wiring:
        reviews = wiring.registry.reviews()
        kept = [each for each in reviews if closed or each.customer.standing is not Standing.CLOSED]
        records = [each.in_effect for each in kept if each.in_effect is not None]
        today = wiring.clock.now().date()
    if format_ is Format.YAML and out is not None:
        say(f"files written to {out}: {write_texts(customer_texts(records), out, overwrite=overwrite):,}")
        return
    if format_ is Format.CSV and out is not None:
        say(f"files written to {out}: {write_texts(to_csv(records), out, overwrite=overwrite):,}")
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
    say(f"files written to {out}: {write_texts({name: text}, out, overwrite=overwrite):,}")


def _dumped(records: list[KycRecord]) -> list[str]:
    from gatekeeper.customer_files import dump

    return [dump(each) for each in records]
