"""`gatekeeper import gleif`: what GLEIF's register says of our parties, and whose tier that moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.customer_told import tell_changes
from gatekeeper.cli.options import Config, Data, Person, caller_of, opened, record_packs
from gatekeeper.cli.printing import count_of, say
from gatekeeper.cli.reading import reading
from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.person import Right

GLEIF_EXAMPLE = "Example: gatekeeper import gleif --lei2 lei2.csv.zip --rr rr.csv.zip --repex repex.csv.zip --dry-run"


def gleif(
    lei2: Annotated[
        Path, typer.Option("--lei2", help="Entities (LEI2 golden copy, CSV or its zip).", show_default=False)
    ],
    *,
    rr: Annotated[Path | None, typer.Option("--rr", help="Relationships (RR, the same).", show_default=False)] = None,
    repex: Annotated[
        Path | None, typer.Option("--repex", help="Reporting exceptions (REPEX, the same).", show_default=False)
    ] = None,
    delta: Annotated[
        bool, typer.Option("--delta", help="The files hold what has changed: an entry that is missing is no news.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Store what they say, and take what is stricter.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what that would do, and whom it would stop, and store nothing.")
    ] = False,
    person: Person = None,
    config: Config = None,
    data: Data = None,
) -> int:
    """Hold GLEIF's files against the parties that have an LEI. Exit code 1 where they disagree.

    They are evidence: a stricter headquarters, an ultimate parent or a successor that we do not know, and a hidden
    parent where we have a reason for none take effect at once; everything else is told.
    """
    from gatekeeper.imports.gleif import GoldenCopy, read_gleif

    if not (apply or dry_run):
        raise InvalidInput("Say what becomes of it: --apply (with --dry-run to look first).")
    files = GoldenCopy(lei2, rr, repex, is_delta=delta)
    with opened(config, data) as wiring:
        wanted, before = wiring.registry.known_leis(), wiring.registry.last_words()
        with reading(files.paths, in_silence=True) as tell:
            observed = read_gleif(wanted, files, at=wiring.clock.now(), before=before, tell=tell)
        if dry_run:
            heard = wiring.registry.compare(observed, is_delta=delta)
        else:
            by = caller_of(wiring, person)
            record_packs(wiring, by, Right.EDIT)
            heard = wiring.registry.observe(observed, by=by, is_delta=delta)
    for each in heard.conflicts:
        would = "; the stricter one would take effect" if dry_run and each.taken else ""
        told = replace(each, taken=each.taken and not dry_run).in_words + would
        say(f"party {each.party_id} ({each.lei}): {told} [kyc.conflict.{each.code}]")
    tell_changes(heard.changes)
    disagree = len({each.lei for each in heard.conflicts})
    dry = " (dry run: nothing was changed)" if dry_run else ""
    say(f"{count_of(len(wanted), 'LEI')}: {len(wanted) - disagree:,} agree, {disagree:,} do not{dry}")
    return 1 if heard.conflicts else 0
